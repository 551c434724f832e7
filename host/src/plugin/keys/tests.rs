//! Keys as OpenSSL and others write them. What they sign and seal is tested through a gateway.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use base64::Engine as _;

use super::*;

fn pem(kind: &str, der: &[u8]) -> Vec<u8> {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n")).into_bytes()
}

fn ring(algorithm: Algorithm, material: KeyMaterial) -> Result<Keyring, Vec<(String, String)>> {
    let key = Key { algorithm, may_sign: true, material };
    Keyring::parse(&BTreeMap::from([("k".to_owned(), key)]))
}

fn signs(algorithm: Algorithm, pem: Vec<u8>) {
    let ring = ring(algorithm, KeyMaterial::PrivatePem(pem)).unwrap();
    let signature = ring.sign("k", b"m").unwrap().unwrap();
    assert!(ring.verify("k", b"m", &signature));
    assert!(!ring.verify("k", b"n", &signature));
}

#[test]
fn private_keys_are_taken_in_all_the_forms_in_use() {
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    signs(Algorithm::Es256, pem("PRIVATE KEY", ec.to_pkcs8v1().unwrap().as_ref()));
    let sec1 = ec.private_key();
    let sec1: aws_lc_rs::encoding::EcPrivateKeyRfc5915Der = sec1.as_der().unwrap();
    // As `openssl ecparam -genkey` writes it.
    let parameters = pem("EC PARAMETERS", &[6, 8, 42, 134, 72, 206, 61, 3, 1, 7]);
    signs(Algorithm::Es256, [parameters, pem("EC PRIVATE KEY", sec1.as_ref())].concat());

    let ed = Ed25519KeyPair::generate().unwrap();
    signs(Algorithm::EdDsa, pem("PRIVATE KEY", ed.to_pkcs8v1().unwrap().as_ref()));
    signs(Algorithm::EdDsa, pem("PRIVATE KEY", ed.to_pkcs8().unwrap().as_ref()));

    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der = rsa.as_der().unwrap();
    for algorithm in [Algorithm::Rs256, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512] {
        signs(algorithm, pem("PRIVATE KEY", pkcs8.as_ref()));
    }
}

#[test]
fn what_is_no_key_of_the_algorithm_is_refused_without_a_panic() {
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let ec = pem("PRIVATE KEY", ec.to_pkcs8v1().unwrap().as_ref());
    for algorithm in [Algorithm::Es384, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Ps512] {
        assert!(ring(algorithm, KeyMaterial::PrivatePem(ec.clone())).is_err(), "{algorithm:?}");
    }
    for length in [0, 20, ec.len() - 40] {
        assert!(ring(Algorithm::Es256, KeyMaterial::PrivatePem(ec[..length].to_vec())).is_err(), "{length}");
    }
    for length in [0, 16, 31, 33] {
        assert!(ring(Algorithm::A256Gcm, KeyMaterial::Secret(vec![1; length])).is_err(), "{length}");
    }
}

#[test]
fn no_key_shows_its_material() {
    let secret = b"hunter2hunter2hunter2hunter2hunt".to_vec();
    for algorithm in [Algorithm::Hs256, Algorithm::A256Gcm, Algorithm::ChaCha20Poly1305] {
        let shown = format!("{:?}", ring(algorithm, KeyMaterial::Secret(secret.clone())).unwrap());
        assert!(!shown.contains("hunter2") && !shown.contains("104, 117, 110"), "{shown}");
    }
}
