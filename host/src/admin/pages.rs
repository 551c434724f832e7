//! Which path answers what.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;

use super::{AdminState, Readiness, status};
use crate::telemetry::metrics;

type Answer = Response<Full<Bytes>>;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const LIST: &str = "\
/livez       200 while the process answers
/readyz      200 while new requests should be sent here, else 503 and the reason
/metrics     numbers in Prometheus' text format
/api/status  routes, plugins, upstreams and the last reload, as JSON
";

/// Answers one request. Its body, if any, is not read.
pub(super) fn answer<B>(state: &AdminState, request: &Request<B>) -> Answer {
    let page: fn(&AdminState) -> Answer = match request.uri().path() {
        "/livez" => |_| text(StatusCode::OK, "ok\n"),
        "/readyz" => readyz,
        "/metrics" => |state| {
            page(
                StatusCode::OK,
                metrics::CONTENT_TYPE,
                state.registry().text(),
            )
        },
        "/api/status" => api_status,
        _ => |_| {
            text(
                StatusCode::NOT_FOUND,
                format!("There is no such page. There are:\n\n{LIST}"),
            )
        },
    };
    // hyper sends the length of an answer to HEAD and not its body.
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        page(state)
    } else {
        method_not_allowed()
    }
}

fn readyz(state: &AdminState) -> Answer {
    let (status, reason) = match state.readiness() {
        Readiness::Ready => (StatusCode::OK, "ok\n"),
        Readiness::Starting => (
            StatusCode::SERVICE_UNAVAILABLE,
            "starting: not every worker has every plugin loaded yet\n",
        ),
        Readiness::Draining => (
            StatusCode::SERVICE_UNAVAILABLE,
            "draining: the gateway is about to end and takes no new connections\n",
        ),
    };
    text(status, reason)
}

fn api_status(state: &AdminState) -> Answer {
    match status::json(state) {
        Ok(json) => page(StatusCode::OK, JSON, json),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

fn method_not_allowed() -> Answer {
    let why =
        "Only GET and HEAD: nothing can be changed here. The gateway follows its config file.\n";
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, why);
    answer
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::super::Inventory;
    use super::*;
    use crate::telemetry::Registry;

    fn state() -> AdminState {
        AdminState::new(PathBuf::from("t.toml"), Arc::new(Registry::default()))
    }

    fn get(state: &AdminState, path: &str) -> Answer {
        answer(state, &Request::get(path).body(()).unwrap())
    }

    #[test]
    fn the_gateway_is_ready_from_its_first_snapshot_until_it_drains() {
        let state = state();
        assert_eq!(get(&state, "/readyz").status(), 503);
        state.loaded(Inventory::default());
        assert_eq!(get(&state, "/readyz").status(), 200);
        state.reloaded(Err("broken".into()));
        assert_eq!(
            get(&state, "/readyz").status(),
            200,
            "the last good one still serves"
        );
        state.set_readiness(Readiness::Draining);
        assert_eq!(get(&state, "/readyz").status(), 503);
        assert_eq!(get(&state, "/livez").status(), 200);
    }

    #[test]
    fn every_listed_page_exists() {
        for line in LIST.lines() {
            let path = line.split(' ').next().unwrap();
            assert_ne!(get(&state(), path).status(), 404, "{path}");
        }
        assert_eq!(get(&state(), "/").status(), 404);
    }

    #[test]
    fn metrics_have_prometheus_content_type() {
        assert_eq!(
            get(&state(), "/metrics").headers()[CONTENT_TYPE],
            "text/plain; version=0.0.4; charset=utf-8"
        );
    }

    #[test]
    fn nothing_can_be_changed() {
        let answer = answer(&state(), &Request::post("/livez").body(()).unwrap());
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.headers()[ALLOW], "GET, HEAD");
    }
}
