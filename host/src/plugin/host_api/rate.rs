//! `rate`: token buckets in the host.

use crate::plugin::bindings::tollgate::plugin::rate::{Bucket, Decision, Host, RateError};
use crate::plugin::state::InstanceState;
use crate::state::rate;

impl Host for InstanceState {
    fn check(&mut self, key: String, bucket: Bucket, tokens: u32) -> wasmtime::Result<Result<Decision, RateError>> {
        self.context("rate.check")?;
        self.count(&key);
        let bucket = rate::Bucket { capacity: bucket.capacity, refill: bucket.refill, period_ms: bucket.period_ms };
        Ok(match self.plugin.stores.rate.check(&key, bucket, tokens) {
            Ok(found) => Ok(Decision {
                allowed: found.allowed,
                remaining: found.remaining,
                retry_after_ms: found.retry_after_ms,
                reset_ms: found.reset_ms,
            }),
            Err(rate::RateError::Invalid) => Err(RateError::Invalid),
            Err(rate::RateError::TooManyKeys) => Err(RateError::TooManyKeys),
        })
    }
}
