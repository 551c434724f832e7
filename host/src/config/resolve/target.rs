//! `http://HOST:PORT`, `https://HOST:PORT`: targets of upstreams and granted origins.

use http::Uri;

use crate::config::model::{Scheme, Target, Wildcard};

/// What is wrong with an address, and what to do.
pub(super) type Refused = (&'static str, String);

/// Reads an origin (RFC 6454 section 4).
pub(super) fn parse(text: &str) -> Result<Target, Refused> {
    let (scheme, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
        (Some(rest), _) => (Scheme::Http, rest),
        (_, Some(rest)) => (Scheme::Https, rest),
        _ => return Err(not_http(text)),
    };
    let form = || format!("the form is `{scheme}://HOST:PORT`");
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
        return Err(("has a path", format!("write `{scheme}://{authority}`; `strip_prefix` of a route changes paths")));
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let port = match authority.as_str().strip_prefix(authority.host()) {
        Some("") => Some(scheme.port()),
        _ => authority.port_u16(),
    };
    match port {
        _ if host.is_empty() => Err(("has no host", form())),
        _ if host.contains('*') => {
            let help = "in a grant, `*` may stand for the whole host or for its first part: `https://*.example.com`";
            Err(("has `*` inside", help.into()))
        }
        None | Some(0) => Err(("has no valid port", "a port is a number from 1 to 65535".into())),
        Some(port) => Ok(Target { scheme, host: host.to_ascii_lowercase(), port }),
    }
}

/// Reads `https://*.example.com`, `https://*`, with or without a port.
pub(super) fn parse_wildcard(text: &str) -> Result<Wildcard, Refused> {
    let (scheme, rest) = text.split_once("://*").unwrap_or((text, ""));
    // What stands behind `*` is read as if it were all.
    let (whole, has_suffix) = match rest.strip_prefix('.') {
        Some(suffix) => (format!("{scheme}://{suffix}"), true),
        None => (format!("{scheme}://any{rest}"), false),
    };
    let Target { scheme, host, port } = parse(&whole)?;
    if !has_suffix && host != "any" {
        let help = format!("write `{scheme}://*.example.com` for all below, `{scheme}://*` for any host");
        return Err(("has `*` inside", help));
    }
    Ok(Wildcard { scheme, suffix: if has_suffix { format!(".{host}") } else { String::new() }, port })
}

fn not_http(text: &str) -> Refused {
    let form = "the form is `http://HOST:PORT`";
    if text.starts_with("unix:") {
        return ("is not an HTTP address", format!("Unix sockets are not supported; {form}"));
    }
    match format!("http://{text}") {
        whole if !text.contains("//") && parse(&whole).is_ok() => ("has no scheme", format!("write `{whole}`")),
        _ => ("is not an HTTP address", form.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts_and_ports_are_taken_apart() {
        let target = |scheme, host: &str, port| Ok(Target { scheme, host: host.into(), port });
        assert_eq!(parse("http://10.0.0.1:3001"), target(Scheme::Http, "10.0.0.1", 3001));
        assert_eq!(parse("http://users.internal"), target(Scheme::Http, "users.internal", 80));
        assert_eq!(parse("http://[::1]:3001"), target(Scheme::Http, "::1", 3001));
        assert_eq!(parse("https://Users.internal"), target(Scheme::Https, "users.internal", 443));
        assert_eq!(parse("https://users.internal:8443"), target(Scheme::Https, "users.internal", 8443));
    }

    #[test]
    fn a_wildcard_stands_for_any_host_or_for_all_below_one() {
        let wildcard = |scheme, suffix: &str, port| Ok(Wildcard { scheme, suffix: suffix.into(), port });
        assert_eq!(parse_wildcard("https://*"), wildcard(Scheme::Https, "", 443));
        assert_eq!(parse_wildcard("http://*:8080"), wildcard(Scheme::Http, "", 8080));
        assert_eq!(parse_wildcard("https://*.Example.com"), wildcard(Scheme::Https, ".example.com", 443));
        assert_eq!(parse_wildcard("https://*.example.com:1"), wildcard(Scheme::Https, ".example.com", 1));
        for text in ["https://*example.com", "https://*.", "https://*.*.com", "ftp://*", "https://*/x", "https://*:0"] {
            assert!(parse_wildcard(text).is_err(), "{text}");
        }
        assert!(parse("https://a.*").is_err() && parse("https://*").is_err());
    }

    #[test]
    fn a_wildcard_covers_what_is_below_its_host_on_its_port_with_its_scheme() {
        let below = parse_wildcard("https://*.example.com").unwrap();
        let covers = |text: &str| below.covers(&parse(text).unwrap());
        assert!(covers("https://a.example.com") && covers("https://a.b.example.com:443"));
        for other in [
            "https://example.com",
            "https://aexample.com",
            "https://a.example.com:444",
            "http://a.example.com:443",
            "https://a.example.com.evil.example",
        ] {
            assert!(!covers(other), "{other}");
        }
        assert!(parse_wildcard("http://*").unwrap().covers(&parse("http://10.0.0.1").unwrap()));
    }

    #[test]
    fn all_else_is_refused() {
        for text in [
            "",
            "a:1",
            "https://a:0",
            "https://",
            "https://a/x",
            "HTTPS://a",
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
        fn no_text_panics(text in "(https?://)?\\PC*") {
            let _ = (parse(&text), parse_wildcard(&text));
        }
    }
}
