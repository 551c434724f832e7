//! `jwt-auth` with any token: one whose signature is not good never goes on, whatever it says, and
//! one whose signature is good may say anything at all.

#![no_main]

use arbitrary::Arbitrary;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jwt_auth::JwtAuth;
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use tollgate_plugin_sdk::crypto::Algorithm;
use tollgate_plugin_sdk::testing::Host;
use tollgate_plugin_sdk::{Plugin, RequestFilter, Verdict};

#[derive(Debug, Arbitrary)]
enum Token<'a> {
    /// A field's value as it is.
    Field(&'a [u8]),
    Parts {
        header: &'a [u8],
        claims: &'a [u8],
        signature: &'a [u8],
    },
    Signed {
        claims: &'a [u8],
    },
}

fuzz_target!(|token: Token<'_>| {
    let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
    let (field, may_pass) = match token {
        Token::Field(bytes) => ([b"Bearer ", bytes].concat(), false),
        Token::Parts { header, claims, signature } => (
            format!("Bearer {}.{}.{}", encode(header), encode(claims), encode(signature)).into_bytes(),
            signature == b"good",
        ),
        Token::Signed { claims } => (
            format!("Bearer {}.{}.{}", encode(br#"{"alg":"HS256"}"#), encode(claims), encode(b"good")).into_bytes(),
            true,
        ),
    };
    let host = Host::new()
        .header("authorization", field)
        .header("x-user-id", "root")
        .header("x_user_id", "root")
        .key("main", Algorithm::Hs256)
        // A field's bytes may happen to be the good signature: then they must not count.
        .on_verify(move |_, _, signature| may_pass && signature == b"good");
    let config = json!({
        "require_exp": false, "optional": true, "scopes": [], "required_claims": [],
        "claims_to_headers": {"a.b": "x-user-id", "sub": "x-sub"}, "claims_to_attributes": ["sub", "a.b"],
    });
    let plugin = JwtAuth::configure(serde_json::from_value(config).unwrap()).unwrap();
    if plugin.on_request() == Verdict::Next {
        assert!(may_pass, "a token without a good signature went on");
        assert_eq!(host.request_header("x_user_id"), None);
        assert_ne!(host.request_header("x-user-id").as_deref(), Some("root"), "the client's own copy");
    }
});
