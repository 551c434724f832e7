//! What a step does.

use tollgate_plugin_sdk::http_client::{self, Outbound, Target};
use tollgate_plugin_sdk::response::Source;
use tollgate_plugin_sdk::{Answer, attributes, hooks, kv, log, random, request, response};

use crate::tell;

/// A step that gives a verdict.
pub(crate) enum Step {
    Answer(Answer),
    NeedBody(u32),
}

/// What `set`, `append` and the body's steps are about.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Request,
    Response,
}

/// Takes one step. `\r` and `\n` in its text stand for the characters.
pub(crate) fn take(step: &str, side: Side, body: Option<&[u8]>) -> Result<Option<Step>, String> {
    let step = step.replace("\\r", "\r").replace("\\n", "\n");
    let (word, rest) = step.split_once(' ').unwrap_or((&step, ""));
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    match word {
        // Faults.
        #[allow(clippy::panic, reason = "a script may ask for exactly this")]
        "trap" => panic!("as the script says"),
        "spin" => spin(),
        "eat" => eat(),
        "recurse" => log::debug(&format!("came back with {}", recurse(number(first)?))),
        // Changes.
        "set" => set(side, first, second)?,
        "append" => append(side, first, second)?,
        "answer-with" => response::add_header(first, second).map_err(|error| format!("{error:?}"))?,
        "attribute" => attributes::set(first, second).map_err(|error| format!("{error:?}"))?,
        "show-attribute" => set(side, second, &attributes::get(first).unwrap_or_else(|| "none".to_owned()))?,
        "count" => set(side, second, &kv::increment(first, 1, 0).map_err(|error| format!("{error:?}"))?.to_string())?,
        "made-by" => set(side, first, &source())?,
        "show-status" => set(side, first, &response::status().to_string())?,
        "status" => response::set_status(number(first)?)?,
        "path" => request::set_path(first)?,
        "upstream" => request::set_upstream(first)?,
        "set-body" => set_body(side, rest.as_bytes()),
        "reverse-body" => set_body(side, &body.ok_or("no body")?.iter().rev().copied().collect::<Vec<_>>()),
        "show" => set(side, second, &shown(first)?)?,
        "values" => set(side, second, &values(side, first).join("|"))?,
        "many" => set(side, second, &many(side, &first.split(',').collect::<Vec<_>>()).join("|"))?,
        "copy-bytes" => copy_bytes(side, first, second)?,
        "show-body" => set(side, first, &String::from_utf8_lossy(body.ok_or("no body")?))?,
        "remove" => remove(side, first)?,
        "log" => log::warn(rest),
        "flood" => (0..number::<u32>(first)?).for_each(|line| log::warn(&format!("line {line}"))),
        "skip" => hooks::skip(hooks::Hook::OnResponse),
        "ask" => drop(tell::tell(rest)?),
        // Verdicts.
        "tell" => return Ok(Some(Step::Answer(Answer::new(200).text(tell::tell(rest)?)))),
        "tell-each" => return Ok(Some(Step::Answer(Answer::new(200).text(tell::tell_each(rest)?)))),
        "respond" => return Ok(Some(Step::Answer(Answer::new(number(first)?).text(second)))),
        "respond-field" => return Ok(Some(Step::Answer(Answer::new(200).header(first, second)))),
        "respond-body" => return Ok(Some(Step::Answer(Answer::new(200).body(body.ok_or("no body")?.to_vec())))),
        "need-body" => return Ok(Some(Step::NeedBody(number(first)?))),
        "call" => return Ok(Some(Step::Answer(call(Target::Upstream(first.to_owned()), second)))),
        "take-twice" => return Ok(Some(Step::Answer(take_twice(first)))),
        "call-origin" => return Ok(Some(Step::Answer(call(Target::Origin(first.to_owned()), second)))),
        "post-route" => return Ok(Some(Step::Answer(post(Target::Route(first.to_owned()), second)))),
        "call-route" => return Ok(Some(Step::Answer(call(Target::Route(first.to_owned()), second)))),
        unknown => return Err(format!("no such step: {unknown}")),
    }
    Ok(None)
}

