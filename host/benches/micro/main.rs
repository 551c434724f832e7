//! What a request is made of, piece by piece: `cargo bench -p tollgate`.
//!
//! These find out where time goes. How the gateway compares to others is `make bench`'s to say.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot be set up ends, and says where")]

mod gateway;
mod hooks;
mod routes;
mod state;

use criterion::{Criterion, criterion_group, criterion_main};

// The gateway's own allocator: an allocation is a part of what is measured.
#[global_allocator]
static ALLOCATOR: tollgate::Allocator = tollgate::Allocator;

fn settings() -> Criterion {
    Criterion::default()
        .warm_up_time(std::time::Duration::from_secs(1))
        .measurement_time(std::time::Duration::from_secs(3))
}

criterion_group! { name = micro; config = settings(); targets = hooks::measure, routes::measure, state::measure }
criterion_main!(micro);
