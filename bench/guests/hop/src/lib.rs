//! A plugin for the benchmark: reads `x-hop`, a number, and sets it to one more.
//!
//! So the service behind the gateway sees how many plugins ran. `envoy-hop` does the same in Envoy.

use tollgate_plugin_sdk::{NoConfig, Plugin, RequestFilter, Verdict, export, log, request};

/// By how much a hop counts. Another number makes another version of the plugin, which can be told
/// from the first by what it does.
const STEP: u32 = match option_env!("HOP_STEP") {
    Some(text) => digits(text.as_bytes()),
    None => 1,
};

#[derive(Debug)]
struct Hop;

impl Plugin for Hop {
    type Config = NoConfig;
    const NAME: &'static str = "hop";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Reads one header field and sets it";

    fn configure(_: NoConfig) -> Result<Self, String> {
        Ok(Self)
    }
}

impl RequestFilter for Hop {
    fn on_request(&self) -> Verdict {
        let count = request::header("x-hop").and_then(|value| value.parse::<u32>().ok()).unwrap_or(0);
        if let Err(error) = request::set_header("x-hop", &count.saturating_add(STEP).to_string()) {
            log::warn(&format!("x-hop: {error}"));
        }
        Verdict::Next
    }
}

export!(Hop: request);

const fn digits(text: &[u8]) -> u32 {
    let mut number = 0;
    let mut at = 0;
    while at < text.len() {
        number = number * 10 + (text[at] - b'0') as u32;
        at += 1;
    }
    number
}

#[cfg(test)]
mod tests {
    use tollgate_plugin_sdk::testing::Host;

    use super::*;

    #[test]
    fn each_hop_counts_on() {
        let host = Host::new().header("x-hop", "3");
        assert_eq!(Hop.on_request(), Verdict::Next);
        assert_eq!(host.request_header("x-hop").as_deref(), Some((3 + STEP).to_string().as_str()));
    }

    #[test]
    fn a_request_without_a_count_begins_at_nothing() {
        let host = Host::new();
        assert_eq!(Hop.on_request(), Verdict::Next);
        assert_eq!(host.request_header("x-hop").as_deref(), Some(STEP.to_string().as_str()));
    }

    #[test]
    fn a_step_is_read_from_its_digits() {
        assert_eq!(digits(b"1024"), 1024);
    }
}
