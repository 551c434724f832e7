//! A small HTTP/1.1 client, to check answers with. Not for load.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Outcome;

/// How long a gateway may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than any right answer has, in bytes.
const MAX_BODY: u64 = 8 << 20;

/// A request, the same for checks and for load.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

/// What is sent behind the head.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    None,
    /// So many bytes, each the letter `x`.
    Letters(usize),
    Text(String),
}

impl Body {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::None => Vec::new(),
            Self::Letters(count) => vec![b'x'; *count],
            Self::Text(text) => text.as_bytes().to_vec(),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A GET with the header fields of a browser's request: with `host` they are eight.
    pub(crate) fn get(path: &str) -> Self {
        let headers = [
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            ("accept", "application/json, text/plain, */*"),
            ("accept-language", "en-GB,en;q=0.8,de;q=0.5"),
            ("accept-encoding", "gzip, deflate, br"),
            ("referer", "https://shop.example/orders/2026"),
            ("cookie", "session=5f4dcc3b5aa765d61d8327deb882cf99; theme=dark"),
            ("cache-control", "no-cache"),
        ];
        let headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
        Self { method: "GET", path: path.to_owned(), headers, body: Body::None }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(have, _)| *have != name);
        self
    }

    pub(crate) fn post(mut self, body: Body) -> Self {
        self.method = "POST";
        self.body = body;
        self
    }

    fn bytes(&self, port: u16) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = self.body.bytes();
        if !body.is_empty() {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        [text.into_bytes(), body].concat()
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A connection that is kept open.
#[derive(Debug)]
pub(crate) struct Client {
    port: u16,
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(port: u16) -> Outcome<Self> {
        let told = |error| format!("port {port}: {error}");
        let stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), PATIENCE).map_err(told)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(told)?;
        stream.set_nodelay(true).map_err(told)?;
        Ok(Self { port, stream: BufReader::with_capacity(2048, stream) })
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Outcome<Reply> {
        self.send(request)?;
        self.receive()
    }

    pub(crate) fn send(&mut self, request: &Request) -> Outcome<()> {
        let bytes = request.bytes(self.port);
        self.stream.get_mut().write_all(&bytes).map_err(|error| format!("sending the request: {error}"))
    }

    pub(crate) fn receive(&mut self) -> Outcome<Reply> {
        read_reply(&mut self.stream).map_err(|error| format!("reading the answer: {error}"))
    }
}

/// One request on a connection of its own.
pub(crate) fn ask(port: u16, request: &Request) -> Outcome<Reply> {
    Client::connect(port)?.ask(request)
}

fn read_reply(stream: &mut impl BufRead) -> Outcome<Reply> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| format!("no status line: {first:?}"))?;
    let mut headers = Vec::new();
    loop {
        let line = line(stream)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| format!("no header field: {line:?}"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut reply = Reply { status, headers, body: Vec::new() };
    reply.body = read_body(stream, &reply)?;
    Ok(reply)
}

fn read_body(stream: &mut impl BufRead, reply: &Reply) -> Outcome<Vec<u8>> {
    if reply.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        return read_chunks(stream);
    }
    let length = reply.header("content-length").map_or(Ok(0), str::parse::<u64>);
    let length = length.map_err(|error| format!("content-length: {error}"))?;
    let mut body = Vec::new();
    read_exactly(stream, length, &mut body)?;
    Ok(body)
}

fn read_chunks(stream: &mut impl BufRead) -> Outcome<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(stream)?;
        let size = u64::from_str_radix(size.trim(), 16).map_err(|error| format!("chunk size {size:?}: {error}"))?;
        read_exactly(stream, size, &mut body)?;
        line(stream)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn read_exactly(stream: &mut impl BufRead, length: u64, into: &mut Vec<u8>) -> Outcome<()> {
    if length > MAX_BODY {
        return Err(format!("a body of {length} bytes"));
    }
    let read = stream.take(length).read_to_end(into).map_err(|error| error.to_string())?;
    if read as u64 == length { Ok(()) } else { Err(format!("the body ended after {read} of {length} bytes")) }
}

fn line(stream: &mut impl BufRead) -> Outcome<String> {
    let mut line = String::new();
    stream.take(64 * 1024).read_line(&mut line).map_err(|error| error.to_string())?;
    let line = line.strip_suffix("\r\n").ok_or_else(|| format!("the answer ended at {line:?}"))?;
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Outcome<Reply> {
        read_reply(&mut text.as_bytes())
    }

    #[test]
    fn an_answer_has_status_fields_and_a_body() {
        let reply = reply("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A: b\r\n\r\nabcd").unwrap();
        assert_eq!((reply.status, reply.header("x-a"), &reply.body[..]), (200, Some("b"), &b"abc"[..]));
    }

    #[test]
    fn a_body_in_pieces_is_put_together() {
        let text = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n";
        assert_eq!(reply(text).unwrap().body, b"abc0123456789");
    }

    #[test]
    fn an_answer_that_is_cut_off_is_an_error() {
        assert!(reply("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc").is_err());
        assert!(reply("HTTP/1.1 200 OK\r\nx: y\r\n").is_err());
        assert!(reply("").is_err());
    }
}
