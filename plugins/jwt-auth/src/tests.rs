//! Whole requests through the plugin.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_plugin_sdk::crypto::Algorithm;
use tollgate_plugin_sdk::log::Level;
use tollgate_plugin_sdk::testing::Host;
use tollgate_plugin_sdk::{Answer, Plugin, RequestFilter, Verdict};

use super::JwtAuth;

/// RFC 7515 appendix A.1, and the octets of its signature.
const A1: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const A1_SIGNATURE: [u8; 32] = [
    116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191, 240,
    91, 88, 5, 88, 83, 132, 141, 121,
];

/// A gateway at the time of [`A1`], whose one key signed [`A1`] and nothing else.
fn host_of_a1() -> Host {
    let signed = A1.rsplit_once('.').unwrap().0;
    Host::new().unix_time(Duration::from_secs(1_300_819_379)).key("main", Algorithm::Hs256).on_verify(
        move |key, message, signature| key == "main" && message == signed.as_bytes() && signature == A1_SIGNATURE,
    )
}

/// A gateway whose one key takes the signature `good`.
fn host() -> Host {
    Host::new().key("main", Algorithm::Hs256).on_verify(|_, _, signature| signature == b"good")
}

fn signed(claims: &Value) -> String {
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", encode(r#"{"alg":"HS256"}"#), encode(&claims.to_string()), encode("good"))
}

fn bearer(claims: &Value) -> String {
    format!("Bearer {}", signed(claims))
}

fn plugin(config: Value) -> JwtAuth {
    JwtAuth::configure(serde_json::from_value(config).unwrap()).unwrap()
}

fn refused(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Respond(answer) => answer,
        other => panic!("the request went on: {other:?}"),
    }
}

#[test]
fn the_token_of_rfc_7515_a_1_is_good_until_it_expires() {
    let host = host_of_a1();
    let plugin =
        plugin(json!({"issuer": "joe", "leeway": "0s", "claims_to_headers": {"http://example.com/is_root": "x-root"}}));
    host.add_request_header("authorization", format!("Bearer {A1}"));
    assert_eq!(plugin.on_request(), Verdict::Next);
    assert_eq!(host.request_header("x-root").as_deref(), Some("true"));
    host.advance(Duration::from_secs(1));
    assert_eq!(refused(plugin.on_request()).status, 401);
}

/// A gateway that counts how often it is asked about a signature.
fn counting(asked: &Rc<Cell<u32>>) -> Host {
    let asked = Rc::clone(asked);
    Host::new().key("main", Algorithm::Hs256).on_verify(move |_, _, signature| {
        asked.set(asked.get() + 1);
        signature == b"good"
    })
}

#[test]
fn a_token_that_is_known_is_good_without_another_look_until_it_expires() {
    let asked = Rc::default();
    let host = counting(&asked).unix_time(Duration::from_secs(1_800_000_000));
    host.add_request_header("authorization", bearer(&json!({"sub": "zoe", "exp": 1_800_000_001})));
    let plugin = plugin(json!({"leeway": "0s", "claims_to_headers": {"sub": "x-user"}}));
    for _ in 0..3 {
        assert_eq!(plugin.on_request(), Verdict::Next);
        assert_eq!(host.request_header("x-user").as_deref(), Some("zoe"));
    }
    assert_eq!(asked.get(), 1);
    host.advance(Duration::from_secs(1));
    assert_eq!(refused(plugin.on_request()).status, 401);
}

#[test]
fn a_bad_token_is_never_known_and_no_token_is_where_that_is_asked_for() {
    let asked = Rc::default();
    let host = counting(&asked);
    let claims = json!({"exp": 1_800_000_000});
    host.add_request_header("authorization", bearer(&claims).replace("Z29vZA", "YmFk"));
    let knowing = plugin(json!({}));
    for _ in 0..3 {
        assert_eq!(refused(knowing.on_request()).status, 401);
    }
    assert_eq!(asked.get(), 3);
    drop(host);
    let _host = counting(&asked).header("authorization", bearer(&claims));
    let forgetful = plugin(json!({"known_tokens": 0}));
    for _ in 0..3 {
        assert_eq!(forgetful.on_request(), Verdict::Next);
    }
    assert_eq!(asked.get(), 6);
}

#[test]
fn a_good_token_leaves_its_subject_for_the_chain() {
    let host = host().header("authorization", bearer(&json!({"sub": "zoe", "exp": 1_800_000_000})));
    assert_eq!(plugin(json!({})).on_request(), Verdict::Next);
    assert_eq!(host.attribute_now("jwt.claim.sub").as_deref(), Some("zoe"));
    assert!(host.request_header("authorization").is_some());
}

#[test]
fn the_token_is_taken_out_where_the_upstream_is_not_to_see_it() {
    let claims = json!({"exp": 1_800_000_000});
    let gateway = host().header("authorization", bearer(&claims));
    assert_eq!(plugin(json!({"forward_token": false})).on_request(), Verdict::Next);
    assert_eq!(gateway.request_headers(), []);
    drop(gateway);
    let gateway = host().header("x-token", signed(&claims));
    assert_eq!(plugin(json!({"forward_token": false, "from": {"header": "X-Token"}})).on_request(), Verdict::Next);
    assert_eq!(gateway.request_headers(), []);
}

#[test]
fn a_request_without_a_token_is_asked_for_one() {
    let host = host();
    assert_eq!(refused(plugin(json!({})).on_request()).status, 401);
    assert_eq!(host.logs()[0].0, Level::Debug);
}

