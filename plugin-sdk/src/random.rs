//! Randomness from the operating system, fit for secrets.

use crate::host::random as wit;

/// This many random bytes; at most 64 KiB are given.
pub fn bytes(count: u32) -> Vec<u8> {
    wit::bytes(count)
}

/// A random number.
pub fn number() -> u64 {
    wit::number()
}
