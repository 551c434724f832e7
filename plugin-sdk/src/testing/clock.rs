//! The fake of `clock`: it stands still until `Host::advance`.

use std::time::Duration;

use super::state::with;

pub(crate) fn unix_ms() -> u64 {
    with(|state| millis(state.now))
}

/// The fixed moment is not 1970, so that a test sees one clock taken for the other.
pub(crate) fn monotonic_us() -> u64 {
    with(|state| u64::try_from(state.now.as_micros()).unwrap_or(u64::MAX) % 1_000_000_000_000_000)
}

/// Whole milliseconds.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
