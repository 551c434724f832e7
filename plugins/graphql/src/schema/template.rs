//! Text with places: `/users/{args.id}`, `{parent.id}`, `{attribute:jwt.claim.sub}`.
//!
//! In a path a value is percent-encoded and cannot leave its place; in a body it is JSON; in a
//! header it is text.

use std::borrow::Cow;

use apollo_compiler::response::JsonMap;
use tollgate_plugin_sdk::{attributes, request};

use crate::json::{self, Path};

/// Literal text and places, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Place(Place),
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// `{args.id}`, `{args.input.name}`: an argument of the field.
    Args(Path),
    /// `{parent.id}`: a member of the object the field is in.
    Parent(Path),
    /// `{attribute:NAME}`: what a plugin before this one noted.
    Attribute(String),
    /// `{header:NAME}`: a header field of the client's request.
    Header(String),
    /// `{param:NAME}`: a parameter of the route's path.
    Param(String),
    /// `{keys}`: the keys of a batch.
    Keys,
}

/// What places are filled from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Values<'v> {
    pub(crate) args: &'v JsonMap,
    /// The parent object, as JSON.
    pub(crate) parent: Option<&'v str>,
    /// Keys of a batch, as JSON, and what stands between them in a path.
    pub(crate) keys: Option<(&'v [&'v str], &'v str)>,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (literal, behind) = (&rest[..open], &rest[open + 1..]);
            let place = behind.split_once('}').and_then(|(name, behind)| Some((Place::parse(name)?, behind)));
            if let Some((place, behind)) = place {
                push_literal(&mut pieces, literal);
                pieces.push(Piece::Place(place));
                rest = behind;
            } else {
                // A brace of JSON, or one too many: what is no place is text.
                push_literal(&mut pieces, &rest[..=open]);
                rest = behind;
            }
        }
        push_literal(&mut pieces, rest);
        Self(pieces)
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().filter_map(|piece| if let Piece::Place(place) = piece { Some(place) } else { None })
    }

    pub(crate) fn literals(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| if let Piece::Literal(text) = piece { Some(text.as_str()) } else { None })
    }

    /// With JSON in the places; what is not there is `null`.
    pub(crate) fn json(&self, values: &Values<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Place(place) => match place.json(values) {
                    Some(json) => out.extend_from_slice(json.as_bytes()),
                    None => out.extend_from_slice(b"null"),
                },
            }
        }
        out
    }

    /// With `null` in the places. There is no request to ask while the schema is read.
    pub(crate) fn with_nulls(&self) -> Vec<u8> {
        let pieces = self.0.iter().map(|piece| if let Piece::Literal(text) = piece { text.as_str() } else { "null" });
        pieces.collect::<String>().into_bytes()
    }

    /// With text in the places; none if one has no value.
    pub(crate) fn text(&self, values: &Values<'_>) -> Option<String> {
        self.filled(values, String::push_str)
    }

    /// With percent-encoded text in the places; none if one has no value or an empty one.
    pub(crate) fn encoded(&self, values: &Values<'_>) -> Option<String> {
        self.filled(values, encode)
    }

    fn filled(&self, values: &Values<'_>, put: fn(&mut String, &str)) -> Option<String> {
        let mut out = String::with_capacity(64);
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Place(Place::Keys) => {
                    let (keys, separator) = values.keys?;
                    for (index, key) in keys.iter().enumerate() {
                        if index > 0 {
                            out.push_str(separator);
                        }
                        put(&mut out, &plain(key)?);
                    }
                }
                Piece::Place(place) => put(&mut out, &plain(&place.json(values)?)?),
            }
        }
        Some(out)
    }
}

