//! What is left of a request's body once nobody wants it any more.
//!
//! An answer may be made before the body was read: a policy refuses the request, or a service does. Where
//! the rest is short it is read for nothing, and the connection serves the next request; where it is not,
//! hyper ends the connection, and its socket has to linger (`listen::patience`).

use std::cell::Cell;
use std::rc::Rc;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::task::spawn_local;

/// Bytes that are read for nothing, at the most: beyond them another connection costs less.
const MOST: u64 = 1 << 20;

/// Whether the client of a connection may be sending what nobody is going to read.
#[derive(Debug, Clone, Default)]
pub struct Rest(Rc<Cell<bool>>);

impl Rest {
    pub(crate) fn is_unread(&self) -> bool {
        self.0.get()
    }

    pub(crate) fn set_unread(&self) {
        self.0.set(true);
    }

    /// Reads a body to its end, if that is near. In a task of its own: how long the client takes is bounded by
    /// its connection, which waits for the next request once the answer was sent.
    pub(super) fn read(&self, incoming: Incoming) {
        self.set_unread();
        if incoming.size_hint().lower() <= MOST {
            spawn_local(discard(incoming, self.clone()));
        }
    }
}

async fn discard(mut incoming: Incoming, rest: Rest) {
    let mut left = MOST;
    while let Some(frame) = incoming.frame().await {
        let Ok(frame) = frame else { return };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        let Some(fewer) = left.checked_sub(length) else { return };
        left = fewer;
    }
    rest.0.set(false);
}
