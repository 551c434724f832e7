//! The fake of `shared-kv`: stores as those of `kv`, where a test has granted them.

use std::time::Duration;

use super::kv::{self, Store};
use super::state::with;
use crate::bindings::tollgate::plugin::kv::KvError;
use crate::bindings::tollgate::plugin::shared_kv::SharedKvError;

pub(crate) fn get(namespace: &str, key: &str) -> Result<Option<Vec<u8>>, SharedKvError> {
    of(namespace, |store, now| Ok(kv::read(store, now, key)))
}

pub(crate) fn set(namespace: &str, key: &str, value: &[u8], ttl_ms: u32) -> Result<(), SharedKvError> {
    of(namespace, |store, now| kv::write(store, now, key, value, ttl_ms))
}

pub(crate) fn delete(namespace: &str, key: &str) -> Result<bool, SharedKvError> {
    of(namespace, |store, now| Ok(kv::remove(store, now, key)))
}

pub(crate) fn increment(namespace: &str, key: &str, by: i64, ttl_ms: u32) -> Result<i64, SharedKvError> {
    of(namespace, |store, now| kv::add(store, now, key, by, ttl_ms))
}

pub(crate) fn compare_and_swap(
    namespace: &str,
    key: &str,
    expected: Option<&[u8]>,
    value: &[u8],
    ttl_ms: u32,
) -> Result<bool, SharedKvError> {
    of(namespace, |store, now| kv::swap(store, now, key, expected, value, ttl_ms))
}

fn of<T>(namespace: &str, run: impl FnOnce(&mut Store, Duration) -> Result<T, KvError>) -> Result<T, SharedKvError> {
    with(|state| {
        let missing = || SharedKvError::Denied(format!("no `Host::shared_kv({namespace:?})`"));
        let store = state.shared_kv.get_mut(namespace).ok_or_else(missing)?;
        run(store, state.now).map_err(|error| match error {
            KvError::TooLarge => SharedKvError::TooLarge,
            KvError::Quota => SharedKvError::Quota,
            KvError::NotANumber => SharedKvError::NotANumber,
        })
    })
}