impl Place {
    /// What stands between braces; none if it is no place.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let path = |text: &str| Path::parse(text).ok().filter(|path| path.names().iter().all(|name| is_name(name)));
        if text == "keys" {
            return Some(Self::Keys);
        }
        if let Some(rest) = text.strip_prefix("args.") {
            return path(rest).map(Self::Args);
        }
        if let Some(rest) = text.strip_prefix("parent.") {
            return path(rest).map(Self::Parent);
        }
        let (kind, name) = text.split_once(':')?;
        let name = Some(name).filter(|name| !name.is_empty() && !name.contains(['{', '"', ' ']))?.to_owned();
        match kind {
            "attribute" => Some(Self::Attribute(name)),
            "header" => Some(Self::Header(name)),
            "param" => Some(Self::Param(name)),
            _ => None,
        }
    }

    /// The value as JSON; none where there is none or it is null.
    pub(crate) fn json<'v>(&self, values: &Values<'v>) -> Option<Cow<'v, str>> {
        let found = match self {
            Self::Args(path) => {
                let (first, rest) = path.names().split_first()?;
                let value = rest
                    .iter()
                    .try_fold(values.args.get(first.as_str())?, |value, name| value.as_object()?.get(name.as_str()))?;
                Cow::Owned(serde_json::to_string(value).ok()?)
            }
            Self::Parent(path) => Cow::Borrowed(path.find(values.parent?)?),
            Self::Attribute(name) => Cow::Owned(json::quoted(&attributes::get(name)?)),
            Self::Header(name) => Cow::Owned(json::quoted(&request::header(name)?)),
            Self::Param(name) => Cow::Owned(json::quoted(&request::param(name)?)),
            Self::Keys => Cow::Owned(format!("[{}]", values.keys?.0.join(","))),
        };
        if found == "null" { None } else { Some(found) }
    }
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Literal(last)) => last.push_str(text),
        _ => pieces.push(Piece::Literal(text.to_owned())),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// JSON as the text of a path or a header: a string without its quotes, a list with commas.
fn plain(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes().first()? {
        b'"' => json::text(json),
        b'[' => {
            let items: Option<Vec<Cow<'_, str>>> = json::items(json)?.into_iter().map(plain).collect();
            Some(Cow::Owned(items?.join(",")))
        }
        b'{' | b'n' => None,
        _ => Some(Cow::Borrowed(json)),
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986 section 2.3.
fn encode(out: &mut String, value: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)])));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apollo_compiler::response::JsonValue;
    use proptest::prelude::*;
    use tollgate_plugin_sdk::testing::Host;

    fn args(json: &str) -> JsonMap {
        match serde_json::from_str::<JsonValue>(json).unwrap() {
            JsonValue::Object(map) => map,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn places_are_filled_for_a_path_a_body_and_a_header() {
        let _host = Host::new().attribute("jwt.claim.sub", "zoe").header("x-tenant", "a b").param("id", "7");
        let args = args(r#"{"id": "a/b", "n": 1.5, "input": {"tags": ["x", "y"]}, "none": null}"#);
        let values = Values { args: &args, parent: Some(r#"{"id": 7, "o": {"k": "é"}}"#), keys: None };
        let encoded = |text: &str| Template::parse(text).encoded(&values);
        assert_eq!(encoded("/{args.id}/{parent.id}/{parent.o.k}").as_deref(), Some("/a%2Fb/7/%C3%A9"));
        assert_eq!(encoded("{attribute:jwt.claim.sub} {header:x-tenant} {param:id}").as_deref(), Some("zoe a%20b 7"));
        assert_eq!(encoded("{args.input.tags}").as_deref(), Some("x%2Cy"));
        for nothing in ["{args.none}", "{args.input}", "{parent.x}", "{keys}", "{attribute:x}"] {
            assert_eq!(encoded(nothing), None, "{nothing}");
        }
        let body = Template::parse(r#"{"id": {args.id}, "in": {args.input}, "no": {args.none}, "n": {args.n}}"#);
        let json = r#"{"id": "a/b", "in": {"tags":["x","y"]}, "no": null, "n": 1.5}"#;
        assert_eq!(String::from_utf8(body.json(&values)).unwrap(), json);
    }

    #[test]
    fn keys_are_parted_as_asked_for() {
        let _host = Host::new();
        let (args, keys) = (JsonMap::new(), ["1", r#""a,b""#]);
        let values = Values { args: &args, parent: None, keys: Some((&keys, "&id=")) };
        let template = Template::parse("?id={keys}");
        assert_eq!(template.encoded(&values).as_deref(), Some("?id=1&id=a%2Cb"));
        assert_eq!(String::from_utf8(template.json(&values)).unwrap(), r#"?id=[1,"a,b"]"#);
    }

    proptest! {
        #[test]
        fn a_value_stays_in_its_segment(value in ".+") {
            let _host = Host::new();
            let args = args(&format!(r#"{{"id": {}}}"#, json::quoted(&value)));
            let values = Values { args: &args, parent: None, keys: None };
            let path = Template::parse("/a/{args.id}/b").encoded(&values).unwrap();
            prop_assert_eq!(path.matches('/').count(), 3);
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?&#".contains(&byte)));
        }

        #[test]
        fn no_template_makes_the_parser_panic(text in "[{}a-z.: \"é]{0,30}") {
            let _ = Template::parse(&text);
        }
    }
}
