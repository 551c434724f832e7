//! Path templates: `/users/{id}/orders?limit=10&by={attribute:jwt.claim.sub}`.
//!
//! What is filled in is percent-encoded, so that a value stays within its place: it adds no
//! segment, no parameter and no fragment, and cannot climb with `..`.

use tollgate_plugin_sdk::path;

use crate::failure::Failure;
use crate::source::{Names, Source, Values};
use crate::template::{Piece, Template};

/// A parsed template of a path and a query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PathTemplate(Template);

impl PathTemplate {
    pub(crate) fn parse(text: &str, names: Names<'_>) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err(format!("`{text}` does not start with `/`"));
        }
        if let Some(c) = text.chars().find(|c| !c.is_ascii_graphic() || *c == '#') {
            return Err(format!("{c:?} in `{text}` must be percent-encoded"));
        }
        let template = Self(Template::parse(text, names).map_err(|error| in_template(&error, text))?);
        if template.literals().split('?').next().is_some_and(has_dot_segment) {
            return Err(format!("`{text}` has a `.` or `..` segment"));
        }
        Ok(template)
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.0.sources()
    }

    /// The path and query for the request at hand.
    pub(crate) fn fill(&self, values: Values<'_>) -> Result<String, Failure> {
        // Without a place it is as it was when it was parsed.
        if let [Piece::Literal(path)] = self.0.pieces() {
            return Ok(path.clone());
        }
        let mut path = String::with_capacity(64);
        for piece in self.0.pieces() {
            match piece {
                Piece::Literal(text) => path.push_str(text),
                Piece::Place(source) => {
                    encode(&mut path, &source.text(values)?, matches!(source, Source::Rest(_)));
                }
            }
        }
        if path.split('?').next().is_some_and(has_dot_segment) {
            return Err(self.0.blame("a value makes a `.` or `..` segment of the path"));
        }
        Ok(path)
    }

    /// Whether there is a `?` already.
    pub(crate) fn has_query(&self) -> bool {
        self.0.pieces().iter().any(|piece| matches!(piece, Piece::Literal(text) if text.contains('?')))
    }

    /// The template with an `x` in each place.
    fn literals(&self) -> String {
        self.0.pieces().iter().map(|piece| if let Piece::Literal(text) = piece { text } else { "x" }).collect()
    }
}

fn in_template(error: &str, text: &str) -> String {
    if error.contains(text) { error.to_owned() } else { format!("{error} (in `{text}`)") }
}

