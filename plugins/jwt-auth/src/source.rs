//! Where the token is in a request: found, and taken out.
//!
//! One place only, and once only. Absent on purpose: tokens in the query or the body (RFC 6750
//! sections 2.2 and 2.3), which end up in logs and histories.

use tollgate_plugin_sdk::mistakes::At;
use tollgate_plugin_sdk::request;

use crate::config::TokenSource;
use crate::forward::check_field_name;
use crate::refusal::Refusal;

/// Where the token is looked for.
#[derive(Debug)]
pub(crate) struct Source(TokenSource);

impl Source {
    /// What is wrong with the name of the place is added to `mistakes`.
    pub(crate) fn new(from: &TokenSource, mistakes: &At<'_>) -> Self {
        match from {
            TokenSource::Bearer => {}
            TokenSource::Header(name) => {
                mistakes.of("header").take(check_header(name));
            }
            TokenSource::Cookie(name) => {
                if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && !b"=;,\"".contains(&byte)) {
                    mistakes.of("cookie").add(format!("`{name}` is no cookie name"));
                }
            }
        }
        Self(from.clone())
    }

    /// The token, of whatever characters; `None` where the request has none.
    pub(crate) fn token(&self) -> Result<Option<String>, Refusal> {
        match &self.0 {
            TokenSource::Bearer => bearer(request::header_values("authorization")),
            TokenSource::Header(name) => header(request::header_values(name)),
            TokenSource::Cookie(name) => cookie(&request::header_values("cookie"), name),
        }
    }

    /// Refuses what cannot be a token where it was found. Apart from [`Source::token`], since a token that is
    /// known need not be read byte by byte.
    pub(crate) fn check(&self, token: &str) -> Result<(), Refusal> {
        match self.0 {
            TokenSource::Bearer if token.is_empty() || !token.bytes().all(is_token68) => {
                Err(Refusal::BadRequest("the `authorization` field is not `Bearer TOKEN`"))
            }
            _ => Ok(()),
        }
    }

    /// Takes the token out of the request.
    pub(crate) fn strip(&self) -> Result<(), Refusal> {
        let done = match &self.0 {
            TokenSource::Bearer => request::remove_header("authorization"),
            TokenSource::Header(name) => request::remove_header(name),
            TokenSource::Cookie(name) => match without_cookie(&request::header_values("cookie"), name) {
                Some(others) => request::set_header("cookie", &others),
                None => request::remove_header("cookie"),
            },
        };
        done.map_err(|_| Refusal::BadRequest("the token could not be taken out of the request"))
    }
}

/// RFC 6750 section 2.1. Another scheme is no token; a second field is an attempt to be two people.
fn check_header(name: &str) -> Result<(), String> {
    check_field_name(name)?;
    match name.to_ascii_lowercase().as_str() {
        "authorization" => Err("for `Authorization: Bearer` write `from = \"bearer\"`".to_owned()),
        "cookie" => Err("for a cookie write `from = { cookie = \"NAME\" }`".to_owned()),
        _ => Ok(()),
    }
}

fn bearer(mut values: Vec<String>) -> Result<Option<String>, Refusal> {
    let Some(mut value) = values.pop() else { return Ok(None) };
    if !values.is_empty() {
        return Err(Refusal::BadRequest("more than one `authorization` field"));
    }
    let end = value.find(' ').unwrap_or(value.len());
    if !value.get(..end).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer")) {
        return Ok(None);
    }
    let token = value.get(end..).unwrap_or_default().trim_start_matches(' ');
    value.drain(..value.len() - token.len());
    Ok(Some(value))
}

fn header(mut values: Vec<String>) -> Result<Option<String>, Refusal> {
    let value = values.pop();
    if !values.is_empty() {
        return Err(Refusal::BadRequest("more than one field with a token"));
    }
    Ok(value)
}

fn cookie(fields: &[String], name: &str) -> Result<Option<String>, Refusal> {
    let mut values = pairs(fields).filter_map(|pair| value_of(pair, name));
    let value = values.next();
    if values.next().is_some() {
        return Err(Refusal::BadRequest("more than one cookie with a token"));
    }
    Ok(value.map(str::to_owned))
}

/// All cookies but those of this name; `None` if there are no others.
fn without_cookie(fields: &[String], name: &str) -> Option<String> {
    let others: Vec<&str> = pairs(fields).filter(|pair| value_of(pair, name).is_none()).collect();
    (!others.is_empty()).then(|| others.join("; "))
}

