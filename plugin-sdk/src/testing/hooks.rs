//! The fake of `hooks`.

use super::state::with;
use crate::hooks::Hook;

pub(crate) fn skip(hook: Hook) {
    with(|state| state.skipped.push(hook));
}
