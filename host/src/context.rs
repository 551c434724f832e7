//! What the gateway knows of one request while its chain runs.
//!
//! A `Context` travels: the exchange owns it, lends it to an instance for the length of one hook
//! (by moving the box, so no lock and no copy), and gets it back, also when the hook failed. It
//! has to be `Send` because a wasmtime store does; that is why bodies, which are not, stay with
//! the exchange and only a replacement body is here.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, request, response};
use tokio::sync::oneshot;

use crate::cache;
use crate::chain::Decision;
use crate::respond::Failure;
use crate::route::Routed;

mod attributes;
mod bodies;
mod early;
mod forwarded;

pub use attributes::Attributes;
pub use bodies::FilteredBodies;
pub use early::Early;
pub use forwarded::Forwarded;

/// One request, from its head to the head of its answer.
#[derive(Debug)]
pub struct Context {
    pub id: RequestId,
    /// The route that matched, with what its path's `{name}`s matched.
    pub route: Routed,
    pub client: IpAddr,
    /// The head that is going to the upstream. Whoever looks at its fields asks [`Self::field`] or [`Self::told`], whoever
    /// changes them [`Self::asked`] for them, or [`Self::all_asked`]: some may not be in its map yet.
    pub request: request::Parts,
    /// Those that are not.
    pub forwarded: Option<Forwarded>,
    /// Set by a plugin: where the request goes instead of the route's upstream.
    pub forward: Option<Forward>,
    /// Whether the client sends a body.
    pub has_body: bool,
    /// Set by a plugin: goes to the upstream instead of what the client sent.
    pub replaced_body: Option<Bytes>,
    /// The head that is going to the client, once there is one.
    pub response: Option<response::Parts>,
    /// Set by plugins on the way in: go to the client with whatever response passes them.
    pub early: Early,
    /// Set by a plugin: goes to the client instead of what the upstream sends.
    pub replaced_response_body: Option<Bytes>,
    pub made_by: Source,
    /// What went wrong last, if the response says that something did.
    pub failure: Option<Failure>,
    pub attributes: Attributes,
    /// What plugins have to do with stored responses, where one has.
    pub cache: Option<Box<cache::Notes>>,
    /// What came of the bodies that plugins filter; none where none does.
    pub filtered: Option<Arc<FilteredBodies>>,
    /// When the whole exchange must be over.
    pub deadline: Instant,
    /// How many plugins of the chain it got to.
    pub depth: usize,
    /// Who gets what is left of the context when it is dropped, wherever the exchange was then: the
    /// plugins are told what has become of it. None where no plugin of the chain wants to know.
    pub left_to: Option<oneshot::Sender<Box<Context>>>,
    /// How many plugins' calls this is inside of: 0 for a request of a client.
    pub nesting: u32,
    /// What each plugin decided, for the access log. Stays empty when that is off.
    pub decisions: Vec<Decision>,
    /// Whether anybody is going to read `decisions`.
    pub notes_decisions: bool,
}

impl Context {
    pub fn new(
        id: RequestId,
        client: IpAddr,
        route: Routed,
        request: request::Parts,
        deadline: Instant,
        notes_decisions: bool,
    ) -> Self {
        Self {
            id,
            route,
            client,
            request,
            forwarded: None,
            forward: None,
            has_body: false,
            replaced_body: None,
            response: None,
            early: Early::default(),
            replaced_response_body: None,
            made_by: Source::Gateway,
            failure: None,
            attributes: Attributes::default(),
            cache: None,
            filtered: None,
            deadline,
            depth: 0,
            nesting: 0,
            left_to: None,
            decisions: Vec::new(),
            notes_decisions,
        }
    }

    /// What the hooks see that are shown a body while it passes, when the heads are on their way already;
    /// and where they leave what came of it.
    pub fn for_body(&mut self) -> (Box<Self>, Arc<FilteredBodies>) {
        let head = http::Request::new(()).into_parts().0;
        let route = self.route.without_params();
        let mut context = Self::new(self.id, self.client, route, head, self.deadline, self.notes_decisions);
        context.attributes = self.attributes.share();
        context.nesting = self.nesting;
        (Box::new(context), Arc::clone(self.filtered.get_or_insert_default()))
    }

