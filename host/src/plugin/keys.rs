//! The keys behind the `crypto` interface: parsed once, used at native speed, never in a guest.

mod pair;

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hmac, signature};
use jsonwebtoken::DecodingKey;

use crate::config::model::{Algorithm, Key, KeyMaterial};
use pair::Pair;

/// A plugin's keys, by name.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    algorithm: Algorithm,
    key: Parsed,
}

/// A key in the form in which it is used. What cannot sign has nothing to sign with here, but for
/// HMAC, where one secret does both.
#[derive(Debug)]
enum Parsed {
    /// Boxed: a key of HMAC carries its two prepared states, more than a kilobyte.
    Mac {
        key: Box<hmac::Key>,
        may_sign: bool,
    },
    Public(signature::ParsedPublicKey),
    Private {
        pair: Pair,
        public: signature::ParsedPublicKey,
    },
    Aead(LessSafeKey),
}

/// As `crypto.crypto-error` in the WIT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CryptoError {
    UnknownKey,
    WrongUse(String),
    NotAuthentic,
}

/// The library or the operating system failed, which no key or text should make it do.
#[derive(Debug, Clone, Copy)]
pub struct Failed;

impl Keyring {
    /// # Errors
    /// Every key that cannot be used: its name, and why.
    pub fn parse(keys: &BTreeMap<String, Key>) -> Result<Self, Vec<(String, String)>> {
        let (mut good, mut bad) = (Vec::with_capacity(keys.len()), Vec::new());
        for (name, key) in keys {
            match parse(key) {
                Ok(parsed) => good.push(Entry { name: name.clone(), algorithm: key.algorithm, key: parsed }),
                Err(problem) => bad.push((name.clone(), problem)),
            }
        }
        if bad.is_empty() { Ok(Self { keys: good }) } else { Err(bad) }
    }

    /// Name, algorithm, and whether the key may sign.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Algorithm, bool)> {
        self.keys.iter().map(|entry| {
            let may_sign = matches!(entry.key, Parsed::Mac { may_sign: true, .. } | Parsed::Private { .. });
            (entry.name.as_str(), entry.algorithm, may_sign)
        })
    }

    /// False for a key that does not exist, as for a signature that is not right.
    pub fn verify(&self, name: &str, message: &[u8], signature: &[u8]) -> bool {
        match self.find(name) {
            Ok(Parsed::Mac { key, .. }) => hmac::verify(key, message, signature).is_ok(),
            Ok(Parsed::Public(key) | Parsed::Private { public: key, .. }) => key.verify_sig(message, signature).is_ok(),
            Ok(Parsed::Aead(_)) | Err(_) => false,
        }
    }

    pub fn sign(&self, name: &str, message: &[u8]) -> Result<Result<Vec<u8>, CryptoError>, Failed> {
        Ok(match self.find(name) {
            Ok(Parsed::Mac { key, may_sign: true }) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Ok(Parsed::Private { pair, .. }) => Ok(pair.sign(message)?),
            Ok(Parsed::Mac { may_sign: false, .. } | Parsed::Public(_)) => {
                Err(wrong_use(name, "only checks signatures: it lacks `use = \"sign\"`"))
            }
            Ok(Parsed::Aead(_)) => Err(wrong_use(name, "seals and opens, and does not sign")),
            Err(unknown) => Err(unknown),
        })
    }

    pub fn seal(&self, name: &str, text: &[u8], associated: &[u8]) -> Result<Result<Vec<u8>, CryptoError>, Failed> {
        let key = match self.aead(name) {
            Ok(key) => key,
            Err(error) => return Ok(Err(error)),
        };
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|_| Failed)?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + text.len() + key.algorithm().tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(text);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let body = sealed.get_mut(NONCE_LEN..).ok_or(Failed)?;
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(associated), body).map_err(|_| Failed)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(Ok(sealed))
    }

    pub fn open(&self, name: &str, mut sealed: Vec<u8>, associated: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let key = self.aead(name)?;
        let (nonce, body) = sealed.split_at_mut_checked(NONCE_LEN).ok_or(CryptoError::NotAuthentic)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CryptoError::NotAuthentic)?;
        let text = key.open_in_place(nonce, Aad::from(associated), body);
        text.map(|text| text.to_vec()).map_err(|_| CryptoError::NotAuthentic)
    }

    fn aead(&self, name: &str) -> Result<&LessSafeKey, CryptoError> {
        match self.find(name)? {
            Parsed::Aead(key) => Ok(key),
            _ => Err(wrong_use(name, "is for signatures, and does not seal or open")),
        }
    }

    fn find(&self, name: &str) -> Result<&Parsed, CryptoError> {
        let found = self.keys.iter().find(|entry| entry.name == name);
        found.map(|entry| &entry.key).ok_or(CryptoError::UnknownKey)
    }
}

