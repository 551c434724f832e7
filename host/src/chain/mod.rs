//! A route's plugins, run in order on the way in and in reverse on the way out.
//!
//! The chain is an onion: on the way out `on-response` runs for exactly the plugins the request
//! got to, whoever made the response. Absent on purpose: what comes before and after the chain,
//! which is `exchange`'s, and how a hook runs, which is `plugin`'s.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::CONTENT_LENGTH;
use http_body::Body as _;

use crate::body::{Body, Gathered};
use crate::cache::Refresh;
use crate::context::Context;
use crate::plugin::bindings::exports::tollgate::plugin::request_filter::BodyVerdict;
use crate::plugin::bindings::exports::tollgate::plugin::response_filter::ResponseBodyVerdict;
use crate::plugin::call::{self, Called};
use crate::plugin::fault::Fault;
use crate::plugin::link::Link;
use crate::plugin::state::Hook;
use crate::plugin::verdict::{RequestVerdict, ResponseVerdict};
use crate::respond::{self, Failure};
use crate::telemetry::{self, Verdict};
use names::{body_verdict_name, response_body_verdict_name, response_verdict_name, verdict_name};
use step::{Step, impossible, note, note_reuse, refuse_or_skip, respond};

mod answer;
mod buffer;
mod complete;
mod filter;
mod handle;
mod names;
mod step;
mod stored;

pub use complete::{Follower, tell};

/// The plugins of a route, on one worker.
#[derive(Debug, Default)]
pub struct Chain {
    links: Vec<Link>,
    /// Whether a plugin is told when a request is over.
    is_followed: bool,
    /// Whether the last plugin is asked in place of an upstream.
    is_answered: bool,
}

/// How the way in ended.
#[derive(Debug)]
pub struct Entered {
    pub context: Box<Context>,
    pub body: Body,
    /// How many plugins the request got to: so many have their `on-response` run.
    pub depth: usize,
    pub outcome: Outcome,
}

#[derive(Debug)]
pub enum Outcome {
    /// All plugins let it pass.
    Forward,
    /// A plugin answered: the head is in `context.response`.
    Answered(Body),
    /// It was refused, by whomever the failure names.
    Failed(Failure),
}

/// What a plugin decided: for the access log.
#[derive(Debug, Clone)]
pub struct Decision {
    pub plugin: Arc<str>,
    pub hook: telemetry::Hook,
    pub verdict: Verdict,
    pub wall: Duration,
}

impl Chain {
    pub fn new(links: Vec<Link>) -> Self {
        let is_followed = links.iter().any(|link| link.plugin.follows_requests());
        let is_answered = links.last().is_some_and(|link| link.plugin.answers_requests());
        Self { links, is_followed, is_answered }
    }

    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    pub fn is_followed(&self) -> bool {
        self.is_followed
    }

    /// Who is told of a request that got to the first `depth` plugins, last one first.
    pub fn followers(&self, depth: usize) -> Vec<Follower> {
        let links = self.links.get(..depth).unwrap_or_default().iter().rev();
        links.filter(|link| link.plugin.follows_requests()).filter_map(Follower::of).collect()
    }

    /// The way in: runs `on-request` of each plugin until one answers or fails.
    pub async fn enter(&self, context: Box<Context>, body: Body) -> Entered {
        self.enter_at(0, context, body).await
    }

    /// The way in from this position on, for a request that has no client: see [`Refresh`].
    pub async fn enter_behind(&self, refresh: Refresh, mut context: Box<Context>, body: Body) -> Entered {
        let Refresh { position, fetching, set, remove } = refresh;
        stored::apply(&mut context.all_asked().headers, &set, &remove);
        context.cache.get_or_insert_default().fetching.push(fetching);
        self.enter_at(position + 1, context, body).await
    }

    /// The way in from the plugin at this position on.
    pub async fn enter_at(&self, first: usize, mut context: Box<Context>, mut body: Body) -> Entered {
        for (position, link) in self.links.iter().enumerate().skip(first) {
            context.depth = position;
            if link.plugin.filters_requests() {
                let step;
                (context, body, step) = enter_one(link, position, context, body).await;
                match step {
                    Step::Next => {}
                    // The responder's own `on-response` runs.
                    Step::Answer(answer) => {
                        context.depth = position + 1;
                        return Entered { context, body, depth: position + 1, outcome: Outcome::Answered(answer) };
                    }
                    Step::Serve(answer) => {
                        return Entered { context, body, depth: position, outcome: Outcome::Answered(answer) };
                    }
                    Step::Fail(failure) => {
                        // A plugin that failed is not asked again; one whose client's body was too long is.
                        let asked = usize::from(!failure.is_of(link.plugin.name()));
                        context.depth = position + asked;
                        return Entered { context, body, depth: position + asked, outcome: Outcome::Failed(failure) };
                    }
                }
            }
            if link.plugin.filters_request_bodies() {
                body = filter_request(link, &mut context, body);
            }
        }
        context.depth = self.links.len();
        if self.is_answered
            && let Some(link) = self.links.last()
        {
            // Boxed: a future is moved about whole, and few chains end in such a plugin.
            return Box::pin(handle::answer(link, context, body)).await;
        }
        Entered { context, body, depth: self.links.len(), outcome: Outcome::Forward }
    }

