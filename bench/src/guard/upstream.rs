//! Three services in this process, with answers of the same bytes each time.
//!
//! Not nginx: its answers differ from version to version, and a change of theirs would look like one
//! of the gateway's. An answer says what the gateway sent in `seen-...`.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use crate::Outcome;
use crate::job::{Answers, LONG};
use crate::services::{KEPT, SMALL, texts};

/// The services; their threads end with the process.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) ports: [u16; 3],
}

impl Upstream {
    pub(super) fn start() -> Outcome<Self> {
        Ok(Self { ports: [serve()?, serve()?, serve()?] })
    }
}

fn serve() -> Outcome<u16> {
    let told = |error| format!("a service: {error}");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(told)?;
    let port = listener.local_addr().map_err(told)?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer_all(&stream));
        }
    });
    Ok(port)
}

/// Until the gateway closes the connection, or sends what is no request: it sees that for itself.
fn answer_all(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut lines = BufReader::new(stream);
    while let Some(answer) = head(&mut lines).map(|head| answer(&head)) {
        // In one piece, so that the gateway reads it in one.
        let mut stream = stream;
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// The lines of a request's head; none at the end of the connection. No request of the guard has a body.
fn head(lines: &mut impl BufRead) -> Option<Vec<String>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        match lines.read_line(&mut line) {
            Ok(1..) => {}
            _ => return None,
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Some(head);
        }
        head.push(line.to_owned());
    }
}

fn answer(head: &[String]) -> String {
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let (answers, of) = path.strip_prefix(LONG).map_or((Answers::Short, path), |of| (Answers::Long, of));
    let [user, orders, stock] = texts(answers);
    let body = match of.split('?').next().unwrap_or_default() {
        "/users/7" => user,
        "/orders" => orders,
        "/stock" => stock,
        _ => "x".repeat(SMALL),
    };
    let kept = if path == KEPT { kept() } else { String::new() };
    let (user, hops) = (values(head, "x-user"), values(head, "x-hop"));
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nseen-user: {user}\r\nseen-hop: {hops}\r\n\
         {kept}content-length: {length}\r\n\r\n{body}"
    )
}

/// The fields of an answer that may be kept; the number is that of the request it was made for.
fn kept() -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    format!("cache-control: max-age=86400\r\nseen-request: {number:010}\r\n")
}

/// The values of all fields whose names begin so, with commas between them.
fn values(head: &[String], name: &str) -> String {
    let fields = head.iter().skip(1).filter_map(|line| line.split_once(": "));
    fields.filter(|(have, _)| have.starts_with(name)).map(|(_, value)| value).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Client, Request};
    use crate::services::JSON;

    #[test]
    fn answers_on_one_connection_say_what_was_sent() {
        let mut client = Client::connect(Upstream::start().unwrap().ports[2]).unwrap();
        let reply = client.ask(&Request::get("/").header("x-hop-1", "a").header("x-hop-2", "b")).unwrap();
        assert_eq!((reply.header("seen-hop"), reply.body.len()), (Some("a,b"), SMALL));
        let reply = client.ask(&Request::get("/orders?user=7").header("x-user", "u")).unwrap();
        assert_eq!((reply.header("seen-user"), &reply.body[..]), (Some("u"), JSON[1].as_bytes()));
    }
}