/// Percent-encodes all but the unreserved characters of RFC 3986 section 2.3, and `/` if it may stay.
fn encode(path: &mut String, value: &str, keep_slashes: bool) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slashes && byte == b'/') {
            path.push(char::from(byte));
        } else {
            path.push('%');
            path.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

/// Whether a path has a segment that a server resolves away (RFC 3986 section 5.2.4).
fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| matches!(path::dots(segment), Some(1 | 2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;
    use proptest::prelude::*;
    use tollgate_plugin_sdk::testing::Host;

    const NAMES: Names<'_> = Names { parts: &[], item: false };
    const NOTHING: Values<'_> = Values { answers: &[], body: None, item: None };

    fn fill(template: &str) -> Result<String, Failure> {
        PathTemplate::parse(template, NAMES).unwrap().fill(NOTHING)
    }

    fn fill_with_user(template: &str, user: &str) -> Result<String, Failure> {
        let parts = ["user".to_owned(), "user.more".to_owned()];
        let names = Names { parts: &parts, item: false };
        let answers = [Json::parse(user.into()).ok(), None];
        PathTemplate::parse(template, names).unwrap().fill(Values { answers: &answers, ..NOTHING })
    }

    #[test]
    fn parameters_and_attributes_are_filled_in() {
        let _host = Host::new().param("id", "7").attribute("jwt.claim.sub", "zoe").param("rest", "a/b c");
        assert_eq!(fill("/users/{id}/orders?by={attribute:jwt.claim.sub}&n=1").unwrap(), "/users/7/orders?by=zoe&n=1");
        assert_eq!(fill("/files/{*rest}").unwrap(), "/files/a/b%20c");
        assert_eq!(fill("/files/{rest}").unwrap(), "/files/a%2Fb%20c");
        assert_eq!(fill("/plain").unwrap(), "/plain");
    }

    #[test]
    fn a_value_cannot_leave_its_place() {
        let _host = Host::new().param("id", "7/../8?admin=1&x=#é%2f");
        assert_eq!(fill("/users/{id}").unwrap(), "/users/7%2F..%2F8%3Fadmin%3D1%26x%3D%23%C3%A9%252f");
    }

    #[test]
    fn a_value_that_climbs_is_a_bad_request() {
        for (template, value) in [
            ("/users/{id}", ".."),
            ("/users/{id}/x", "."),
            ("/users/.{id}", "."),
            ("/f/{*id}", "a/../../b"),
            ("/f/{*id}", ".."),
        ] {
            let _host = Host::new().param("id", value);
            assert!(matches!(fill(template), Err(Failure::BadRequest(_))), "{template} {value}");
        }
        let _host = Host::new().param("id", "..");
        assert_eq!(fill("/users?id={id}").unwrap(), "/users?id=..");
    }

    #[test]
    fn dots_are_seen_however_they_are_written() {
        for segment in [".", "..", "%2e", "%2E.", ".%2e", "%2E%2e"] {
            assert!(has_dot_segment(&format!("/a/{segment}/b")), "{segment}");
            assert!(has_dot_segment(&format!("/{segment}")), "{segment}");
        }
        for segment in ["", "...", "a.", ".a", "%2e%2e%2e", "%2", "%2f", "%", "..%"] {
            assert!(!has_dot_segment(&format!("/a/{segment}/b")), "{segment}");
        }
    }

    #[test]
    fn an_empty_value_does_not_make_a_list_of_one_thing() {
        let _host = Host::new().param("id", "").attribute("empty", "");
        assert!(matches!(fill("/users/{id}"), Err(Failure::BadRequest(_))));
        assert!(matches!(fill("/users/{attribute:empty}"), Err(Failure::Setup(_))));
    }

    #[test]
    fn what_the_route_or_the_chain_does_not_have_is_the_operators_mistake() {
        let _host = Host::new();
        assert!(matches!(fill("/users/{id}"), Err(Failure::Setup(_))));
        assert!(matches!(fill("/users/{*id}"), Err(Failure::Setup(_))));
        assert!(matches!(fill("/users/{attribute:jwt.claim.sub}"), Err(Failure::Setup(_))));
    }

    #[test]
    fn values_of_another_parts_answer_are_filled_in() {
        let user = r#"{"id":7,"name":"Zoe B","tags":["a/b"],"address":{},"empty":"","up":".."}"#;
        assert_eq!(fill_with_user("/o/{part:user.id}?n={part:user.name}", user).unwrap(), "/o/7?n=Zoe%20B");
        assert_eq!(fill_with_user("/t/{part:user.tags.0}", user).unwrap(), "/t/a%2Fb");
        assert_eq!(fill_with_user("/{part:user}", "7").unwrap(), "/7");
        for missing in ["none", "address", "empty", "up", "tags.1", "more"] {
            let filled = fill_with_user(&format!("/o/{{part:user.{missing}}}"), user);
            assert!(matches!(filled, Err(Failure::Upstream(_))), "{missing}: {filled:?}");
        }
    }

    #[test]
    fn the_query_and_the_fields_of_the_request_are_filled_in() {
        let _host = Host::new().query("a=1&by=x%20y%2F&by=z").header("x-tenant", "t 1");
        assert_eq!(fill("/{header:X-Tenant}?by={query:by}").unwrap(), "/t%201?by=x%20y%2F");
        assert!(matches!(fill("/{query:b}"), Err(Failure::Missing(_))));
        assert!(matches!(fill("/{header:x-user}"), Err(Failure::Missing(_))));
    }

    #[test]
    fn bad_templates_are_refused_with_what_is_wrong() {
        for (template, says) in [
            ("users", "start with `/`"),
            ("", "start with `/`"),
            ("/a b", "percent-encoded"),
            ("/é", "percent-encoded"),
            ("/a#b", "percent-encoded"),
            ("/{id", "not closed"),
            ("/id}", "closes nothing"),
            ("/{id}}", "closes nothing"),
            ("/{}", "no placeholder"),
            ("/{*}", "no placeholder"),
            ("/{attribute:}", "no placeholder"),
            ("/{a.b}", "no placeholder"),
            ("/{a{b}", "no placeholder"),
            ("/{attribute:a{b}", "no placeholder"),
            ("/{cookie:a}", "no placeholder"),
            ("/{query:}", "no placeholder"),
            ("/{part:user}", "names no part"),
            ("/{body:a..b}", "no path"),
            ("/{item.id}", "without `each`"),
            ("/a/../b", "segment"),
            ("/a/%2E./{id}", "segment"),
        ] {
            let error = PathTemplate::parse(template, NAMES).unwrap_err();
            assert!(error.contains(says), "{template}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_template_makes_the_parser_panic(text in "[/{}*a:?#.% é]{0,20}") {
            let _ = PathTemplate::parse(&text, NAMES);
        }

        #[test]
        fn a_filled_template_has_as_many_segments_as_the_template(value in ".+") {
            let _host = Host::new().param("id", &value);
            if let Ok(path) = fill("/a/{id}/b?c={id}") {
                prop_assert_eq!(path.matches('/').count(), 3);
                prop_assert_eq!(path.matches('?').count(), 1);
                prop_assert_eq!(path.matches(['&', '#']).count(), 0);
                prop_assert!(path.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
