//! The time, asked for where it can have changed: the plugin's own work takes next to none of it.

use std::cell::Cell;

use super::Services;

pub(super) struct Clock<'s> {
    services: &'s dyn Services,
    now_us: Cell<u64>,
}

impl<'s> Clock<'s> {
    pub(super) fn new(services: &'s dyn Services) -> Self {
        Self { services, now_us: Cell::new(services.now_us()) }
    }

    /// As of the last look.
    pub(super) fn now_us(&self) -> u64 {
        self.now_us.get()
    }

    /// After a wait.
    pub(super) fn look(&self) {
        self.now_us.set(self.services.now_us());
    }
}
