//! Cryptography against keys named in the plugin's `keys` table, which stay in the gateway.

use crate::host::crypto as wit;

pub use crate::bindings::tollgate::plugin::crypto::{Algorithm, Key};

/// The plugin's keys, by name.
pub fn keys() -> Vec<Key> {
    wit::keys()
}

/// Whether `signature` is the key's signature of `message`, by the key's one algorithm. False too
/// for a key that does not exist.
pub fn verify(key: &str, message: &[u8], signature: &[u8]) -> bool {
    wit::verify(key, message, signature)
}

impl Algorithm {
    /// The name in a JOSE header: RFC 7518 section 3.1, RFC 8037 section 3.1.
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
        }
    }
}
