//! `http://HOST:PORT`: targets of upstreams and granted origins.

use http::Uri;

use crate::config::model::Target;

/// Reads an origin (RFC 6454 section 4, `http` only). The error is what is wrong, and what to do.
pub(super) fn parse(text: &str) -> Result<Target, (&'static str, String)> {
    let Some(rest) = text.strip_prefix("http://") else {
        return Err(not_http(text));
    };
    let form = || "the form is `http://HOST:PORT`".to_owned();
    let Ok(uri) = text.parse::<Uri>() else {
        return Err(("is not an address", form()));
    };
    let Some(authority) = uri.authority() else {
        return Err(("has no host", form()));
    };
    if authority.as_str().contains('@') {
        return Err(("holds a user name", "credentials are not sent to upstreams; leave them out".into()));
    }
    if rest.contains(['/', '?', '#']) {
        return Err(("has a path", format!("write `http://{authority}`; `strip_prefix` of a route changes paths")));
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let port = match authority.as_str().strip_prefix(authority.host()) {
        Some("") => Some(80),
        _ => authority.port_u16(),
    };
    match port {
        _ if host.is_empty() => Err(("has no host", form())),
        None | Some(0) => Err(("has no valid port", "a port is a number from 1 to 65535".into())),
        Some(port) => Ok(Target { host: host.to_owned(), port }),
    }
}

fn not_http(text: &str) -> (&'static str, String) {
    if let Some(rest) = text.strip_prefix("https://") {
        return (
            "uses TLS, which is not supported yet",
            format!("the gateway speaks plain HTTP to upstreams so far: `http://{rest}`"),
        );
    }
    if text.contains("://") {
        return ("is not an HTTP address", "the form is `http://HOST:PORT`".into());
    }
    ("has no scheme", format!("write `http://{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts_and_ports_are_taken_apart() {
        let target = |host: &str, port| Ok(Target { host: host.into(), port });
        assert_eq!(parse("http://10.0.0.1:3001"), target("10.0.0.1", 3001));
        assert_eq!(parse("http://users.internal"), target("users.internal", 80));
        assert_eq!(parse("http://[::1]:3001"), target("::1", 3001));
    }

    #[test]
    fn all_else_is_refused() {
        for text in [
            "",
            "a:1",
            "https://a:1",
            "ftp://a",
            "http://",
            "http://:80",
            "http://a:0",
            "http://a:99999",
            "http://a:",
            "http://a:b",
            "http://a/x",
            "http://u@a:1",
            "http://a?x",
            "http://[::1",
            "http://a b",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(http://)?\\PC*") {
            let _ = parse(&text);
        }
    }
}
