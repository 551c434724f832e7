//! `--once`: takes the steps and says for each whether it went as it must.

use serde_json::Value;

use super::client::{self, Reply};
use super::steps::{Expect, Step};
use crate::cli::Failed;

/// What is shown of a body, in characters.
const SHOWN_BODY: usize = 300;
/// What is shown of a token.
const SHOWN_VALUE: usize = 40;
/// Header fields worth a look.
const NOTABLE: [&str; 6] =
    ["content-type", "www-authenticate", "retry-after", "ratelimit", "ratelimit-policy", "x-content-type-options"];

/// Takes every step, also after one that failed.
pub(super) async fn all(steps: &[Step]) -> Result<(), Failed> {
    let mut wrong = 0;
    for (number, step) in (1..).zip(steps) {
        println!("{number}. {}", step.title);
        if !take(step).await {
            wrong += 1;
        }
        println!();
    }
    let right = steps.len() - wrong;
    println!("{right} of {} steps went as they must", steps.len());
    if wrong == 0 { Ok(()) } else { Err(Failed(format!("error: {wrong} of {} steps went wrong", steps.len()))) }
}

async fn take(step: &Step) -> bool {
    print_request(step);
    let reply = match last_reply(step).await {
        Ok(reply) => reply,
        Err(error) => {
            println!("   WRONG: no answer: {error}");
            return false;
        }
    };
    print_reply(&reply);
    let mut right = true;
    for expect in &step.expect {
        let met = expect.is_met(&reply);
        println!("   {} {}", if met { "ok:   " } else { "WRONG: no" }, expect.wording());
        right &= met;
    }
    right
}

async fn last_reply(step: &Step) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
    for _ in 1..step.times {
        client::send(&step.request).await?;
    }
    client::send(&step.request).await
}

fn print_request(step: &Step) {
    let times = if step.times > 1 { format!("   ({} times)", step.times) } else { String::new() };
    println!("   > GET {} HTTP/1.1{times}", step.request.path);
    for (name, value) in &step.request.headers {
        println!("   > {name}: {}", shortened(value, SHOWN_VALUE));
    }
}

fn print_reply(reply: &Reply) {
    println!("   < HTTP/1.1 {} {}", reply.status, reply.reason);
    for name in NOTABLE {
        for value in reply.headers.get_all(name) {
            println!("   < {name}: {}", String::from_utf8_lossy(value.as_bytes()));
        }
    }
    for line in shortened(reply.body.trim_end(), SHOWN_BODY).lines() {
        println!("   < {line}");
    }
}

fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl Expect {
    fn is_met(self, reply: &Reply) -> bool {
        match self {
            Self::Status(status) => reply.status == status,
            Self::Header(name) => reply.headers.contains_key(name),
            Self::HeaderStart(name, start) => {
                reply.headers.get(name).is_some_and(|value| value.as_bytes().starts_with(start.as_bytes()))
            }
            Self::Json(place, text) => json(reply).pointer(place).and_then(Value::as_str) == Some(text),
            Self::JsonHas(place) => json(reply).pointer(place).is_some(),
            Self::Line(start) => reply.body.lines().any(|line| line.starts_with(start)),
        }
    }

    /// For "ok: ..." and "expect ...".
    pub(super) fn wording(self) -> String {
        match self {
            Self::Status(status) => format!("status {status}"),
            Self::Header(name) => format!("header {name}"),
            Self::HeaderStart(name, start) => format!("header {name}: {start}"),
            Self::Json(place, text) => format!("\"{text}\" at {place}"),
            Self::JsonHas(place) => format!("something at {place}"),
            Self::Line(start) => format!("line {start}"),
        }
    }
}

/// `null` where the body is none.
fn json(reply: &Reply) -> Value {
    serde_json::from_str(&reply.body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn reply() -> Reply {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "12".parse().unwrap());
        Reply { status: 429, reason: "Too Many Requests", headers, body: r#"{"a":{"b":"c"}}"#.into() }
    }

    #[test]
    fn what_is_there_is_met_and_what_is_not_is_not() {
        let reply = reply();
        for (met, not) in [
            (Expect::Status(429), Expect::Status(200)),
            (Expect::Header("retry-after"), Expect::Header("ratelimit")),
            (Expect::HeaderStart("retry-after", "1"), Expect::HeaderStart("retry-after", "2")),
            (Expect::Json("/a/b", "c"), Expect::Json("/a/b", "d")),
            (Expect::JsonHas("/a"), Expect::JsonHas("/b")),
            (Expect::Line("{\"a\""), Expect::Line("a")),
        ] {
            assert!(met.is_met(&reply), "{met:?}");
            assert!(!not.is_met(&reply), "{not:?}");
        }
    }

    #[test]
    fn a_long_body_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 2), "äö...");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
