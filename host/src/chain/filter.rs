//! A body as a plugin changes it while it passes: pulled chunk by chunk by whoever sends it on.
//!
//! Absent on purpose: buffering. A chunk is read when the one before is gone. And a body never goes on for long
//! without letting its worker look at what else there is, however much of it is there at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::unfold;
use http_body::Frame;

use super::Decision;
use super::step::{report, skips};
use crate::body::{Body, BodyError, Chunks, Fault as BodyFault, Side};
use crate::context::{Context, FilteredBodies};
use crate::give_way::give_way;
use crate::plugin::bindings::exports::tollgate::plugin::body_filter::ChunkVerdict;
use crate::plugin::call::{self, Called};
use crate::plugin::fault::Fault;
use crate::plugin::link::Link;
use crate::plugin::pool::CheckedOut;
use crate::plugin::state::Hook;
use crate::respond::Failure;
use crate::telemetry::Verdict;

/// CPU time of a body's hooks from which on the worker looks at its sockets before the next one.
const LONG: Duration = Duration::from_micros(100);

/// Longest text of a `fail` in the log, in bytes; the rest is cut.
const MAX_REASON: usize = 4096;

/// How a body ends that a plugin cut off. Which one, and why, is in the request's `FilteredBodies`.
const CUT_OFF: BodyError = BodyError { side: Side::Plugin, fault: BodyFault::Broken };

/// The body with the plugin's hook around it. Where no instance is `held` yet, one is checked out for
/// the first chunk.
pub(super) fn around(link: &Link, hook: Hook, context: &mut Context, body: Body, held: Option<CheckedOut>) -> Body {
    let chunks = Chunks::of(body, link.plugin.rights.limits.chunk);
    let filter = Filter { chunks, stage: Stage::Shown(Session::new(link, hook, context, held)) };
    Body::streamed(unfold(Box::new(filter), |mut filter| async move {
        let frame = filter.next().await?;
        Some((frame, filter))
    }))
}

struct Filter {
    chunks: Chunks,
    stage: Stage,
}

enum Stage {
    /// The plugin is shown each chunk.
    Shown(Session),
    /// What is left passes without being shown.
    Passing,
    /// The body broke off, or was cut off.
    Over,
}

impl Filter {
    /// What goes out next.
    async fn next(&mut self) -> Option<Result<Frame<Bytes>, BodyError>> {
        loop {
            let session = match std::mem::replace(&mut self.stage, Stage::Over) {
                Stage::Shown(session) => session,
                Stage::Passing => {
                    self.stage = Stage::Passing;
                    return self.chunks.rest().await;
                }
                Stage::Over => return None,
            };
            let (chunk, is_last) = match self.chunks.next().await {
                Ok(Some(next)) => next,
                Ok(None) => {
                    session.end();
                    self.stage = Stage::Passing;
                    continue;
                }
                Err(error) => return Some(Err(error)),
            };
            let bytes = match session.show(chunk, is_last).await {
                Shown::Next(session, bytes) => {
                    self.stage = Stage::Shown(session);
                    bytes
                }
                Shown::Last(bytes) => {
                    self.stage = Stage::Passing;
                    bytes
                }
                Shown::CutOff => return Some(Err(CUT_OFF)),
            };
            if !bytes.is_empty() {
                return Some(Ok(Frame::data(bytes)));
            }
        }
    }
}

/// One body, and the instance that is held for it. Dropped in the middle, the instance is retired: it
/// knows a part of a body that does not go on.
struct Session {
    link: Link,
    hook: Hook,
    /// Lent to the instance for each chunk.
    context: Box<Context>,
    held: Option<CheckedOut>,
    /// Whether the plugin put anything in the place of a chunk.
    has_replaced: bool,
    /// CPU time of the hooks since the worker looked at its sockets.
    used: Duration,
    tally: Tally,
}

/// What goes on in the place of a chunk.
enum Shown {
    Next(Session, Bytes),
    /// The plugin is not shown what follows.
    Last(Bytes),
    CutOff,
}

impl Session {
    fn new(link: &Link, hook: Hook, context: &mut Context, held: Option<CheckedOut>) -> Self {
        let (context, filtered) = context.for_body();
        let tally = Tally {
            plugin: Arc::clone(link.plugin.name()),
            hook,
            filtered,
            is_read: context.notes_decisions,
            verdict: None,
            wall: Duration::ZERO,
        };
        Self { link: link.clone(), hook, context, held, has_replaced: false, used: Duration::ZERO, tally }
    }

