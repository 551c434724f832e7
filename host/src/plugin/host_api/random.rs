//! `random`: bytes from the operating system.

use crate::plugin::bindings::tollgate::plugin::random::Host;
use crate::plugin::state::InstanceState;

/// Most bytes of one call, WASI's too.
pub(in crate::plugin) const MAX_BYTES: u32 = 64 * 1024;

impl Host for InstanceState {
    fn bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        self.not_in_describe("random.bytes")?;
        let mut bytes = vec![0; count.min(MAX_BYTES) as usize];
        getrandom::fill(&mut bytes).map_err(no_randomness)?;
        Ok(bytes)
    }

    fn number(&mut self) -> wasmtime::Result<u64> {
        self.not_in_describe("random.number")?;
        getrandom::u64().map_err(no_randomness)
    }
}

/// Ends the hook: a policy must not go on with numbers that are not random.
fn no_randomness(error: getrandom::Error) -> wasmtime::Error {
    wasmtime::Error::msg(format!("the operating system gave no randomness: {error}"))
}
