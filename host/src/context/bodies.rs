//! What came of the bodies that plugins filter as they pass.
//!
//! They pass while the request's context is in use or gone: what they leave behind is put here, and
//! found by whoever ends the request.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::chain::Decision;
use crate::respond::Failure;

#[derive(Debug, Default)]
pub struct FilteredBodies(Mutex<Outcome>);

#[derive(Debug, Default)]
pub struct Outcome {
    /// One for each plugin and body.
    pub decisions: Vec<Decision>,
    /// What a plugin ended a body with.
    pub failure: Option<Failure>,
}

impl FilteredBodies {
    pub fn decided(&self, decision: Decision) {
        self.outcome().decisions.push(decision);
    }

    pub fn failed(&self, failure: Failure) {
        self.outcome().failure = Some(failure);
    }

    pub fn take_failure(&self) -> Option<Failure> {
        self.outcome().failure.take()
    }

    /// All of it, when the request is over.
    pub fn take(&self) -> Outcome {
        std::mem::take(&mut *self.outcome())
    }

    /// Never waited for: all of a request is on one thread.
    fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
