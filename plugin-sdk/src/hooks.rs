//! Which hooks a plugin has use for, and how often: a hook that is skipped costs nothing.

use std::time::Duration;

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

/// Asks for [`Background::on_interval`](crate::Background::on_interval) so often, at the most as often as the
/// operator's `limits.interval` allows. For [`Plugin::configure`](crate::Plugin::configure) only. The last
/// number asked for holds.
pub fn call_every(interval: Duration) {
    wit::call_every(u32::try_from(interval.as_millis()).unwrap_or(u32::MAX));
}
