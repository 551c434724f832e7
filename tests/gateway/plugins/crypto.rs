//! `crypto`: signing, sealing and hashing with keys the plugin never sees.

use jsonwebtoken::{DecodingKey, crypto::verify};
use tollgate_tests::{Gateway, guests};

use super::{answering, start};

macro_rules! key {
    ($file:literal) => {
        include_str!(concat!("../built_ins/keys/", $file, ".pem"))
    };
}

/// A gateway that answers with what `tell` says to this question.
async fn told(question: &str, keys: &str) -> String {
    told_after("log asked", question, keys).await
}

/// The same, after another step.
async fn told_after(step: &str, question: &str, keys: &str) -> String {
    let config = answering(&format!("request = [\"{step}\", \"tell {question}\"]"), keys);
    let prepared = Gateway::with(&config)
        .file("rsa.pem", key!("rsa.private"))
        .file("ec.pem", key!("ec.private"))
        .file("ed.pem", key!("ed.private"))
        .file("ec-public.pem", key!("ec.public"));
    let gateway = prepared.plugin("scripted", guests::scripted()).start().await;
    gateway.get("/p").await.text().to_owned()
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap_or_else(|_| panic!("not a signature: {hex}")))
        .collect()
}

#[tokio::test]
async fn what_a_private_key_signs_everybody_with_the_public_key_can_check() {
    use jsonwebtoken::Algorithm as A;
    let rsa = DecodingKey::from_rsa_pem(key!("rsa.public").as_bytes()).unwrap();
    let ec = DecodingKey::from_ec_pem(key!("ec.public").as_bytes()).unwrap();
    let ed = DecodingKey::from_ed_pem(key!("ed.public").as_bytes()).unwrap();
    for (name, algorithm, file, public) in [
        ("RS256", A::RS256, "rsa.pem", &rsa),
        ("PS384", A::PS384, "rsa.pem", &rsa),
        ("ES256", A::ES256, "ec.pem", &ec),
        ("EdDSA", A::EdDSA, "ed.pem", &ed),
    ] {
        let keys = format!("keys.own = {{ algorithm = \"{name}\", use = \"sign\", file = \"{file}\" }}");
        let signature = base64(&bytes(&told("sign own a message", &keys).await));
        assert!(verify(&signature, b"a message", public, algorithm).unwrap(), "{name}");
        assert!(!verify(&signature, b"another message", public, algorithm).unwrap(), "{name}");
    }
}

#[tokio::test]
async fn a_secret_signs_and_checks_its_own_signatures() {
    let keys = "keys.own = { algorithm = \"HS256\", use = \"sign\", value = \"a secret\" }";
    assert_eq!(told("signs own a message", keys).await, "true false");
    let keys = "keys.own = { algorithm = \"ES256\", use = \"sign\", file = \"ec.pem\" }";
    assert_eq!(told("signs own a message", keys).await, "true false");
}

#[tokio::test]
async fn the_first_signature_of_a_process_costs_no_more_than_others() {
    let keys = "keys.own = { algorithm = \"ES256\", use = \"sign\", file = \"ec.pem\" }\nlimits.cpu = \"30ms\"";
    // Time is counted exactly once a hook has seen a tick. A process' first randomness takes 40 ms and more.
    assert_eq!(told_after("flood 1000", "signs own a message", keys).await, "true false");
}

#[tokio::test]
async fn a_key_that_is_for_checking_does_not_sign() {
    for key in [
        "keys.own = { algorithm = \"HS256\", value = \"a secret\" }",
        "keys.own = { algorithm = \"HS256\", use = \"verify\", value = \"a secret\" }",
        "keys.own = { algorithm = \"ES256\", file = \"ec-public.pem\" }",
    ] {
        let told = told("sign own a message", key).await;
        assert_eq!(told, "the key `own` only checks signatures: it lacks `use = \"sign\"`", "{key}");
    }
    let key = "keys.own = { algorithm = \"HS256\", use = \"sign\", value = \"a secret\" }";
    assert_eq!(told("sign other a message", key).await, "there is no key of this name");
    assert!(told("seal own a message", key).await.contains("is for signatures"));
}

const SEALING: [&str; 2] = ["A256GCM", "ChaCha20-Poly1305"];

fn sealing(algorithm: &str) -> String {
    let value = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    format!("keys.box = {{ algorithm = \"{algorithm}\", value_base64 = \"{value}\" }}")
}

#[tokio::test]
async fn what_is_sealed_opens_with_the_same_key_and_data_and_no_other() {
    for algorithm in SEALING {
        let keys = sealing(algorithm);
        let sealed = told("seal box the text", &keys).await;
        assert_eq!(sealed.len(), 2 * (12 + "the text".len() + 16), "{sealed}");
        assert_ne!(sealed, told("seal box the text", &keys).await, "a nonce is used once");
        assert_eq!(told(&format!("open box {sealed}"), &keys).await, "the text");
        let refused = "not sealed with this key and this associated data, or changed since";
        assert_eq!(told(&format!("open-for-another box {sealed}"), &keys).await, refused);
        let other_key = keys.replace("AAEC", "BAEC");
        assert_eq!(told(&format!("open box {sealed}"), &other_key).await, refused);
        let changed = sealed.replacen(&sealed[24..26], if &sealed[24..26] == "00" { "01" } else { "00" }, 1);
        assert_eq!(told(&format!("open box {changed}"), &keys).await, refused);
        for short in ["", "00", &sealed[..24]] {
            assert_eq!(told(&format!("open box {short}"), &keys).await, refused, "{short}");
        }
        assert!(told("sign box a message", &keys).await.contains("does not sign"));
    }
}

#[tokio::test]
async fn hashes_are_those_of_the_standard() {
    for (question, told) in [
        ("hash sha256 abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "hash sha384 abc",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            "hash sha512 abc",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ] {
        let gateway = start(&answering(&format!("request = [\"tell {question}\"]"), "")).await;
        assert_eq!(gateway.get("/p").await.text(), told);
    }
}

#[tokio::test]
async fn a_private_key_of_another_kind_stops_the_gateway_and_is_named() {
    let config = answering("", "keys.own = { algorithm = \"ES384\", use = \"sign\", file = \"ec.pem\" }");
    let prepared = Gateway::with(&config).file("ec.pem", key!("ec.private"));
    let said = prepared.plugin("scripted", guests::scripted()).start_fails().await;
    assert!(said.contains("plugins.p.keys.own") && said.contains("not a private key for this algorithm"), "{said}");
    assert!(!said.contains("BEGIN"), "{said}");
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
