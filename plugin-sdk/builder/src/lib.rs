//! Compiles plugin crates in Rust to WebAssembly components.
//!
//! Used by the gateway's build for the built-in plugins, by `tollgate plugin new` and `build`, and
//! by the end-to-end tests. Guests target `wasm32-unknown-unknown`: such a component imports what
//! `wit/` offers and nothing else. Absent on purpose: other languages, whose own tools make
//! components.

mod compile;
mod component;
mod new_crate;
mod toolchain;

pub use compile::{BuildError, BuiltPlugin, build_crates, build_one};
pub use component::componentize;
pub use new_crate::new_crate;
pub use toolchain::{NotFound, Toolchain};

/// The target plugins are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";
