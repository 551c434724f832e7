//! The fake of `hooks`.

use std::time::Duration;

use super::state::with;
use crate::hooks::Hook;

pub(crate) fn skip(hook: Hook) {
    with(|state| state.skipped.push(hook));
}

pub(crate) fn call_every(milliseconds: u32) {
    with(|state| state.interval = Some(Duration::from_millis(milliseconds.into())));
}
