//! The fake of `attributes`.

use super::state::with;
use crate::bindings::tollgate::plugin::attributes::AttributeError;

/// By `attribute-error.too-large`.
const MAX_COUNT: usize = 64;
const MAX_BYTES: usize = 64 * 1024;

pub(crate) fn get(name: &str) -> Option<String> {
    with(|state| state.attributes.get(name).cloned())
}

pub(crate) fn set(name: &str, value: &str) -> Result<(), AttributeError> {
    with(|state| {
        let others = state.attributes.iter().filter(|(other, _)| *other != name);
        let (count, bytes) = others.fold((1, name.len() + value.len()), |(count, bytes), (name, value)| {
            (count + 1, bytes + name.len() + value.len())
        });
        if count > MAX_COUNT || bytes > MAX_BYTES {
            return Err(AttributeError::TooLarge);
        }
        state.attributes.insert(name.to_owned(), value.to_owned());
        Ok(())
    })
}