/// Answers with what the other service answers, or 500 and the error.
fn call(target: Target, path: &str) -> Answer {
    match http_client::send(Outbound::new("GET", target, path)) {
        Ok(answer) => Answer::new(answer.status).body(answer.body),
        Err(error) => Answer::new(500).text(error.to_string()),
    }
}

/// As `call`, with a body and the path `/`.
fn post(target: Target, body: &str) -> Answer {
    match http_client::send(Outbound::new("POST", target, "/").body(body)) {
        Ok(answer) => Answer::new(answer.status).body(answer.body),
        Err(error) => Answer::new(500).text(error.to_string()),
    }
}

/// Takes an answer, the same one again, and one that was never asked for; says what came of each.
fn take_twice(upstream: &str) -> Answer {
    let call = http_client::submit(&Outbound::get(upstream, "/"));
    let takes = [call, call, 4_000_000_000].map(|number| match http_client::take(number) {
        Ok(answer) => answer.status.to_string(),
        Err(error) => format!("{error:?}"),
    });
    Answer::new(200).text(takes.join(", "))
}

fn source() -> String {
    match response::made_by() {
        Source::Upstream => "upstream".to_owned(),
        Source::Gateway => "gateway".to_owned(),
        Source::Plugin(name) => format!("plugin {name}"),
    }
}

fn set(side: Side, name: &str, value: &str) -> Result<(), String> {
    let done = match side {
        Side::Request => request::set_header(name, value),
        Side::Response => response::set_header(name, value),
    };
    done.map_err(|error| error.to_string())
}

fn shown(what: &str) -> Result<String, String> {
    Ok(match what {
        "id" => request::id(),
        "route" => request::route(),
        "host" => request::host(),
        "random" => random::number().to_string(),
        unknown => return Err(format!("nothing to show of {unknown}")),
    })
}

fn values(side: Side, name: &str) -> Vec<String> {
    match side {
        Side::Request => request::header_values(name),
        Side::Response => response::header_values(name),
    }
}

fn many(side: Side, names: &[&str]) -> Vec<String> {
    let many = match side {
        Side::Request => request::header_many(names),
        Side::Response => response::header_many(names),
    };
    many.into_iter().map(|value| value.unwrap_or_else(|| "none".to_owned())).collect()
}

/// A field's first value as it is, UTF-8 or not, in another field.
fn copy_bytes(side: Side, from: &str, to: &str) -> Result<(), String> {
    let done = match side {
        Side::Request => request::set_header_bytes(to, &request::header_bytes(from).ok_or("no such field")?),
        Side::Response => response::set_header_bytes(to, &response::header_bytes(from).ok_or("no such field")?),
    };
    done.map_err(|error| error.to_string())
}

fn remove(side: Side, name: &str) -> Result<(), String> {
    let done = match side {
        Side::Request => request::remove_header(name),
        Side::Response => response::remove_header(name),
    };
    done.map_err(|error| error.to_string())
}

fn set_body(side: Side, body: &[u8]) {
    match side {
        Side::Request => request::set_body(body),
        Side::Response => response::set_body(body),
    }
}

/// Adds to a field's value, so that the order of hooks can be seen.
fn append(side: Side, name: &str, value: &str) -> Result<(), String> {
    let before = match side {
        Side::Request => request::header(name),
        Side::Response => response::header(name),
    };
    set(side, name, &before.map_or(value.to_owned(), |before| format!("{before},{value}")))
}

fn spin() {
    let mut round = 0_u64;
    loop {
        round = std::hint::black_box(round.wrapping_add(1));
    }
}

fn eat() {
    let mut eaten = Vec::new();
    loop {
        eaten.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
}

/// Not a loop in disguise: each call needs the result of the next.
fn recurse(depth: u64) -> u64 {
    if depth == 0 { 0 } else { std::hint::black_box(recurse(std::hint::black_box(depth - 1))).wrapping_add(depth) }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("not a number: {text:?}"))
}
