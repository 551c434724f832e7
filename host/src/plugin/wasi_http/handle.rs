//! One request, answered by a guest: `handle` runs as a task of the worker, so that the answer's head goes
//! out while the guest still writes the body.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, HOST, HeaderValue};
use http::{Request, request};
use http_body::Body as _;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::{WasiBody, WasiHttpView as _};

use super::answer::{self, Patience};
use super::bridge::{Pump, bridge};
use super::call::{Call, Running, Unanswered};
use super::outgoing::Terms;
use crate::body::Body;
use crate::context::Context;
use crate::plugin::call::{conclude, note_waits};
use crate::plugin::fault::Fault;
use crate::plugin::link::Link;
use crate::plugin::meter::{Meter, metered_in_turn};
use crate::plugin::pool::CheckedOut;
use crate::plugin::state::Hook;
use crate::telemetry::Verdict;
use crate::worker::Caller;

type Answer = Result<http::Response<WasiBody>, ErrorCode>;

/// What a guest is asked, and by when.
struct Question {
    request: Request<WasiBody>,
    pump: Option<Pump>,
    terms: Terms,
    answer: oneshot::Sender<Answer>,
}

/// Has the plugin answer the request. Dropping the future, or the body of the answer, stops the guest.
pub async fn handle(
    link: &Link,
    context: &mut Context,
    body: Body,
) -> Result<(http::response::Parts, Body), Unanswered> {
    let call = Call::new(link, context);
    let held = match link.pool.check_out(link.metrics.hook(Hook::Handle.metric())).await {
        Ok(held) => held,
        Err(fault) => {
            link.metrics.hook(Hook::Handle.metric()).called(Verdict::Error, Duration::ZERO);
            call.failed(fault);
            return Err(call.unanswered());
        }
    };
    let (sender, receiver) = oneshot::channel();
    let question = question(context, body, sender);
    let running = Running::new(tokio::task::spawn_local(run(Rc::clone(&call), held, question)), Rc::clone(&call));

    let patience = Patience { wall: link.plugin.rights.limits.wall, deadline: context.deadline.into() };
    let by_wall = tokio::time::Instant::now() + patience.wall;
    let fault = match tokio::time::timeout_at(by_wall.min(patience.deadline), receiver).await {
        // It may have come to its end, good or bad, before anybody looked.
        Ok(Ok(Ok(_))) if call.has_failed() => return Err(call.unanswered()),
        Ok(Ok(Ok(answer))) => match answer::answer(answer, &context.request.method, running, patience) {
            Ok(answered) => return Ok(answered),
            Err((running, problem)) => {
                call.failed(Fault::NoAnswer(problem.into()));
                drop(running);
                return Err(call.unanswered());
            }
        },
        Ok(Ok(Err(code))) => Fault::NoAnswer(format!("it set an error instead: {code:?}").into()),
        // Where it was stopped, that is known already.
        Ok(Err(_)) => Fault::NoAnswer("it let go of its `response-outparam` without setting it".into()),
        Err(_) if by_wall < patience.deadline => Fault::Wall,
        Err(_) => Fault::Deadline,
    };
    call.failed(fault);
    Err(call.unanswered())
}

fn question(context: &mut Context, body: Body, answer: oneshot::Sender<Answer>) -> Question {
    let head = head(context.all_asked(), &body);
    let (body, pump) = bridge(body);
    let caller = Caller { id: context.id, client: context.client, nesting: context.nesting };
    Question {
        request: Request::from_parts(head, body),
        pump,
        terms: Terms { caller, deadline: context.deadline },
        answer,
    }
}

/// The request's head as the guest sees it. What it was is still needed: plugins look at it when all is over.
fn head(request: &request::Parts, body: &Body) -> request::Parts {
    let mut head = request.clone();
    // A plugin may have put another body in the place of the client's.
    match body.size_hint().exact() {
        Some(length) if length > 0 || head.headers.contains_key(CONTENT_LENGTH) => {
            head.headers.insert(CONTENT_LENGTH, length.into());
        }
        Some(_) => {}
        None => drop(head.headers.remove(CONTENT_LENGTH)),
    }
    // A plugin's call of the route names no host, and `wasi:http` has no request without one.
    let is_named = head.uri.authority().is_some() || head.headers.get(HOST).is_some_and(|host| host.to_str().is_ok());
    if !is_named {
        head.headers.insert(HOST, const { HeaderValue::from_static("localhost") });
    }
    head
}

/// The task.
async fn run(call: Rc<Call>, mut held: CheckedOut, question: Question) {
    let Question { request, pump, terms, answer } = question;
    let metrics = call.link.metrics.hook(Hook::Handle.metric());
    let turn = match held.turn(metrics).await {
        Ok(turn) => turn,
        Err(fault) => return call.failed(fault),
    };
    let instance = held.instance();
    instance.enter_alone(Hook::Handle);
    let meter = instance.meter();
    meter.watch(call.link.pool.weight.is_watched());
    let tally = Tally { call: &call, meter: &meter };
    let _pumping = pump.map(|pump| pumping(pump, &call));
    // Let go of before the store is, so that no call it was making is taken for a whole one.
    let calling = instance.store.data_mut().web().outgoing.begin(terms);
    let has_answered = Arc::clone(&call.has_answered);
    let handled = async {
        let mut http = instance.store.data_mut().http();
        let request = http.new_incoming_request(Scheme::Http, request)?;
        let answer = http.new_response_outparam_from_callback(move |given: Answer| {
            has_answered.store(given.is_ok(), Relaxed);
            // Nobody may wait for it any more.
            drop(answer.send(given));
        })?;
        match instance.guest.handler() {
            Some(handler) => handler.call_handle(&mut instance.store, request, answer).await,
            None => Ok(()),
        }
    };
    // How long it may take is for who waits for the answer to say.
    let ended = metered_in_turn(&meter, Duration::MAX, pin!(handled), turn).await;
    call.link.pool.learn(&meter, 0);
    note_waits(metrics, &meter);
    let ended = conclude(ended);
    if let Err(fault) = ended.as_ref() {
        // Before the store goes: what the answer's body sees then looks like its end.
        call.failed(fault.clone());
    }
    drop((tally, calling));
    if ended.is_ok() {
        held.give_back();
    }
}

/// Counts the call, also when it is stopped.
struct Tally<'a> {
    call: &'a Call,
    meter: &'a Meter,
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        let is_answered = self.call.has_answered.load(Relaxed) && !self.call.has_failed();
        let verdict = if is_answered { Verdict::Respond } else { Verdict::Error };
        self.call.link.metrics.hook(Hook::Handle.metric()).called(verdict, self.meter.used());
    }
}

/// The request's body on its way in, for as long as the guest is there.
struct Pumping(JoinHandle<()>);

impl Drop for Pumping {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn pumping(pump: Pump, call: &Rc<Call>) -> Pumping {
    let call = Rc::clone(call);
    Pumping(tokio::task::spawn_local(async move { pump.run(|error| call.request_broke_off(error)).await }))
}