    async fn show(mut self, chunk: Bytes, is_last: bool) -> Shown {
        if self.used >= LONG {
            self.used = Duration::ZERO;
            give_way().await;
        }
        let started = self.tally.is_read.then(Instant::now);
        let mut held = match self.held.take() {
            Some(held) => Ok(held),
            None => self.link.pool.check_out(self.link.metrics.hook(self.hook.metric())).await,
        };
        let called = match &mut held {
            Ok(held) => call::on_chunk(&self.link, held, self.hook, self.context, &chunk, is_last).await,
            Err(fault) => Called::failed(self.context, fault.clone()),
        };
        self.context = called.context;
        self.used += called.cpu;
        self.tally.wall += started.map_or(Duration::ZERO, |started| started.elapsed());
        // Once it has replaced a part, the rest as it was would make a mixture of two bodies.
        let skip = |fault: &Fault| skips(&self.link, fault) && !self.has_replaced;
        let name = verdict_name(&called.verdict, skip);
        self.link.metrics.hook(self.hook.metric()).called(name, called.cpu);
        self.tally.verdict = Some(name);

        let (bytes, is_over) = match called.verdict {
            Ok(ChunkVerdict::Pass) => (chunk, is_last),
            Ok(ChunkVerdict::Replace(bytes)) => {
                self.has_replaced = true;
                (bytes.into(), is_last)
            }
            Ok(ChunkVerdict::Done) => (chunk, true),
            Ok(ChunkVerdict::Fail(reason)) => {
                self.held = held.ok();
                return self.refuse(reason);
            }
            Err(fault) => {
                let skip = skip(&fault);
                report(&self.link, &self.context, self.hook, &fault, skip);
                return if skip {
                    Shown::Last(chunk)
                } else {
                    self.cut_off(Failure::Plugin { name: Arc::clone(self.link.plugin.name()), fault })
                };
            }
        };
        self.held = held.ok();
        if is_over {
            self.end();
            return Shown::Last(bytes);
        }
        Shown::Next(self, bytes)
    }

    fn refuse(self, mut reason: String) -> Shown {
        let (plugin, context, hook) = (self.link.plugin.name(), &self.context, self.hook.name());
        if self.link.pool.tells_failure() {
            reason.truncate(reason.floor_char_boundary(MAX_REASON));
            tracing::warn!(%plugin, route = %context.route, hook, id = %context.id, "plugin refused a body: {reason}");
        }
        let is_request = self.hook == Hook::OnRequestChunk;
        let shown = self.cut_off(Failure::BodyRefused { name: Arc::clone(plugin), is_request });
        self.end();
        shown
    }

    fn cut_off(&self, failure: Failure) -> Shown {
        self.tally.filtered.failed(failure);
        Shown::CutOff
    }

    /// The plugin is done with the body.
    fn end(self) {
        if let Some(held) = self.held {
            held.give_back();
        }
    }
}

/// What the access log is told of a body when it is over, however it ends.
struct Tally {
    plugin: Arc<str>,
    hook: Hook,
    filtered: Arc<FilteredBodies>,
    is_read: bool,
    /// What the plugin said last.
    verdict: Option<Verdict>,
    /// Of all chunks.
    wall: Duration,
}

impl Drop for Tally {
    fn drop(&mut self) {
        if let (true, Some(verdict)) = (self.is_read, self.verdict) {
            let plugin = Arc::clone(&self.plugin);
            self.filtered.decided(Decision { plugin, hook: self.hook.metric(), verdict, wall: self.wall });
        }
    }
}

fn verdict_name(verdict: &Result<ChunkVerdict, Fault>, skips: impl Fn(&Fault) -> bool) -> Verdict {
    match verdict {
        Ok(ChunkVerdict::Pass) => Verdict::Pass,
        Ok(ChunkVerdict::Replace(_)) => Verdict::Replace,
        Ok(ChunkVerdict::Done) => Verdict::Done,
        Ok(ChunkVerdict::Fail(_)) => Verdict::Fail,
        Err(fault) if skips(fault) => Verdict::Skipped,
        Err(_) => Verdict::Error,
    }
}
