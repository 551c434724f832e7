//! The fake of `rate`: a token bucket on the fake clock.

use std::time::Duration;

use super::state::with;
use crate::bindings::tollgate::plugin::rate::{Bucket, Decision, RateError};

/// What is in a bucket, in tokens times the period in milliseconds: no rounding is ever kept.
pub(super) struct Level {
    filled: u128,
    at: Duration,
}

pub(crate) fn check(key: &str, bucket: Bucket, tokens: u32) -> Result<Decision, RateError> {
    if bucket.capacity == 0 || bucket.refill == 0 || bucket.period_ms == 0 || tokens > bucket.capacity {
        return Err(RateError::Invalid);
    }
    with(|state| {
        let known = state.buckets.contains_key(key);
        if !known && state.max_buckets.is_some_and(|max| state.buckets.len() >= max) {
            return Err(RateError::TooManyKeys);
        }
        let full = units(bucket.capacity, bucket);
        let level = state.buckets.entry(key.to_owned()).or_insert(Level { filled: full, at: state.now });
        Ok(level.take(state.now, bucket, tokens))
    })
}

impl Level {
    fn take(&mut self, now: Duration, bucket: Bucket, tokens: u32) -> Decision {
        let full = units(bucket.capacity, bucket);
        let gained = now.saturating_sub(self.at).as_millis() * u128::from(bucket.refill);
        self.filled = (self.filled + gained).min(full);
        self.at = now;
        let wanted = units(tokens, bucket);
        let allowed = self.filled >= wanted;
        if allowed {
            self.filled -= wanted;
        }
        let until = |goal: u128| goal.saturating_sub(self.filled).div_ceil(u128::from(bucket.refill));
        Decision {
            allowed,
            remaining: narrow(self.filled / u128::from(bucket.period_ms)),
            retry_after_ms: if allowed { 0 } else { narrow(until(wanted)) },
            reset_ms: narrow(until(full)),
        }
    }
}

fn units(tokens: u32, bucket: Bucket) -> u128 {
    u128::from(tokens) * u128::from(bucket.period_ms)
}

fn narrow(number: u128) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
