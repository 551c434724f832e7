//! `hooks`: which hooks a plugin has no use for.

use crate::plugin::bindings::tollgate::plugin::hooks::{Hook, Host};
use crate::plugin::state::{InstanceState, wrong_hook};

impl Host for InstanceState {
    fn skip(&mut self, hook: Hook) -> wasmtime::Result<()> {
        if self.hook != crate::plugin::state::Hook::Configure {
            return Err(wrong_hook("hooks.skip", self.hook));
        }
        match hook {
            Hook::OnRequest => self.skipped.request = true,
            Hook::OnResponse => self.skipped.response = true,
        }
        Ok(())
    }
}
