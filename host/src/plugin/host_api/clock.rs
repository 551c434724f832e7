//! `clock`: the time.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::plugin::bindings::tollgate::plugin::clock::Host;
use crate::plugin::state::InstanceState;

impl Host for InstanceState {
    fn unix_ms(&mut self) -> wasmtime::Result<u64> {
        self.not_in_describe("clock.unix-ms")?;
        // A clock before 1970 is a broken clock; 0 makes every token look not yet valid.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic_us(&mut self) -> wasmtime::Result<u64> {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        self.not_in_describe("clock.monotonic-us")?;
        // Starts at one second: Go's runtime takes 0 for a broken clock.
        let since = ORIGIN.get_or_init(Instant::now).elapsed().as_micros();
        Ok(u64::try_from(since).unwrap_or(u64::MAX).saturating_add(1_000_000))
    }
}
