//! A listening socket that a runtime waits for, and that connections are taken from in another way than tokio's
//! `TcpListener` does it. tokio gives such a thing away as `unsafe` only, whatever it is that is waited for.

use std::io;
use std::net::TcpListener;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// To be called within a runtime that does I/O; without one tokio panics.
///
/// # Errors
///
/// Of the kernel.
pub(crate) fn watched(listener: TcpListener) -> io::Result<AsyncFd<TcpListener>> {
    // SAFETY: the standard library's listener has one descriptor, which is open from when it is made until it is
    // dropped, and says no other. The result owns it, and lends it out shared.
    let watched = unsafe { AsyncFd::register_with_interest(listener, Interest::READABLE) };
    watched.map_err(|error| error.into_parts().1)
}
