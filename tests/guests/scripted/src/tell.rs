//! The step `tell`: asks the gateway for something that may be refused, and says what came of it.

use std::cell::RefCell;

use tollgate_plugin_sdk::crypto::{self, HashAlgorithm};
use tollgate_plugin_sdk::http_client::{self, Target};
use tollgate_plugin_sdk::rate::{self, Bucket};
use tollgate_plugin_sdk::{files, kv, metrics, secrets, shared_kv};

thread_local! {
    /// What was found out in `configure`.
    static CONFIGURED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Asks in `configure`, for a later `tell configured`.
pub(crate) fn in_configure(question: &str) -> Result<(), String> {
    let answer = tell(question)?;
    CONFIGURED.set(answer);
    Ok(())
}

/// As [`tell`], for several questions with `; ` between them.
pub(crate) fn tell_each(questions: &str) -> Result<String, String> {
    let answers: Result<Vec<String>, String> = questions.split("; ").map(tell).collect();
    Ok(answers?.join("; "))
}

fn target(kind: &str, name: &str) -> Result<Target, String> {
    let name = name.to_owned();
    match kind {
        "upstream" => Ok(Target::Upstream(name)),
        "origin" => Ok(Target::Origin(name)),
        "route" => Ok(Target::Route(name)),
        other => Err(format!("no such target: {other}")),
    }
}

pub(crate) fn tell(question: &str) -> Result<String, String> {
    let (word, rest) = question.split_once(' ').unwrap_or((question, ""));
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    Ok(match word {
        "configured" => CONFIGURED.with_borrow(Clone::clone),
        "may-call" => match http_client::may_call(&target(first, second)?) {
            Ok(()) => "granted".to_owned(),
            Err(missing) => missing,
        },
        "secret" => secrets::get(rest).unwrap_or_else(|| "none".to_owned()),
        "secret-bytes" => format!("{:?}", secrets::get_bytes(rest)),
        "sign" => made(crypto::sign(first, second.as_bytes())),
        "signs" => signs(first, second),
        "seal" => made(crypto::seal(first, second.as_bytes(), b"of the test")),
        "open" => match crypto::open(first, &bytes(second)?, b"of the test") {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            Err(error) => error.to_string(),
        },
        "open-for-another" => made(crypto::open(first, &bytes(second)?, b"of another")),
        "hash" => hex(&crypto::hash(
            match first {
                "sha256" => HashAlgorithm::Sha256,
                "sha384" => HashAlgorithm::Sha384,
                _ => HashAlgorithm::Sha512,
            },
            second.as_bytes(),
        )),
        "kv-get" => match shared_kv::get(first, second) {
            Ok(value) => value.map_or("none".to_owned(), |value| String::from_utf8_lossy(&value).into_owned()),
            Err(error) => error.to_string(),
        },
        "kv-set" => {
            let (key, value) = second.split_once(' ').unwrap_or((second, ""));
            done(shared_kv::set(first, key, value.as_bytes(), 0))
        }
        "kv-delete" => shown(shared_kv::delete(first, second)),
        "kv-count" => shown(shared_kv::increment(first, second, 1, 0)),
        "kv-swap" => shown(shared_kv::compare_and_swap(first, second, None, b"swapped", 0)),
        "keep" => done(kv::set(first, second.as_bytes(), 0)),
        "forget" => kv::delete(rest).to_string(),
        "take" => take(first, second)?,
        "file" => match files::read(rest) {
            Ok(content) => String::from_utf8_lossy(&content).into_owned(),
            Err(error) => error.to_string(),
        },
        "counter" | "gauge" | "gauge-by" | "histogram" => done(metric(word, rest)),
        "buckets" => {
            let (name, bounds) = rest.split_once(' ').ok_or("a name and bounds")?;
            let bounds: Result<Vec<f64>, _> = bounds.split(' ').map(str::parse).collect();
            done(metrics::set_buckets(name, &bounds.map_err(|_| "not numbers")?))
        }
        unknown => return Err(format!("nothing to tell of {unknown}")),
    })
}

/// Takes the only token of a bucket that gets another one in so many milliseconds.
fn take(key: &str, period_ms: &str) -> Result<String, String> {
    let period_ms = period_ms.parse().map_err(|_| format!("not a number: {period_ms:?}"))?;
    Ok(match rate::check(key, &Bucket { capacity: 1, refill: 1, period_ms }, 1) {
        Ok(decision) if decision.allowed => "taken".to_owned(),
        Ok(_) => "empty".to_owned(),
        Err(error) => error.to_string(),
    })
}

/// `NAME VALUE [LABEL=VALUE]...`
fn metric(word: &str, rest: &str) -> Result<(), metrics::MetricError> {
    let mut parts = rest.split(' ');
    let name = parts.next().unwrap_or_default();
    let value = parts.next().and_then(|value| value.parse().ok()).unwrap_or(f64::NAN);
    let labels: Vec<(&str, &str)> = parts.filter_map(|label| label.split_once('=')).collect();
    match word {
        "counter" => metrics::add_to_counter(name, &labels, value),
        "gauge" => metrics::set_gauge(name, &labels, value),
        "gauge-by" => metrics::add_to_gauge(name, &labels, value),
        _ => metrics::observe(name, &labels, value),
    }
}

fn shown<T: std::fmt::Display, E: std::fmt::Display>(result: Result<T, E>) -> String {
    result.map_or_else(|error| error.to_string(), |value| value.to_string())
}

/// So that a test sees the error and not only that there was one.
fn done<E: std::fmt::Display>(result: Result<(), E>) -> String {
    result.map_or_else(|error| error.to_string(), |()| "done".to_owned())
}

/// Signs, and checks the signature with the same key and that of another message.
fn signs(key: &str, message: &str) -> String {
    match crypto::sign(key, message.as_bytes()) {
        Ok(made) => {
            let own = crypto::verify(key, message.as_bytes(), &made);
            format!("{own} {}", crypto::verify(key, b"another message", &made))
        }
        Err(error) => error.to_string(),
    }
}

fn made<E: std::fmt::Display>(result: Result<Vec<u8>, E>) -> String {
    result.map_or_else(|error| error.to_string(), |bytes| hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Result<Vec<u8>, String> {
    let digits = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.map(byte).collect::<Option<_>>().ok_or_else(|| "not hexadecimal".to_owned())
}
