//! A filter for Envoy: reads `x-hop`, a number, and sets it to one more, as guests/hop does.

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

proxy_wasm::main! {{
    proxy_wasm::set_http_context(|_, _| -> Box<dyn HttpContext> { Box::new(Hop) });
}}

struct Hop;

impl Context for Hop {}

impl HttpContext for Hop {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let count = self.get_http_request_header("x-hop").and_then(|value| value.parse::<u32>().ok()).unwrap_or(0);
        self.set_http_request_header("x-hop", Some(&count.saturating_add(1).to_string()));
        Action::Continue
    }
}
