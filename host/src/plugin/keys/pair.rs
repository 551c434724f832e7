//! Private keys: what `sign` needs beyond `verify`.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};

use super::Failed;
use crate::config::model::Algorithm;
use crate::randomness;

#[derive(Debug)]
pub(super) enum Pair {
    Rsa { pair: RsaKeyPair, padding: &'static dyn RsaEncoding },
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Pair {
    /// Takes PKCS #8, and the older forms of RSA and EC keys, which OpenSSL still writes.
    pub(super) fn parse(algorithm: Algorithm, pem: &[u8]) -> Result<Self, String> {
        // Signatures need it.
        randomness::make_ready();
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| format!("not a private key in PEM: {error}"))?;
        let unfit = |error: aws_lc_rs::error::KeyRejected| {
            format!("not a private key for this algorithm (wrong kind, curve or size?): {error}")
        };
        match algorithm {
            Algorithm::Es256 => ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, &key).map_err(unfit),
            Algorithm::Es384 => ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, &key).map_err(unfit),
            // OpenSSL leaves the public half out, so it cannot be compared.
            Algorithm::EdDsa => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.secret_der()).map(Self::Ed).map_err(unfit)
            }
            _ => {
                let pair = match &key {
                    PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
                    other => RsaKeyPair::from_pkcs8(other.secret_der()),
                };
                let padding = padding(algorithm).ok_or("no signatures with this algorithm")?;
                Ok(Self::Rsa { pair: pair.map_err(unfit)?, padding })
            }
        }
    }

    pub(super) fn public_key(&self) -> &[u8] {
        match self {
            Self::Rsa { pair, .. } => pair.public_key().as_ref(),
            Self::Ec(pair) => pair.public_key().as_ref(),
            Self::Ed(pair) => pair.public_key().as_ref(),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failed> {
        match self {
            Self::Rsa { pair, padding } => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*padding, &SystemRandom::new(), message, &mut signature).map_err(|_| Failed)?;
                Ok(signature)
            }
            Self::Ec(pair) => {
                pair.sign(&SystemRandom::new(), message).map(|made| made.as_ref().to_vec()).map_err(|_| Failed)
            }
            Self::Ed(pair) => pair.try_sign(message).map(|made| made.as_ref().to_vec()).map_err(|_| Failed),
        }
    }
}

fn ec(
    algorithm: &'static signature::EcdsaSigningAlgorithm,
    key: &PrivateKeyDer<'_>,
) -> Result<Pair, aws_lc_rs::error::KeyRejected> {
    EcdsaKeyPair::from_private_key_der(algorithm, key.secret_der()).map(Pair::Ec)
}

fn padding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    Some(match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_SHA512,
        _ => return None,
    })
}
