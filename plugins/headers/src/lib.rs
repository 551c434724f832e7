//! Sets, adds and removes header fields, on requests and on responses.
//!
//! Values are literal. Everything is checked and prepared in `configure`, so that a hook is one call
//! of the gateway for each change and nothing else.

mod changes;
mod config;

use tollgate_plugin_sdk::hooks::{self, Hook};
use tollgate_plugin_sdk::mistakes::Mistakes;
use tollgate_plugin_sdk::{Plugin, RequestFilter, ResponseFilter, ResponseVerdict, Verdict, export, request, response};

use changes::{Changes, Message};
use config::Config;

/// The plugin.
struct Headers {
    request: Changes,
    response: Changes,
}

impl Plugin for Headers {
    type Config = Config;
    const NAME: &'static str = "headers";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Sets, adds and removes header fields of requests and responses";

    fn configure(config: Config) -> Result<Self, String> {
        if config.request.is_empty() && config.response.is_empty() {
            return Err("nothing to do: neither `request` nor `response` changes a field".to_owned());
        }
        let (changes_requests, changes_responses) = (!config.request.is_empty(), !config.response.is_empty());
        let mistakes = Mistakes::default();
        let headers = Self {
            request: Changes::new(config.request, &mistakes.of("request")),
            response: Changes::new(config.response, &mistakes.of("response")),
        };
        let headers = mistakes.or(Some(headers))?;
        // A way the config says nothing about costs nothing.
        if !changes_requests {
            hooks::skip(Hook::OnRequest);
        }
        if !changes_responses {
            hooks::skip(Hook::OnResponse);
        }
        Ok(headers)
    }
}

impl RequestFilter for Headers {
    fn on_request(&self) -> Verdict {
        self.request.apply(&Message {
            set: request::set_header,
            add: request::add_header,
            remove: request::remove_header,
        });
        Verdict::Next
    }
}

impl ResponseFilter for Headers {
    fn on_response(&self) -> ResponseVerdict {
        self.response.apply(&Message {
            set: response::set_header,
            add: response::add_header,
            remove: response::remove_header,
        });
        ResponseVerdict::Next
    }
}

export!(Headers: request, response);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tollgate_plugin_sdk::testing::Host;

    use super::*;

    fn configured(config: Value) -> Result<Headers, String> {
        Headers::configure(serde_json::from_value(config).unwrap())
    }

    fn plugin(config: Value) -> Headers {
        configured(config).unwrap()
    }

    fn refused(config: Value) -> String {
        configured(config).err().unwrap()
    }

    #[test]
    fn set_takes_the_place_of_what_the_client_sent() {
        let host = Host::new().header("x-tier", "gold").header("x-tier", "silver");
        assert_eq!(plugin(json!({"request": {"set": {"X-Tier": "free"}}})).on_request(), Verdict::Next);
        assert_eq!(host.request_headers(), [("x-tier".to_owned(), "free".to_owned())]);
    }

    #[test]
    fn add_keeps_what_is_there_and_takes_several_values() {
        let host = Host::new().response(200).with_response_header("set-cookie", "a=1");
        let plugin = plugin(json!({"response": {"add": {"set-cookie": ["b=2", "c=3"]}}}));
        assert_eq!(plugin.on_response(), ResponseVerdict::Next);
        let values: Vec<String> = host.response_headers().into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["a=1", "b=2", "c=3"]);
    }

    #[test]
    fn remove_takes_every_line_and_comes_before_set_and_add() {
        let host = Host::new().header("a", "1").header("A", "2");
        plugin(json!({"request": {"remove": ["A"], "add": {"a": "3"}}})).on_request();
        assert_eq!(host.request_headers(), [("a".to_owned(), "3".to_owned())]);
    }

    #[test]
    fn request_and_response_are_changed_apart() {
        let host = Host::new();
        let plugin = plugin(json!({"request": {"set": {"a": "in"}}, "response": {"set": {"b": "out"}}}));
        plugin.on_request();
        host.enter_response(204);
        plugin.on_response();
        assert_eq!(host.request_headers(), [("a".to_owned(), "in".to_owned())]);
        assert_eq!(host.response_headers(), [("b".to_owned(), "out".to_owned())]);
    }

    #[test]
    fn the_way_the_config_says_nothing_about_is_skipped() {
        let skipped = |config: Value| {
            let host = Host::new();
            plugin(config);
            host.skipped_hooks()
        };
        assert_eq!(skipped(json!({"request": {"remove": ["a"]}})), [Hook::OnResponse]);
        assert_eq!(skipped(json!({"response": {"remove": ["a"]}})), [Hook::OnRequest]);
        assert_eq!(skipped(json!({"request": {"remove": ["a"]}, "response": {"remove": ["a"]}})), []);
    }

    #[test]
    fn what_the_gateway_would_refuse_is_refused_when_the_config_is_read() {
        assert!(refused(json!({"request": {"set": {"a b": "1"}}})).contains("request.set"));
        assert!(refused(json!({"response": {"add": {"a": "x\r\ny"}}})).contains("control character"));
        assert!(refused(json!({"request": {"remove": ["Host"]}})).contains("belongs to the gateway"));
        assert!(refused(json!({"request": {"set": {"content-length": "0"}}})).contains("content-length"));
    }

    #[test]
    fn every_mistake_is_told_with_the_key_it_is_about() {
        let mistakes = refused(json!({
            "request": {"set": {"a b": "1", "x-a": "x\ny"}, "remove": ["ok", "Host"]},
            "response": {"add": {"a": ["1", "\u{7f}"]}},
        }));
        let keys: Vec<&str> = mistakes.lines().filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(keys, ["request.remove[1]", "request.set.\"a b\"", "request.set.x-a", "response.add.a[1]"]);
    }

    #[test]
    fn a_config_that_does_nothing_is_a_mistake() {
        assert!(refused(json!({})).contains("nothing to do"));
        assert!(refused(json!({"request": {"remove": []}})).contains("nothing to do"));
    }

    #[test]
    fn a_field_both_set_and_added_is_a_mistake() {
        assert!(refused(json!({"request": {"set": {"a": "1"}, "add": {"A": "2"}}})).contains("set already"));
    }
}
