//! A change on disk, made live.

mod files;
mod load;
