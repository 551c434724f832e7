//! Tokens of every kind against the rules.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// 2023-11-14T22:13:20Z, in milliseconds.
const NOW_MS: u64 = 1_700_000_000_000;

fn configured(config: Value) -> Result<Rules, String> {
    let mistakes = Mistakes::default();
    let rules = Rules::new(serde_json::from_value(config).unwrap(), &mistakes);
    mistakes.or(Some(rules))
}

/// Whether these claims pass a `config` of this JSON.
fn check(config: Value, claims: &Value) -> Result<(), Refusal> {
    let rules = configured(config).unwrap();
    let json = serde_json::to_vec(claims).unwrap();
    rules.check(&Claims::parse(&json)?, NOW_MS).map(drop)
}

fn passes(config: Value, claims: &Value) -> bool {
    check(config, claims).is_ok()
}

fn anytime() -> Value {
    json!({"require_exp": false})
}

#[test]
fn a_token_expires_at_exp_and_not_before() {
    let exact = || json!({"leeway": "0s"});
    assert!(passes(exact(), &json!({"exp": 1_700_000_001})));
    assert!(passes(exact(), &json!({"exp": 1_700_000_000.5})));
    assert!(!passes(exact(), &json!({"exp": 1_700_000_000})));
    assert!(!passes(exact(), &json!({"exp": 0})));
    assert!(!passes(exact(), &json!({"exp": -1})));
}

#[test]
fn the_leeway_is_on_top_of_exp() {
    let config = || json!({"leeway": "30s"});
    assert!(passes(config(), &json!({"exp": 1_699_999_971})));
    assert!(!passes(config(), &json!({"exp": 1_699_999_970})));
}

#[test]
fn a_token_counts_from_nbf_and_from_iat() {
    for name in ["nbf", "iat"] {
        let config = || json!({"require_exp": false, "leeway": "30s"});
        assert!(passes(config(), &json!({name: 1_700_000_000})));
        assert!(passes(config(), &json!({name: 1_700_000_030})));
        assert!(!passes(config(), &json!({name: 1_700_000_031})), "{name}");
    }
}

#[test]
fn a_token_without_exp_is_refused_unless_the_operator_allows_it() {
    assert!(!passes(json!({}), &json!({"sub": "x"})));
    assert!(!passes(json!({}), &json!({"exp": null})));
    assert!(passes(anytime(), &json!({"sub": "x"})));
}

#[test]
fn times_that_are_not_numbers_are_refused() {
    for wrong in [json!("1800000000"), json!(true), json!([1_800_000_000]), json!({})] {
        for name in ["exp", "nbf", "iat"] {
            assert!(!passes(anytime(), &json!({name: wrong})), "{name}: {wrong}");
        }
    }
    let rules = configured(anytime()).unwrap();
    assert!(rules.check(&Claims::parse(br#"{"exp": 1e999}"#).unwrap(), NOW_MS).is_err());
}

#[test]
fn the_issuer_must_be_one_of_those_named() {
    let one = || json!({"require_exp": false, "issuer": "https://a.example"});
    assert!(passes(one(), &json!({"iss": "https://a.example"})));
    for wrong in [json!("https://a.example/"), json!(null), json!(["https://a.example"]), json!(1)] {
        assert!(!passes(one(), &json!({"iss": wrong})), "{wrong}");
    }
    assert!(!passes(one(), &json!({})));
    let two = json!({"require_exp": false, "issuer": ["https://a.example", "https://b.example"]});
    assert!(passes(two, &json!({"iss": "https://b.example"})));
}

#[test]
fn the_audience_may_be_one_or_many_on_both_sides() {
    let config = || json!({"require_exp": false, "audience": ["api", "admin"]});
    assert!(passes(config(), &json!({"aud": "admin"})));
    assert!(passes(config(), &json!({"aud": ["other", "api"]})));
    for wrong in [json!("other"), json!(["other"]), json!([]), json!(null), json!(["api", 1]), json!({"api": 1})] {
        assert!(!passes(config(), &json!({"aud": wrong})), "{wrong}");
    }
    assert!(!passes(config(), &json!({})));
}

#[test]
fn a_token_for_someone_else_is_refused_where_no_audience_is_configured() {
    assert!(passes(anytime(), &json!({})));
    assert!(!passes(anytime(), &json!({"aud": "someone"})));
}

#[test]
fn required_claims_must_be_there_and_not_null() {
    let config = || json!({"require_exp": false, "required_claims": ["sub", "org.id"]});
    assert!(passes(config(), &json!({"sub": "x", "org": {"id": 7}})));
    assert!(!passes(config(), &json!({"sub": null, "org": {"id": 7}})));
    assert!(!passes(config(), &json!({"sub": "x", "org": {}})));
}

#[test]
fn all_scopes_must_be_there_as_text_or_as_a_list() {
    let config = || json!({"require_exp": false, "scopes": ["read", "write"]});
    for good in [
        json!({"scope": "write admin read"}),
        json!({"scp": ["read", "write"]}),
        json!({"scp": "read write"}),
        json!({"scope": ["write", "read"]}),
    ] {
        assert!(passes(config(), &good), "{good}");
    }
    for bad in [
        json!({}),
        json!({"scope": "read"}),
        json!({"scope": "read writes"}),
        json!({"scp": ["read write"]}),
        json!({"scope": 1}),
    ] {
        assert!(matches!(check(config(), &bad), Err(Refusal::Scope { .. })), "{bad}");
    }
}

#[test]
fn typ_is_compared_as_a_media_type() {
    let check = |wanted: &str, found: &str| {
        let rules = configured(json!({"typ": wanted})).unwrap();
        let header = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"HS256"{found}}}"#));
        rules.check_type(&Token::parse(&format!("{header}.e30.AA")).unwrap()).is_ok()
    };
    assert!(check("at+jwt", r#","typ":"at+JWT""#));
    assert!(check("at+jwt", r#","typ":"application/at+jwt""#));
    assert!(check("application/at+jwt", r#","typ":"at+jwt""#));
    assert!(!check("at+jwt", r#","typ":"JWT""#));
    assert!(!check("at+jwt", ""));
}

#[test]
fn empty_lists_are_mistakes_the_operator_is_told_of() {
    for config in [json!({"issuer": []}), json!({"audience": ""}), json!({"audience": ["a", ""]})] {
        assert!(configured(config).is_err());
    }
}

#[test]
fn a_leeway_of_more_than_ten_minutes_is_refused() {
    let rules = |leeway: &str| configured(json!({"leeway": leeway}));
    assert!(rules("10m").is_ok());
    assert!(rules("600001ms").unwrap_err().starts_with("leeway: `600001ms` is more than `10m`"));
}

proptest! {
    #[test]
    fn a_token_is_good_exactly_until_exp(exp in -1e12..1e12f64) {
        let good = passes(json!({"leeway": "0s"}), &json!({"exp": exp}));
        prop_assert_eq!(good, exp > 1_700_000_000.0);
    }
}
