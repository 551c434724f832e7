//! A guest's calls of other services: the same grants, pools and limits as `http-client` has, only that
//! bodies pass piece by piece.
//!
//! `http://NAME/` is the upstream NAME, where that is granted; every other authority is an origin. Absent
//! on purpose: calls of routes, for which `wasi:http` has no word, and the guest's own `between-bytes`
//! and `connect` time-outs: those of the upstream hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream::unfold;
use http::{HeaderName, Method, Request, Response, header, request};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::answer::announced;
use super::bridge::bridge;
use crate::body::{Body, BodyError, Fault, Side};
use crate::config::model;
use crate::plugin::host_api::http_client::{reach, target_of};
use crate::plugin::rights::Rights;
use crate::upstream::UpstreamError;
use crate::upstream::hop_by_hop::strip_hop_by_hop;
use crate::worker::{self, Caller, Refused, StreamedCall, To};

/// How a request ends whose guest did not end it.
const BROKEN: BodyError = BodyError { side: Side::Gateway, fault: Fault::Broken };

type Answered = Result<Response<WasiBody>, Error>;
type Sent = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// What decides on a guest's calls.
pub(super) struct Outgoing {
    rights: Arc<Rights>,
    /// Only while it answers a request.
    terms: Option<Terms>,
    made: usize,
    /// Set when the guest is gone: the end of a body it was sending is none then.
    is_over: Arc<AtomicBool>,
}

/// For whom calls are made, and by when they must be over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) caller: Caller,
    pub(super) deadline: Instant,
}

/// For as long as the guest may call.
pub(super) struct Calling(Arc<AtomicBool>);

impl Drop for Calling {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

impl Outgoing {
    pub(super) fn new(rights: Arc<Rights>) -> Self {
        Self { rights, terms: None, made: 0, is_over: Arc::default() }
    }

    pub(super) fn begin(&mut self, terms: Terms) -> Calling {
        self.terms = Some(terms);
        Calling(Arc::clone(&self.is_over))
    }

    fn prepare(&mut self, request: Request<WasiBody>, options: Option<RequestOptions>) -> Result<StreamedCall, Error> {
        let terms = self.terms.ok_or(Error::HttpRequestDenied)?;
        self.made += 1;
        if self.made > self.rights.limits.calls {
            return Err(Error::ConnectionLimitReached);
        }
        let to = grant(&self.rights, &request)?;
        let (head, body) = request.into_parts();
        let body = sent(body, announced(&head.headers), Arc::clone(&self.is_over));
        let own = options.and_then(|options| options.first_byte_timeout);
        let deadline = own.map_or(terms.deadline, |own| terms.deadline.min(Instant::now() + own));
        Ok(StreamedCall { to, head: origin_form(head)?, body, deadline, caller: terms.caller })
    }
}

impl WasiHttpHooks for Outgoing {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Sent,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Sent), Error>> + Send> {
        let prepared = self.prepare(request, options).map(|call| {
            let (sender, answered) = oneshot::channel();
            tokio::task::spawn_local(make(call, sender));
            answered
        });
        Box::new(async move {
            // It ends without a word only where the worker does.
            let answer = prepared?.await.unwrap_or(Err(Error::ConnectionTerminated))?;
            Ok((answer, Box::new(std::future::ready(Ok(()))) as Sent))
        })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        self.rights.limits.chunk
    }
}

/// The call, as a task of the worker: until the guest has its answer, or does not want it any more.
async fn make(call: StreamedCall, mut answered: oneshot::Sender<Answered>) {
    let opened = tokio::select! {
        biased;
        () = answered.closed() => return,
        opened = worker::open(call) => opened,
    };
    match opened {
        Ok((head, body)) => {
            let (body, pump) = bridge(body);
            if answered.send(Ok(Response::from_parts(head, body))).is_ok()
                && let Some(pump) = pump
            {
                pump.run(|_| {}).await;
            }
        }
        Err(refused) => drop(answered.send(Err(told(&refused)))),
    }
}

/// Where the call may go. The operator is told of what is missing, for the guest cannot be.
fn grant(rights: &Rights, request: &Request<WasiBody>) -> Result<To, Error> {
    let uri = request.uri();
    let authority = uri.authority().filter(|authority| !authority.host().is_empty());
    let authority = authority.ok_or(Error::HttpRequestUriInvalid)?;
    let target = target_of(uri).ok_or(Error::HttpRequestUriInvalid)?;
    let scheme = target.scheme;
    if scheme == model::Scheme::Http && rights.upstreams.iter().any(|name| name == authority.as_str()) {
        return Ok(To::Upstream(authority.as_str().to_owned()));
    }
    if let Some(reach) = reach(rights, &target) {
        return Ok(To::Origin(target, reach));
    }
    let plugin = &rights.name;
    tracing::warn!(%plugin, "plugin was denied a call: [plugins.{plugin}] grant.http has no \"{scheme}://{target}\"");
    Err(Error::HttpRequestDenied)
}

