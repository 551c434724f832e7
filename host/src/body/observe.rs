//! Telling somebody when a body is over: what an access line waits for. An error is handed out one poll late.

use std::fmt;
use std::rc::Rc;

use bytes::Bytes;
use http_body::Frame;

use super::BodyError;

/// Is told once how a body ended.
pub trait BodyObserver {
    /// `bytes` of data were handed out.
    ///
    /// hyper asks no body of an answer to HEAD, nor of a 204 or 304: give those [`super::Body::empty`],
    /// or they will be told as [`End::Dropped`].
    fn body_ended(&self, bytes: u64, end: End);
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Handed out whole.
    Complete,
    /// It failed on its way in.
    Failed(BodyError),
    /// Whoever took it stopped asking, for example because the client hung up.
    Dropped,
}

/// Tells the observer when it is dropped. hyper drops a body at once after its last frame.
pub(super) struct Watch {
    observer: Rc<dyn BodyObserver>,
    bytes: u64,
    end: End,
    /// An error that was not handed out yet: what came before it is to be written first.
    held: Option<BodyError>,
}

impl Watch {
    pub(super) fn new(observer: Rc<dyn BodyObserver>, ended: bool) -> Self {
        let end = if ended { End::Complete } else { End::Dropped };
        Self { observer, bytes: 0, end, held: None }
    }

    /// Notes what a poll of the body brought; `ended` if nothing comes after it.
    pub(super) fn see(&mut self, item: Option<&Result<Frame<Bytes>, BodyError>>, ended: bool) {
        match item {
            Some(Ok(frame)) => {
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                // Trailers are the end of a message, and hyper does not ask again after them.
                if ended || frame.is_trailers() {
                    self.end = End::Complete;
                }
            }
            Some(Err(error)) => self.end = End::Failed(*error),
            None if self.end == End::Dropped => self.end = End::Complete,
            None => {}
        }
    }

    pub(super) fn hold(&mut self, error: BodyError) {
        self.held = Some(error);
    }

    pub(super) fn holds(&self) -> bool {
        self.held.is_some()
    }

    pub(super) fn let_go(&mut self) -> Option<BodyError> {
        self.held.take()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.observer.body_ended(self.bytes, self.end);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("bytes", &self.bytes).field("end", &self.end).finish_non_exhaustive()
    }
}
