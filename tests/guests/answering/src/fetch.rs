//! Answers that come from elsewhere: `?http://host:port/path`.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingRequest, IncomingResponse, Method, OutgoingBody, OutgoingRequest, ResponseOutparam, Scheme,
};

use super::{body, response};

/// A `GET`, whose answer is passed on; what went wrong otherwise.
pub(super) fn fetch(_: &IncomingRequest, url: &str, answer: ResponseOutparam) {
    let call = request(url);
    match outgoing_handler::handle(call, None) {
        Ok(future) => pass_on(&future, answer),
        Err(error) => body::whole(answer, 502, &format!("{error:?}")),
    }
}

/// A `POST` of what comes in, while it comes in.
pub(super) fn upload(incoming: &IncomingRequest, url: &str, answer: ResponseOutparam) {
    let call = request(url);
    call.set_method(&Method::Post).expect("a method");
    let out = call.body().expect("its body");
    let future = match outgoing_handler::handle(call, None) {
        Ok(future) => future,
        Err(error) => return body::whole(answer, 502, &format!("{error:?}")),
    };
    let incoming = incoming.consume().expect("the request's body");
    let (from, to) = (incoming.stream().expect("a stream"), out.write().expect("a stream"));
    body::copy(&from, &to);
    drop((from, to));
    OutgoingBody::finish(out, None).expect("an end");
    pass_on(&future, answer);
}

fn request(url: &str) -> OutgoingRequest {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let call = OutgoingRequest::new(Fields::new());
    call.set_scheme(Some(&if scheme == "https" { Scheme::Https } else { Scheme::Http })).expect("a scheme");
    call.set_authority(Some(authority)).expect("an authority");
    call.set_path_with_query(Some(path)).expect("a path");
    call
}

fn pass_on(future: &wasip2::http::types::FutureIncomingResponse, answer: ResponseOutparam) {
    future.subscribe().block();
    match future.get().expect("it is there").expect("it was not taken") {
        Ok(response) => relay(&response, answer),
        Err(error) => body::whole(answer, 502, &format!("{error:?}")),
    }
}

fn relay(from: &IncomingResponse, answer: ResponseOutparam) {
    let response = response(from.status(), &[("x-fetched", "yes")]);
    let to = response.body().expect("its body");
    ResponseOutparam::set(answer, Ok(response));
    let incoming = from.consume().expect("the answer's body");
    let (input, output) = (incoming.stream().expect("a stream"), to.write().expect("a stream"));
    body::copy(&input, &output);
    drop((input, output));
    OutgoingBody::finish(to, None).expect("an end");
}