    /// The way out: runs `on-response` of the first `depth` plugins, last one first. No further than to one that has
    /// the request made again.
    pub async fn leave(&self, context: Box<Context>, body: Body, depth: usize) -> (Box<Context>, Body) {
        self.leave_to(0, context, body, depth).await
    }

    /// The way out of a request that has no client: not beyond the plugin that had it fetched.
    pub async fn leave_to(
        &self,
        last: usize,
        mut context: Box<Context>,
        mut body: Body,
        depth: usize,
    ) -> (Box<Context>, Body) {
        for (position, link) in self.links.iter().enumerate().take(depth).skip(last).rev() {
            // Whose failure the response is: it is not asked again.
            if context.failure.as_ref().is_some_and(|failure| failure.is_of(link.plugin.name())) {
                continue;
            }
            let Context { early, response, .. } = &mut *context;
            if let Some(head) = response {
                early.add_to(&mut head.headers, position);
            }
            if link.plugin.filters_responses() {
                (context, body) = leave_one(link, context, body).await;
                if context.cache.as_ref().is_some_and(|notes| notes.again) {
                    // From there on it is made again.
                    context.depth = position;
                    return (context, body);
                }
            }
            if link.plugin.filters_response_bodies() {
                // Boxed: a future is moved about whole, and few plugins filter bodies.
                (context, body) = Box::pin(filter_response(link, context, body)).await;
            }
        }
        (context, body)
    }
}

async fn enter_one(link: &Link, position: usize, mut context: Box<Context>, body: Body) -> (Box<Context>, Body, Step) {
    if let Some(answer) = stored::reuse(link, &mut context) {
        note_reuse(link, &mut context);
        return (context, body, Step::Serve(answer));
    }
    loop {
        context.early.begin(position);
        let started = context.notes_decisions.then(Instant::now);
        let called = call::on_request(link, context).await;
        let verdict;
        (context, verdict) = note(link, Hook::OnRequest, started, called, verdict_name);
        let step = match verdict {
            Ok(RequestVerdict::Next) => Step::Next,
            Ok(RequestVerdict::Respond(answer)) => respond(link, &mut context, Hook::OnRequest, *answer),
            // Boxed: a future is moved about whole, and few plugins ask for a body.
            Ok(RequestVerdict::NeedBody(max)) => return Box::pin(enter_with_body(link, context, body, max)).await,
            Ok(RequestVerdict::Serve(hit)) => match stored::serve(link, &mut context, *hit, Some(position)) {
                Ok(body) => Step::Serve(body),
                Err(problem) => impossible(link, &context, Hook::OnRequest, problem),
            },
            Ok(RequestVerdict::Fetch(fetch)) => match Box::pin(stored::fetch(link, &mut context, *fetch)).await {
                Ok(stored::Next::Again) => continue,
                Ok(stored::Next::Go) => Step::Next,
                Err(problem) => impossible(link, &context, Hook::OnRequest, problem),
            },
            Err(fault) => refuse_or_skip(link, &context, Hook::OnRequest, fault),
        };
        return (context, body, step);
    }
}

async fn enter_with_body(link: &Link, mut context: Box<Context>, body: Body, max: u32) -> (Box<Context>, Body, Step) {
    // Read while no instance is held: a slow client costs no plugin anything.
    let limit = u64::from(max).min(link.plugin.rights.limits.body);
    let bytes = match buffer::read_request(&mut context, body, limit).await {
        Ok(bytes) => bytes,
        Err(Failure::BodyTooLarge { limit: exceeded, .. }) if exceeded == limit => {
            buffer::report_too_long(link, &context, limit);
            return (context, Body::empty(), Step::Fail(Failure::BodyTooLarge { limit, is_told: true }));
        }
        Err(failure) => return (context, Body::empty(), Step::Fail(failure)),
    };
    let started = context.notes_decisions.then(Instant::now);
    let called = call::on_request_body(link, context, &bytes).await;
    let (mut context, verdict) = note(link, Hook::OnRequestBody, started, called, body_verdict_name);
    let step = match verdict {
        Ok(BodyVerdict::Next) => Step::Next,
        Ok(BodyVerdict::Respond(answer)) => respond(link, &mut context, Hook::OnRequestBody, answer),
        Err(fault) => refuse_or_skip(link, &context, Hook::OnRequestBody, fault),
    };
    (context, Body::full(bytes), step)
}

