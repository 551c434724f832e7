//! A change on disk, made live.

mod beside;
mod compile;
mod files;
mod kept;
pub(crate) mod load;
mod soak;
mod together;
mod watch;
