//! A plugin for tests: tells what it is told by `on-complete`, and works in `on-interval`. Each hook
//! follows a script from the configuration, step by step. A step is a word and what it needs.

use std::time::Duration;

use tollgate_plugin_sdk::completion::{Completed, Ending};
use tollgate_plugin_sdk::hooks::{self, Hook};
use tollgate_plugin_sdk::http_client::{self, Outbound};
use tollgate_plugin_sdk::response::Source;
use tollgate_plugin_sdk::schemars::JsonSchema;
use tollgate_plugin_sdk::serde::Deserialize;
use tollgate_plugin_sdk::{
    Answer, Background, Completion, Plugin, RequestFilter, Verdict, attributes, export, kv, log, request,
};

/// The script of each hook.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(crate = "tollgate_plugin_sdk::serde", deny_unknown_fields, default)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
struct Config {
    request: Vec<String>,
    complete: Vec<String>,
    interval: Vec<String>,
    /// Milliseconds for `call-every`.
    every: Option<u32>,
    /// Whether `configure` has no use for `on-complete`.
    skip: bool,
}

struct Witness(Config);

impl Plugin for Witness {
    type Config = Config;
    const NAME: &'static str = "witness";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Tells what it is told when nobody waits";

    fn configure(config: Config) -> Result<Self, String> {
        if config.skip {
            hooks::skip(Hook::OnComplete);
        }
        if let Some(every) = config.every {
            hooks::call_every(Duration::from_millis(every.into()));
        }
        Ok(Self(config))
    }
}

impl RequestFilter for Witness {
    fn on_request(&self) -> Verdict {
        self.0.request.iter().find_map(|step| take(step)).map_or(Verdict::Next, Verdict::Respond)
    }
}

impl Completion for Witness {
    fn on_complete(&self, completed: Completed) {
        attributes::set("told", &told(&completed)).unwrap_or_default();
        self.0.complete.iter().for_each(|step| drop(take(step)));
    }
}

impl Background for Witness {
    fn on_interval(&self) {
        self.0.interval.iter().for_each(|step| drop(take(step)));
    }
}

/// Takes one step; an answer where it is one.
fn take(step: &str) -> Option<Answer> {
    let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    match word {
        "note" => attributes::set(first, second).unwrap_or_default(),
        // What was noted, and the head as it was sent on.
        "tell" => log::info(&format!("{first} {} {}", request::path(), note(second))),
        "log" => log::info(rest),
        "change" => drop(request::set_path("/changed")),
        "count" => drop(kv::increment(first, 1, 0)),
        "show" => drop(request::set_header(second, &text(kv::get(first)))),
        "call" => log::info(&format!("call {}", call(first, second))),
        "keep" => drop(kv::set(second, call(first, "/keys").as_bytes(), 0)),
        "respond" => return Some(Answer::new(first.parse().unwrap_or(500))),
        "spin" => spin(),
        #[allow(clippy::panic, reason = "a script may ask for exactly this")]
        unknown => panic!("as the script says: {unknown}"),
    }
    None
}

/// `STATUS ENDING MADE-BY ERROR UPSTREAM TARGET IN OUT`
fn told(completed: &Completed) -> String {
    let Completed { status, ending, made_by, error, upstream, target, request_bytes, response_bytes, duration_us } =
        completed;
    let ending = match ending {
        Ending::Complete => "complete",
        Ending::ClientGone => "client-gone",
        Ending::UpstreamBroke => "upstream-broke",
        Ending::GatewayBroke => "gateway-broke",
    };
    let made_by = match made_by {
        Source::Upstream => "upstream",
        Source::Gateway => "gateway",
        Source::Plugin(name) => name,
    };
    let [error, upstream, target] = [error, upstream, target].map(|text| text.as_deref().unwrap_or("-"));
    let took = if *duration_us > 0 { "took-time" } else { "took-none" };
    format!("{status} {ending} {made_by} {error} {upstream} {target} {request_bytes} {response_bytes} {took}")
}

fn note(name: &str) -> String {
    attributes::get(name).unwrap_or_else(|| "none".to_owned())
}

fn call(upstream: &str, path: &str) -> String {
    match http_client::send(Outbound::get(upstream, path)) {
        Ok(answer) => text(Some(answer.body)),
        Err(error) => error.to_string(),
    }
}

fn text(bytes: Option<Vec<u8>>) -> String {
    bytes.map_or_else(|| "none".to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn spin() {
    let mut round = 0_u64;
    loop {
        round = std::hint::black_box(round.wrapping_add(1));
    }
}

export!(Witness: request, completion, background);