/// The cookies of all `cookie` fields (RFC 6265 section 4.2.1), which HTTP/2 may have split.
fn pairs(fields: &[String]) -> impl Iterator<Item = &str> {
    fields.iter().flat_map(|field| field.split(';')).map(str::trim).filter(|pair| !pair.is_empty())
}

fn value_of<'a>(pair: &'a str, name: &str) -> Option<&'a str> {
    let (found, value) = pair.split_once('=')?;
    (found.trim_end() == name).then(|| value.trim_start())
}

/// The characters of `b64token`, RFC 6750 section 2.1.
fn is_token68(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_plugin_sdk::mistakes::Mistakes;
    use tollgate_plugin_sdk::testing::Host;

    fn source(from: &TokenSource) -> Result<Source, String> {
        let mistakes = Mistakes::default();
        let source = Source::new(from, &mistakes.of("from"));
        mistakes.or(Some(source))
    }

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|&value| value.to_owned()).collect()
    }

    fn from_authorization(values: &[&str]) -> Result<Option<String>, Refusal> {
        let token = bearer(strings(values))?;
        token.map(|token| Source(TokenSource::Bearer).check(&token).map(|()| token)).transpose()
    }

    #[test]
    fn the_scheme_is_read_in_any_case() {
        for value in ["Bearer abc", "bearer abc", "BEARER abc", "bEaReR   abc"] {
            assert_eq!(from_authorization(&[value]), Ok(Some("abc".to_owned())), "{value}");
        }
    }

    #[test]
    fn another_scheme_is_no_token() {
        for value in ["Basic dXNlcjpwYXNz", "Bearerabc", "", " Bearer abc", "é"] {
            assert_eq!(from_authorization(&[value]), Ok(None), "{value}");
        }
        assert_eq!(from_authorization(&[]), Ok(None));
    }

    #[test]
    fn bearer_without_one_token_is_a_bad_request() {
        for value in ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer \u{fffd}", "Bearer a\t"] {
            assert!(matches!(from_authorization(&[value]), Err(Refusal::BadRequest(_))), "{value}");
        }
    }

    #[test]
    fn two_authorization_fields_are_a_bad_request_whatever_they_say() {
        for other in ["Bearer a", "Basic x", ""] {
            assert!(matches!(from_authorization(&["Bearer a", other]), Err(Refusal::BadRequest(_))), "{other}");
            assert!(matches!(from_authorization(&[other, "Bearer a"]), Err(Refusal::BadRequest(_))), "{other}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others_and_in_any_field() {
        let fields = strings(&["a=1; token=abc", "xtoken=2;token2=3"]);
        assert_eq!(cookie(&fields, "token"), Ok(Some("abc".to_owned())));
        assert_eq!(cookie(&fields, "token2"), Ok(Some("3".to_owned())));
        assert_eq!(cookie(&fields, "tok"), Ok(None));
        assert_eq!(cookie(&[], "token"), Ok(None));
    }

    #[test]
    fn two_cookies_or_fields_with_a_token_are_a_bad_request() {
        assert!(cookie(&strings(&["token=a; token=a"]), "token").is_err());
        assert!(cookie(&strings(&["token=a", "token=b"]), "token").is_err());
        assert!(header(strings(&["a", "b"])).is_err());
    }

    #[test]
    fn the_cookie_is_taken_out_and_the_others_stay() {
        let host = Host::new().header("cookie", "a=1; token=abc").header("cookie", "b=2");
        let source = source(&TokenSource::Cookie("token".to_owned())).unwrap();
        source.strip().unwrap();
        assert_eq!(host.request_headers(), [("cookie".to_owned(), "a=1; b=2".to_owned())]);
    }

    #[test]
    fn a_cookie_that_was_alone_takes_its_field_along() {
        let host = Host::new().header("cookie", "token=abc");
        source(&TokenSource::Cookie("token".to_owned())).unwrap().strip().unwrap();
        assert_eq!(host.request_headers(), []);
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        for from in [
            TokenSource::Header(String::new()),
            TokenSource::Header("a b".into()),
            TokenSource::Header("Authorization".into()),
            TokenSource::Header("cookie".into()),
            TokenSource::Cookie("a=b".into()),
            TokenSource::Cookie(String::new()),
        ] {
            assert!(source(&from).is_err(), "{from:?}");
        }
    }
}
