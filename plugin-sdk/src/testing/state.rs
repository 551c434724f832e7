//! What a fake gateway knows.

#![allow(clippy::panic, reason = "a fake fails the test that misuses it")]

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::INSTALLED;
use super::cache::{Entry as StoredEntry, Fetching};
use super::fields::Fields;
use super::http_client::Answerer;
use super::kv::Store;
use super::metrics::{Key as MetricKey, Series};
use super::rate::Level as BucketLevel;
use crate::crypto::Key;
use crate::hooks::Hook;
use crate::http_client::Outbound;
use crate::log::Level;
use crate::response::Source;

/// Whether a signature is a key's of a message.
pub(super) type Verifier = Rc<dyn Fn(&str, &[u8], &[u8]) -> bool>;

/// A key's signature of a message.
pub(super) type Signer = Rc<dyn Fn(&str, &[u8]) -> Vec<u8>>;

/// Everything behind the functions of the interfaces.
pub(super) struct State {
    pub(super) request: Request,
    /// There once `on_response` is the hook.
    pub(super) response: Option<Response>,
    /// What the plugin added to it before.
    pub(super) early: Fields,
    /// Whether `on_complete` is the hook.
    pub(super) is_complete: bool,
    /// Whether a body passes: the heads are on their way already.
    pub(super) is_body_passing: bool,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) kv: Store,
    /// Stores that are granted, by name.
    pub(super) shared_kv: BTreeMap<String, Store>,
    pub(super) stored: Vec<StoredEntry>,
    pub(super) fetching: Option<Fetching>,
    /// The plugin has the request made again.
    pub(super) asked_again: bool,
    /// Milliseconds apart, where the fetch was released.
    pub(super) released: Option<u32>,
    pub(super) buckets: BTreeMap<String, BucketLevel>,
    /// Most buckets, or none for no end.
    pub(super) max_buckets: Option<usize>,
    pub(super) keys: Vec<Key>,
    pub(super) verifier: Option<Verifier>,
    pub(super) signer: Option<Signer>,
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) metrics: BTreeMap<MetricKey, Series>,
    pub(super) secrets: BTreeMap<String, Vec<u8>>,
    pub(super) answerer: Option<Answerer>,
    pub(super) calls: Vec<Outbound>,
    /// Upstreams the plugin may choose.
    pub(super) may_forward: Vec<String>,
    /// Targets it may not call.
    pub(super) ungranted: Vec<String>,
    /// Calls submitted and not taken.
    pub(super) open_calls: Vec<u32>,
    pub(super) skipped: Vec<Hook>,
    /// How often the plugin wants `on_interval`.
    pub(super) interval: Option<Duration>,
    pub(super) logs: Vec<(Level, String)>,
    /// Since 1970.
    pub(super) now: Duration,
    pub(super) random: u64,
}

/// The request at hand.
pub(super) struct Request {
    pub(super) id: String,
    pub(super) route: String,
    pub(super) client_address: String,
    pub(super) method: String,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    /// The upstream the plugin chose.
    pub(super) upstream: Option<String>,
    pub(super) params: BTreeMap<String, String>,
    pub(super) fields: Fields,
    pub(super) body: Option<Vec<u8>>,
}

/// The response at hand.
pub(super) struct Response {
    pub(super) source: Source,
    pub(super) status: u16,
    pub(super) fields: Fields,
    pub(super) body: Option<Vec<u8>>,
    pub(super) body_length: u64,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            request: Request::new(),
            response: None,
            early: Fields::default(),
            is_complete: false,
            is_body_passing: false,
            attributes: BTreeMap::new(),
            kv: BTreeMap::new(),
            shared_kv: BTreeMap::new(),
            stored: Vec::new(),
            fetching: None,
            asked_again: false,
            released: None,
            buckets: BTreeMap::new(),
            max_buckets: None,
            keys: Vec::new(),
            verifier: None,
            signer: None,
            files: BTreeMap::new(),
            metrics: BTreeMap::new(),
            secrets: BTreeMap::new(),
            answerer: None,
            calls: Vec::new(),
            may_forward: Vec::new(),
            ungranted: Vec::new(),
            open_calls: Vec::new(),
            skipped: Vec::new(),
            interval: None,
            logs: Vec::new(),
            // Not zero, so that a test sees a plugin that takes the one clock for the other.
            now: Duration::from_secs(1_700_000_000),
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }
}

impl Request {
    pub(super) fn new() -> Self {
        Self {
            id: "0123456789abcdef0123456789abcdef".to_owned(),
            route: "test".to_owned(),
            client_address: "127.0.0.1".to_owned(),
            method: "GET".to_owned(),
            host: "localhost".to_owned(),
            path: "/".to_owned(),
            query: None,
            upstream: None,
            params: BTreeMap::new(),
            fields: Fields::default(),
            body: None,
        }
    }
}

impl Response {
    pub(super) fn new(status: u16) -> Self {
        Self { source: Source::Upstream, status, fields: Fields::default(), body: None, body_length: 0 }
    }
}

/// Runs with the gateway of this thread.
pub(super) fn with<T>(run: impl FnOnce(&mut State) -> T) -> T {
    let state = INSTALLED.with_borrow(Clone::clone);
    let Some(state) = state else {
        panic!("no gateway: a test that calls the plugin keeps a `testing::Host`");
    };
    let mut state = state.borrow_mut();
    run(&mut state)
}

/// As [`with`], where there is a gateway.
pub(super) fn try_with<T>(run: impl FnOnce(&State) -> T) -> Option<T> {
    INSTALLED.with_borrow(Clone::clone).map(|state| run(&state.borrow()))
}

/// Runs with the request, which only the hooks on the way in may change.
pub(super) fn with_request<T>(run: impl FnOnce(&mut Request) -> T) -> T {
    with(|state| {
        assert!(!state.is_complete, "`request` may be read in `on_complete`, not changed");
        assert!(!state.is_body_passing, "`request` may not be called while a body passes: use `attributes`");
        assert!(state.response.is_none(), "`request` may not be called in `on_response`: use `attributes`");
        run(&mut state.request)
    })
}

/// Runs with the request, which `on_complete` may read as well.
pub(super) fn read_request<T>(run: impl FnOnce(&Request) -> T) -> T {
    with(|state| {
        assert!(!state.is_body_passing, "`request` may not be called while a body passes: use `attributes`");
        let is_hidden = state.response.is_some() && !state.is_complete;
        assert!(!is_hidden, "`request` may not be called in `on_response`: use `attributes`");
        run(&state.request)
    })
}

/// Runs with the response, which only `on_response` has.
pub(super) fn with_response<T>(run: impl FnOnce(&mut Response) -> T) -> T {
    with(|state| match &mut state.response {
        Some(_) if state.is_complete => panic!("`response` may not be called in `on_complete`: use `attributes`"),
        _ if state.is_body_passing => panic!("`response` may not be called while a body passes: use `attributes`"),
        Some(response) => run(response),
        None => panic!("`response` may only be called in `on_response`: set one up with `Host::response`"),
    })
}
