//! Which path answers what.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;

use super::cache::Purged;
use super::{Admin, cache, status};
use crate::cache::redis::Removed;
use crate::telemetry::metrics;

type Answer = Response<Full<Bytes>>;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const LIST: &str = "\
/livez       200 while the process answers
/readyz      200 while new requests should be sent here, else 503 and the reason
/metrics     numbers in Prometheus' text format
/api/status  routes, plugins, upstreams and the last reload, as JSON
/api/cache   DELETE removes stored responses: ?url=, ?prefix=, ?tag= or ?all=true, and &plugin=
";

/// Answers one request. Its body, if any, is not read.
pub(super) async fn answer<B>(admin: &Admin, request: &Request<B>) -> Answer {
    if request.uri().path() == "/api/cache" {
        return api_cache(admin, request).await;
    }
    let page: fn(&Admin) -> Answer = match request.uri().path() {
        "/livez" => |_| text(StatusCode::OK, "ok\n"),
        "/readyz" => readyz,
        "/metrics" => |admin| page(StatusCode::OK, metrics::CONTENT_TYPE, admin.metrics.text(&cache::numbers(admin))),
        "/api/status" => api_status,
        _ => |_| text(StatusCode::NOT_FOUND, format!("There is no such page. There are:\n\n{LIST}")),
    };
    // hyper sends the length of an answer to HEAD and not its body.
    if matches!(*request.method(), Method::GET | Method::HEAD) { page(admin) } else { method_not_allowed() }
}

/// Whoever can ask has a gateway whose workers all have a snapshot with every plugin loaded:
/// nothing is served before.
fn readyz(admin: &Admin) -> Answer {
    if *admin.stopping.borrow() {
        text(StatusCode::SERVICE_UNAVAILABLE, "draining: the gateway is about to end and takes no new connections\n")
    } else if admin.status.current().last_error.is_some() {
        text(StatusCode::OK, "ok, but the newest config is not in force: its reload failed, see /api/status\n")
    } else {
        text(StatusCode::OK, "ok\n")
    }
}

fn api_status(admin: &Admin) -> Answer {
    match status::json(admin) {
        Ok(json) => page(StatusCode::OK, JSON, json),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

async fn api_cache<B>(admin: &Admin, request: &Request<B>) -> Answer {
    if *request.method() != Method::DELETE {
        let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "Only DELETE: stored responses can be removed here.\n");
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static("DELETE"));
        return answer;
    }
    match cache::purge(admin, request.uri().query().unwrap_or_default()).await {
        Ok(Purged { here, shared: None }) => page(StatusCode::OK, JSON, format!("{{\"removed\":{here}}}\n")),
        Ok(Purged { here, shared: Some(Removed::Keys(redis)) }) => {
            page(StatusCode::OK, JSON, format!("{{\"removed\":{here},\"removed_from_redis\":{redis}}}\n"))
        }
        // Not done yet, but it will be: other gateways may serve it until then.
        Ok(Purged { here, shared: Some(Removed::Later) }) => {
            page(StatusCode::ACCEPTED, JSON, format!("{{\"removed\":{here},\"removed_from_redis\":null}}\n"))
        }
        Err(wrong) => text(StatusCode::BAD_REQUEST, wrong.0),
    }
}

fn method_not_allowed() -> Answer {
    let why = "Only GET and HEAD: nothing can be changed here. The gateway follows its config file.\n";
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, why);
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    page(status, TEXT, body)
}

fn page(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
