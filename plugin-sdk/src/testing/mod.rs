//! A gateway for unit tests: what the functions of the interfaces lead to when not in a component.
//!
//! [`Host`] is set up with a request (and, for `on_response`, a response), stands in for the
//! gateway on this thread until it is dropped, and tells afterwards what the plugin did. The
//! fakes keep the promises of `wit/`: header names are case-insensitive and checked, keys expire
//! by the fake clock, buckets refill, functions of another hook panic. Absent on purpose: what
//! needs a network or a real clock, and the gateway's grants and limits.

mod bodies;
mod fields;
mod setup;
mod state;

// One for each interface, with the signatures of the generated bindings.
pub(crate) mod attributes;
pub(crate) mod cache;
pub(crate) mod clock;
pub(crate) mod crypto;
pub(crate) mod files;
pub(crate) mod hooks;
pub(crate) mod http_client;
pub(crate) mod kv;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod random;
pub(crate) mod rate;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod secrets;
pub(crate) mod shared_kv;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::cache::{Fetch, Storing};
use crate::completion::{Completed, Ending};
use crate::hooks::Hook;
use crate::http_client::Outbound;
use crate::log::Level;
use fields::Fields;
use state::{Request, Response, State};

thread_local! {
    static INSTALLED: RefCell<Option<Rc<RefCell<State>>>> = const { RefCell::new(None) };
}

/// The gateway, as far as a plugin sees it: on this thread, from [`Host::new`] until it is dropped.
///
/// ```
/// use tollgate_plugin_sdk::{request, testing::Host};
///
/// let host = Host::new().method("GET").path("/users/7").param("id", "7");
/// assert_eq!(request::param("id").as_deref(), Some("7"));
/// request::set_header("x-user", "7").unwrap();
/// assert_eq!(host.request_header("x-user").as_deref(), Some("7"));
/// ```
#[must_use = "the fake gateway is there until this is dropped"]
pub struct Host {
    state: Rc<RefCell<State>>,
}

impl Host {
    /// A gateway with a `GET /` without fields from 127.0.0.1 at hand, in `on_request`. It takes
    /// the place of an earlier one on this thread.
    pub fn new() -> Self {
        let state = Rc::new(RefCell::new(State::new()));
        INSTALLED.set(Some(Rc::clone(&state)));
        Self { state }
    }

    /// Goes on to the next request, a `GET /`: keys, buckets, clock and logs stay.
    pub fn next_request(&self) {
        let mut state = self.state.borrow_mut();
        state.request = Request::new();
        state.response = None;
        state.early = Fields::default();
        state.is_complete = false;
        state.attributes.clear();
        state.fetching = None;
        state.asked_again = false;
        state.released = None;
    }

    /// What the gateway does for [`Verdict::Fetch`](crate::Verdict::Fetch): the request is changed as
    /// the fetch says, and goes on.
    pub fn fetched(&self, fetch: &Fetch) {
        let mut state = self.state.borrow_mut();
        let asked = state.request.fields.clone();
        for name in &fetch.remove {
            let _reserved = state.request.fields.remove(name);
        }
        for field in &fetch.set {
            let _reserved = state.request.fields.set(&field.name, field.value.as_bytes());
        }
        state.fetching = Some(cache::Fetching { fetch: fetch.clone(), asked });
    }

    /// The bytes of the response's body, as far as the plugin can know them.
    pub fn set_body_length(&self, bytes: u64) {
        if let Some(response) = &mut self.state.borrow_mut().response {
            response.body_length = bytes;
        }
    }

    /// What is stored: keys, and how.
    pub fn stored(&self) -> Vec<(String, Storing)> {
        let state = self.state.borrow();
        state.stored.iter().map(|entry| (entry.key().to_owned(), entry.storing().clone())).collect()
    }

    /// Whether the plugin has the request made again: [`cache::again`](crate::cache::again).
    pub fn asked_again(&self) -> bool {
        self.state.borrow().asked_again
    }

    /// For how many milliseconds the plugin set the key apart, if it released its fetch.
    pub fn released(&self) -> Option<u32> {
        self.state.borrow().released
    }

    /// A header field of the response, added behind those there are.
    pub fn add_response_header(&self, name: &str, value: impl AsRef<[u8]>) {
        if let Some(response) = &mut self.state.borrow_mut().response {
            response.fields.arrive(name, value.as_ref());
        }
    }

