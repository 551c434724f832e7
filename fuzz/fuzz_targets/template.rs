//! `aggregate`'s path templates: any text is a template or an error, and no value of a request
//! leaves the place it is filled into.

#![no_main]

use aggregate::Aggregate;
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use tollgate_plugin_sdk::testing::Host;
use tollgate_plugin_sdk::{Answer, Plugin, RequestFilter};

#[derive(Debug, Arbitrary)]
struct Case<'a> {
    template: Template<'a>,
    param: &'a str,
    rest: &'a str,
    attribute: &'a str,
    query: Option<&'a str>,
}

#[derive(Debug, Arbitrary)]
enum Template<'a> {
    Text(&'a str),
    /// All three kinds of places.
    Places,
}

fuzz_target!(|case: Case<'_>| {
    let template = match case.template {
        Template::Text(text) => text.to_owned(),
        Template::Places => "/a/{id}/b/{*rest}?by={attribute:t}".to_owned(),
    };
    let parts = json!({"parts": [{"name": "p", "upstream": "u", "path": template, "forward_query": ["q"]}]});
    let Ok(plugin) = Aggregate::configure(serde_json::from_value(parts).unwrap()) else { return };
    let mut host =
        Host::new().param("id", case.param).param("rest", case.rest).on_call(|_| Ok(Answer::new(200).text("{}")));
    host = host.attribute("t", case.attribute);
    if let Some(query) = case.query {
        host = host.query(query);
    }
    let _ = plugin.on_request();
    for call in host.calls() {
        assert!(
            call.path.starts_with('/') && call.path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'),
            "{}",
            call.path
        );
        let path = call.path.split('?').next().unwrap();
        assert!(!path.split('/').any(climbs), "{path}");
        if matches!(case.template, Template::Places) {
            let slashes_of_the_rest = case.rest.matches('/').count();
            assert_eq!(path.matches('/').count(), 4 + slashes_of_the_rest, "{path}");
        }
    }
});

/// `.` and `..`, in every way a server may read them.
fn climbs(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}
