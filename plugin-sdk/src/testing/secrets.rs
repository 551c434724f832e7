//! The fake of `secrets`: values by name.

use super::state::with;

pub(crate) fn get(name: &str) -> Option<String> {
    get_bytes(name).and_then(|bytes| String::from_utf8(bytes).ok())
}

pub(crate) fn get_bytes(name: &str) -> Option<Vec<u8>> {
    with(|state| state.secrets.get(name).cloned())
}
