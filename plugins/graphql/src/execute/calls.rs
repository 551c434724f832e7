//! The calls of one operation: each is made once, and tells everyone who waits for it.

use tollgate_plugin_sdk::http_client::{self, ClientError, Content, Outbound};
use tollgate_plugin_sdk::{clock, log};

use crate::json;

/// What a call needs of the world. The gateway is [`Live`]; a test may answer in an order of its own.
pub(crate) trait Services {
    fn submit(&self, call: &Outbound) -> u32;
    fn wait_any(&self, calls: &[u32]) -> u32;
    fn take(&self, call: u32) -> Result<Content, ClientError>;
    fn now_us(&self) -> u64;
}

/// The gateway.
#[derive(Debug)]
pub(crate) struct Live;

impl Services for Live {
    fn submit(&self, call: &Outbound) -> u32 {
        http_client::submit(call)
    }

    fn wait_any(&self, calls: &[u32]) -> u32 {
        http_client::wait_any(calls)
    }

    fn take(&self, call: u32) -> Result<Content, ClientError> {
        http_client::take_content(call)
    }

    fn now_us(&self) -> u64 {
        clock::monotonic_us()
    }
}

/// Why there is no value, as the client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No answer in time.
    Timeout,
    /// No answer, or none that can be used.
    Upstream,
    /// The operator has to do something: a grant, a limit.
    Setup,
}

impl Failure {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Timeout => "UPSTREAM_TIMEOUT",
            Self::Upstream => "UPSTREAM_ERROR",
            Self::Setup => "INTERNAL_SERVER_ERROR",
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Timeout => "a service behind the gateway did not answer in time",
            Self::Upstream => "a service behind the gateway did not answer as expected",
            Self::Setup => "the gateway could not ask a service",
        }
    }
}

/// Calls that were made, with who waits for them.
#[derive(Debug)]
pub(crate) struct Calls<'a, W> {
    made: Vec<Call<'a, W>>,
    /// Those before it are joined by nobody any more.
    joined_from: usize,
}

#[derive(Debug)]
struct Call<'a, W> {
    outbound: Outbound,
    number: u32,
    /// The JSON, once it is there.
    outcome: Option<Result<&'a str, Failure>>,
    waiting: Vec<W>,
}

impl<'a, W> Calls<'a, W> {
    pub(crate) fn new() -> Self {
        Self { made: Vec::new(), joined_from: 0 }
    }

    /// Makes a call, or joins an equal one. Where that is over, who would wait gets its outcome.
    pub(crate) fn make(
        &mut self,
        services: &dyn Services,
        outbound: Outbound,
        join: bool,
        waiter: W,
    ) -> Option<(W, Result<&'a str, Failure>)> {
        // A time-out that has shrunk since makes no other call of it.
        let same = |call: &&mut Call<'a, W>| is_same(&call.outbound, &outbound);
        if join && let Some(call) = self.made.iter_mut().skip(self.joined_from).find(same) {
            if let Some(outcome) = call.outcome {
                return Some((waiter, outcome));
            }
            call.waiting.push(waiter);
            return None;
        }
        let number = services.submit(&outbound);
        self.made.push(Call { outbound, number, outcome: None, waiting: vec![waiter] });
        None
    }

    /// Joins no call made so far to one made from now on.
    pub(crate) fn forget(&mut self) {
        self.joined_from = self.made.len();
    }

    /// The numbers of those that are not over.
    pub(crate) fn open(&self) -> impl Iterator<Item = u32> {
        self.made.iter().filter(|call| call.outcome.is_none()).map(|call| call.number)
    }

    /// Waits for an open call; none if there is no such call.
    pub(crate) fn take(
        &mut self,
        services: &dyn Services,
        number: u32,
        keep: impl FnOnce(Vec<u8>) -> &'a [u8],
    ) -> Option<(Vec<W>, Result<&'a str, Failure>)> {
        let call = self.made.iter_mut().find(|call| call.number == number && call.outcome.is_none())?;
        let outcome = json_of(services.take(number), keep).map_err(|(failure, why)| {
            report(&call.outbound, failure, &why);
            failure
        });
        call.outcome = Some(outcome);
        Some((std::mem::take(&mut call.waiting), outcome))
    }
}

fn is_same(one: &Outbound, other: &Outbound) -> bool {
    one.path == other.path
        && one.target == other.target
        && one.method == other.method
        && one.headers == other.headers
        && one.body == other.body
}

/// A good answer's JSON. Nothing there is `null`: 404, 204 and an empty body.
fn json_of<'a>(
    answer: Result<Content, ClientError>,
    keep: impl FnOnce(Vec<u8>) -> &'a [u8],
) -> Result<&'a str, (Failure, String)> {
    let answer = answer.map_err(|error| {
        let failure = match error {
            ClientError::Timeout => Failure::Timeout,
            ClientError::Unreachable(_) | ClientError::TooLarge => Failure::Upstream,
            _ => Failure::Setup,
        };
        (failure, error.to_string())
    })?;
    match answer.status {
        404 | 204 => Ok("null"),
        200..=299 if answer.body.is_empty() => Ok("null"),
        200..=299 => {
            let body = keep(answer.body);
            json::whole(body).map_err(|error| (Failure::Upstream, not_json(body, &error)))
        }
        status => Err((Failure::Upstream, format!("the answer has status {status}"))),
    }
}

/// Some services compress whatever was asked for. The first bytes tell, so that no call need bring its fields.
fn not_json(body: &[u8], error: &serde_json::Error) -> String {
    let coding = match body {
        [0x1f, 0x8b, ..] => "gzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        _ => return format!("the answer is not JSON: {error}"),
    };
    format!("the answer is compressed ({coding}), though `accept-encoding: identity` was sent")
}

/// Tells the operator what the client is not told.
fn report(call: &Outbound, failure: Failure, why: &str) {
    use tollgate_plugin_sdk::http_client::Target;
    let (Target::Upstream(target) | Target::Origin(target) | Target::Route(target)) = &call.target;
    // The query may hold what is not for a log.
    let path = call.path.split('?').next().unwrap_or_default();
    let line = format!("{} {target} {path}: {why}", call.method);
    if failure == Failure::Setup { log::error(&line) } else { log::warn(&line) }
}
