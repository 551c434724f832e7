//! The admin pages of a real gateway, over TCP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;

use crate::lock;
use crate::run::{self, Running};

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
admin = "127.0.0.1:0"
workers = 1

[log]
access = "off"

[upstreams.users]
targets = ["http://127.0.0.1:9", "http://127.0.0.1:10"]

[[routes]]
name = "users"
path = "/users/{*rest}"
upstream = "users"
"#;

struct Gateway {
    running: Option<Running>,
    admin: SocketAddr,
    folder: PathBuf,
}

impl Gateway {
    fn start(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tollgate-admin-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let config = folder.join("tollgate.toml");
        std::fs::write(&config, CONFIG).unwrap();
        let running = run::start(&config, lock::Mode::Warn).unwrap();
        let admin = running.admin.unwrap();
        Self { running: Some(running), admin, folder }
    }

    fn ask(&self, request_line: &str) -> String {
        let mut stream = TcpStream::connect(self.admin).unwrap();
        // In one piece: who refuses a request may close before all of a second piece is there.
        stream.write_all(format!("{request_line} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).unwrap();
        let mut answer = Vec::new();
        // For the same reason the end may be a reset, behind the answer.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_gateway_that_has_started_is_alive_and_ready() {
    let gateway = Gateway::start("ready");
    for page in ["/livez", "/readyz"] {
        let answer = gateway.ask(&format!("GET {page}"));
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
    }
}

#[test]
fn head_has_the_length_and_no_body() {
    let answer = Gateway::start("head").ask("HEAD /livez");
    assert!(answer.contains("content-length: 3\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn metrics_are_prometheus_text() {
    let answer = Gateway::start("metrics").ask("GET /metrics");
    assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{answer}");
    assert!(answer.contains("\ntollgate_snapshots 1\n"), "{answer}");
    assert!(answer.contains("\ntollgate_request_duration_seconds_count{route=\"users\"} 0\n"), "{answer}");
}

#[test]
fn the_status_tells_routes_and_targets() {
    let answer = Gateway::start("status").ask("GET /api/status");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let status: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(status["routes"][0]["path"], "/users/{*rest}");
    assert_eq!(status["upstreams"][0]["targets"][1]["address"], "127.0.0.1:10");
    assert_eq!(status["upstreams"][0]["targets"][1]["health"], "healthy");
    assert_eq!(status["last_reload"], serde_json::Value::Null);
}

#[test]
fn any_other_path_lists_what_there_is() {
    let answer = Gateway::start("other").ask("GET /");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    for page in ["/livez", "/readyz", "/metrics", "/api/status"] {
        assert!(answer.contains(page), "{page} is missing in {answer}");
    }
}

#[test]
fn nothing_can_be_changed() {
    let answer = Gateway::start("post").ask("POST /api/status");
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert!(answer.contains("allow: GET, HEAD\r\n"), "{answer}");
}

#[test]
fn a_head_that_is_too_long_is_refused() {
    let answer = Gateway::start("long").ask(&format!("GET /{}", "a".repeat(16 * 1024)));
    assert!(answer.starts_with("HTTP/1.1 431 ") || answer.starts_with("HTTP/1.1 414 "), "{answer}");
}
