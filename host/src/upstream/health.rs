//! Passive ejection: a target that failed several times in a row is left out for a while, then one
//! request tries it.

use std::cell::Cell;

use tokio::time::Instant;

use crate::body::timer::later;
use crate::config::model::Ejection;

#[derive(Debug, Default)]
pub(super) struct Health {
    /// In a row.
    failures: Cell<u32>,
    ejected_until: Cell<Option<Instant>>,
    /// The one request that may try an ejected target is under way.
    probing: Cell<bool>,
}

impl Health {
    /// Whether a request may go there: not ejected, or due for a probe that nobody makes yet.
    pub(super) fn is_available(&self, now: Instant) -> bool {
        self.ejected_until.get().is_none_or(|until| now >= until && !self.probing.get())
    }

    pub(super) fn is_ejected(&self) -> bool {
        self.ejected_until.get().is_some()
    }

    /// A request goes there. True if it is the probe; then [`Self::end_probe`] must follow.
    pub(super) fn begin(&self, now: Instant) -> bool {
        let probe = self.is_ejected() && self.is_available(now);
        if probe {
            self.probing.set(true);
        }
        probe
    }

    pub(super) fn end_probe(&self) {
        self.probing.set(false);
    }

    /// The target answered: whatever was before is forgotten.
    pub(super) fn succeeded(&self) {
        self.failures.set(0);
        self.ejected_until.set(None);
    }

    /// The target did not answer. `ejection.failures` of 0 means never to eject.
    pub(super) fn failed(&self, ejection: &Ejection, now: Instant) {
        let failures = self.failures.get().saturating_add(1);
        self.failures.set(failures);
        if ejection.failures > 0 && failures >= ejection.failures {
            self.ejected_until.set(Some(later(now, ejection.duration)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const TWICE: Ejection = Ejection { failures: 2, duration: Duration::from_secs(10) };

    #[test]
    fn failures_in_a_row_eject_and_a_success_in_between_resets() {
        let (health, now) = (Health::default(), Instant::now());
        health.failed(&TWICE, now);
        health.succeeded();
        health.failed(&TWICE, now);
        assert!(health.is_available(now));
        health.failed(&TWICE, now);
        assert!(!health.is_available(now));
    }

    #[test]
    fn after_the_time_one_probe_goes_and_its_failure_ejects_again() {
        let (health, now) = (Health::default(), Instant::now());
        health.failed(&TWICE, now);
        health.failed(&TWICE, now);
        let then = now + TWICE.duration;
        assert!(health.begin(then));
        assert!(!health.is_available(then), "a second probe at the same time");
        health.failed(&TWICE, then);
        health.end_probe();
        assert!(!health.is_available(then));
        assert!(health.begin(then + TWICE.duration));
        health.succeeded();
        health.end_probe();
        assert!(health.is_available(then) && !health.is_ejected());
    }

    #[test]
    fn a_probe_given_up_lets_another_try() {
        let (health, now) = (Health::default(), Instant::now());
        health.failed(&TWICE, now);
        health.failed(&TWICE, now);
        let then = now + TWICE.duration;
        assert!(health.begin(then));
        health.end_probe();
        assert!(health.begin(then));
    }
}
