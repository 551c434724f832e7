//! What a worker knows of one address, whichever upstreams name it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use http::HeaderValue;
use tokio::time::Instant;

use super::connect::Address;
use super::health::Health;
use super::pool::Pool;
use super::reach::Reach;
use super::tls::{Proof, Trust};
use crate::config::model;

#[derive(Debug)]
pub(super) struct Target {
    /// `host:port`. `Arc`, because errors that carry it cross threads.
    pub(super) name: Arc<str>,
    /// What goes into `host`: without the port where it is the scheme's own.
    pub(super) host: HeaderValue,
    pub(super) address: Address,
    /// With `https` only.
    pub(super) proof: Option<Proof>,
    pub(super) pool: Pool,
    pub(super) health: Health,
    pub(super) in_flight: Cell<usize>,
    pub(super) connects: Cell<u64>,
    pub(super) failures: Cell<u64>,
}

/// One target as a worker sees it, for metrics. Counters start at 0 when a config first names the
/// target, and are lost when none does any more.
#[derive(Debug, Clone)]
pub struct TargetState {
    /// `host:port`
    pub name: Arc<str>,
    /// Requests sent whose answer is not over.
    pub in_flight: usize,
    /// Left out by this worker, or on probation.
    pub ejected: bool,
    /// Idle keep-alive connections.
    pub idle: usize,
    /// Connections opened since the target is known.
    pub connects: u64,
    /// Requests that got no head: no connection, broken or late.
    pub failures: u64,
}

impl Target {
    pub(super) fn new(target: &model::Target, reach: Reach, trust: Option<&Trust>) -> Rc<Self> {
        let model::Target { scheme, host, port } = target;
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let name = format!("{bracketed}:{port}");
        let field = if *port == scheme.port() { &bracketed } else { &name };
        Rc::new(Self {
            // The config lets no host pass that is not one; an empty field is legal and sends nothing wrong.
            host: HeaderValue::from_str(field).unwrap_or(const { HeaderValue::from_static("") }),
            name: name.into(),
            address: Address::new(host, *port, reach),
            proof: (*scheme == model::Scheme::Https).then(|| Proof { host: host.clone(), trust: trust.cloned() }),
            pool: Pool::default(),
            health: Health::default(),
            in_flight: Cell::new(0),
            connects: Cell::new(0),
            failures: Cell::new(0),
        })
    }

    pub(super) fn state(&self) -> TargetState {
        TargetState {
            name: Arc::clone(&self.name),
            in_flight: self.in_flight.get(),
            ejected: self.health.is_ejected(),
            idle: self.pool.len(),
            connects: self.connects.get(),
            failures: self.failures.get(),
        }
    }
}

/// One request on its way to a target and back: counted while this lives.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) target: Rc<Target>,
    probe: bool,
}

impl Attempt {
    pub(super) fn begin(target: Rc<Target>, now: Instant) -> Self {
        target.in_flight.set(target.in_flight.get() + 1);
        let probe = target.health.begin(now);
        Self { target, probe }
    }

    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&self.target.name)
    }

    /// The head of an answer came.
    pub(super) fn succeeded(&mut self) {
        self.target.health.succeeded();
        self.end_probe();
    }

    /// None came, and that is the target's fault.
    pub(super) fn failed(&mut self, ejection: &model::Ejection) {
        self.target.failures.set(self.target.failures.get() + 1);
        self.target.health.failed(ejection, Instant::now());
        self.end_probe();
    }

    fn end_probe(&mut self) {
        if std::mem::take(&mut self.probe) {
            self.target.health.end_probe();
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.end_probe();
        self.target.in_flight.set(self.target.in_flight.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::Scheme::{Http, Https};

    #[test]
    fn the_host_field_has_brackets_and_a_port_where_they_belong() {
        for (scheme, host, port, field, name) in [
            (Http, "a.example", 80, "a.example", "a.example:80"),
            (Http, "a.example", 443, "a.example:443", "a.example:443"),
            (Https, "a.example", 443, "a.example", "a.example:443"),
            (Https, "a.example", 80, "a.example:80", "a.example:80"),
            (Http, "::1", 80, "[::1]", "[::1]:80"),
            (Http, "::1", 81, "[::1]:81", "[::1]:81"),
        ] {
            let target = Target::new(&model::Target { scheme, host: host.into(), port }, Reach::Any, None);
            assert_eq!((target.host.to_str().unwrap(), &*target.name), (field, name));
        }
    }
}
