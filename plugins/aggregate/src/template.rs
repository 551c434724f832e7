//! Path templates: `/users/{id}/orders?limit=10&by={attribute:jwt.claim.sub}`.
//!
//! What is filled in is percent-encoded, so that a value stays within its place: it adds no
//! segment, no parameter and no fragment, and cannot climb with `..`.

use tollgate_plugin_sdk::{attributes, request};

use crate::failure::Failure;

/// A parsed template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    /// As written; percent-encoded by the operator where need be.
    Literal(String),
    /// `{name}`: a parameter of the route's path.
    Param(String),
    /// `{*name}`: one whose slashes stay.
    Rest(String),
    /// `{attribute:name}`: a note on the request.
    Attribute(String),
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err(format!("`{text}` does not start with `/`"));
        }
        if let Some(c) = text.chars().find(|c| !c.is_ascii_graphic() || *c == '#') {
            return Err(format!("{c:?} in `{text}` must be percent-encoded"));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((literal, behind)) = rest.split_once('{') {
            let Some((name, behind)) = behind.split_once('}') else {
                return Err(format!("a `{{` in `{text}` is not closed"));
            };
            push_literal(&mut pieces, literal, text)?;
            pieces.push(placeholder(name, text)?);
            rest = behind;
        }
        push_literal(&mut pieces, rest, text)?;
        let template = Self(pieces);
        if template.literals().split('?').next().is_some_and(has_dot_segment) {
            return Err(format!("`{text}` has a `.` or `..` segment"));
        }
        Ok(template)
    }

    /// The path and query for the request at hand.
    pub(crate) fn fill(&self) -> Result<String, Failure> {
        let mut path = String::with_capacity(64);
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => path.push_str(text),
                Piece::Param(name) => encode(&mut path, &param(name)?, false),
                Piece::Rest(name) => encode(&mut path, &request::param(name).ok_or_else(|| no_param(name))?, true),
                Piece::Attribute(name) => encode(&mut path, &attribute(name)?, false),
            }
        }
        if path.split('?').next().is_some_and(has_dot_segment) {
            return Err(Failure::BadRequest(
                "a value of the request makes a `.` or `..` segment of the path".to_owned(),
            ));
        }
        Ok(path)
    }

    /// Whether there is a `?` already.
    pub(crate) fn has_query(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Literal(text) if text.contains('?')))
    }

    /// The template with an `x` in each place.
    fn literals(&self) -> String {
        self.0.iter().map(|piece| if let Piece::Literal(text) = piece { text } else { "x" }).collect()
    }
}

fn push_literal(pieces: &mut Vec<Piece>, literal: &str, text: &str) -> Result<(), String> {
    if literal.contains('}') {
        return Err(format!("a `}}` in `{text}` closes nothing"));
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal.to_owned()));
    }
    Ok(())
}

fn placeholder(text: &str, template: &str) -> Result<Piece, String> {
    let piece = if let Some(name) = text.strip_prefix("attribute:") {
        // Names of claims may hold nearly anything: `jwt.claim.https://example.com/role`.
        (!name.is_empty() && !name.contains('{')).then(|| Piece::Attribute(name.to_owned()))
    } else if let Some(name) = text.strip_prefix('*') {
        is_name(name).then(|| Piece::Rest(name.to_owned()))
    } else {
        is_name(text).then(|| Piece::Param(text.to_owned()))
    };
    piece.ok_or_else(|| {
        format!(
            "`{{{text}}}` in `{template}` is no placeholder; there are `{{name}}`, `{{*name}}` and `{{attribute:name}}`"
        )
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// An empty value is refused: `/users/{id}` must never become the list of all users.
fn param(name: &str) -> Result<String, Failure> {
    let value = request::param(name).ok_or_else(|| no_param(name))?;
    if value.is_empty() {
        return Err(Failure::BadRequest(format!("the parameter `{name}` of the path is empty")));
    }
    Ok(value)
}

fn no_param(name: &str) -> Failure {
    Failure::Setup(format!("the route's path has no parameter `{name}`"))
}

fn attribute(name: &str) -> Result<String, Failure> {
    attributes::get(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Failure::Setup(format!("no plugin before this one set the attribute `{name}`")))
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
    path.split('/').any(|segment| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tollgate_plugin_sdk::testing::Host;

    fn fill(template: &str) -> Result<String, Failure> {
        Template::parse(template).unwrap().fill()
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
            ("/a/../b", "segment"),
            ("/a/%2E./{id}", "segment"),
        ] {
            let error = Template::parse(template).unwrap_err();
            assert!(error.contains(says), "{template}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_template_makes_the_parser_panic(text in "[/{}*a:?#.% é]{0,20}") {
            let _ = Template::parse(&text);
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
