//! A token in JWS compact serialization (RFC 7515 section 7.1), taken apart.
//!
//! Strict: exactly three parts, base64url without padding, a JSON object as header. Absent on
//! purpose: any judgement on who signed it.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::refusal::Refusal;

/// The longest token looked at, in bytes: 16 KiB.
pub(crate) const MAX_BYTES: usize = 16 * 1024;

/// A token whose header and signature are decoded; the payload waits until they proved good.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    /// What is signed: the header, a dot and the payload, as they arrived.
    pub(crate) signed: &'a [u8],
    pub(crate) header: Header,
    pub(crate) signature: Vec<u8>,
    payload: &'a str,
}

/// The JOSE header (RFC 7515 section 4), as far as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) algorithm: String,
    pub(crate) key_id: Option<String>,
    pub(crate) typ: Option<String>,
}

impl<'a> Token<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Refusal> {
        if text.len() > MAX_BYTES {
            return Err(Refusal::malformed("the token is longer than 16 KiB"));
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(NOT_THREE_PARTS)?;
        let (header, payload) = signed.split_once('.').ok_or(NOT_THREE_PARTS)?;
        if payload.contains('.') {
            return Err(NOT_THREE_PARTS);
        }
        Ok(Self {
            signed: signed.as_bytes(),
            header: Header::parse(&decode(header)?)?,
            signature: decode(signature)?,
            payload,
        })
    }

    /// The claims as JSON text, not looked at yet.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, Refusal> {
        decode(self.payload)
    }
}

impl Header {
    fn parse(json: &[u8]) -> Result<Self, Refusal> {
        // A derived struct is also read from an array, which is no JOSE header.
        if json.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(BAD_HEADER);
        }
        let header: RawHeader<'_> = serde_json::from_slice(json).map_err(|_| BAD_HEADER)?;
        // RFC 7515 section 4.1.11: what is critical and not understood makes the token invalid, and
        // no extension is understood here. Empty or null, `crit` is not legal either.
        if header.crit.is_some() {
            return Err(Refusal::malformed("the header has `crit`, and no extension is supported"));
        }
        Ok(Self {
            algorithm: header.alg.into_owned(),
            key_id: header.kid.map(Cow::into_owned),
            typ: header.typ.map(Cow::into_owned),
        })
    }
}

/// The members of interest; the others are ignored (RFC 7515 section 4). A duplicate of one of
/// these is an error.
#[derive(Deserialize)]
struct RawHeader<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    kid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    typ: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
}

/// `Some` for any value, null included.
fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<IgnoredAny>, D::Error> {
    IgnoredAny::deserialize(value).map(Some)
}

const NOT_THREE_PARTS: Refusal =
    Refusal::BadToken { told: "the token is malformed", reason: Cow::Borrowed("the token does not have three parts") };

const BAD_HEADER: Refusal = Refusal::BadToken {
    told: "the token is malformed",
    reason: Cow::Borrowed("the token's header is not the JSON object of a JOSE header"),
};

/// Without padding, and with no other spelling of the same bytes (RFC 7515 section 2).
fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    BASE64_URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| Refusal::malformed("a part of the token is not base64url without padding"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 7515 appendix A.1.
    const A1: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn with_header(header: &str) -> String {
        format!("{}.e30.AA", BASE64_URL_SAFE_NO_PAD.encode(header))
    }

    #[test]
    fn the_token_of_rfc_7515_a_1_is_taken_apart() {
        let token = Token::parse(A1).unwrap();
        assert_eq!(token.header.algorithm, "HS256");
        assert_eq!(token.header.typ.as_deref(), Some("JWT"));
        assert_eq!(token.header.key_id, None);
        assert_eq!(token.signed.len(), A1.rfind('.').unwrap());
        assert_eq!(token.signature[..4], [116, 24, 223, 180]);
        assert_eq!(token.signature.len(), 32);
        let payload = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        assert_eq!(token.payload().unwrap(), payload.as_bytes());
    }

    #[test]
    fn a_token_has_exactly_three_parts() {
        for wrong in ["", ".", "a", "e30.e30", "e30.e30.AA.AA", "e30.e30.AA.", "....", "e30.AA.AA.AA.AA"] {
            assert!(Token::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn base64_with_padding_other_alphabets_or_stray_bits_is_refused() {
        let good = with_header(r#"{"alg":"HS256"}"#);
        assert!(Token::parse(&good).is_ok());
        for wrong in ["AA==", "A", "A+/A", "AB", "AA AA", "AA\n", "é"] {
            let token = format!("{}.e30.{wrong}", good.split('.').next().unwrap());
            assert!(Token::parse(&token).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_header_that_is_no_object_or_has_no_alg_is_refused() {
        for wrong in [
            "",
            "1",
            "null",
            r#"["HS256"]"#,
            r#" ["HS256",null,null,null]"#,
            "{}",
            r#"{"alg":null}"#,
            r#"{"alg":1}"#,
            r#"{"alg":"HS256"} x"#,
            r#"{"alg":"HS256""#,
        ] {
            assert!(Token::parse(&with_header(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_header_with_two_algs_is_refused() {
        assert!(Token::parse(&with_header(r#"{"alg":"HS256","alg":"none"}"#)).is_err());
    }

    #[test]
    fn a_header_with_crit_is_refused_whatever_it_says() {
        for crit in [r#"["exp"]"#, "[]", "null", r#"["b64"]"#, "{}"] {
            assert!(Token::parse(&with_header(&format!(r#"{{"alg":"HS256","crit":{crit}}}"#))).is_err(), "{crit}");
        }
    }

    #[test]
    fn header_members_that_point_to_keys_are_ignored() {
        let header = r#"{"alg":"RS256","jku":"http://evil.example","jwk":{"kty":"oct"},"x5u":1}"#;
        assert_eq!(Token::parse(&with_header(header)).unwrap().header.key_id, None);
    }

    #[test]
    fn a_token_longer_than_16_kib_is_refused() {
        let good = with_header(r#"{"alg":"HS256"}"#);
        let head = good.strip_suffix("AA").unwrap();
        let fits = format!("{head}{}", "AAAA".repeat((MAX_BYTES - head.len()) / 4));
        assert!(Token::parse(&fits).is_ok());
        assert!(Token::parse(&format!("{fits}AAAA")).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*", header in ".*", payload in ".*") {
            let _ = Token::parse(&text);
            let token = format!("{}.{payload}.AA", BASE64_URL_SAFE_NO_PAD.encode(header));
            if let Ok(token) = Token::parse(&token) {
                let _ = token.payload();
            }
        }
    }
}
