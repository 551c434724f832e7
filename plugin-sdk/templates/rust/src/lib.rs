//! Refuses requests without a header, and tells the upstream what the header said.

use tollgate_plugin_sdk::schemars::JsonSchema;
use tollgate_plugin_sdk::serde::Deserialize;
use tollgate_plugin_sdk::{Answer, Plugin, RequestFilter, Verdict, export, log, request};

/// The plugin's `config` table. These comments become the descriptions in its JSON schema, which
/// the gateway checks the table against.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "tollgate_plugin_sdk::serde", deny_unknown_fields)]
#[schemars(crate = "tollgate_plugin_sdk::schemars")]
struct Config {
    /// The header a request must have, for example `x-tenant`.
    header: String,
}

/// Lives as long as the instance: parse and prepare here what requests need.
struct MyPlugin {
    header: String,
}

impl Plugin for MyPlugin {
    type Config = Config;
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Refuses requests without a header";

    fn configure(config: Config) -> Result<Self, String> {
        if config.header.is_empty() {
            return Err("header: must not be empty".to_owned());
        }
        Ok(Self { header: config.header })
    }
}

impl RequestFilter for MyPlugin {
    fn on_request(&self) -> Verdict {
        let Some(value) = request::header(&self.header) else {
            return Verdict::Respond(Answer::new(400).text(format!("missing header: {}\n", self.header)));
        };
        if let Err(error) = request::set_header("x-seen-by", "my-plugin") {
            log::warn(&format!("x-seen-by: {error}"));
        }
        log::debug(&format!("{}: {value}", self.header));
        Verdict::Next
    }
}

// The hooks named here are the hooks the gateway calls.
export!(MyPlugin: request);

#[cfg(test)]
mod tests {
    use tollgate_plugin_sdk::testing::Host;

    use super::*;

    fn plugin() -> MyPlugin {
        MyPlugin::configure(Config { header: "x-tenant".to_owned() }).unwrap()
    }

    #[test]
    fn a_request_with_the_header_goes_on() {
        let host = Host::new().header("x-tenant", "acme");
        assert_eq!(plugin().on_request(), Verdict::Next);
        assert_eq!(host.request_header("x-seen-by").as_deref(), Some("my-plugin"));
    }

    #[test]
    fn a_request_without_the_header_is_refused() {
        let _host = Host::new();
        let Verdict::Respond(answer) = plugin().on_request() else { panic!("it went on") };
        assert_eq!(answer.status, 400);
    }
}
