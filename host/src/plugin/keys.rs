//! The keys behind the `crypto` interface: parsed once, used at native speed, never in a guest.

use std::collections::BTreeMap;

use aws_lc_rs::{hmac, signature};
use jsonwebtoken::DecodingKey;

use super::fault::LoadError;
use crate::config::model::{Algorithm, Key, KeyMaterial};

/// A plugin's keys, by name.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<(String, Algorithm, Verifier)>,
}

#[derive(Debug)]
enum Verifier {
    /// Boxed: a key of HMAC carries its two prepared states, more than a kilobyte.
    Mac(Box<hmac::Key>),
    Signature(signature::ParsedPublicKey),
}

impl Keyring {
    pub fn parse(keys: &BTreeMap<String, Key>) -> Result<Self, LoadError> {
        let parse_one = |(name, key): (&String, &Key)| match verifier(key) {
            Ok(verifier) => Ok((name.clone(), key.algorithm, verifier)),
            Err(problem) => Err(LoadError::Key { name: name.clone(), problem }),
        };
        Ok(Self { keys: keys.iter().map(parse_one).collect::<Result<_, _>>()? })
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, Algorithm)> {
        self.keys.iter().map(|(name, algorithm, _)| (name.as_str(), *algorithm))
    }

    /// False for a key that does not exist, as for a signature that is not right.
    pub fn verify(&self, name: &str, message: &[u8], signature: &[u8]) -> bool {
        match self.keys.iter().find(|(key, ..)| key == name) {
            Some((.., Verifier::Mac(key))) => hmac::verify(key, message, signature).is_ok(),
            Some((.., Verifier::Signature(key))) => key.verify_sig(message, signature).is_ok(),
            None => false,
        }
    }
}

fn verifier(key: &Key) -> Result<Verifier, String> {
    match (mac(key.algorithm), &key.material) {
        (Some(algorithm), KeyMaterial::Secret(secret)) => {
            Ok(Verifier::Mac(Box::new(hmac::Key::new(algorithm, secret))))
        }
        (None, KeyMaterial::Pem(pem)) => public_key(key.algorithm, pem).map(Verifier::Signature),
        (Some(_), KeyMaterial::Pem(_)) => Err("an HS algorithm takes a secret, not a PEM key".into()),
        (None, KeyMaterial::Secret(_)) => Err("this algorithm takes a public key in PEM, not a secret".into()),
    }
}

fn mac(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    match algorithm {
        Algorithm::Hs256 => Some(hmac::HMAC_SHA256),
        Algorithm::Hs384 => Some(hmac::HMAC_SHA384),
        Algorithm::Hs512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

fn public_key(algorithm: Algorithm, pem: &[u8]) -> Result<signature::ParsedPublicKey, String> {
    use Algorithm as A;
    let (decoded, verification): (_, &'static dyn signature::VerificationAlgorithm) = match algorithm {
        A::Rs256 => (DecodingKey::from_rsa_pem(pem), &signature::RSA_PKCS1_2048_8192_SHA256),
        A::Rs384 => (DecodingKey::from_rsa_pem(pem), &signature::RSA_PKCS1_2048_8192_SHA384),
        A::Rs512 => (DecodingKey::from_rsa_pem(pem), &signature::RSA_PKCS1_2048_8192_SHA512),
        A::Ps256 => (DecodingKey::from_rsa_pem(pem), &signature::RSA_PSS_2048_8192_SHA256),
        A::Ps384 => (DecodingKey::from_rsa_pem(pem), &signature::RSA_PSS_2048_8192_SHA384),
        A::Ps512 => (DecodingKey::from_rsa_pem(pem), &signature::RSA_PSS_2048_8192_SHA512),
        A::Es256 => (DecodingKey::from_ec_pem(pem), &signature::ECDSA_P256_SHA256_FIXED),
        A::Es384 => (DecodingKey::from_ec_pem(pem), &signature::ECDSA_P384_SHA384_FIXED),
        A::EdDsa => (DecodingKey::from_ed_pem(pem), &signature::ED25519),
        A::Hs256 | A::Hs384 | A::Hs512 => return Err("an HS algorithm takes a secret".into()),
    };
    let decoded = decoded.map_err(|error| format!("not a public key in PEM for this algorithm: {error}"))?;
    let bytes = decoded.try_get_as_bytes().map_err(|error| error.to_string())?;
    signature::ParsedPublicKey::new(verification, bytes)
        .map_err(|error| format!("not usable with this algorithm (wrong curve or size?): {error}"))
}
