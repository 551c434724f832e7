//! curl as the client.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tollgate_tests::{Gateway, Upstream, config, tools, within};

/// Runs curl against a path of the gateway; `None` where there is no curl, which is said.
async fn curl(gateway: &Gateway, path: &str, arguments: &[&str], input: &[u8]) -> Option<String> {
    let program = tools::need("curl", "scripts/setup-peers")?;
    let mut curl = Command::new(program)
        // Without the user's own settings and proxies.
        .args(["-q", "--noproxy", "*", "--silent", "--show-error", "--max-time", "15"])
        .args(arguments)
        .arg(format!("http://{}{path}", gateway.address))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = curl.stdin.take().unwrap();
    let (written, output) = tokio::join!(
        async { drop((stdin.write_all(input).await, drop(stdin))) },
        within("curl's end", curl.wait_with_output())
    );
    let ((), output) = (written, output.unwrap());
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

async fn gateway_to(upstream: &Upstream) -> Gateway {
    Gateway::start(&config().workers(1).upstream("web", [upstream]).route("/{*rest}", "web")).await
}

#[tokio::test]
async fn http_1_0_is_answered_without_chunks_and_the_connection_ended() {
    let upstream = Upstream::scripted(|mut wire| async move {
        wire.head().await;
        wire.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").await;
        wire.closed().await;
    })
    .await;
    let gateway = gateway_to(&upstream).await;
    let Some(answer) = curl(&gateway, "/", &["--http1.0", "--include"], b"").await else { return };
    assert!(answer.ends_with("\r\n\r\nhello") && !answer.contains("chunked"), "{answer}");
}

#[tokio::test]
async fn an_upload_of_unknown_length_arrives_whole() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    let body = b"0123456789".repeat(200_000);
    let Some(answer) = curl(&gateway, "/", &["--upload-file", "-"], &body).await else { return };
    assert!(answer.as_bytes() == body, "{} bytes", answer.len());
    let seen = upstream.last();
    assert_eq!((seen.method.as_str(), seen.header("transfer-encoding")), ("PUT", "chunked"));
}

#[tokio::test]
async fn curl_need_not_wait_for_its_100_continue() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    let started = Instant::now();
    let arguments = ["--expect100-timeout", "10", "--header", "expect: 100-continue", "--data-binary", "@-"];
    let Some(answer) = curl(&gateway, "/", &arguments, b"hello").await else { return };
    assert_eq!(answer, "hello");
    assert!(started.elapsed() < Duration::from_secs(8), "curl sent its body without having been told to");
}

#[tokio::test]
async fn a_connection_serves_several_requests_of_all_kinds() {
    let upstream = Upstream::echoing().await;
    let gateway = gateway_to(&upstream).await;
    let second = format!("http://{}/second", gateway.address);
    let third = format!("http://{}/third", gateway.address);
    let format = "%{num_connects} %{http_code}\n";
    let arguments = [
        "--write-out",
        format,
        "--head",
        &second,
        "--next",
        "--silent",
        "--write-out",
        format,
        "--data",
        "hello",
        &third,
        "--next",
        "--silent",
        "--write-out",
        format,
    ];
    let Some(answer) = curl(&gateway, "/", &arguments, b"").await else { return };
    let told: Vec<&str> = answer.lines().filter(|line| line.ends_with(" 200")).collect();
    assert_eq!(told, ["1 200", "hello0 200", "0 200"], "{answer}");
}
