//! What the rest of the chain and the upstream get of the claims.
//!
//! A field the upstream takes claims from is set or removed on every request that goes on, also
//! without a token: what the client sends in it never arrives, in no spelling.

use std::borrow::Cow;
use std::collections::BTreeMap;

use tollgate_plugin_sdk::mistakes::At;
use tollgate_plugin_sdk::{RESERVED_HEADERS, attributes, is_field_name, request};

use crate::claims::Claims;
use crate::refusal::Refusal;
use crate::spellings::{Spellings, alike};

/// The attribute of a request that is known to be from somebody: plugins behind this one that keep answers
/// read it, because they may see no credentials.
const AUTHENTICATED: &str = "authenticated";

/// Which claims go where.
#[derive(Debug)]
pub(crate) struct Forward {
    /// Claim and header field.
    headers: Vec<(String, String)>,
    /// Claim and attribute.
    attributes: Vec<(String, String)>,
    /// Names that an upstream may take for one of `headers`.
    spellings: Spellings,
}

/// The texts of the claims, in the order of `Forward`; none where the token lacks the claim.
#[derive(Debug, Default)]
pub(crate) struct Told {
    headers: Vec<Option<String>>,
    attributes: Vec<Option<String>>,
}

impl Forward {
    /// What is wrong with the names of fields is noted.
    pub(crate) fn new(headers: &BTreeMap<String, String>, attributes: Vec<String>, mistakes: &At<'_>) -> Self {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (claim, field) in headers {
            let (field, mistakes) = (field.to_ascii_lowercase(), mistakes.of(claim));
            mistakes.take(check_field_name(&field));
            if let Some((other, taken)) = fields.iter().find(|(_, taken)| alike(taken, &field)) {
                mistakes.add(if *taken == field {
                    format!("{other:?} goes to `{field}` already")
                } else {
                    format!("`{taken}` and `{field}` are one field to many upstreams")
                });
            }
            fields.push((claim.clone(), field));
        }
        let attributes = attributes.into_iter().map(|claim| {
            let attribute = format!("jwt.claim.{claim}");
            (claim, attribute)
        });
        let spellings = Spellings::of(fields.iter().map(|(_, field)| field.clone()).collect());
        Self { headers: fields, attributes: attributes.collect(), spellings }
    }

    /// What is told of these claims.
    pub(crate) fn told(&self, claims: &Claims<'_>) -> Told {
        let text = |(claim, _): &(String, String)| claims.text(claim).map(Cow::into_owned);
        Told {
            headers: self.headers.iter().map(text).collect(),
            attributes: self.attributes.iter().map(text).collect(),
        }
    }

    /// For a request with a token.
    pub(crate) fn tell(&self, told: &Told) -> Result<(), Refusal> {
        self.remove_other_spellings()?;
        for ((claim, field), value) in self.headers.iter().zip(&told.headers) {
            let done = match value {
                Some(value) => request::set_header(field, value),
                None => request::remove_header(field),
            };
            // Without its field the upstream would take the request for someone else's.
            done.map_err(|error| refused(claim, &format!("the field `{field}`: {error}")))?;
        }
        attributes::set(AUTHENTICATED, "true").map_err(|error| {
            Refusal::claim("the token cannot be told of", format!("the attribute `{AUTHENTICATED}`: {error}"))
        })?;
        for ((claim, attribute), value) in self.attributes.iter().zip(&told.attributes) {
            if let Some(value) = value {
                attributes::set(attribute, value).map_err(|error| refused(claim, &error.to_string()))?;
            }
        }
        Ok(())
    }

    /// For a request without a token.
    pub(crate) fn nothing(&self) -> Result<(), Refusal> {
        self.remove_other_spellings()?;
        self.headers.iter().try_for_each(|(_, field)| remove(field))
    }

    fn remove_other_spellings(&self) -> Result<(), Refusal> {
        self.spellings.present().iter().try_for_each(|name| remove(name))
    }
}

fn remove(field: &str) -> Result<(), Refusal> {
    request::remove_header(field).map_err(|_| Refusal::BadRequest("a field for claims could not be removed"))
}

fn refused(claim: &str, why: &str) -> Refusal {
    Refusal::claim(
        "a claim of the token cannot be passed on",
        format!("the claim {claim:?} cannot be passed on: {why}"),
    )
}

