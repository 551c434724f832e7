//! `GraphiQL`: an editor for operations, for people with a browser.
//!
//! The page loads the editor itself from a public CDN, pinned to versions: it is a tool for
//! developers, off unless asked for.

use tollgate_plugin_sdk::{Answer, request};

/// Whether a browser opens the route, rather than a client that sends an operation.
pub(crate) fn is_wanted() -> bool {
    let asks =
        |query: &str| form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "query" || name == "extensions");
    let takes_html = request::header("accept").is_some_and(|accept| accept.contains("text/html"));
    takes_html && !request::query().is_some_and(|query| asks(&query))
}

pub(crate) fn page() -> Answer {
    Answer::new(200)
        .header("content-type", "text/html; charset=utf-8")
        .header("vary", "accept")
        .header("x-frame-options", "DENY")
        .body(include_str!("graphiql.html"))
}
