//! `[server]`, `[log]`, `[reload]` and `[compile]`.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use super::Resolver;
use crate::config::document::child;
use crate::config::{file, model, suggest};

/// For a component that no config names, such as one that is inspected.
impl Default for model::CompileLimits {
    fn default() -> Self {
        compile(&file::Compile::default())
    }
}

/// Bytes of the head of a request that a browser sends, without cookies.
const MIN_HEAD: u64 = 1024;

impl Resolver<'_> {
    pub(super) fn server(&mut self, written: &file::Server) -> Option<model::Server> {
        let before = self.errors.len();
        let listen = self.listen(&written.listen.0);
        let admin = match written.admin.as_str() {
            "off" => None,
            text => self.address("/server/admin", text),
        };
        if !self.has_broken("/server") {
            self.check_conflict(&listen, admin);
        }
        if written.limits.head.0 < MIN_HEAD {
            let help = format!("it is at least {MIN_HEAD} bytes; `32KiB` unless it is set");
            self.error_with_help("/server/limits/head", "a limit that refuses most requests", help);
        }
        (self.errors.len() == before).then(|| model::Server {
            listen,
            admin,
            workers: written.workers.unwrap_or_else(|| available_parallelism().map_or(1, usize::from)).max(1),
            plugins_dir: self.plugins_dir.clone(),
            drain: written.drain.0,
            merge_slashes: written.merge_slashes,
            limits: model::ServerLimits {
                connections: written.limits.connections,
                head: bytes(written.limits.head),
                header_count: written.limits.header_count,
                body: written.limits.body.0,
                depth: written.limits.depth,
                head_timeout: written.limits.head_timeout.0,
                idle_timeout: written.limits.idle_timeout.0,
                long_hooks: written.limits.long_hooks,
                long_hooks_queue: written.limits.long_hooks_queue,
            },
        })
    }

    pub(super) fn log(&mut self, written: &file::Log) -> model::Log {
        let access = match written.access.as_str() {
            "off" => model::Access::Off,
            "stdout" => model::Access::Stdout,
            path => model::Access::File(self.access_file(path)),
        };
        let level = match written.level {
            file::Level::Error => tracing::Level::ERROR,
            file::Level::Warn => tracing::Level::WARN,
            file::Level::Info => tracing::Level::INFO,
            file::Level::Debug => tracing::Level::DEBUG,
        };
        model::Log { access, level }
    }

    /// Whether it can be written shows when it is opened: on the machine where it is, by who runs the gateway.
    fn access_file(&mut self, written: &str) -> PathBuf {
        const POINTER: &str = "/log/access";
        let path = self.document.folder.join(written);
        let near = suggest::nearest(written, ["stdout", "off"]);
        if let Some(near) = near.filter(|_| !written.contains(['.', '/']) && !path.exists()) {
            let message = format!("{} is taken for a file's name", self.shown(POINTER, written));
            let help = format!("did you mean `{near}`? a file of this name is written `./NAME`");
            self.error_with_help(POINTER, message, help);
        }
        if path.is_dir() {
            let message = format!("{} is a folder", self.shown(POINTER, written));
            let help = format!("name a file in it: `{}/access.log`", written.trim_end_matches('/'));
            self.error_with_help(POINTER, message, help);
        }
        if path.parent().is_some_and(|folder| folder != Path::new("") && !folder.is_dir()) {
            let message = format!("there is no folder for the access log {} here", self.shown(POINTER, written));
            self.warnings.push(self.document.value_error(POINTER, message).help("make it before the gateway starts"));
        }
        path
    }

    fn listen(&mut self, texts: &[String]) -> Vec<SocketAddr> {
        const POINTER: &str = "/server/listen";
        if texts.is_empty() {
            self.error_with_help(POINTER, "`listen` must not be empty", "for example `listen = \"0.0.0.0:8080\"`");
        }
        let is_list = self.document.root.pointer(POINTER).is_some_and(serde_json::Value::is_array);
        let mut all = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let pointer = if is_list { child(POINTER, &index.to_string()) } else { POINTER.to_owned() };
            let Some(address) = self.address(&pointer, text) else {
                continue;
            };
            if all.iter().any(|other| conflict(*other, address)) {
                self.error(&pointer, format!("`{address}` is taken by an address before it"));
            }
            all.push(address);
        }
        all
    }

    fn address(&mut self, pointer: &str, text: &str) -> Option<SocketAddr> {
        if let Ok(address) = text.parse() {
            return Some(address);
        }
        let host_and_port = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let help = match (host_and_port, text.parse::<u16>(), text.parse::<IpAddr>()) {
            (Some(("", port)), ..) | (_, Ok(port), _) => {
                format!("for all addresses of the machine write `0.0.0.0:{port}`")
            }
            (.., Ok(ip)) => format!("add a port, for example `{}`", SocketAddr::new(ip, 8080)),
            (Some(("localhost", port)), ..) => format!("write `127.0.0.1:{port}`"),
            _ if let Some((_, rest)) = text.split_once("://") => {
                format!("it has no scheme: write `{}`", rest.trim_end_matches('/'))
            }
            _ => "an address is an IP address and a port, for example `0.0.0.0:8080` or `[::]:8080`".to_owned(),
        };
        self.error_with_help(pointer, format!("{} is not an address with a port", self.shown(pointer, text)), help);
        None
    }

    fn check_conflict(&mut self, listen: &[SocketAddr], admin: Option<SocketAddr>) {
        if let Some(admin) = admin.filter(|admin| listen.iter().any(|listen| conflict(*listen, *admin))) {
            let pointer =
                if self.document.spans.contains_key("/server/admin") { "/server/admin" } else { "/server/listen" };
            self.error_with_help(
                pointer,
                format!("`listen` and `admin` both take port {}", admin.port()),
                "give one of them another port, or write `admin = \"off\"`",
            );
        }
    }
}

/// Whether two listeners cannot be open at a time. Port 0 is a free port each time.
fn conflict(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() != 0 && a.port() == b.port() && (a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified())
}

pub(super) fn reload(written: &file::Reload) -> model::Reload {
    let watch = match written.watch {
        file::Watch::Events => model::WatchMode::Events,
        file::Watch::Poll => model::WatchMode::Poll,
        file::Watch::Off => model::WatchMode::Off,
    };
    model::Reload { watch, poll_interval: written.poll_interval.0 }
}

pub(super) fn compile(written: &file::Compile) -> model::CompileLimits {
    model::CompileLimits { memory: written.memory.0, timeout: written.timeout.0 }
}

pub(super) fn bytes(size: crate::config::units::Size) -> usize {
    usize::try_from(size.0).unwrap_or(usize::MAX)
}
