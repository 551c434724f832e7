//! Cryptography with keys named in the plugin's `keys` table, which stay in the gateway.

use std::fmt;

use crate::host::crypto as wit;

pub use crate::bindings::tollgate::plugin::crypto::{Algorithm, HashAlgorithm, Key};

/// The plugin's keys, by name.
pub fn keys() -> Vec<Key> {
    wit::keys()
}

/// Whether `signature` is the key's signature of `message`, by the key's one algorithm. False too
/// for a key that does not exist or is not for signatures.
pub fn verify(key: &str, message: &[u8], signature: &[u8]) -> bool {
    wit::verify(key, message, signature)
}

/// The key's signature of `message`, in the form JWS has it. Only with a key whose `use` is `sign`.
pub fn sign(key: &str, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
    Ok(wit::sign(key, message)?)
}

/// Encrypts, with a tag that shows any change. `associated` is protected against change, not kept
/// secret, and has to be given again to [`open`]: say in it what the text is for and whose it is.
pub fn seal(key: &str, text: &[u8], associated: &[u8]) -> Result<Vec<u8>, CryptoError> {
    Ok(wit::seal(key, text, associated)?)
}

/// Gives back what [`seal`] was given, if nothing of it was changed.
pub fn open(key: &str, sealed: &[u8], associated: &[u8]) -> Result<Vec<u8>, CryptoError> {
    Ok(wit::open(key, sealed, associated)?)
}

/// The hash of some bytes. Not for passwords: those want a slow function.
pub fn hash(algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
    wit::hash(algorithm, data)
}

/// Why nothing was signed, sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CryptoError {
    /// The plugin has no key of this name.
    UnknownKey,
    /// The key is not for this; the text says what it is for.
    WrongUse(String),
    /// What was to be opened was not sealed with this key and this associated data, or was changed
    /// since.
    NotAuthentic,
}

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey => f.write_str("there is no key of this name"),
            Self::WrongUse(text) => f.write_str(text),
            Self::NotAuthentic => f.write_str("not sealed with this key and this associated data, or changed since"),
        }
    }
}

impl std::error::Error for CryptoError {}

impl From<crate::bindings::tollgate::plugin::crypto::CryptoError> for CryptoError {
    fn from(error: crate::bindings::tollgate::plugin::crypto::CryptoError) -> Self {
        use crate::bindings::tollgate::plugin::crypto::CryptoError as Wit;
        match error {
            Wit::UnknownKey => Self::UnknownKey,
            Wit::WrongUse(text) => Self::WrongUse(text),
            Wit::NotAuthentic => Self::NotAuthentic,
        }
    }
}

impl Algorithm {
    /// The name in the config and, for signatures, in a JOSE header: RFC 7518, RFC 8037.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Eddsa => "EdDSA",
            Self::A256gcm => "A256GCM",
            Self::Chacha20Poly1305 => "ChaCha20-Poly1305",
        }
    }
}