    /// Goes on to `on_response`, with a response of the upstream with this status and no fields.
    pub fn enter_response(&self, status: u16) {
        let mut state = self.state.borrow_mut();
        let fields = std::mem::take(&mut state.early);
        state.response = Some(Response { fields, ..Response::new(status) });
    }

    /// Goes on to `on_complete`, and returns what it is told: the whole answer was sent, by the upstream
    /// `test` and with status 200 where there is no response. Change what is to be different.
    pub fn complete(&self) -> Completed {
        let mut state = self.state.borrow_mut();
        state.is_complete = true;
        let response = state.response.get_or_insert_with(|| Response::new(200));
        Completed {
            status: response.status,
            ending: Ending::Complete,
            made_by: response.source.clone(),
            error: None,
            upstream: Some("test".to_owned()),
            target: Some("127.0.0.1:80".to_owned()),
            request_bytes: 0,
            response_bytes: 0,
            duration_us: 1000,
        }
    }

    /// Moves both clocks on.
    pub fn advance(&self, by: Duration) {
        self.state.borrow_mut().now += by;
    }

    /// The path as the plugin left it.
    pub fn path_now(&self) -> String {
        self.state.borrow().request.path.clone()
    }

    /// The query as the plugin left it.
    pub fn query_now(&self) -> Option<String> {
        self.state.borrow().request.query.clone()
    }

    /// The upstream the plugin chose, if it chose one.
    pub fn chosen_upstream(&self) -> Option<String> {
        self.state.borrow().request.upstream.clone()
    }

    /// The body the plugin set, if it set one.
    pub fn request_body(&self) -> Option<Vec<u8>> {
        self.state.borrow().request.body.clone()
    }

    /// The first value of a request header, as the plugin left it.
    pub fn request_header(&self, name: &str) -> Option<String> {
        self.state.borrow().request.fields.first(name)
    }

    /// All request headers in order, as the plugin left them, names in lower case.
    pub fn request_headers(&self) -> Vec<(String, String)> {
        self.state.borrow().request.fields.all()
    }

    /// The response's status, as the plugin left it; 0 before the response is there.
    pub fn response_status(&self) -> u16 {
        self.state.borrow().response.as_ref().map_or(0, |response| response.status)
    }

    /// The first value of a response header, as the plugin left it.
    pub fn response_header(&self, name: &str) -> Option<String> {
        self.state.borrow().response.as_ref()?.fields.first(name)
    }

    /// All response headers in order, as the plugin left them, names in lower case.
    pub fn response_headers(&self) -> Vec<(String, String)> {
        self.state.borrow().response.as_ref().map_or_else(Vec::new, |response| response.fields.all())
    }

    /// The body the plugin set in place of the response's, if it set one.
    pub fn response_body(&self) -> Option<Vec<u8>> {
        self.state.borrow().response.as_ref().and_then(|response| response.body.clone())
    }

    /// A note on the request, as the plugin left it.
    pub fn attribute_now(&self, name: &str) -> Option<String> {
        self.state.borrow().attributes.get(name).cloned()
    }

    /// The hooks the plugin said it has no use for.
    pub fn skipped_hooks(&self) -> Vec<Hook> {
        self.state.borrow().skipped.clone()
    }

    /// How often the plugin wants `on_interval` called; `None` for never.
    pub fn interval(&self) -> Option<Duration> {
        self.state.borrow().interval
    }

    /// What the plugin logged.
    pub fn logs(&self) -> Vec<(Level, String)> {
        self.state.borrow().logs.clone()
    }

    /// The value of a counter or a gauge, or the sum of a histogram; `None` if the plugin has not touched it.
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(match self.state.borrow().metrics.get(&(name.to_owned(), labels))? {
            metrics::Series::Counter(value) | metrics::Series::Gauge(value) => *value,
            metrics::Series::Histogram(values) => values.iter().sum(),
        })
    }

    /// The calls the plugin made, in the order it made them.
    pub fn calls(&self) -> Vec<Outbound> {
        self.state.borrow().calls.clone()
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        INSTALLED.with_borrow_mut(|installed| {
            if installed.as_ref().is_some_and(|state| Rc::ptr_eq(state, &self.state)) {
                *installed = None;
            }
        });
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
