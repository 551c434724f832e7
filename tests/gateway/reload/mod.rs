//! A change on disk, made live.

mod compile;
mod files;
mod kept;
pub(crate) mod load;
mod soak;
mod watch;
