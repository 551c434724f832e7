//! What a request asks for: its target, in the one spelling that routes match and upstreams get.

use http::uri::PathAndQuery;
use http::{Method, Uri, request};

use crate::respond::Failure;
use crate::spelling;

const NO_TARGET: Failure = Failure::BadRequest { problem: "The request target is neither a path nor a URL." };
const ENCODED_SLASH: Failure = Failure::BadRequest { problem: "The path has an encoded slash." };

/// Gives the target its one spelling; refuses one that has none, or is none (RFC 9112 section 3.2).
pub(crate) fn respell(head: &mut request::Parts, merge_slashes: bool) -> Result<(), Failure> {
    let path = head.uri.path();
    if !path.starts_with('/') {
        // `*` is all of the server, and only asked for its options.
        return if path == "*" && head.method == Method::OPTIONS { Ok(()) } else { Err(NO_TARGET) };
    }
    let plain = spelling::plain(path, merge_slashes).map_err(|problem| Failure::BadRequest { problem })?;
    if plain != path {
        head.uri = with_path(&head.uri, &plain).ok_or(NO_TARGET)?;
    }
    Ok(())
}

/// Refuses an encoded slash where a route does not expect one: a service that reads it as a slash would serve
/// what another route guards.
pub(crate) fn check_slashes(head: &request::Parts, may_be_encoded: bool) -> Result<(), Failure> {
    let is_refused = !may_be_encoded && spelling::has_encoded_slash(head.uri.path());
    if is_refused { Err(ENCODED_SLASH) } else { Ok(()) }
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let target = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn respelled(method: &str, target: &str) -> Result<String, Failure> {
        let mut head = http::Request::builder().method(method).uri(target).body(()).unwrap().into_parts().0;
        respell(&mut head, true).map(|()| head.uri.to_string())
    }

    #[test]
    fn all_but_the_path_stays() {
        assert_eq!(respelled("GET", "http://A:80//b/../c?d=/../e").unwrap(), "http://A:80/c?d=/../e");
        assert_eq!(respelled("GET", "/a?b").unwrap(), "/a?b");
        assert_eq!(respelled("GET", "/./a").unwrap(), "/a");
        assert_eq!(respelled("OPTIONS", "*").unwrap(), "*");
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for (method, target) in [("GET", "*"), ("GET", "a"), ("OPTIONS", "a:80"), ("GET", "/..")] {
            assert!(respelled(method, target).is_err(), "{method} {target}");
        }
    }
}
