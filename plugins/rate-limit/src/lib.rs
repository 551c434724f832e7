//! Limits how many requests a client may make in a period, with a token bucket in the gateway.
//!
//! Answers 429 with `Retry-After`, and tells every client where it stands, by
//! draft-ietf-httpapi-ratelimit-headers-10. What the response says is known on the way in.

mod client;
mod config;

use serde_json::json;
use tollgate_plugin_sdk::mistakes::Mistakes;
use tollgate_plugin_sdk::rate::{self, Bucket, Decision, RateError};
use tollgate_plugin_sdk::{Answer, Plugin, RequestFilter, Verdict, export, log, response};

use client::Client;
use config::Config;

/// The plugin.
struct RateLimit {
    client: Client,
    bucket: Bucket,
    /// The policy's name as a structured field string, with its quotes.
    name: String,
    /// The value of `RateLimit-Policy`.
    policy: String,
}

impl Plugin for RateLimit {
    type Config = Config;
    const NAME: &'static str = "rate-limit";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Limits how many requests a client may make in a period";

    fn configure(config: Config) -> Result<Self, String> {
        let mistakes = Mistakes::default();
        let period_ms = config.per.as_millis();
        if period_ms == 0 {
            mistakes.of("per").add("must be more than zero");
        }
        let capacity = config.burst.unwrap_or(config.limit);
        if config.limit == 0 {
            mistakes.of("limit").add("must be at least 1");
        }
        if config.burst == Some(0) {
            mistakes.of("burst").add("must be at least 1");
        }
        mistakes.of("name").take(check_name(&config.name));
        let name = format!("\"{}\"", config.name);
        let client = Client::new(config.by, &mistakes.of("by"));
        mistakes.or(client.map(|client| Self {
            client,
            bucket: Bucket { capacity, refill: config.limit, period_ms },
            policy: policy(&name, config.limit, period_ms),
            name,
        }))
    }
}

impl RequestFilter for RateLimit {
    fn on_request(&self) -> Verdict {
        let decision = match rate::check(&self.client.key(), &self.bucket, 1) {
            Ok(decision) => decision,
            Err(error) => return Verdict::Respond(undecided(error)),
        };
        // Both fields are lists: another limit of the chain, or the upstream's, may be there.
        let added = response::add_header("ratelimit-policy", &self.policy)
            .and_then(|()| response::add_header("ratelimit", &self.standing(&decision)));
        if let Err(error) = added {
            log::warn(&format!("the response will have no RateLimit field: {error}"));
        }
        if decision.allowed { Verdict::Next } else { Verdict::Respond(refused(&decision)) }
    }
}

export!(RateLimit: request);

impl RateLimit {
    /// The value of `RateLimit`: what is left, and the seconds until all is there again.
    fn standing(&self, decision: &Decision) -> String {
        let (mut remaining, mut reset) = (itoa::Buffer::new(), itoa::Buffer::new());
        [&self.name, ";r=", remaining.format(decision.remaining), ";t=", reset.format(seconds(decision.reset_ms))]
            .concat()
    }
}

/// The value of `RateLimit-Policy`. Its window is in whole seconds; one that is not is left out.
fn policy(name: &str, limit: u32, period_ms: u32) -> String {
    let window = if period_ms.is_multiple_of(1000) { format!(";w={}", period_ms / 1000) } else { String::new() };
    format!("{name};q={limit}{window}")
}

fn refused(decision: &Decision) -> Answer {
    let after = seconds(decision.retry_after_ms).max(1);
    Answer::new(429)
        .header("retry-after", after.to_string())
        .json(&json!({"error": "rate_limited", "message": "too many requests"}))
}

/// A limit that cannot count does not let through: fail closed.
fn undecided(error: RateError) -> Answer {
    log::error(&format!("a request was refused, because it could not be counted: {error}"));
    Answer::new(503)
        .header("retry-after", "1")
        .json(&json!({"error": "rate_limit_unavailable", "message": "requests cannot be counted at the moment"}))
}

/// Rounded up: a client that waits so long does not come too early.
fn seconds(ms: u32) -> u32 {
    ms.div_ceil(1000)
}

/// What needs no escaping in a structured field string, nor in an attribute's name.
fn check_name(name: &str) -> Result<(), String> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
        return Err(format!("`{name}` must be 1 to 64 letters, digits, `.`, `_` or `-`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
