//! Writing a gateway's config.

use std::fmt::{Display, Write as _};

/// A config in the making: TOML, with the ports left to the gateway.
#[derive(Debug, Clone)]
pub struct Config {
    port: u16,
    workers: usize,
    limits: String,
    server: String,
    tables: String,
}

/// A gateway with two workers, on free ports, that knows nothing yet.
pub fn config() -> Config {
    Config { port: 0, workers: 2, limits: String::new(), server: String::new(), tables: String::new() }
}

impl Config {
    /// Balancing, ejection and instances are each worker's own: who counts them wants one worker.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// For a gateway that is its own upstream; any free port else.
    #[must_use]
    pub fn listen(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// A line of `[server]`.
    #[must_use]
    pub fn server(mut self, line: &str) -> Self {
        writeln!(self.server, "{line}").unwrap();
        self
    }

    /// A line of `[server.limits]`.
    #[must_use]
    pub fn limit(mut self, line: &str) -> Self {
        writeln!(self.limits, "{line}").unwrap();
        self
    }

    #[must_use]
    pub fn upstream<T: Display>(self, name: &str, targets: impl IntoIterator<Item = T>) -> Self {
        self.upstream_with(name, targets, "")
    }

    /// `settings`: further lines of the upstream's table.
    #[must_use]
    pub fn upstream_with<T: Display>(self, name: &str, targets: impl IntoIterator<Item = T>, settings: &str) -> Self {
        let targets: Vec<_> = targets.into_iter().map(|target| format!("\"{target}\"")).collect();
        self.table(&format!("[upstreams.{name}]\ntargets = [{}]\n{settings}", targets.join(", ")))
    }

    #[must_use]
    pub fn route(self, path: &str, upstream: &str) -> Self {
        self.route_with(path, upstream, "")
    }

    /// `settings`: further lines of the route's table.
    #[must_use]
    pub fn route_with(self, path: &str, upstream: &str, settings: &str) -> Self {
        self.table(&format!("[[routes]]\npath = \"{path}\"\nupstream = \"{upstream}\"\n{settings}"))
    }

    /// A route whose plugins answer.
    #[must_use]
    pub fn route_without_upstream(self, path: &str, settings: &str) -> Self {
        self.table(&format!("[[routes]]\npath = \"{path}\"\n{settings}"))
    }

    /// `settings`: lines of `[plugins.NAME]`.
    #[must_use]
    pub fn plugin(self, name: &str, settings: &str) -> Self {
        self.table(&format!("[plugins.{name}]\n{settings}"))
    }

    /// Any other table, with its head.
    #[must_use]
    pub fn table(mut self, toml: &str) -> Self {
        writeln!(self.tables, "{toml}\n").unwrap();
        self
    }
}

impl Display for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { port, workers, limits, server, tables } = self;
        writeln!(f, "[server]\nlisten = \"127.0.0.1:{port}\"\nadmin = \"127.0.0.1:0\"\nworkers = {workers}\n{server}")?;
        writeln!(f, "[server.limits]\n{limits}\n{tables}")
    }
}
