//! The time.

use crate::host::clock as wit;

/// Milliseconds since 1970-01-01T00:00:00Z, by the machine's clock.
pub fn unix_ms() -> u64 {
    wit::unix_ms()
}

/// Microseconds since some fixed moment: never goes back.
pub fn monotonic_us() -> u64 {
    wit::monotonic_us()
}
