//! Answers for one user: a plugin before the cache, or behind it, knows who the request is from.

use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;
use tollgate_tests::{Config, Gateway, Upstream, config};

use super::get;

const SECRET: &str = "a secret of thirty-two bytes, or more";

/// A plugin that takes tokens from there, and out of the request.
fn jwt(from: &str) -> String {
    let settings = "forward_token = false, require_exp = false, claims_to_headers = { sub = \"x-user\" }";
    format!(
        "use = \"jwt-auth\"\nconfig = {{ from = {from}, {settings} }}\nkeys.main = {{ algorithm = \"HS256\", value = \"{SECRET}\" }}"
    )
}

fn token(user: &str) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), &json!({ "sub": user }), &key).unwrap()
}

/// Answers who is asking. Only where all may keep it does it say that the users' answers differ.
async fn whose(cache_control: &'static str) -> Upstream {
    Upstream::handling(move |seen| {
        let answer = http::Response::builder().header("cache-control", cache_control);
        let answer = if cache_control.contains("public") { answer.header("vary", "x-user") } else { answer };
        answer.body(format!("\"{}\"", seen.header("x-user")).into()).unwrap()
    })
    .await
}

fn kept_for(upstream: &Upstream, from: &str, chain: &str) -> Config {
    config().upstream("web", [upstream]).plugin("jwt", &jwt(from)).plugin("kept", "use = \"cache\"").route_with(
        "/{*rest}",
        "web",
        &format!("plugins = {chain}"),
    )
}

#[tokio::test]
async fn one_users_answer_is_never_anothers_wherever_the_token_was() {
    let upstream = whose("max-age=60").await;
    for (from, chain) in [
        ("\"bearer\"", r#"["jwt", "kept"]"#),
        ("{ cookie = \"t\" }", r#"["jwt", "kept"]"#),
        ("{ header = \"x-token\" }", r#"["jwt", "kept"]"#),
        ("{ cookie = \"t\" }", r#"["kept", "jwt"]"#),
    ] {
        let gateway = Gateway::start(&kept_for(&upstream, from, chain)).await;
        for user in ["zoe", "max", "zoe"] {
            let token = token(user);
            let (bearer, cookie) = (format!("Bearer {token}"), format!("t={token}"));
            let field = match from {
                "\"bearer\"" => ("authorization", &*bearer),
                "{ cookie = \"t\" }" => ("cookie", &*cookie),
                _ => ("x-token", &*token),
            };
            let answer = get(&gateway, "/", &[field]).await;
            assert_eq!((answer.status, answer.text()), (200, &*format!("\"{user}\"")), "{from} {chain}");
            assert_eq!(answer.header("cache-status"), "tollgate; fwd=uri-miss", "{from} {chain}");
        }
    }
}

#[tokio::test]
async fn an_upstream_that_says_so_has_its_answers_kept_for_each_user() {
    let upstream = whose("public, max-age=60").await;
    let gateway = Gateway::start(&kept_for(&upstream, "\"bearer\"", r#"["jwt", "kept"]"#)).await;
    for (user, asked) in [("zoe", 1), ("max", 2), ("zoe", 2), ("max", 2)] {
        let answer = get(&gateway, "/", &[("authorization", &format!("Bearer {}", token(user)))]).await;
        assert_eq!((answer.text(), upstream.seen().len()), (&*format!("\"{user}\""), asked));
    }
}

#[tokio::test]
async fn the_operator_may_say_so_in_an_upstreams_place() {
    let upstream = whose("no-store").await;
    let parts = r#"parts = [{ name = "user", upstream = "web", path = "/", headers = { x-user = "{attribute:jwt.claim.sub}" } }]"#;
    let says = "use = \"headers\"\n[plugins.says.config.response]\nset = { cache-control = \"public, max-age=60\", vary = \"x-user\" }";
    let config = config()
        .upstream("web", [&upstream])
        .plugin("jwt", &jwt("\"bearer\""))
        .plugin("kept", "use = \"cache\"\nconfig = { fresh = { \"200\" = \"60s\" } }")
        .plugin("says", says)
        .plugin("join", &format!("use = \"aggregate\"\ngrant = {{ http = [\"web\"] }}\nconfig = {{ {parts} }}"))
        .route_without_upstream("/silent", r#"plugins = ["jwt", "kept", "join"]"#)
        .route_without_upstream("/said", r#"plugins = ["jwt", "kept", "says", "join"]"#);
    let gateway = Gateway::start(&config).await;
    for (path, asked) in [("/silent", [1, 2, 3, 4]), ("/said", [5, 6, 6, 6])] {
        for (user, asked) in ["zoe", "max", "zoe", "max"].into_iter().zip(asked) {
            let answer = get(&gateway, path, &[("authorization", &format!("Bearer {}", token(user)))]).await;
            let whole = format!("{{\"user\":\"{user}\"}}");
            assert_eq!((answer.text(), upstream.seen().len()), (&*whole, asked), "{path}");
        }
    }
}
