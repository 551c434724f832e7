//! All targets a worker knows. Outlives every config, so that a reload costs no warm connection
//! and forgets no ejection.

use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::reach::Reach;
use super::send::Upstream;
use super::target::{Target, TargetState};
use super::tls::Trust;
use crate::config::model;

/// One per worker.
///
/// Only upstreams hold targets: when the last [`Upstream`] that names one is dropped and its last
/// answer is over, its idle connections are closed.
#[derive(Debug)]
pub struct Registry {
    /// A connection made with one reach is never used with another.
    targets: HashMap<(model::Target, Reach), Weak<Target>>,
    /// Whom targets with `https` are believed to be vouched for by.
    trust: Option<Trust>,
    /// This worker's number.
    worker: usize,
}

impl Registry {
    /// `worker` is the worker's number, from 0: workers begin their rounds at different targets.
    pub fn new(worker: usize) -> Self {
        Self { targets: HashMap::new(), trust: None, worker }
    }

    /// Targets are measured by this from now on. Where it is another trust than before, connections made
    /// under that are not used for upstreams made from now on.
    pub fn trust(&mut self, trust: Option<&Trust>) {
        let is_same = match (&self.trust, trust) {
            (Some(old), Some(new)) => old.is(new),
            (old, new) => old.is_none() && new.is_none(),
        };
        if !is_same {
            self.targets.retain(|(target, _), _| target.scheme != model::Scheme::Https);
            self.trust = trust.cloned();
        }
    }

    /// An upstream with these settings, on the connections and health its targets already have.
    pub fn upstream(&mut self, settings: &model::Upstream) -> Rc<Upstream> {
        self.reaching(settings, Reach::Any)
    }

    /// A single origin, with default settings. Keep it as long as the grant: its connections go with it.
    pub fn origin(&mut self, origin: &model::Target, reach: Reach) -> Rc<Upstream> {
        self.reaching(&origin_settings(origin), reach)
    }

    /// For metrics.
    pub fn targets(&self) -> impl Iterator<Item = TargetState> {
        self.targets.values().filter_map(Weak::upgrade).map(|target| target.state())
    }

    fn reaching(&mut self, settings: &model::Upstream, reach: Reach) -> Rc<Upstream> {
        self.targets.retain(|_, target| target.strong_count() > 0);
        let targets = settings.targets.iter().map(|target| self.target(target, reach)).collect();
        Rc::new(Upstream::new(settings.clone(), targets, self.worker))
    }

    fn target(&mut self, target: &model::Target, reach: Reach) -> Rc<Target> {
        let identity = (target.clone(), reach);
        if let Some(known) = self.targets.get(&identity).and_then(Weak::upgrade) {
            return known;
        }
        let made = Target::new(target, reach, self.trust.as_ref());
        self.targets.insert(identity, Rc::downgrade(&made));
        made
    }
}

/// What calls to a granted origin may take: an API call, not a download.
fn origin_settings(origin: &model::Target) -> model::Upstream {
    model::Upstream {
        name: format!("{}:{}", origin.host, origin.port),
        targets: vec![origin.clone()],
        balance: model::Balance::RoundRobin,
        timeouts: model::UpstreamTimeouts {
            connect: Duration::from_secs(2),
            first_byte: Duration::from_secs(15),
            idle: Duration::from_secs(15),
            total: Duration::from_secs(30),
        },
        // With a single target there is nothing to go to instead.
        ejection: model::Ejection { failures: 0, duration: Duration::ZERO },
        idle_connections: 16,
        idle_for: Duration::from_secs(30),
        connect_retries: 0,
        interim: false,
    }
}