/// Refuses, when the plugin is configured, what the gateway would refuse on every request.
pub(crate) fn check_field_name(name: &str) -> Result<(), String> {
    if !is_field_name(name) {
        return Err(format!("`{name}` is no header name"));
    }
    if RESERVED_HEADERS.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
        return Err(format!("`{name}` belongs to the gateway"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_plugin_sdk::mistakes::Mistakes;
    use tollgate_plugin_sdk::testing::Host;

    fn forward(headers: &[(&str, &str)], attributes: &[&str]) -> Result<Forward, String> {
        let headers = headers.iter().map(|&(claim, field)| (claim.to_owned(), field.to_owned())).collect();
        let mistakes = Mistakes::default();
        let attributes = attributes.iter().map(|&claim| claim.to_owned()).collect();
        let forward = Forward::new(&headers, attributes, &mistakes.of("claims_to_headers"));
        mistakes.or(Some(forward))
    }

    fn tell(forward: &Forward, claims: &str) -> Result<(), Refusal> {
        forward.tell(&forward.told(&Claims::parse(claims.as_bytes()).unwrap()))
    }

    #[test]
    fn claims_reach_the_upstream_and_the_chain() {
        let host = Host::new();
        let forward = forward(&[("sub", "X-User"), ("org.roles", "x-roles")], &["sub", "org.id"]).unwrap();
        tell(&forward, r#"{"sub": "zo\u00eb", "org": {"id": 7, "roles": ["a", "b"]}}"#).unwrap();
        assert_eq!(host.request_header("x-user").as_deref(), Some("zoë"));
        assert_eq!(host.request_header("x-roles").as_deref(), Some(r#"["a","b"]"#));
        assert_eq!(host.attribute_now("jwt.claim.sub").as_deref(), Some("zoë"));
        assert_eq!(host.attribute_now("jwt.claim.org.id").as_deref(), Some("7"));
    }

    #[test]
    fn the_chain_is_told_that_the_request_is_from_somebody_only_where_it_is() {
        let forward = forward(&[], &[]).unwrap();
        let host = Host::new();
        forward.nothing().unwrap();
        assert_eq!(host.attribute_now("authenticated"), None);
        tell(&forward, "{}").unwrap();
        assert_eq!(host.attribute_now("authenticated").as_deref(), Some("true"));
    }

    #[test]
    fn the_clients_own_copies_are_gone_with_and_without_the_claim() {
        let forward = forward(&[("sub", "x-user"), ("role", "x-role")], &[]).unwrap();
        let host = Host::new().header("X-User", "root").header("x-user", "root").header("X-Role", "admin");
        tell(&forward, r#"{"sub": "zoe"}"#).unwrap();
        assert_eq!(host.request_headers(), [("x-user".to_owned(), "zoe".to_owned())]);
        let host = Host::new().header("X-User", "root").header("X-Role", "admin").header("x-other", "1");
        forward.nothing().unwrap();
        assert_eq!(host.request_headers(), [("x-other".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn copies_that_a_cgi_upstream_takes_for_the_same_field_are_gone_too() {
        // Few spellings are asked for one by one, many are looked for among all fields.
        for field in ["x-user-id", "x-my-own-user-id"] {
            let forward = forward(&[("sub", field), ("role", "x-role")], &[]).unwrap();
            let (all, one) = (field.replace('-', "_"), field.replacen('-', "_", 1));
            let host =
                || Host::new().header(&all.to_uppercase(), "root").header(&one, "root").header("x_role", "admin");
            let gateway = host().header(&field.replace('-', ""), "other");
            tell(&forward, r#"{"sub": "zoe"}"#).unwrap();
            let other = (field.replace('-', ""), "other".to_owned());
            assert_eq!(gateway.request_headers(), [other, (field.to_owned(), "zoe".to_owned())]);
            drop(gateway);
            let gateway = host();
            forward.nothing().unwrap();
            assert_eq!(gateway.request_headers(), []);
        }
    }

    #[test]
    fn a_claim_that_would_break_out_of_its_field_refuses_the_token() {
        let _host = Host::new();
        let forward = forward(&[("sub", "x-user")], &[]).unwrap();
        assert!(tell(&forward, r#"{"sub": "zoe\r\nx-role: admin"}"#).is_err());
    }

    #[test]
    fn a_claim_too_long_for_an_attribute_refuses_the_token() {
        let _host = Host::new();
        let json = format!(r#"{{"sub": "{}"}}"#, "x".repeat(65 * 1024));
        assert!(tell(&forward(&[], &["sub"]).unwrap(), &json).is_err());
    }

    #[test]
    fn fields_that_cannot_take_a_claim_are_refused_when_configured() {
        for field in ["", "x user", "Host", "content-length", "connection", "x:y"] {
            assert!(forward(&[("sub", field)], &[]).is_err(), "{field}");
        }
        assert!(forward(&[("sub", "x-user"), ("name", "X-User")], &[]).unwrap_err().contains("already"));
        assert!(forward(&[("sub", "x-user"), ("name", "x_user")], &[]).unwrap_err().contains("are one field"));
    }
}
