//! The fake of `kv`: a map on the fake clock. Quotas are the gateway's and not faked.

use std::collections::BTreeMap;
use std::time::Duration;

use super::state::with;
use crate::bindings::tollgate::plugin::kv::KvError;

/// By `kv-error.too-large`.
const MAX_KEY: usize = 1024;
const MAX_VALUE: usize = 1024 * 1024;

/// One key's value.
pub(super) struct Entry {
    pub(super) value: Vec<u8>,
    pub(super) ends: Option<Duration>,
}

/// A store: keys and values.
pub(super) type Store = BTreeMap<String, Entry>;

pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
    with(|state| read(&state.kv, state.now, key))
}

pub(crate) fn set(key: &str, value: &[u8], ttl_ms: u32) -> Result<(), KvError> {
    with(|state| write(&mut state.kv, state.now, key, value, ttl_ms))
}

pub(crate) fn delete(key: &str) -> bool {
    with(|state| remove(&mut state.kv, state.now, key))
}

pub(crate) fn increment(key: &str, by: i64, ttl_ms: u32) -> Result<i64, KvError> {
    with(|state| add(&mut state.kv, state.now, key, by, ttl_ms))
}

pub(crate) fn compare_and_swap(key: &str, expected: Option<&[u8]>, value: &[u8], ttl_ms: u32) -> Result<bool, KvError> {
    with(|state| swap(&mut state.kv, state.now, key, expected, value, ttl_ms))
}

pub(super) fn read(store: &Store, now: Duration, key: &str) -> Option<Vec<u8>> {
    store.get(key).filter(|entry| entry.is_live(now)).map(|entry| entry.value.clone())
}

pub(super) fn remove(store: &mut Store, now: Duration, key: &str) -> bool {
    store.remove(key).is_some_and(|entry| entry.is_live(now))
}

pub(super) fn add(store: &mut Store, now: Duration, key: &str, by: i64, ttl_ms: u32) -> Result<i64, KvError> {
    let Some(entry) = store.get_mut(key).filter(|entry| entry.is_live(now)) else {
        return write(store, now, key, by.to_string().as_bytes(), ttl_ms).map(|()| by);
    };
    let text = str::from_utf8(&entry.value).map_err(|_| KvError::NotANumber)?;
    let number: i64 = text.parse().map_err(|_| KvError::NotANumber)?;
    let sum = number.checked_add(by).ok_or(KvError::NotANumber)?;
    entry.value = sum.to_string().into_bytes();
    Ok(sum)
}

pub(super) fn swap(
    store: &mut Store,
    now: Duration,
    key: &str,
    expected: Option<&[u8]>,
    value: &[u8],
    ttl_ms: u32,
) -> Result<bool, KvError> {
    if read(store, now, key).as_deref() != expected {
        return Ok(false);
    }
    write(store, now, key, value, ttl_ms).map(|()| true)
}

pub(super) fn write(store: &mut Store, now: Duration, key: &str, value: &[u8], ttl_ms: u32) -> Result<(), KvError> {
    if key.len() > MAX_KEY || value.len() > MAX_VALUE {
        return Err(KvError::TooLarge);
    }
    let ends = (ttl_ms > 0).then(|| now + Duration::from_millis(ttl_ms.into()));
    store.insert(key.to_owned(), Entry { value: value.to_vec(), ends });
    Ok(())
}

impl Entry {
    fn is_live(&self, now: Duration) -> bool {
        self.ends.is_none_or(|ends| now < ends)
    }
}