fn origin_form(mut head: request::Parts) -> Result<request::Parts, Error> {
    if head.method == Method::CONNECT {
        return Err(Error::HttpRequestMethodInvalid);
    }
    let path = head.uri.into_parts().path_and_query;
    head.uri = path.map_or_else(http::Uri::default, Into::into);
    strip_hop_by_hop(&mut head.headers);
    for name in [header::HOST, header::CONTENT_LENGTH, HeaderName::from_static("trailer")] {
        head.headers.remove(name);
    }
    Ok(head)
}

/// The body of a request, as the guest sends it.
fn sent(body: WasiBody, length: Option<u64>, is_over: Arc<AtomicBool>) -> Body {
    if body.is_end_stream() {
        return Body::empty();
    }
    Body::streamed_of(
        length,
        unfold(Some((body, is_over)), async |state| {
            let (mut body, is_over) = state?;
            match body.frame().await {
                Some(Ok(frame)) => Some((Ok::<Frame<Bytes>, _>(frame), Some((body, is_over)))),
                Some(Err(_)) => Some((Err(BROKEN), None)),
                None => is_over.load(Relaxed).then_some((Err(BROKEN), None)),
            }
        }),
    )
}

/// As a guest is told of it.
fn told(refused: &Refused) -> Error {
    let error = match refused {
        Refused::Gone => return Error::DestinationUnavailable,
        Refused::Upstream(error) => error,
    };
    match error {
        UpstreamError::OutOfReach { .. } => {
            // Where it is tells of the network behind the gateway: that is for its operator.
            tracing::warn!("a plugin's call was denied: {error}");
            Error::DestinationIpProhibited
        }
        UpstreamError::Connect { .. } => Error::ConnectionRefused,
        UpstreamError::ConnectTimeout { .. } => Error::ConnectionTimeout,
        UpstreamError::FirstByteTimeout { .. } | UpstreamError::Deadline { .. } => Error::HttpResponseTimeout,
        UpstreamError::Broken { .. } => Error::ConnectionTerminated,
        UpstreamError::Switched { .. } | UpstreamError::Request { .. } => Error::HttpProtocolError,
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Empty;
    use http_body_util::combinators::UnsyncBoxBody;

    use super::*;
    use crate::state::Stores;

    fn rights() -> Rights {
        let limits = model::PluginLimits::default();
        let stores = Stores::default().of("", &limits);
        let origin = model::Target { scheme: model::Scheme::Https, host: "api.example".into(), port: 443 };
        let mut rights = Rights::none(limits, stores);
        (rights.upstreams, rights.origins) = (vec!["stock".into()], vec![origin]);
        rights
    }

    fn asked(uri: &str) -> Result<To, Error> {
        let body = UnsyncBoxBody::new(Empty::new().map_err(Into::into));
        grant(&rights(), &Request::builder().uri(uri).body(body).unwrap())
    }

    #[test]
    fn an_upstream_is_called_by_its_name_and_an_origin_by_scheme_host_and_port() {
        assert!(matches!(asked("http://stock/a"), Ok(To::Upstream(name)) if name == "stock"));
        for same in ["https://api.example/a", "https://API.example:443/"] {
            assert!(matches!(asked(same), Ok(To::Origin(target, _)) if target.port == 443), "{same}");
        }
        for other in [
            "https://stock/",
            "http://stock:80/",
            "http://stock.example/",
            "http://u@stock/",
            "http://api.example/",
            "https://api.example:444/",
            "https://api.example.evil/",
        ] {
            assert!(matches!(asked(other), Err(Error::HttpRequestDenied)), "{other}");
        }
        assert!(matches!(asked("/a"), Err(Error::HttpRequestUriInvalid)));
    }

    #[tokio::test]
    async fn the_end_of_a_body_whose_guest_is_gone_is_none() {
        for (is_over, whole) in [(false, true), (true, false)] {
            // Of no known end, as what a guest writes is.
            let frames = futures_util::stream::iter([Ok(Frame::data(Bytes::from_static(b"x")))]);
            let body = UnsyncBoxBody::new(http_body_util::StreamBody::new(frames));
            let sent = sent(body, None, Arc::new(AtomicBool::new(is_over)));
            assert_eq!(sent.collect().await.is_ok(), whole);
        }
    }
}