async fn leave_one(link: &Link, context: Box<Context>, body: Body) -> (Box<Context>, Body) {
    let started = context.notes_decisions.then(Instant::now);
    let called = call::on_response(link, context).await;
    let (mut context, verdict) = note(link, Hook::OnResponse, started, called, response_verdict_name);
    let body = buffer::response_left_by_plugin(&mut context, body);
    let step = match verdict {
        Ok(ResponseVerdict::Next) => Step::Next,
        Ok(ResponseVerdict::Replace(answer)) => respond(link, &mut context, Hook::OnResponse, *answer),
        Ok(ResponseVerdict::Serve(hit)) => match stored::serve(link, &mut context, *hit, None) {
            Ok(body) => Step::Serve(body),
            Err(problem) => impossible(link, &context, Hook::OnResponse, problem),
        },
        // Boxed: a future is moved about whole, and few plugins ask for a body.
        Ok(ResponseVerdict::NeedBody(max)) => return Box::pin(leave_with_body(link, context, body, max)).await,
        Err(fault) => refuse_or_skip(link, &context, Hook::OnResponse, fault),
    };
    left(link, context, body, step)
}

async fn leave_with_body(link: &Link, mut context: Box<Context>, body: Body, max: u32) -> (Box<Context>, Body) {
    // Read while no instance is held: a slow upstream costs no plugin anything.
    let limit = u64::from(max).min(link.plugin.rights.limits.body);
    let gathered = match buffer::read_response(&context, body, limit).await {
        Ok(gathered) => gathered,
        Err(failure) => return left(link, context, Body::empty(), Step::Fail(failure)),
    };
    let started = context.notes_decisions.then(Instant::now);
    let (called, body) = match gathered {
        Gathered::Whole(bytes) => (call::on_response_body(link, context, &bytes).await, Body::full(bytes)),
        // Nothing of it is lost, so that it can be passed on where the operator says so.
        Gathered::TooLong(body) => (Called::failed(context, Fault::BodyTooLong { limit }), body),
    };
    let verdict;
    (context, verdict) = note(link, Hook::OnResponseBody, started, called, response_body_verdict_name);
    let body = buffer::response_left_by_plugin(&mut context, body);
    let step = match verdict {
        Ok(ResponseBodyVerdict::Next) => Step::Next,
        Ok(ResponseBodyVerdict::Replace(answer)) => respond(link, &mut context, Hook::OnResponseBody, answer),
        Err(fault) => refuse_or_skip(link, &context, Hook::OnResponseBody, fault),
    };
    left(link, context, body, step)
}

/// Puts the plugin around the request's body. It takes an instance when the first chunk is there.
fn filter_request(link: &Link, context: &mut Context, body: Body) -> Body {
    let body = context.replaced_body.take().map_or(body, Body::full);
    if body.is_end_stream() {
        return body;
    }
    filter::around(link, Hook::OnRequestChunk, context, body, None)
}

/// Puts the plugin around the response's body. An instance is taken while the head can still be another:
/// where there is none, the client gets a whole error instead of half an answer.
async fn filter_response(link: &Link, mut context: Box<Context>, body: Body) -> (Box<Context>, Body) {
    // It failed on this very response.
    if context.failure.as_ref().is_some_and(|failure| failure.is_of(link.plugin.name())) {
        return (context, body);
    }
    let is_bodiless = context.response_is_bodiless();
    if !is_bodiless && body.is_end_stream() {
        return (context, body);
    }
    // Of a body that is not sent it would be just as wrong.
    if let Some(head) = &mut context.response {
        head.headers.remove(CONTENT_LENGTH);
    }
    if is_bodiless {
        return (context, body);
    }
    let started = context.notes_decisions.then(Instant::now);
    match link.pool.check_out(link.metrics.hook(Hook::OnResponseChunk.metric())).await {
        Ok(mut held) => {
            // Nobody knows when the first chunk comes.
            held.let_turn_go();
            let body = filter::around(link, Hook::OnResponseChunk, &mut context, body, Some(held));
            (context, body)
        }
        Err(fault) => {
            let called = Called::<Infallible>::failed(context, fault.clone());
            let (context, _) = note(link, Hook::OnResponseChunk, started, called, |never| match *never {});
            let step = refuse_or_skip(link, &context, Hook::OnResponseChunk, fault);
            left(link, context, body, step)
        }
    }
}

/// The response as a step on the way out leaves it.
fn left(link: &Link, mut context: Box<Context>, body: Body, step: Step) -> (Box<Context>, Body) {
    let passed_on = matches!(step, Step::Next);
    let body = match step {
        Step::Next => body,
        Step::Answer(replacement) | Step::Serve(replacement) => replacement,
        // A response a policy could not look at must not get out.
        Step::Fail(failure) => respond::fail(&mut context, failure),
    };
    let body = if context.cache.is_some() { stored::land(link, &mut context, body, passed_on) } else { body };
    (context, body)
}
