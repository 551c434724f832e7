//! What can be wrong with an answer.

use std::{error, fmt, io};

/// A connection that broke, or an answer that is not HTTP. The texts are for operators.
#[derive(Debug)]
pub enum Broken {
    /// The target closed the connection before its answer was whole.
    Closed,
    /// The socket failed.
    Socket(io::Error),
    /// What came is no head of an answer.
    Head(httparse::Error),
    /// A head longer than this many bytes.
    HeadTooLarge(usize),
    /// The head does not say in one way where the body ends (RFC 9112 section 6.3).
    Framing(&'static str),
    /// A chunk, or the trailers behind the last one, are not what RFC 9112 section 7.1 says.
    Chunk(&'static str),
}

impl Broken {
    /// Whether the target may have closed the connection before it saw the request.
    pub(in crate::upstream) fn is_close(&self) -> bool {
        matches!(self, Self::Closed | Self::Socket(_))
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the connection was closed"),
            Self::Socket(error) => write!(f, "{error}"),
            Self::Head(error) => write!(f, "not an HTTP/1 answer: {error}"),
            Self::HeadTooLarge(limit) => write!(f, "a head of more than {limit} bytes"),
            Self::Framing(problem) => write!(f, "where the body ends is not clear: {problem}"),
            Self::Chunk(problem) => write!(f, "a broken chunk: {problem}"),
        }
    }
}

impl error::Error for Broken {}
