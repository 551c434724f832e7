//! One plugin at its place in a route's chain, on one worker.

use std::rc::Rc;
use std::sync::Arc;

use super::Plugin;
use super::pool::Pool;
use crate::telemetry::metrics::LinkMetrics;

/// The pool is the plugin's on every route, the numbers are of this one.
#[derive(Debug, Clone)]
pub struct Link {
    pub plugin: Arc<Plugin>,
    pub pool: Rc<Pool>,
    pub metrics: Arc<LinkMetrics>,
}

impl Link {
    pub fn new(pool: Rc<Pool>, metrics: Arc<LinkMetrics>) -> Self {
        Self { plugin: Arc::clone(&pool.plugin), pool, metrics }
    }
}
