//! Answers requests as any component for `wasi:http` 0.2 does, by the path that is asked for.
//!
//! It is written against the public bindings of WASI alone: nothing of this gateway is in it.

#![allow(clippy::expect_used, clippy::panic, reason = "a trap is one of the answers")]

mod body;
mod fetch;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{ErrorCode, Fields, IncomingRequest, OutgoingResponse, ResponseOutparam};

#[derive(Debug)]
pub struct Answering;

impl Guest for Answering {
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path.rsplit('/').next().unwrap_or_default() {
            "echo" => body::echo(&request, answer),
            "head" => body::whole(answer, 200, &head(&request)),
            "teapot" => body::whole(answer, 418, "short and stout"),
            "halfway" => body::half(answer),
            "short" => body::short(answer),
            "endless" => body::endless(answer),
            "stuck" => body::stuck(answer),
            "nothing" => body::nothing(answer, query),
            "afterwards" => {
                body::whole(answer, 200, "done");
                wasip2::clocks::monotonic_clock::subscribe_duration(60_000_000_000).block();
            }
            "fetch" => fetch::fetch(&request, query, answer),
            "upload" => fetch::upload(&request, query, answer),
            "trap" => panic!("asked to"),
            "spin" => loop {
                std::hint::black_box(());
            },
            "sleep" => wasip2::clocks::monotonic_clock::subscribe_duration(60_000_000_000).block(),
            "refuse" => ResponseOutparam::set(answer, Err(ErrorCode::ConfigurationError)),
            "silent" => drop(answer),
            _ => body::whole(answer, 200, "hello"),
        }
    }
}

/// What it was told of the request, one thing a line.
fn head(request: &IncomingRequest) -> String {
    let mut lines = format!(
        "{:?} {:?} {} {}\n",
        request.method(),
        request.scheme().expect("a scheme"),
        request.authority().unwrap_or_default(),
        request.path_with_query().unwrap_or_default(),
    );
    for (name, value) in request.headers().entries() {
        lines += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
    }
    lines
}

/// The head of an answer.
fn response(status: u16, fields: &[(&str, &str)]) -> OutgoingResponse {
    let headers = Fields::new();
    for (name, value) in fields {
        headers.append(name, value.as_bytes()).expect("a field");
    }
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).expect("a status");
    response
}

#[cfg(target_family = "wasm")]
wasip2::http::proxy::export!(Answering with_types_in wasip2);
