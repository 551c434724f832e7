//! The fake of `cache`: what is stored, on the fake clock. Nobody waits for anybody, and limits are
//! the gateway's.
//!
//! The gateway stands between two hooks of a request; here [`Host::fetched`](super::Host::fetched)
//! does. A body is its length.

use std::time::Duration;

use super::fields::check_names;
use super::state::{State, with};
use crate::bindings::tollgate::plugin::cache::{StoreError, Stored, Storing};
use crate::cache::Fetch;

/// A stored response.
#[derive(Clone)]
pub(super) struct Entry {
    key: String,
    number: u64,
    storing: Storing,
    length: u64,
    at: Duration,
}

/// The request's fetch.
pub(super) struct Fetching {
    pub(super) fetch: Fetch,
    pub(super) asked: super::fields::Fields,
}

pub(crate) fn lookup(key: &str) -> Vec<Stored> {
    with(|state| {
        let now = state.now;
        let mut found: Vec<&Entry> =
            state.stored.iter().filter(|entry| entry.key == key && entry.is_kept(now)).collect();
        found.sort_by_key(|entry| std::cmp::Reverse(entry.number));
        found
            .into_iter()
            .map(|entry| Stored {
                entry: entry.number,
                meta: entry.storing.meta.clone(),
                resident_ms: u64::try_from(now.saturating_sub(entry.at).as_millis()).unwrap_or(u64::MAX),
                length: entry.length,
            })
            .collect()
    })
}

pub(crate) fn note() -> Option<Vec<u8>> {
    // On the way in nobody has waited here: there are no others.
    with(|state| state.response.as_ref().and(state.fetching.as_ref()).map(|fetching| fetching.fetch.note.clone()))
}

pub(crate) fn request_headers(names: &[String]) -> Vec<Option<String>> {
    check_names("cache::request_headers", names);
    in_response("cache.request-headers", |state| {
        let joined = |name: &String| {
            let lines = state.fetching.as_ref()?.asked.values(name);
            (!lines.is_empty()).then(|| lines.join(", "))
        };
        names.iter().map(joined).collect()
    })
}

pub(crate) fn store(storing: &Storing) -> Result<(), StoreError> {
    in_response("cache.store", |state| {
        let key = state.fetching.as_ref().ok_or(StoreError::NotFetched)?.fetch.key.clone();
        state.released = None;
        let length = state.response.as_ref().map_or(0, |response| response.body_length);
        put(state, key, storing.clone(), length);
        Ok(())
    })
}

pub(crate) fn refresh(entry: u64, storing: &Storing) -> Result<u64, StoreError> {
    in_response("cache.refresh", |state| {
        let known = state.stored.iter().find(|known| known.number == entry).ok_or(StoreError::UnknownEntry)?.clone();
        let key = state.fetching.as_ref().ok_or(StoreError::NotFetched)?.fetch.key.clone();
        Ok(put(state, key, storing.clone(), known.length))
    })
}

pub(crate) fn release(apart_ms: u32) {
    in_response("cache.release", |state| state.released = Some(apart_ms));
}

pub(crate) fn again() -> bool {
    in_response("cache.again", |state| state.fetching.is_some() && !std::mem::replace(&mut state.asked_again, true))
}

pub(crate) fn remove(key: &str) -> bool {
    with(|state| {
        let before = state.stored.len();
        state.stored.retain(|entry| entry.key != key);
        state.stored.len() < before
    })
}

fn put(state: &mut State, key: String, storing: Storing, length: u64) -> u64 {
    let number = state.stored.iter().map(|entry| entry.number).max().unwrap_or(0) + 1;
    state.stored.retain(|entry| entry.key != key || entry.storing.selector != storing.selector);
    state.stored.push(Entry { key, number, storing, length, at: state.now });
    number
}

fn in_response<T>(function: &str, run: impl FnOnce(&mut State) -> T) -> T {
    with(|state| {
        assert!(state.response.is_some(), "`{function}` may only be called in `on_response`");
        run(state)
    })
}

impl Entry {
    pub(super) fn storing(&self) -> &Storing {
        &self.storing
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    fn is_kept(&self, now: Duration) -> bool {
        now.saturating_sub(self.at) < Duration::from_millis(self.storing.keep_ms)
    }
}
