//! Bytes that cross between the gateway and a plugin, for the metrics.
//!
//! Each text and each body is copied once into the other side's memory. Numbers, flags and the
//! lists' own few bytes are left out, and the names of files, keys and the plugin's own metrics: they
//! cost nothing to speak of.

use crate::plugin::bindings::exports::tollgate::plugin::body_filter::ChunkVerdict;
use crate::plugin::bindings::exports::tollgate::plugin::request_filter::BodyVerdict;
use crate::plugin::bindings::exports::tollgate::plugin::response_filter::ResponseBodyVerdict;
use crate::plugin::bindings::tollgate::plugin::http_client::Content;
use crate::plugin::bindings::tollgate::plugin::request::RequestLine;
use crate::plugin::bindings::tollgate::plugin::types::{Answer, Fetch, Header, Hit};
use crate::plugin::state::InstanceState;
use crate::plugin::verdict::{RequestVerdict, ResponseVerdict};

/// What is copied when it crosses.
pub(crate) trait Copied {
    /// Its length in bytes.
    fn copied(&self) -> usize;
}

impl InstanceState {
    /// Counts what a host function gives to the guest, and gives it.
    pub(super) fn give<T: Copied>(&mut self, value: T) -> T {
        self.count(&value);
        value
    }

    /// Counts what the guest gave, or gets.
    pub(crate) fn count(&mut self, value: &(impl Copied + ?Sized)) {
        self.copied += value.copied() as u64;
    }
}

impl Copied for str {
    fn copied(&self) -> usize {
        self.len()
    }
}

impl Copied for [u8] {
    fn copied(&self) -> usize {
        self.len()
    }
}

impl Copied for String {
    fn copied(&self) -> usize {
        self.len()
    }
}

impl Copied for Vec<u8> {
    fn copied(&self) -> usize {
        self.len()
    }
}

impl Copied for Header {
    fn copied(&self) -> usize {
        self.name.len() + self.value.len()
    }
}

impl Copied for Answer {
    fn copied(&self) -> usize {
        self.headers.copied() + self.body.len()
    }
}

impl Copied for RequestLine {
    fn copied(&self) -> usize {
        self.method.len() + self.host.len() + self.path.len() + self.query.copied() + self.route.len()
    }
}

impl Copied for Content {
    fn copied(&self) -> usize {
        self.body.len()
    }
}

impl Copied for Vec<Header> {
    fn copied(&self) -> usize {
        self.iter().map(Header::copied).sum()
    }
}

impl Copied for Vec<String> {
    fn copied(&self) -> usize {
        self.iter().map(String::len).sum()
    }
}

impl Copied for Vec<Option<String>> {
    fn copied(&self) -> usize {
        self.iter().flatten().map(String::len).sum()
    }
}

impl Copied for Fetch {
    fn copied(&self) -> usize {
        self.key.len() + self.note.len() + self.set.copied() + self.remove.copied()
    }
}

impl Copied for Hit {
    fn copied(&self) -> usize {
        self.set.copied() + self.refresh.copied() + self.reuse.as_ref().map_or(0, |reuse| reuse.vary.len())
    }
}

impl Copied for RequestVerdict {
    fn copied(&self) -> usize {
        match self {
            Self::Next | Self::NeedBody(_) => 0,
            Self::Respond(answer) => answer.copied(),
            Self::Fetch(fetch) => fetch.copied(),
            Self::Serve(hit) => hit.copied(),
        }
    }
}

impl Copied for BodyVerdict {
    fn copied(&self) -> usize {
        match self {
            Self::Respond(answer) => answer.copied(),
            Self::Next => 0,
        }
    }
}

impl Copied for ResponseVerdict {
    fn copied(&self) -> usize {
        match self {
            Self::Next | Self::NeedBody(_) => 0,
            Self::Replace(answer) => answer.copied(),
            Self::Serve(hit) => hit.copied(),
        }
    }
}

impl Copied for ResponseBodyVerdict {
    fn copied(&self) -> usize {
        match self {
            Self::Replace(answer) => answer.copied(),
            Self::Next => 0,
        }
    }
}

impl Copied for ChunkVerdict {
    fn copied(&self) -> usize {
        match self {
            Self::Replace(chunk) => chunk.len(),
            Self::Pass | Self::Done | Self::Fail(_) => 0,
        }
    }
}

impl Copied for () {
    fn copied(&self) -> usize {
        0
    }
}

impl<T: Copied> Copied for Option<T> {
    fn copied(&self) -> usize {
        self.as_ref().map_or(0, T::copied)
    }
}

/// An error's few words are not worth counting.
impl<T: Copied, E> Copied for Result<T, E> {
    fn copied(&self) -> usize {
        self.as_ref().map_or(0, T::copied)
    }
}

impl<A: Copied + ?Sized, B: Copied + ?Sized> Copied for (&A, &B) {
    fn copied(&self) -> usize {
        self.0.copied() + self.1.copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_bodies_count_and_nothing_else_does() {
        let header = || Header { name: "ab".into(), value: "cde".into() };
        let answer = Answer { status: 200, headers: vec![header(), header()], body: vec![0; 7] };
        assert_eq!(answer.copied(), 17);
        assert_eq!(vec![Some("abc".to_owned()), None].copied(), 3);
        assert_eq!(Ok::<_, ()>(Some(vec![1_u8, 2])).copied(), 2);
        assert_eq!(("ab", [1_u8].as_slice()).copied(), 3);
    }
}
