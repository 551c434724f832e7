//! Plain proxying: what comes in goes out, and back.

mod bodies;
mod connections;
mod forwarding;
mod framing;
mod interim;
mod malformed;
mod spelling;
mod unread;
