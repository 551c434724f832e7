//! The fake of `kv`: a map on the fake clock. Quotas are the gateway's and not faked.

use std::time::Duration;

use super::state::{State, with};
use crate::bindings::tollgate::plugin::kv::KvError;

/// By `kv-error.too-large`.
const MAX_KEY: usize = 1024;
const MAX_VALUE: usize = 1024 * 1024;

/// One key's value.
pub(super) struct Entry {
    pub(super) value: Vec<u8>,
    pub(super) ends: Option<Duration>,
}

pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
    with(|state| live(state, key).map(|entry| entry.value.clone()))
}

pub(crate) fn set(key: &str, value: &[u8], ttl_ms: u32) -> Result<(), KvError> {
    with(|state| store(state, key, value, ttl_ms))
}

pub(crate) fn delete(key: &str) -> bool {
    with(|state| {
        let was_there = live(state, key).is_some();
        state.kv.remove(key);
        was_there
    })
}

pub(crate) fn increment(key: &str, by: i64, ttl_ms: u32) -> Result<i64, KvError> {
    with(|state| {
        let Some(entry) = live(state, key) else {
            return store(state, key, by.to_string().as_bytes(), ttl_ms).map(|()| by);
        };
        let text = str::from_utf8(&entry.value).map_err(|_| KvError::NotANumber)?;
        let number: i64 = text.parse().map_err(|_| KvError::NotANumber)?;
        let sum = number.checked_add(by).ok_or(KvError::NotANumber)?;
        entry.value = sum.to_string().into_bytes();
        Ok(sum)
    })
}

pub(crate) fn compare_and_swap(key: &str, expected: Option<&[u8]>, value: &[u8], ttl_ms: u32) -> Result<bool, KvError> {
    with(|state| {
        if live(state, key).map(|entry| entry.value.as_slice()) != expected {
            return Ok(false);
        }
        store(state, key, value, ttl_ms).map(|()| true)
    })
}

fn live<'a>(state: &'a mut State, key: &str) -> Option<&'a mut Entry> {
    let now = state.now;
    state.kv.get_mut(key).filter(|entry| entry.ends.is_none_or(|ends| now < ends))
}

fn store(state: &mut State, key: &str, value: &[u8], ttl_ms: u32) -> Result<(), KvError> {
    if key.len() > MAX_KEY || value.len() > MAX_VALUE {
        return Err(KvError::TooLarge);
    }
    let ends = (ttl_ms > 0).then(|| state.now + Duration::from_millis(ttl_ms.into()));
    state.kv.insert(key.to_owned(), Entry { value: value.to_vec(), ends });
    Ok(())
}
