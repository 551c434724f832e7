//! What the admin interface knows. The gateway tells it; requests only read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use super::status::{Inventory, Reload};
use crate::telemetry::Registry;

/// Written by the control runtime, read by admin requests. The data plane never touches it.
#[derive(Debug)]
pub struct AdminState {
    registry: Arc<Registry>,
    config: PathBuf,
    started: Instant,
    told: Mutex<Told>,
}

#[derive(Debug)]
struct Told {
    readiness: Readiness,
    inventory: Arc<Inventory>,
    reload: Option<Reload>,
}

/// Whether new requests should be sent here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// Not every worker has a snapshot with every plugin loaded yet.
    Starting,
    Ready,
    /// The gateway is about to end; it still finishes what it has.
    Draining,
}

impl AdminState {
    /// `config` is shown to operators, it is not read.
    pub fn new(config: PathBuf, registry: Arc<Registry>) -> Self {
        let told = Told {
            readiness: Readiness::Starting,
            inventory: Arc::default(),
            reload: None,
        };
        Self {
            registry,
            config,
            started: Instant::now(),
            told: Mutex::new(told),
        }
    }

    pub fn set_readiness(&self, readiness: Readiness) {
        self.told().readiness = readiness;
    }

    /// Every worker has its first snapshot, which is made of `inventory`.
    pub fn loaded(&self, inventory: Inventory) {
        self.registry.loaded();
        let mut told = self.told();
        told.inventory = Arc::new(inventory);
        told.readiness = Readiness::Ready;
    }

    /// A reload has ended: with what is in force now, or with the error that kept it from being.
    pub fn reloaded(&self, result: Result<Inventory, String>) {
        self.registry.reloaded(result.is_ok());
        let mut told = self.told();
        let error = match result {
            Ok(inventory) => {
                told.inventory = Arc::new(inventory);
                None
            }
            Err(error) => Some(error),
        };
        told.reload = Some(Reload::new(SystemTime::now(), error));
    }

    pub(super) fn readiness(&self) -> Readiness {
        self.told().readiness
    }

    pub(super) fn inventory(&self) -> Arc<Inventory> {
        Arc::clone(&self.told().inventory)
    }

    pub(super) fn reload(&self) -> Option<Reload> {
        self.told().reload.clone()
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(super) fn config(&self) -> &Path {
        &self.config
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
