//! The fake of `crypto`: keys by name, and a closure that knows good signatures.

use super::state::with;
use crate::crypto::Key;

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
