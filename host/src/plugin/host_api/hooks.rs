//! `hooks`: which hooks a plugin has no use for, and how often it wants `on-interval`.

use std::time::Duration;

use crate::plugin::bindings::tollgate::plugin::hooks::{Hook, Host};
use crate::plugin::state::{self, InstanceState, Told, wrong_hook};

impl Host for InstanceState {
    fn skip(&mut self, hook: Hook) -> wasmtime::Result<()> {
        let told = told(self, "hooks.skip")?;
        match hook {
            Hook::OnRequest => told.skips_request = true,
            Hook::OnResponse => told.skips_response = true,
            Hook::OnComplete => told.skips_completion = true,
            Hook::OnRequestChunk => told.skips_request_chunks = true,
            Hook::OnResponseChunk => told.skips_response_chunks = true,
        }
        Ok(())
    }

    fn call_every(&mut self, milliseconds: u32) -> wasmtime::Result<()> {
        told(self, "hooks.call-every")?.every = Some(Duration::from_millis(milliseconds.into()));
        Ok(())
    }
}

/// What is told of the hooks, which is told in `configure` only.
fn told<'a>(state: &'a mut InstanceState, function: &str) -> wasmtime::Result<&'a mut Told> {
    if state.hook == state::Hook::Configure { Ok(&mut state.told) } else { Err(wrong_hook(function, state.hook)) }
}
