//! `cache`: responses the gateway keeps.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::CONTENT_LENGTH;

use super::header_map::check_names;
use crate::cache::{self, Fetching, Landed, Notes};
use crate::plugin::bindings::tollgate::plugin::cache::{Host, StoreError, Stored, Storing};
use crate::plugin::state::{Hook, InstanceState};

type Result<T> = wasmtime::Result<T>;

/// Longest key and selector, in bytes.
const MAX_KEY: usize = 8 << 10;
/// Longest notes of a plugin on a stored response, in bytes.
const MAX_META: usize = 64 << 10;
/// Most tags of a stored response, and most bytes of one.
const MAX_TAGS: (usize, usize) = (256, 1 << 10);

impl Host for InstanceState {
    fn lookup(&mut self, key: String) -> Result<Vec<Stored>> {
        self.count(&key);
        let found = self.plugin.stores.cache.lookup(&key);
        let notes = self.context("cache.lookup")?.cache.get_or_insert_default();
        let now = Instant::now();
        let told: Vec<_> = found.iter().map(|entry| stored(entry, now)).collect();
        notes.found.extend(found);
        notes.key = key;
        for stored in &told {
            self.count(&stored.meta);
        }
        Ok(told)
    }

    fn note(&mut self) -> Result<Option<Vec<u8>>> {
        let note = if let Hook::OnRequest | Hook::OnRequestBody = self.hook {
            let plugin = Arc::clone(&self.plugin.name);
            let notes = self.context("cache.note")?.cache.as_ref();
            let waited = notes.and_then(|notes| notes.waited.as_ref()).filter(|(other, _)| *other == plugin);
            waited.map(|(_, note)| note.clone())
        } else {
            self.fetching("cache.note")?.map(|fetching| fetching.note.clone())
        };
        Ok(self.give(note))
    }

    fn request_headers(&mut self, names: Vec<String>) -> Result<Vec<Option<String>>> {
        check_names("cache.request-headers", &names)?;
        self.count(&names);
        let fetching = self.fetching("cache.request-headers")?;
        let values: Vec<_> =
            names.iter().map(|name| fetching.as_ref().and_then(|fetching| fetching.asked(name))).collect();
        Ok(self.give(values))
    }

    fn store(&mut self, storing: Storing) -> Result<std::result::Result<(), StoreError>> {
        check("cache.store", &storing)?;
        check_names("cache.store", &storing.without)?;
        self.count(&storing.meta);
        let head = self.response("cache.store")?;
        let announced = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let head = cache::Head::of(head, &storing.without);
        let Some(fetching) = self.fetching("cache.store")? else { return Ok(Err(StoreError::NotFetched)) };
        let Storing { meta, keep_ms, selector, tags, .. } = storing;
        let kept = cache::Kept { meta, selector, tags, keep: Duration::from_millis(keep_ms) };
        let max = fetching.store.max_body(&fetching.key, &head, &kept);
        if announced.is_some_and(|bytes: u64| bytes > max) {
            return Ok(Err(StoreError::TooLarge));
        }
        fetching.storing = Some(cache::Storing { head, kept });
        Ok(Ok(()))
    }

    fn refresh(&mut self, entry: u64, storing: Storing) -> Result<std::result::Result<u64, StoreError>> {
        check("cache.refresh", &storing)?;
        self.count(&storing.meta);
        let newer = self.response("cache.refresh")?.headers.clone();
        let name = Arc::clone(&self.plugin.name);
        let Some(notes) = self.notes("cache.refresh")? else { return Ok(Err(StoreError::NotFetched)) };
        let Some(entry) = notes.entry(entry).cloned() else { return Ok(Err(StoreError::UnknownEntry)) };
        let Some(fetching) = notes.fetching_of(&name) else { return Ok(Err(StoreError::NotFetched)) };
        let head = entry.head.refreshed(&newer, &storing.without);
        let Storing { meta, keep_ms, selector, tags, .. } = storing;
        let keep = Duration::from_millis(keep_ms);
        let refreshed = fetching.refresh(&entry, head, cache::Kept { meta, selector, tags, keep });
        fetching.tell(Landed::Stored);
        let id = refreshed.id;
        notes.found.push(refreshed);
        Ok(Ok(id))
    }

    fn release(&mut self, apart_ms: u32) -> Result<()> {
        if let Some(fetching) = self.fetching("cache.release")? {
            if fetching.leading.is_some() {
                fetching.store.set_apart(&fetching.key, Duration::from_millis(apart_ms.into()));
            }
            fetching.tell(Landed::NotStored);
        }
        Ok(())
    }

    fn again(&mut self) -> Result<bool> {
        let Some(fetching) = self.fetching("cache.again")? else { return Ok(false) };
        fetching.again = fetching.target.is_some();
        Ok(fetching.again)
    }

    fn remove(&mut self, key: String) -> Result<bool> {
        self.context("cache.remove")?;
        Ok(self.plugin.stores.cache.remove(&key))
    }
}

impl InstanceState {
    fn notes(&mut self, function: &str) -> Result<Option<&mut Notes>> {
        self.response(function)?;
        Ok(self.context(function)?.cache.as_deref_mut())
    }

    /// What this plugin fetched in this request, on the way out.
    fn fetching(&mut self, function: &str) -> Result<Option<&mut Fetching>> {
        let name = Arc::clone(&self.plugin.name);
        Ok(self.notes(function)?.and_then(|notes| notes.fetching_of(&name)))
    }
}

fn stored(entry: &cache::Entry, now: Instant) -> Stored {
    let resident = now.saturating_duration_since(entry.stored);
    Stored {
        entry: entry.id,
        meta: entry.kept.meta.clone(),
        resident_ms: u64::try_from(resident.as_millis()).unwrap_or(u64::MAX),
        length: entry.body.len() as u64,
    }
}

/// Limits no plugin meets but by mistake.
fn check(function: &str, storing: &Storing) -> Result<()> {
    let (tags, tag) = MAX_TAGS;
    let fits = storing.meta.len() <= MAX_META
        && storing.selector.len() <= MAX_KEY
        && storing.tags.len() <= tags
        && storing.tags.iter().all(|other| other.len() <= tag);
    if fits {
        return Ok(());
    }
    Err(wasmtime::Error::msg(format!(
        "`{function}`: at most {MAX_META} bytes of `meta`, {MAX_KEY} of `selector`, {tags} tags of {tag} bytes"
    )))
}
