//! The randomness of aws-lc, made ready before a request needs it.
//!
//! The library gathers its first seed from the processor's jitter: 40 ms of CPU time and more, once in a
//! process. That is too much for the hook that happens to sign first, whose limit it is counted against,
//! and for the requests beside a first handshake.

/// Returns when there is a seed. To be called where keys and authorities are read, never on a worker.
pub fn make_ready() {
    // Without a seed now there will be an error where one is needed.
    let _ = aws_lc_rs::rand::fill(&mut [0; 1]);
}
