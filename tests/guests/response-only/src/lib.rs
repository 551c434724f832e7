//! A plugin for tests: has no hook but `on-response`.

use tollgate_plugin_sdk::{NoConfig, Plugin, ResponseFilter, ResponseVerdict, export, response};

#[derive(Debug)]
struct ResponseOnly;

impl Plugin for ResponseOnly {
    type Config = NoConfig;
    const NAME: &'static str = "response-only";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Marks responses";

    fn configure(_: NoConfig) -> Result<Self, String> {
        Ok(Self)
    }
}

impl ResponseFilter for ResponseOnly {
    fn on_response(&self) -> ResponseVerdict {
        if response::set_header("x-response-only", &response::status().to_string()).is_err() {
            drop(response::set_status(599));
        }
        ResponseVerdict::Next
    }
}

export!(ResponseOnly: response);
