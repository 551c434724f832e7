//! What a refused client gets: RFC 6750 section 3.

use serde_json::json;
use tollgate_plugin_sdk::Answer;
use tollgate_plugin_sdk::mistakes::Mistakes;

use crate::refusal::Refusal;

/// The `WWW-Authenticate` field, as far as it is the same for all.
#[derive(Debug)]
pub(crate) struct Challenge {
    /// `Bearer realm="..."`.
    realm: String,
    /// The scopes asked for, with spaces between.
    scopes: String,
}

impl Challenge {
    /// What is wrong with either is noted.
    pub(crate) fn new(realm: &str, scopes: &[String], mistakes: &Mistakes) -> Self {
        if realm.is_empty() || !realm.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            mistakes.of("realm").add("must be printable ASCII, and not empty");
        }
        for (at, scope) in scopes.iter().enumerate() {
            if scope.is_empty() || !scope.bytes().all(is_scope_byte) {
                mistakes
                    .of("scopes")
                    .at(at)
                    .add(format!("`{scope}` is no scope; write one scope to a string, without spaces or quotes"));
            }
        }
        let realm = realm.replace('\\', "\\\\").replace('"', "\\\"");
        Self { realm: format!("Bearer realm=\"{realm}\""), scopes: scopes.join(" ") }
    }

    pub(crate) fn answer(&self, refusal: &Refusal) -> Answer {
        let realm = &self.realm;
        match refusal {
            // RFC 6750 section 3.1: who sent no token is told no error in the challenge.
            Refusal::NoToken => Answer::new(401)
                .header("www-authenticate", realm)
                .json(&json!({"error": "unauthorized", "message": "a bearer token is required"})),
            Refusal::BadRequest(_) => {
                self.error(400, "invalid_request", "the credentials of the request are malformed")
            }
            Refusal::BadToken { told, .. } => self.error(401, "invalid_token", told),
            Refusal::Scope { .. } => {
                let message = "the token does not have the scopes needed";
                let scopes = &self.scopes;
                Answer::new(403)
                    .header(
                        "www-authenticate",
                        format!(
                            "{realm}, error=\"insufficient_scope\", error_description=\"{message}\", scope=\"{scopes}\""
                        ),
                    )
                    .json(&json!({"error": "insufficient_scope", "message": message}))
            }
        }
    }

    fn error(&self, status: u16, error: &str, message: &str) -> Answer {
        let realm = &self.realm;
        Answer::new(status)
            .header("www-authenticate", format!("{realm}, error=\"{error}\", error_description=\"{message}\""))
            .json(&json!({"error": error, "message": message}))
    }
}

/// `scope-token` of RFC 6749 section 3.3.
fn is_scope_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(realm: &str, scopes: &[&str]) -> Result<Challenge, String> {
        let (mistakes, scopes) = (Mistakes::default(), scopes.iter().map(|&scope| scope.to_owned()));
        let challenge = Challenge::new(realm, &scopes.collect::<Vec<_>>(), &mistakes);
        mistakes.or(Some(challenge))
    }

    fn challenge() -> Challenge {
        configured("api", &["read", "write"]).unwrap()
    }

    fn field(answer: &Answer) -> &str {
        &answer.headers.iter().find(|header| header.name == "www-authenticate").unwrap().value
    }

    fn body(answer: &Answer) -> serde_json::Value {
        serde_json::from_slice(&answer.body).unwrap()
    }

    #[test]
    fn who_sent_no_token_is_asked_for_one_without_an_error_code() {
        let answer = challenge().answer(&Refusal::NoToken);
        assert_eq!(answer.status, 401);
        assert_eq!(field(&answer), r#"Bearer realm="api""#);
        assert_eq!(body(&answer)["error"], "unauthorized");
    }

    #[test]
    fn a_bad_token_is_named_so_and_the_reason_stays_inside() {
        let answer = challenge().answer(&Refusal::untrusted("the key \"main\" is for RS256"));
        assert_eq!(answer.status, 401);
        assert_eq!(
            field(&answer),
            r#"Bearer realm="api", error="invalid_token", error_description="the token is not trusted""#
        );
        assert!(!String::from_utf8(answer.body).unwrap().contains("main"));
    }

    #[test]
    fn a_malformed_request_is_a_400() {
        let answer = challenge().answer(&Refusal::BadRequest("more than one `authorization` field"));
        assert_eq!(answer.status, 400);
        assert!(field(&answer).contains(r#"error="invalid_request""#));
    }

    #[test]
    fn a_missing_scope_is_a_403_that_lists_the_scopes_needed() {
        let answer = challenge().answer(&Refusal::Scope { missing: "write".to_owned() });
        assert_eq!(answer.status, 403);
        assert!(field(&answer).contains(r#"error="insufficient_scope""#));
        assert!(field(&answer).ends_with(r#", scope="read write""#));
        assert_eq!(body(&answer)["error"], "insufficient_scope");
    }

    #[test]
    fn a_realm_is_quoted() {
        let challenge = configured(r#"a "b" \c"#, &[]).unwrap();
        assert_eq!(field(&challenge.answer(&Refusal::NoToken)), r#"Bearer realm="a \"b\" \\c""#);
    }

    #[test]
    fn realms_and_scopes_that_break_the_field_are_refused() {
        assert!(configured("", &[]).is_err());
        assert!(configured("a\r\nb", &[]).is_err());
        for scope in ["", "a b", "a\"", "a\\"] {
            assert!(configured("api", &["read", scope]).unwrap_err().starts_with("scopes[1]: "), "{scope}");
        }
    }
}
