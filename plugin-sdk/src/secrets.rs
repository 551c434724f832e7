//! Values that are not for everyone to read: passwords, tokens of other services.
//!
//! Each is in the plugin's own `secrets` table of the config. When a secret changes, the plugin's
//! instances are made anew, so one read in [`Plugin::configure`](crate::Plugin::configure) is never
//! old. For signatures and encryption use [`crypto`](crate::crypto): its keys do not even reach the
//! plugin.

use crate::host::secrets as wit;

/// The text of a secret; `None` if the plugin has no secret of this name, or if it is not UTF-8.
pub fn get(name: &str) -> Option<String> {
    wit::get(name)
}

/// As [`get`], byte for byte, for a secret that is not UTF-8.
pub fn get_bytes(name: &str) -> Option<Vec<u8>> {
    wit::get_bytes(name)
}
