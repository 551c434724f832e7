//! The one module of the host with `unsafe`: what no library offers without. Each file says why it is needed,
//! and each use what it relies on.

#![allow(unsafe_code, reason = "see above; each use says what it relies on")]

pub(crate) mod allocator;
pub(crate) mod calls;
pub(crate) mod code;
pub(crate) mod listener;
pub(crate) mod memory;
pub(crate) mod schedule;
pub(crate) mod text;
