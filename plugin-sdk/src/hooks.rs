//! Which hooks a plugin has use for: a hook that is skipped costs nothing.

use crate::host::hooks as wit;

pub use crate::bindings::tollgate::plugin::hooks::Hook;

/// Says that a hook would do nothing with this config, so that the gateway need not call it. For
/// [`Plugin::configure`](crate::Plugin::configure) only; anywhere else it ends the hook.
///
/// What the plugin's first instance says holds for all of them, until the config or the component
/// changes.
pub fn skip(hook: Hook) {
    wit::skip(hook);
}
