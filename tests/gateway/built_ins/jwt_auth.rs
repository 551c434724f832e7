//! `jwt-auth`: only a good token passes, whatever its algorithm.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tollgate_tests::{Answer, Gateway, Upstream, config, request};

const SECRET: &str = "a secret of thirty-two bytes, or more";

/// Keys made for these tests and used for nothing else.
macro_rules! key {
    ($file:literal) => {
        include_str!(concat!("keys/", $file, ".pem"))
    };
}

/// A gateway that knows a key of each kind.
async fn gateway_to(upstream: &Upstream) -> Gateway {
    let config = config()
        .upstream("web", [upstream])
        .table("[secrets]\njwt = { env = \"JWT_SECRET\" }")
        .plugin(
            "jwt",
            "use = \"jwt-auth\"\n\
             config = { issuer = \"https://issuer.example\", audience = \"orders\", claims_to_headers = { sub = \"x-user\" } }\n\
             keys.hmac = { algorithm = \"HS256\", secret = \"jwt\" }\n\
             keys.rsa = { algorithm = \"RS256\", file = \"rsa.pem\" }\n\
             keys.ec = { algorithm = \"ES256\", file = \"ec.pem\" }\n\
             keys.ed = { algorithm = \"EdDSA\", file = \"ed.pem\" }",
        )
        .route_with("/", "web", "plugins = [\"jwt\"]");
    Gateway::with(&config)
        .file("rsa.pem", key!("rsa.public"))
        .file("ec.pem", key!("ec.public"))
        .file("ed.pem", key!("ed.public"))
        .environment("JWT_SECRET", SECRET)
        .start()
        .await
}

fn claims() -> Value {
    json!({ "iss": "https://issuer.example", "aud": "orders", "sub": "zoe", "exp": now() + 600 })
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

fn signed(algorithm: Algorithm, claims: &Value) -> String {
    let key = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(key!("rsa.private").as_bytes()).unwrap(),
        Algorithm::ES256 => EncodingKey::from_ec_pem(key!("ec.private").as_bytes()).unwrap(),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(key!("ed.private").as_bytes()).unwrap(),
        _ => EncodingKey::from_secret(SECRET.as_bytes()),
    };
    jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
}

async fn ask(gateway: &Gateway, token: &str) -> Answer {
    let mut asked = request("GET", "/", "");
    asked.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    asked.headers_mut().insert("x-user", "admin".parse().unwrap());
    gateway.send(asked).await
}

#[tokio::test]
async fn a_good_token_of_each_algorithm_passes_and_says_who_it_is() {
    let upstream = Upstream::answering("ok").await;
    let gateway = gateway_to(&upstream).await;
    for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let answer = ask(&gateway, &signed(algorithm, &claims())).await;
        assert_eq!((answer.status, answer.text()), (200, "ok"), "{algorithm:?}");
        assert_eq!(upstream.last().headers.get_all("x-user").iter().collect::<Vec<_>>(), ["zoe"], "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_client_cannot_send_the_claims_field_in_a_spelling_that_cgi_takes_for_the_same() {
    let upstream = Upstream::answering("ok").await;
    let gateway = gateway_to(&upstream).await;
    let mut asked = request("GET", "/", "");
    let token = signed(Algorithm::HS256, &claims());
    asked.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    asked.headers_mut().insert("x_user", "admin".parse().unwrap());
    assert_eq!(gateway.send(asked).await.status, 200);
    let seen = upstream.last();
    assert_eq!((&seen.headers["x-user"], seen.headers.get("x_user")), (&"zoe".parse().unwrap(), None));
}

#[tokio::test]
async fn without_a_token_the_client_is_asked_for_one() {
    let upstream = Upstream::answering("ok").await;
    let gateway = gateway_to(&upstream).await;
    let answer = gateway.get("/").await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer realm=\"api\""));
    assert_eq!(gateway.access_line("/").await["source"], "plugin jwt");
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_token_that_is_not_good_is_refused() {
    let upstream = Upstream::answering("ok").await;
    let gateway = gateway_to(&upstream).await;
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        signed(Algorithm::HS256, &claims)
    };
    let good = signed(Algorithm::RS256, &claims());
    let (signed_part, _) = good.rsplit_once('.').unwrap();
    let with_public_key_as_secret = {
        let key = EncodingKey::from_secret(key!("rsa.public").as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims(), &key).unwrap()
    };
    let other_secret = EncodingKey::from_secret(b"another secret of thirty-two bytes!");
    let cases = [
        ("expired", with("exp", json!(now() - 120))),
        ("not yet valid", with("nbf", json!(now() + 600))),
        ("of another issuer", with("iss", json!("https://evil.example"))),
        ("for another service", with("aud", json!("payments"))),
        ("without an end", with("exp", Value::Null)),
        ("signed with another secret", jsonwebtoken::encode(&Header::default(), &claims(), &other_secret).unwrap()),
        ("signed with the public key as a secret", with_public_key_as_secret),
        // {"alg":"none","typ":"JWT"}
        ("alg none", format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", signed_part.split('.').nth(1).unwrap())),
        ("without a signature", format!("{signed_part}.")),
        ("not a token", "abc".to_owned()),
    ];
    for (case, token) in cases {
        let answer = ask(&gateway, &token).await;
        assert_eq!(answer.status, 401, "{case}");
        assert!(answer.header("www-authenticate").contains("error=\"invalid_token\""), "{case}: {answer:?}");
    }
    assert!(upstream.seen().is_empty());
}
