//! `crypto`: signatures, checked against the keys of the plugin's `keys` table.

use crate::config::model;
use crate::plugin::bindings::tollgate::plugin::crypto::{Algorithm, Host, Key};
use crate::plugin::state::InstanceState;

impl Host for InstanceState {
    fn keys(&mut self) -> wasmtime::Result<Vec<Key>> {
        let to_wit =
            |(name, algorithm): (&str, _)| Key { name: name.to_owned(), algorithm: algorithm_to_wit(algorithm) };
        Ok(self.plugin.keys.iter().map(to_wit).collect())
    }

    fn verify(&mut self, key: String, message: Vec<u8>, signature: Vec<u8>) -> wasmtime::Result<bool> {
        Ok(self.plugin.keys.verify(&key, &message, &signature))
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
    }
}
