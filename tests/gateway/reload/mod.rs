//! A change on disk, made live.

mod files;
pub(crate) mod load;
