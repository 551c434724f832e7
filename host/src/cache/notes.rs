//! What one request has to do with stored responses, from its first hook to its last.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::Uri;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::entry::{Entry, Head, Kept};
use super::flight::{Landed, Leading};
use super::store::Store;

/// Made when a plugin of the chain calls `cache` for the first time.
#[derive(Debug, Default)]
pub struct Notes {
    /// What was looked up or refreshed: good until the request is over.
    pub found: Vec<Arc<Entry>>,
    /// The key that was looked up last.
    pub key: String,
    /// One for each plugin that answered `fetch`, in the order of the chain.
    pub fetching: Vec<Fetching>,
    /// What is to be fetched without a client.
    pub refresh: Option<Refresh>,
    /// The plugin whose hook runs again because another's fetch is stored, and the note of its own.
    pub waited: Option<(Arc<str>, Vec<u8>)>,
    pub patience: Patience,
    /// A plugin has the request made again.
    pub again: bool,
    /// Once is enough.
    pub was_made_again: bool,
}

/// A plugin's fetch. Dropped without a word, it was given up.
#[derive(Debug)]
pub struct Fetching {
    pub plugin: Arc<str>,
    pub store: Arc<Store>,
    pub key: Arc<str>,
    pub note: Vec<u8>,
    /// The request's fields, before those of the fetch.
    pub asked: HeaderMap,
    /// The request's target then, where the request can be made again.
    pub target: Option<Uri>,
    /// It is to be.
    pub again: bool,
    /// In removals: see [`Store::moment`].
    pub began: u64,
    /// `None` where nobody waits for this one.
    pub leading: Option<Leading>,
    /// What `store` asked for, until the hook is over.
    pub storing: Option<Storing>,
}

/// A fetch without a client, for the plugins behind this position of the chain.
#[derive(Debug)]
pub struct Refresh {
    pub position: usize,
    pub fetching: Fetching,
    pub set: HeaderMap,
    pub remove: Vec<HeaderName>,
}

/// How long a request has waited for others.
#[derive(Debug, Default)]
pub struct Patience {
    /// When it goes on by itself.
    pub until: Option<Instant>,
    /// Fetches of others that were given up while it waited.
    pub given_up: u32,
    /// Fetches of others that did not bring what it wanted.
    pub rounds: u32,
    /// What other gateways have stored was asked for: once is enough.
    pub has_asked: bool,
}

/// A response that is stored once its body is whole.
#[derive(Debug)]
pub struct Storing {
    pub head: Head,
    pub kept: Kept,
}

impl Notes {
    /// What the plugin fetched. The last one, where the chain has the plugin twice: on the way out
    /// that is whose hook runs.
    pub fn fetching_of(&mut self, plugin: &str) -> Option<&mut Fetching> {
        self.fetching.iter_mut().rev().find(|fetching| &*fetching.plugin == plugin)
    }

    /// The same, for good.
    pub fn take_fetching_of(&mut self, plugin: &str) -> Option<Fetching> {
        let position = self.fetching.iter().rposition(|fetching| &*fetching.plugin == plugin)?;
        Some(self.fetching.remove(position))
    }

    pub fn entry(&self, id: u64) -> Option<&Arc<Entry>> {
        self.found.iter().find(|entry| entry.id == id)
    }
}

impl Fetching {
    /// Stores the whole body, and tells those who wait.
    pub(super) fn store(self, storing: Storing, body: Bytes) {
        let entry = Arc::new(Entry::new(storing.head, body, storing.kept));
        let stored = self.store.insert(&self.key, self.began, &entry);
        self.land(if stored { Landed::Stored } else { Landed::NotStored });
    }

    /// Stores an entry's body with a newer head. What is returned can be served even if its key was
    /// removed meanwhile.
    pub fn refresh(&self, entry: &Entry, head: Head, kept: Kept) -> Arc<Entry> {
        self.store.refresh(&self.key, self.began, Arc::new(Entry::new(head, entry.body.clone(), kept)))
    }

    /// Tells those who wait, if they have not been told.
    pub fn land(mut self, landed: Landed) {
        self.tell(landed);
    }

    pub fn tell(&mut self, landed: Landed) {
        if let Some(leading) = self.leading.take() {
            leading.land(landed);
        }
    }

    /// The lines of a field as the client sent them, as one.
    pub fn asked(&self, name: &str) -> Option<String> {
        let mut lines = self.asked.get_all(name).iter().map(HeaderValue::as_bytes).map(String::from_utf8_lossy);
        let mut joined = lines.next()?.into_owned();
        for line in lines {
            joined.push_str(", ");
            joined.push_str(&line);
        }
        Some(joined)
    }
}
