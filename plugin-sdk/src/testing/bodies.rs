//! Bodies that pass: what the gateway does with the verdicts of a [`BodyFilter`].

use super::Host;
use crate::{BodyFilter, ChunkVerdict};

impl Host {
    /// Has a request's body pass the plugin in these pieces, the last of which is the last chunk. Gives
    /// what goes on to the upstream, or the text of a `Fail`.
    pub fn pass_request_body<P: BodyFilter>(&self, plugin: &P, pieces: &[&[u8]]) -> Result<Vec<u8>, String> {
        self.pass(pieces, |chunk, last| plugin.on_request_chunk(chunk, last))
    }

    /// As [`Host::pass_request_body`], with the body of a response, on its way to the client.
    pub fn pass_response_body<P: BodyFilter>(&self, plugin: &P, pieces: &[&[u8]]) -> Result<Vec<u8>, String> {
        self.pass(pieces, |chunk, last| plugin.on_response_chunk(chunk, last))
    }

    fn pass(&self, pieces: &[&[u8]], show: impl Fn(Vec<u8>, bool) -> ChunkVerdict) -> Result<Vec<u8>, String> {
        let mut passed = Vec::new();
        let mut is_done = pieces.iter().all(|piece| piece.is_empty());
        self.state.borrow_mut().is_body_passing = true;
        for (at, piece) in pieces.iter().enumerate() {
            let verdict = if is_done { ChunkVerdict::Pass } else { show(piece.to_vec(), at + 1 == pieces.len()) };
            match verdict {
                ChunkVerdict::Pass => passed.extend_from_slice(piece),
                ChunkVerdict::Replace(bytes) => passed.extend_from_slice(&bytes),
                ChunkVerdict::Done => {
                    passed.extend_from_slice(piece);
                    is_done = true;
                }
                ChunkVerdict::Fail(reason) => {
                    self.state.borrow_mut().is_body_passing = false;
                    return Err(reason);
                }
            }
        }
        self.state.borrow_mut().is_body_passing = false;
        Ok(passed)
    }
}
