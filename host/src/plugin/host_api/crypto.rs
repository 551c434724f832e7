//! `crypto`: with the keys of the plugin's `keys` table.

use aws_lc_rs::digest;

use crate::config::model;
use crate::plugin::bindings::tollgate::plugin::crypto::{Algorithm, CryptoError, HashAlgorithm, Host, Key};
use crate::plugin::keys;
use crate::plugin::state::InstanceState;

/// Bytes that are hashed in one go, in less than a tenth of a millisecond where the processor has no instructions for
/// it: what others wait for.
const CHUNK: usize = 16 << 10;

type Made = wasmtime::Result<Result<Vec<u8>, CryptoError>>;

impl Host for InstanceState {
    fn keys(&mut self) -> wasmtime::Result<Vec<Key>> {
        self.configured("crypto.keys")?;
        let to_wit = |(name, algorithm, may_sign): (&str, _, _)| Key {
            name: name.to_owned(),
            algorithm: algorithm_to_wit(algorithm),
            may_sign,
        };
        Ok(self.plugin.keys.iter().map(to_wit).collect())
    }

    fn verify(&mut self, key: String, message: Vec<u8>, signature: Vec<u8>) -> wasmtime::Result<bool> {
        self.configured("crypto.verify")?;
        self.count(&(&message, &signature));
        Ok(self.plugin.keys.verify(&key, &message, &signature))
    }

    fn sign(&mut self, key: String, message: Vec<u8>) -> Made {
        self.configured("crypto.sign")?;
        self.count(&message);
        let signature = self.plugin.keys.sign(&key, &message).map_err(failed)?.map_err(to_wit);
        Ok(self.give(signature))
    }

    fn seal(&mut self, key: String, text: Vec<u8>, associated: Vec<u8>) -> Made {
        self.configured("crypto.seal")?;
        self.count(&(&text, &associated));
        let sealed = self.plugin.keys.seal(&key, &text, &associated).map_err(failed)?.map_err(to_wit);
        Ok(self.give(sealed))
    }

    fn open(&mut self, key: String, sealed: Vec<u8>, associated: Vec<u8>) -> Made {
        self.configured("crypto.open")?;
        self.count(&(&sealed, &associated));
        let text = self.plugin.keys.open(&key, sealed, &associated).map_err(to_wit);
        Ok(self.give(text))
    }

    async fn hash(&mut self, algorithm: HashAlgorithm, data: Vec<u8>) -> wasmtime::Result<Vec<u8>> {
        self.count(&data);
        let algorithm = match algorithm {
            HashAlgorithm::Sha256 => &digest::SHA256,
            HashAlgorithm::Sha384 => &digest::SHA384,
            HashAlgorithm::Sha512 => &digest::SHA512,
        };
        let mut hash = digest::Context::new(algorithm);
        for (number, chunk) in data.chunks(CHUNK).enumerate() {
            if number > 0 {
                self.let_others_go_on().await?;
            }
            hash.update(chunk);
        }
        Ok(hash.finish().as_ref().to_vec())
    }
}

/// Ends the hook: a policy must not go on without what it was to protect.
fn failed(_: keys::Failed) -> wasmtime::Error {
    wasmtime::Error::msg("the gateway could not sign or seal: no randomness, or the library failed")
}

fn to_wit(error: keys::CryptoError) -> CryptoError {
    match error {
        keys::CryptoError::UnknownKey => CryptoError::UnknownKey,
        keys::CryptoError::WrongUse(text) => CryptoError::WrongUse(text),
        keys::CryptoError::NotAuthentic => CryptoError::NotAuthentic,
    }
}

fn algorithm_to_wit(algorithm: model::Algorithm) -> Algorithm {
    match algorithm {
        model::Algorithm::Hs256 => Algorithm::Hs256,
        model::Algorithm::Hs384 => Algorithm::Hs384,
        model::Algorithm::Hs512 => Algorithm::Hs512,
        model::Algorithm::Rs256 => Algorithm::Rs256,
        model::Algorithm::Rs384 => Algorithm::Rs384,
        model::Algorithm::Rs512 => Algorithm::Rs512,
        model::Algorithm::Ps256 => Algorithm::Ps256,
        model::Algorithm::Ps384 => Algorithm::Ps384,
        model::Algorithm::Ps512 => Algorithm::Ps512,
        model::Algorithm::Es256 => Algorithm::Es256,
        model::Algorithm::Es384 => Algorithm::Es384,
        model::Algorithm::EdDsa => Algorithm::Eddsa,
        model::Algorithm::A256Gcm => Algorithm::A256gcm,
        model::Algorithm::ChaCha20Poly1305 => Algorithm::Chacha20Poly1305,
    }
}
