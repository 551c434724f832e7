//! A socket to a target, and what is kept with it from request to request.

use std::future::Future as _;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;

use super::encode::Asked;
use super::fields::Field;
use super::head::{self, Expected, Head};
use super::sending::{Sending, Unsent, Upload};
use super::{Broken, Decoded, Decoder};
use crate::body::timer::Timer;
use crate::body::{Body, BodyError};
use crate::give_way::Share;
use crate::upstream::socket::{Reader, Writer};

/// Bytes read at once, at first.
const FIRST_READ: usize = 16 * 1024;
/// Bytes read at once, at the most: where an answer fills the buffer, the next one is as large as what
/// is left of the answer, or, where nobody knows how much that is, twice as large.
const MAX_READ: usize = 128 * 1024;
/// With less room than this a new buffer is begun, so that a short answer comes in one piece.
const MIN_ROOM: usize = 4 * 1024;

/// An open connection. Dropping it closes the socket.
#[derive(Debug)]
pub(in crate::upstream) struct Connection {
    reader: Reader,
    /// Gone once an answer came before its request was sent, or that could not be sent.
    writer: Option<Writer>,
    /// What was read and not yet looked at.
    received: BytesMut,
    /// Bytes to read at once.
    read_size: usize,
    share: Share,
    /// For whatever is waited for on this connection, in turn. Kept with it, so that a reused
    /// connection needs no new timer.
    pub(in crate::upstream) timer: Timer,
    /// Room for the next head, out and in.
    request: Vec<u8>,
    places: Vec<Field>,
}

/// Why there is no head of an answer.
#[derive(Debug)]
pub(in crate::upstream) enum Lost {
    /// The request's own body failed.
    Request(BodyError),
    Answer(Broken),
}

impl Connection {
    pub(in crate::upstream) fn new((reader, writer): (Reader, Writer)) -> Self {
        Self {
            reader,
            writer: Some(writer),
            received: BytesMut::new(),
            read_size: FIRST_READ,
            share: Share::default(),
            timer: Timer::default(),
            request: Vec::new(),
            places: Vec::new(),
        }
    }

    /// Whether another request may be sent: the target has sent nothing since, not even its end.
    pub(in crate::upstream) fn is_idle(&self) -> bool {
        self.reader.is_idle() && self.received.is_empty() && self.writer.is_some()
    }

    /// As [`Self::is_idle`], by the kernel's word: what the runtime was not told yet counts, too.
    pub(in crate::upstream) fn is_silent(&self) -> bool {
        self.reader.is_silent() && self.is_idle()
    }

    /// Gets ready for the next request. What a large answer needed is not kept: of a buffer that was mostly given
    /// away the capacity is small, and all of it would be kept nevertheless, and used again.
    pub(in crate::upstream) fn rest(&mut self) {
        if self.read_size > FIRST_READ || self.received.capacity() > FIRST_READ {
            self.received = BytesMut::new();
        }
        self.read_size = FIRST_READ;
    }

    /// Begins a request. `began` is now, or shortly before.
    pub(in crate::upstream) fn begin(&mut self, asked: &Asked<'_>, body: Body, began: Instant) -> Sending {
        // The last answer is mostly gone by now: its part of the buffer is warm, the rest is not.
        let _ = self.received.try_reclaim(FIRST_READ);
        Sending::new(asked, body, std::mem::take(&mut self.request), began)
    }

    /// Sends the request and receives the head of the answer, whichever can be done.
    pub(in crate::upstream) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        sending: &mut Sending,
        expected: &Expected<'_>,
    ) -> Poll<Result<Head, Lost>> {
        let mut unsent = None;
        if let Some(writer) = &mut self.writer {
            match sending.poll(cx, writer) {
                Poll::Ready(Err(Unsent::Body(error))) => return Poll::Ready(Err(Lost::Request(error))),
                // A target that closes may have answered before it did; nobody else may use what is left.
                Poll::Ready(Err(Unsent::Socket(error))) => {
                    unsent = Some(error);
                    self.writer = None;
                }
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
        }
        loop {
            let known = self.received.len();
            match ready!(self.poll_receive(cx, None)) {
                Ok(0) => return Poll::Ready(Err(Lost::Answer(unsent.map_or(Broken::Closed, Broken::Socket)))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(Lost::Answer(error.into()))),
            }
            // A head that trickles in is parsed again for each line, not for each byte.
            if !self.received[known..].contains(&b'\n') && self.received.len() <= head::MAX_HEAD {
                continue;
            }
            match head::take(&mut self.received, &mut self.places, expected) {
                Ok(Some(head)) => return Poll::Ready(Ok(head)),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Err(Lost::Answer(error))),
            }
        }
    }

    /// Gives a request up, before there is a head. Whether the target may have seen a byte of it.
    pub(in crate::upstream) fn give_up(&mut self, sending: &mut Sending) -> bool {
        if let Some(writer) = self.writer.take() {
            sending.take_back(&writer);
        }
        sending.is_started()
    }

    /// The request's rest, where the answer was faster.
    pub(in crate::upstream) fn finish_sending(&mut self, sending: Sending) -> Option<Upload> {
        if sending.sent_at().is_some() && !self.writer.as_ref().is_some_and(Writer::is_stuck) {
            self.request = sending.into_buffer();
            return None;
        }
        self.writer.take().map(|writer| Upload::spawn(sending, writer))
    }

    /// The next piece of an answer's body, from what was received already.
    pub(in crate::upstream) fn decode(&mut self, decoder: &mut Decoder) -> Result<Decoded, Broken> {
        decoder.decode(&mut self.received)
    }

    /// All of an answer's body, if its length is known and it was received already.
    pub(in crate::upstream) fn whole(&mut self, decoder: &Decoder) -> Option<Bytes> {
        let Decoder::Length(length) = *decoder else { return None };
        let length = usize::try_from(length).ok().filter(|length| *length <= self.received.len())?;
        Some(self.received.split_to(length).freeze())
    }

    /// Receives more; 0 bytes when the target has closed. `left` is how much is to come, where that is known.
    pub(in crate::upstream) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        left: Option<u64>,
    ) -> Poll<io::Result<usize>> {
        let room = self.received.capacity() - self.received.len();
        if room < MIN_ROOM {
            // What comes slowly fills no buffer: then as much memory as is left to come would be for nothing.
            let is_fast = self.read_size > FIRST_READ;
            let left = left.filter(|_| is_fast).map(|left| usize::try_from(left).unwrap_or(MAX_READ));
            // One byte more than comes: where a read fills its buffer, it takes another to know that there is no more.
            self.received.reserve(left.map_or(self.read_size, |left| left.saturating_add(1).clamp(MIN_ROOM, MAX_READ)));
        }
        let room = self.received.capacity() - self.received.len();
        ready!(self.share.poll_left(cx));
        let Poll::Ready(count) = pin!(self.reader.read_buf(&mut self.received)).poll(cx) else {
            self.share.renew();
            return Poll::Pending;
        };
        let count = count?;
        self.share.spend(count);
        if count == room {
            self.read_size = (self.read_size * 2).min(MAX_READ);
        }
        Poll::Ready(Ok(count))
    }
}