    /// The first value of the request's field of this name, in whatever case.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.told(name).or_else(|| self.request.headers.get(name).map(HeaderValue::as_bytes))
    }

    /// The value of a field of this name, in whatever case, that is not in the request's map yet.
    pub fn told(&self, name: &str) -> Option<&[u8]> {
        self.forwarded.as_ref()?.value(name, &self.request.headers)
    }

    /// The request's head, whose map has whatever field of this name, in whatever case, it has.
    pub fn asked(&mut self, name: &str) -> &mut request::Parts {
        if self.forwarded.is_some() && Forwarded::has(name) {
            return self.all_asked();
        }
        &mut self.request
    }

    /// The request's head, whose map has all its fields.
    pub fn all_asked(&mut self) -> &mut request::Parts {
        if let Some(forwarded) = self.forwarded.take() {
            forwarded.add_to(&mut self.request.headers);
        }
        &mut self.request
    }

    /// Why a body could not be read: the plugin's failure that filters it, or the body's own.
    pub fn failure_of_body(&self, error: impl Into<Failure>) -> Failure {
        let of_plugin = self.filtered.as_ref().and_then(|filtered| filtered.take_failure());
        of_plugin.unwrap_or_else(|| error.into())
    }

    /// Whether the response can have no body: it answers HEAD, or its status has none.
    pub fn response_is_bodiless(&self) -> bool {
        let status = self.response.as_ref().map(|head| head.status);
        self.request.method == Method::HEAD || status.is_some_and(is_bodiless)
    }
}

/// Whether an answer of this status has no body: a 204, a 205 or a 304 (RFC 9110 sections 6.4.1 and 15.3.6).
pub(crate) fn is_bodiless(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
}

impl Context {
    /// What a plugin may look at when all is over. The rest has gone its way.
    fn remains(&mut self) -> Self {
        let request = std::mem::replace(&mut self.request, http::Request::new(()).into_parts().0);
        let mut remains = Self::new(self.id, self.client, self.route.clone(), request, self.deadline, false);
        remains.forwarded = self.forwarded.take();
        remains.attributes = std::mem::take(&mut self.attributes);
        remains.has_body = self.has_body;
        remains.made_by = self.made_by.clone();
        remains.failure = self.failure.take();
        remains.depth = self.depth;
        // Calls made then are inside of as many others as those made before.
        remains.nesting = self.nesting;
        remains
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Some(left_to) = self.left_to.take() {
            // Nobody may be there any more to take it.
            drop(left_to.send(Box::new(self.remains())));
        }
    }
}

/// An upstream a plugin chose: `request.set-upstream` in the WIT.
#[derive(Debug, Clone)]
pub struct Forward {
    /// Its name, in the snapshot the request began with.
    pub upstream: Arc<str>,
    /// The plugin that chose it.
    pub chosen_by: Arc<str>,
}

/// Who made a response: `response.made-by` in the WIT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Upstream,
    Gateway,
    Plugin(Arc<str>),
}

/// 128 random bits, printed as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(u128);

impl RequestId {
    /// Unique over nodes and restarts: a random half for each worker, a counter for the rest.
    pub fn new(worker: u64, count: u64) -> Self {
        // Multiplying by an odd constant permutes the counter, so that ids do not look alike.
        Self(u128::from(worker) << 64 | u128::from(count.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }
}

impl RequestId {
    /// The 32 digits. By hand, for each request that is forwarded carries them.
    pub fn to_hex(self) -> [u8; 32] {
        let mut digits = [0; 32];
        for (at, byte) in self.0.to_be_bytes().into_iter().enumerate() {
            digits[at * 2] = b"0123456789abcdef"[usize::from(byte >> 4)];
            digits[at * 2 + 1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        digits
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_hex()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_dropped_context_goes_to_who_is_named() {
        let head = http::Request::builder().uri("/a?b=c").header("x-a", "1").body(()).unwrap().into_parts().0;
        let client = std::net::Ipv4Addr::LOCALHOST.into();
        let id = RequestId::new(7, 1);
        let mut context = Context::new(id, client, "r".into(), head, Instant::now(), true);
        let (left_to, mut left) = oneshot::channel();
        context.left_to = Some(left_to);
        context.attributes.set("a".into(), "1".into()).unwrap();
        context.made_by = Source::Plugin("p".into());
        context.failure = Some(Failure::Deadline);
        (context.depth, context.nesting) = (3, 2);
        drop(context);
        let mut left = left.try_recv().unwrap();
        assert_eq!((left.id, left.route.name(), left.depth, left.nesting), (id, "r", 3, 2));
        assert_eq!(
            (left.request.uri.to_string().as_str(), &left.request.headers["x-a"]),
            ("/a?b=c", &"1".parse().unwrap())
        );
        assert_eq!((left.attributes.get("a").as_deref(), &left.made_by), (Some("1"), &Source::Plugin("p".into())));
        assert!(matches!(left.failure, Some(Failure::Deadline)));
    }

    #[test]
    fn request_ids_have_32_digits_and_differ() {
        let (a, b) = (RequestId::new(7, 1).to_string(), RequestId::new(7, 2).to_string());
        assert_eq!((a.len(), b.len()), (32, 32));
        assert_ne!(a, b);
    }
}
