//! Keys and secrets. What they are made of is in no `Debug` text, and so in no log.

/// A key for the `crypto` interface. The material is here, not in the plugin.
#[derive(Clone)]
pub struct Key {
    pub algorithm: Algorithm,
    /// Whether the plugin may make signatures with it, beside checking them.
    pub may_sign: bool,
    pub material: KeyMaterial,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// What signatures are checked or made with, or texts sealed.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyMaterial {
    /// The secret of an HS algorithm, or the key of one that seals.
    Secret(Vec<u8>),
    PublicPem(Vec<u8>),
    PrivatePem(Vec<u8>),
}

impl KeyMaterial {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Secret(bytes) | Self::PublicPem(bytes) | Self::PrivatePem(bytes) => bytes,
        }
    }
}

impl std::fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyMaterial")
    }
}

/// A value for the `secrets` interface.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// The same names as `crypto.algorithm` in the WIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
    A256Gcm,
    ChaCha20Poly1305,
}
