//! Lines in the gateway's log, for operators.
//!
//! Each carries the plugin's name, the route and the request's id. A line longer than 4 KiB is cut;
//! more than the plugin's `limits.log_lines` a second, from all instances together, are dropped and counted.

use crate::host::log as wit;

pub use crate::bindings::tollgate::plugin::log::Level;

/// For whoever looks for an error in the plugin.
pub fn debug(message: &str) {
    wit::write(Level::Debug, message);
}

/// Something worth knowing that needs nobody to act.
pub fn info(message: &str) {
    wit::write(Level::Info, message);
}

/// Something an operator should look at when there is time.
pub fn warn(message: &str) {
    wit::write(Level::Warn, message);
}

/// Something is broken.
pub fn error(message: &str) {
    wit::write(Level::Error, message);
}