fn wrong_use(name: &str, what: &str) -> CryptoError {
    CryptoError::WrongUse(format!("the key `{name}` {what}"))
}

fn parse(key: &Key) -> Result<Parsed, String> {
    use Algorithm as A;
    match key.algorithm {
        A::Hs256 => mac(hmac::HMAC_SHA256, key),
        A::Hs384 => mac(hmac::HMAC_SHA384, key),
        A::Hs512 => mac(hmac::HMAC_SHA512, key),
        A::Rs256 => asymmetric(key, &signature::RSA_PKCS1_2048_8192_SHA256),
        A::Rs384 => asymmetric(key, &signature::RSA_PKCS1_2048_8192_SHA384),
        A::Rs512 => asymmetric(key, &signature::RSA_PKCS1_2048_8192_SHA512),
        A::Ps256 => asymmetric(key, &signature::RSA_PSS_2048_8192_SHA256),
        A::Ps384 => asymmetric(key, &signature::RSA_PSS_2048_8192_SHA384),
        A::Ps512 => asymmetric(key, &signature::RSA_PSS_2048_8192_SHA512),
        A::Es256 => asymmetric(key, &signature::ECDSA_P256_SHA256_FIXED),
        A::Es384 => asymmetric(key, &signature::ECDSA_P384_SHA384_FIXED),
        A::EdDsa => asymmetric(key, &signature::ED25519),
        A::A256Gcm => aead(&AES_256_GCM, key),
        A::ChaCha20Poly1305 => aead(&CHACHA20_POLY1305, key),
    }
}

fn mac(algorithm: hmac::Algorithm, key: &Key) -> Result<Parsed, String> {
    match &key.material {
        KeyMaterial::Secret(secret) => {
            Ok(Parsed::Mac { key: Box::new(hmac::Key::new(algorithm, secret)), may_sign: key.may_sign })
        }
        KeyMaterial::PublicPem(_) | KeyMaterial::PrivatePem(_) => {
            Err("an HS algorithm takes a secret, not a PEM key".into())
        }
    }
}

fn aead(algorithm: &'static aws_lc_rs::aead::Algorithm, key: &Key) -> Result<Parsed, String> {
    let KeyMaterial::Secret(secret) = &key.material else {
        return Err("this algorithm takes 32 random bytes, not a PEM key".into());
    };
    let key = UnboundKey::new(algorithm, secret).map_err(|_| "this algorithm takes exactly 32 bytes")?;
    Ok(Parsed::Aead(LessSafeKey::new(key)))
}

fn asymmetric(key: &Key, verification: &'static dyn signature::VerificationAlgorithm) -> Result<Parsed, String> {
    let parsed = |bytes: &[u8]| {
        signature::ParsedPublicKey::new(verification, bytes)
            .map_err(|error| format!("not usable with this algorithm (wrong curve or size?): {error}"))
    };
    match &key.material {
        KeyMaterial::PublicPem(pem) => {
            let decoded = decode_public(key.algorithm, pem);
            let decoded = decoded.map_err(|error| format!("not a public key in PEM for this algorithm: {error}"))?;
            parsed(decoded.try_get_as_bytes().map_err(|error| error.to_string())?).map(Parsed::Public)
        }
        KeyMaterial::PrivatePem(pem) => {
            let pair = Pair::parse(key.algorithm, pem)?;
            Ok(Parsed::Private { public: parsed(pair.public_key())?, pair })
        }
        KeyMaterial::Secret(_) => Err("this algorithm takes a key in PEM, not a secret".into()),
    }
}

fn decode_public(algorithm: Algorithm, pem: &[u8]) -> jsonwebtoken::errors::Result<DecodingKey> {
    match algorithm {
        Algorithm::Es256 | Algorithm::Es384 => DecodingKey::from_ec_pem(pem),
        Algorithm::EdDsa => DecodingKey::from_ed_pem(pem),
        _ => DecodingKey::from_rsa_pem(pem),
    }
}

#[cfg(test)]
mod tests;
