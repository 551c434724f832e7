//! Which of the gateway's keys may have signed a token.
//!
//! A key has one algorithm, so the keys are the allow-list of algorithms: what `alg` says chooses
//! among keys, never how a key is used (RFC 8725 section 3.1). `none` is no key's algorithm.

use tollgate_plugin_sdk::crypto::{self, Algorithm, Key};

use crate::refusal::{Refusal, quoted};
use crate::token::{Header, Token};

/// The keys of the plugin's `keys` table; the material stays in the gateway.
#[derive(Debug)]
pub(crate) struct Keys(Vec<Key>);

impl Keys {
    pub(crate) fn of_the_gateway() -> Result<Self, String> {
        let (keys, others): (Vec<Key>, Vec<Key>) = crypto::keys().into_iter().partition(checks_signatures);
        if let ([], [other, ..]) = (keys.as_slice(), others.as_slice()) {
            return Err(format!(
                "no key to check tokens with: `{}` of the `keys` table is for {}, which signs nothing",
                other.name,
                other.algorithm.name()
            ));
        }
        if keys.is_empty() {
            return Err("no key to check tokens with; add one beside the `config` table: \
                [plugins.NAME.keys.main] with `algorithm = \"RS256\"` and `file = \"issuer.pem\"`"
                .to_owned());
        }
        Ok(Self(keys))
    }

    /// Checks the token's signature.
    pub(crate) fn verify(&self, token: &Token<'_>) -> Result<(), Refusal> {
        let header = &token.header;
        let verifies = |key: &Key| crypto::verify(&key.name, token.signed, &token.signature);
        if let Some(key) = self.named(header) {
            if key.algorithm.name() != header.algorithm {
                return Err(Refusal::untrusted(format!(
                    "the token says alg {}, and the key {:?} is for {}",
                    quoted(&header.algorithm),
                    key.name,
                    key.algorithm.name()
                )));
            }
            return if verifies(key) { Ok(()) } else { Err(bad_signature()) };
        }
        let mut candidates = self.0.iter().filter(|key| key.algorithm.name() == header.algorithm).peekable();
        if candidates.peek().is_none() {
            let algorithm = quoted(&header.algorithm);
            return Err(Refusal::untrusted(format!("the token says alg {algorithm}, and no key is for that")));
        }
        if candidates.any(verifies) { Ok(()) } else { Err(bad_signature()) }
    }

    /// The one key the token asks for by `kid`, if there is a key of that name.
    fn named(&self, header: &Header) -> Option<&Key> {
        let key_id = header.key_id.as_deref()?;
        self.0.iter().find(|key| key.name == key_id)
    }
}

fn checks_signatures(key: &Key) -> bool {
    !matches!(key.algorithm, Algorithm::A256gcm | Algorithm::Chacha20Poly1305)
}

fn bad_signature() -> Refusal {
    Refusal::untrusted("the signature is not good")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use tollgate_plugin_sdk::testing::Host;

    /// A gateway where the signature of a key is the key's name.
    fn host() -> Host {
        Host::new()
            .key("old", Algorithm::Rs256)
            .key("new", Algorithm::Rs256)
            .key("shared", Algorithm::Hs256)
            .on_verify(|key, _, signature| signature == key.as_bytes())
    }

    fn check(header: &str, signature: &str) -> Result<(), Refusal> {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let text = format!("{}.e30.{}", encode(header), encode(signature));
        Keys::of_the_gateway().unwrap().verify(&Token::parse(&text)?)
    }

    #[test]
    fn a_token_without_kid_is_tried_with_every_key_of_its_algorithm() {
        let _host = host();
        assert_eq!(check(r#"{"alg":"RS256"}"#, "old"), Ok(()));
        assert_eq!(check(r#"{"alg":"RS256"}"#, "new"), Ok(()));
        assert!(check(r#"{"alg":"RS256"}"#, "other").is_err());
    }

    #[test]
    fn a_kid_that_names_a_key_leaves_only_that_key() {
        let _host = host();
        assert_eq!(check(r#"{"alg":"RS256","kid":"new"}"#, "new"), Ok(()));
        assert!(check(r#"{"alg":"RS256","kid":"new"}"#, "old").is_err());
    }

    #[test]
    fn a_kid_that_names_no_key_is_tried_with_every_key_of_its_algorithm() {
        let _host = host();
        assert_eq!(check(r#"{"alg":"RS256","kid":"2026-01"}"#, "old"), Ok(()));
    }

    #[test]
    fn a_public_key_is_never_used_as_the_secret_of_an_hs_algorithm() {
        let _host = host();
        assert!(check(r#"{"alg":"HS256","kid":"new"}"#, "new").is_err());
        assert!(check(r#"{"alg":"HS256"}"#, "new").is_err());
        assert!(check(r#"{"alg":"HS256"}"#, "old").is_err());
    }

    #[test]
    fn a_token_with_alg_none_is_refused_in_every_spelling() {
        let _host = host().on_verify(|_, _, _| true);
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            assert!(check(&format!(r#"{{"alg":"{alg}"}}"#), "").is_err(), "{alg}");
            assert!(check(&format!(r#"{{"alg":"{alg}","kid":"new"}}"#), "").is_err(), "{alg}");
        }
    }

    #[test]
    fn algorithms_are_compared_letter_by_letter() {
        let _host = host().on_verify(|_, _, _| true);
        for alg in ["rs256", "RS256 ", "RS25", "RS384", "PS256"] {
            assert!(check(&format!(r#"{{"alg":"{alg}"}}"#), "x").is_err(), "{alg}");
        }
    }

    #[test]
    fn a_key_that_checks_no_signature_is_none() {
        let _host = Host::new().key("sealing", Algorithm::A256gcm);
        assert!(Keys::of_the_gateway().unwrap_err().contains("`sealing`"));
    }

    #[test]
    fn a_plugin_without_keys_is_not_taken() {
        let _host = Host::new();
        assert!(Keys::of_the_gateway().unwrap_err().contains("keys.main"));
    }
}
