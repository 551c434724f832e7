//! The fake of `crypto`: keys by name, closures that know good signatures and make them, real hashes,
//! and a seal that hides nothing but shows every change.

use super::state::with;
use crate::bindings::tollgate::plugin::crypto::{Algorithm, CryptoError, HashAlgorithm};
use crate::crypto::Key;

/// In the place of the nonce, and as long.
const NONCE: &[u8; 12] = b"not a nonce!";
/// Bytes of a tag.
const TAG: usize = 16;

pub(crate) fn keys() -> Vec<Key> {
    with(|state| {
        let mut keys = state.keys.clone();
        keys.sort_by(|a, b| a.name.cmp(&b.name));
        keys
    })
}

pub(crate) fn verify(key: &str, message: &[u8], signature: &[u8]) -> bool {
    let verifier = with(|state| {
        let known = state.keys.iter().any(|other| other.name == key);
        state.verifier.clone().filter(|_| known)
    });
    verifier.is_some_and(|verify| verify(key, message, signature))
}

pub(crate) fn sign(key: &str, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let may_sign = find(key)?.may_sign;
    match (may_sign, with(|state| state.signer.clone())) {
        (true, Some(sign)) => Ok(sign(key, message)),
        _ => Err(CryptoError::WrongUse(format!("the key `{key}` does not sign: see `Host::on_sign`"))),
    }
}

pub(crate) fn seal(key: &str, text: &[u8], associated: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let tag = tag(key, text, associated)?;
    Ok([NONCE, text, &tag].concat())
}

pub(crate) fn open(key: &str, sealed: &[u8], associated: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let inner = sealed.strip_prefix(NONCE).and_then(<[u8]>::split_last_chunk::<TAG>);
    let (text, tag_of_text) = inner.unwrap_or((b"", &[0; TAG]));
    if tag(key, text, associated)? == tag_of_text { Ok(text.to_vec()) } else { Err(CryptoError::NotAuthentic) }
}

pub(crate) fn hash(algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256, Sha384, Sha512};
    match algorithm {
        HashAlgorithm::Sha256 => Sha256::digest(data).to_vec(),
        HashAlgorithm::Sha384 => Sha384::digest(data).to_vec(),
        HashAlgorithm::Sha512 => Sha512::digest(data).to_vec(),
    }
}

fn tag(key: &str, text: &[u8], associated: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let algorithm = find(key)?.algorithm;
    if !matches!(algorithm, Algorithm::A256gcm | Algorithm::Chacha20Poly1305) {
        return Err(CryptoError::WrongUse(format!("the key `{key}` is for signatures, and does not seal or open")));
    }
    let all = format!("{key:?}{associated:?}{text:?}");
    Ok(hash(HashAlgorithm::Sha256, all.as_bytes()).into_iter().take(TAG).collect())
}

fn find(name: &str) -> Result<Key, CryptoError> {
    with(|state| state.keys.iter().find(|key| key.name == name).cloned()).ok_or(CryptoError::UnknownKey)
}