#[test]
fn an_optional_token_may_be_missing_but_not_bad() {
    let gateway = host().header("x-user", "root");
    let plugin = plugin(json!({"optional": true, "claims_to_headers": {"sub": "x-user"}}));
    assert_eq!(plugin.on_request(), Verdict::Next);
    assert_eq!(gateway.request_header("x-user"), None);
    assert_eq!(gateway.attribute_now("jwt.claim.sub"), None);
    for bad in ["Bearer x", "Bearer", "Bearer a.b.c"] {
        gateway.next_request();
        gateway.add_request_header("authorization", bad);
        refused(plugin.on_request());
    }
}

#[test]
fn the_operator_reads_the_reason_the_client_does_not() {
    let host = host().header("authorization", bearer(&json!({"iss": "evil", "exp": 1_800_000_000})));
    let answer = refused(plugin(json!({"issuer": "https://good.example"})).on_request());
    let (level, line) = &host.logs()[0];
    assert_eq!(*level, Level::Info);
    assert!(line.contains("`iss` is \"evil\""), "{line}");
    assert!(!format!("{answer:?}").contains("good.example"));
}

#[test]
fn two_authorization_fields_are_refused() {
    let good = bearer(&json!({"exp": 1_800_000_000}));
    let _host = host().header("authorization", &good).header("authorization", &good);
    assert_eq!(refused(plugin(json!({})).on_request()).status, 400);
}

#[test]
fn claims_of_an_unsigned_token_are_never_looked_at() {
    let _host = host();
    let token = signed(&json!({"exp": 1}));
    let forged = format!("{}.AAAA", token.rsplit_once('.').unwrap().0);
    let _host = host().header("authorization", format!("Bearer {forged}"));
    let answer = refused(plugin(json!({})).on_request());
    assert!(String::from_utf8(answer.body).unwrap().contains("not trusted"));
}

#[test]
fn every_mistake_is_told_with_the_key_it_is_about() {
    let _host = Host::new().key("main", Algorithm::Hs256);
    let config = json!({
        "issuer": "", "audience": ["a", ""], "realm": "", "leeway": "11m", "scopes": ["ok", "a b"],
        "from": {"cookie": "a b"}, "claims_to_headers": {"sub": "x y", "b.c": "host"}, "required_claims": [""],
    });
    let mistakes = JwtAuth::configure(serde_json::from_value(config).unwrap()).err().unwrap();
    let mut keys: Vec<&str> = mistakes.lines().filter_map(|line| line.split(": ").next()).collect();
    keys.sort_unstable();
    let expected = [
        "audience",
        "claims_to_headers.\"b.c\"",
        "claims_to_headers.sub",
        "from.cookie",
        "issuer",
        "leeway",
        "realm",
        "required_claims[0]",
        "scopes[1]",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn every_key_of_the_config_is_in_the_schema() {
    let schema = tollgate_plugin_sdk::schemars::schema_for!(super::Config);
    for key in [
        "issuer",
        "audience",
        "leeway",
        "required_claims",
        "require_exp",
        "scopes",
        "typ",
        "from",
        "forward_token",
        "optional",
        "realm",
        "claims_to_headers",
        "claims_to_attributes",
    ] {
        assert!(schema.pointer(&format!("/properties/{key}/description")).is_some(), "{key}");
    }
}

proptest! {
    #[test]
    fn no_change_to_a_good_token_is_let_on(place in 0..A1.len(), byte in 0x21..0x7fu8) {
        let mut token = A1.as_bytes().to_vec();
        prop_assume!(token[place] != byte);
        token[place] = byte;
        let _host = host_of_a1().header("authorization", [b"Bearer ", &token[..]].concat());
        refused(plugin(json!({})).on_request());
    }

    #[test]
    fn no_part_of_a_good_token_is_let_on(start in 0..A1.len(), end in 0..A1.len()) {
        let _host = host_of_a1().header("authorization", format!("Bearer {}", A1.get(start..end).unwrap_or_default()));
        refused(plugin(json!({})).on_request());
    }

    #[test]
    fn nothing_goes_on_where_no_signature_is_good(header in any::<Vec<u8>>(), claims in any::<Vec<u8>>(), signature in any::<Vec<u8>>()) {
        let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
        let token = format!("Bearer {}.{}.{}", encode(&header), encode(&claims), encode(&signature));
        let _host = Host::new().key("main", Algorithm::Hs256).header("authorization", token);
        refused(plugin(json!({"require_exp": false})).on_request());
    }

    #[test]
    fn no_bytes_in_any_place_make_the_plugin_panic(value in any::<Vec<u8>>()) {
        for from in [json!("bearer"), json!({"cookie": "token"}), json!({"header": "x-token"})] {
            let _host = host()
                .header("authorization", [b"Bearer ", &value[..]].concat())
                .header("cookie", [b"token=", &value[..]].concat())
                .header("x-token", &value);
            refused(plugin(json!({"from": from})).on_request());
        }
    }

    #[test]
    fn no_signed_claims_make_the_plugin_panic(claims in any::<Vec<u8>>()) {
        let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
        let token = format!("Bearer {}.{}.{}", encode(br#"{"alg":"HS256"}"#), encode(&claims), encode(b"good"));
        let _host = host().header("authorization", token);
        let _ = plugin(json!({"scopes": ["a"], "required_claims": ["a.b"]})).on_request();
    }
}
