//! Calling the parts: each as soon as what it is made of is there.
//!
//! No part waits for one it has nothing to do with. Absent on purpose: what becomes of the answers,
//! which is `compose`'s.

use std::borrow::Cow;

use tollgate_plugin_sdk::{clock, http_client, log};

use crate::failure::Failure;
use crate::json::Json;
use crate::part::{ClientBody, Otherwise, Part};
use crate::plan::Plan;
use crate::source::Values;

/// What became of the parts, in the order of the config.
#[derive(Debug)]
pub(crate) struct Answers {
    /// `None` for a part that is not there.
    pub(crate) values: Vec<Option<Json>>,
    /// Whether the part, or an item of it, should have been there.
    pub(crate) missing: Vec<bool>,
    /// Whether a default is there in place of what failed.
    pub(crate) has_defaults: bool,
}

impl Answers {
    /// What takes the place of a part, or of an item of it, that failed. A default is written as the client is to
    /// see it.
    pub(crate) fn instead<'a>(
        &mut self,
        index: usize,
        part: &'a Part,
        failure: Failure,
    ) -> Result<Option<Json>, Stop<'a>> {
        match &part.otherwise {
            // No mode of a part makes a request good that tries to leave the part's path.
            _ if matches!(failure, Failure::BadRequest(_)) => Err(Stop { part, failure }),
            Otherwise::Fail => Err(Stop { part, failure }),
            Otherwise::LeaveOut => {
                report(part, &failure);
                self.missing[index] = true;
                Ok(None)
            }
            Otherwise::Default(default) => {
                report(part, &failure);
                self.has_defaults = true;
                Ok(Some(default.clone()))
            }
        }
    }
}

/// Why there can be no whole.
#[derive(Debug)]
pub(crate) struct Stop<'a> {
    pub(crate) part: &'a Part,
    pub(crate) failure: Failure,
}

/// Calls all parts and waits for them, `timeout_ms` at the most: without an end of its own the gateway would
/// end the hook, and nothing would be answered with what is there. Calls still open when it stops are
/// cancelled by the gateway.
pub(crate) fn run<'a>(
    parts: &'a [Part],
    plan: &'a Plan,
    timeout_ms: u32,
    body: &'a ClientBody,
) -> Result<Answers, Stop<'a>> {
    let count = parts.len();
    let mut run = Run {
        parts,
        plan,
        body,
        raw: vec![None; count],
        answers: Answers { values: vec![None; count], missing: vec![false; count], has_defaults: false },
        stages: (0..count).map(|_| Stage::Waiting).collect(),
        open: Vec::with_capacity(count),
        // No part may take longer than all of them, so where all begin now nobody need ask for the time.
        ends_us: (!plan.is_one_round).then(|| clock::monotonic_us() + u64::from(timeout_ms) * 1000),
        left_ms: timeout_ms,
    };
    loop {
        run.start_what_can()?;
        if run.open.is_empty() {
            return Ok(run.answers);
        }
        let call = run.next_over();
        let answer = run.parts[call.part].take(call.number);
        run.look_at_the_clock();
        run.record(&call, answer)?;
        run.call_items(call.part)?;
    }
}

struct Run<'a> {
    parts: &'a [Part],
    plan: &'a Plan,
    body: &'a ClientBody,
    /// What the parts answered, as it came, where another part is made of it.
    raw: Vec<Option<Json>>,
    /// What of it goes into the whole.
    answers: Answers,
    stages: Vec<Stage>,
    open: Vec<Call>,
    /// When all must be there, where that matters.
    ends_us: Option<u64>,
    /// Until then, as of the last call that was over.
    left_ms: u32,
}

enum Stage {
    Waiting,
    /// One call.
    Called,
    /// One call for each item.
    Fanned(Fan),
    Over,
}

struct Fan {
    items: Vec<Json>,
    answers: Vec<Answered>,
    /// Items called so far.
    called: usize,
    /// Calls that are over.
    over: usize,
}

/// What came of one call.
#[derive(Clone, Default)]
struct Answered {
    raw: Option<Json>,
    shaped: Option<Json>,
}

struct Call {
    number: u32,
    part: usize,
    item: usize,
}

impl<'a> Run<'a> {
    /// A part that ends without a call may be all another one waits for, so until nothing changes.
    fn start_what_can(&mut self) -> Result<(), Stop<'a>> {
        let ready = |run: &Self, part: usize| {
            matches!(run.stages[part], Stage::Waiting)
                && run.plan.needs[part].iter().all(|need| matches!(run.stages[*need], Stage::Over))
        };
        while let Some(part) = (0..self.parts.len()).find(|part| ready(self, *part)) {
            self.start(part)?;
        }
        Ok(())
    }

    fn start(&mut self, index: usize) -> Result<(), Stop<'a>> {
        let part = &self.parts[index];
        let values = self.values(None);
        if !part.when.iter().all(|condition| condition.holds(values)) {
            self.stages[index] = Stage::Over;
            return Ok(());
        }
        let Some(each) = &part.each else {
            let call = part.call(values, self.body);
            self.stages[index] = Stage::Called;
            return self.submit(index, 0, call);
        };
        match each.items(values) {
            Ok(items) => {
                let answers = vec![Answered::default(); items.len()];
                self.stages[index] = Stage::Fanned(Fan { items, answers, called: 0, over: 0 });
                self.call_items(index)
            }
            Err(failure) => {
                let instead = self.instead(index, failure)?;
                self.end(index, instead);
                Ok(())
            }
        }
    }

    /// Calls as many items as may be called now, if the part has any.
    fn call_items(&mut self, index: usize) -> Result<(), Stop<'a>> {
        let part = &self.parts[index];
        let Some(each) = &part.each else { return Ok(()) };
        loop {
            let Stage::Fanned(fan) = &mut self.stages[index] else { return Ok(()) };
            if fan.over == fan.items.len() {
                break;
            }
            if fan.called == fan.items.len() || fan.called - fan.over >= each.concurrency {
                return Ok(());
            }
            let item = fan.called;
            fan.called += 1;
            let Stage::Fanned(fan) = &self.stages[index] else { return Ok(()) };
            let call = part.call(self.values(fan.items.get(item)), self.body);
            self.submit(index, item, call)?;
        }
        let Stage::Fanned(fan) = std::mem::replace(&mut self.stages[index], Stage::Over) else { return Ok(()) };
        let (raw, shaped): (Vec<_>, Vec<_>) =
            fan.answers.into_iter().map(|answered| (answered.raw, answered.shaped)).unzip();
        let array = |items: Vec<Option<Json>>| Some(Json::Array(items.into_iter().flatten().collect()));
        self.end(index, Answered { raw: array(raw), shaped: array(shaped) });
        Ok(())
    }

    fn submit(
        &mut self,
        part: usize,
        item: usize,
        call: Result<Cow<'_, http_client::Outbound>, Failure>,
    ) -> Result<(), Stop<'a>> {
        match call {
            Ok(_) if self.left_ms == 0 => self.record(&Call { number: 0, part, item }, Err(Failure::Timeout)),
            Ok(mut call) => {
                if call.timeout_ms > self.left_ms {
                    call.to_mut().timeout_ms = self.left_ms;
                }
                self.open.push(Call { number: http_client::submit(&call), part, item });
                Ok(())
            }
            Err(failure) => self.record(&Call { number: 0, part, item }, Err(failure)),
        }
    }

    fn look_at_the_clock(&mut self) {
        if let Some(ends_us) = self.ends_us {
            let left = ends_us.saturating_sub(clock::monotonic_us()) / 1000;
            self.left_ms = u32::try_from(left).unwrap_or(u32::MAX);
        }
    }

    /// The call that is over first, where somebody waits for it; else the last one: asking is saved, and most often
    /// the others are over by then, so that it waits once.
    fn next_over(&mut self) -> Call {
        let somebody_waits = self.stages.iter().any(|stage| match stage {
            Stage::Waiting => true,
            Stage::Fanned(fan) => fan.called < fan.items.len(),
            Stage::Called | Stage::Over => false,
        });
        let mut place = self.open.len() - 1;
        if somebody_waits && self.open.len() > 1 {
            let numbers: Vec<u32> = self.open.iter().map(|call| call.number).collect();
            let over = http_client::wait_any(&numbers);
            place = numbers.iter().position(|number| *number == over).unwrap_or(place);
        }
        self.open.remove(place)
    }

    fn record(&mut self, call: &Call, answer: Result<Json, Failure>) -> Result<(), Stop<'a>> {
        let answered = match answer.and_then(|answer| self.shaped(call.part, answer)) {
            Ok(answered) => answered,
            Err(failure) => self.instead(call.part, failure)?,
        };
        if let Stage::Fanned(fan) = &mut self.stages[call.part] {
            fan.over += 1;
            if let Some(place) = fan.answers.get_mut(call.item) {
                *place = answered;
            }
        } else {
            self.end(call.part, answered);
        }
        Ok(())
    }

    fn end(&mut self, index: usize, answered: Answered) {
        self.raw[index] = answered.raw;
        self.answers.values[index] = answered.shaped;
        self.stages[index] = Stage::Over;
    }

    fn shaped(&self, index: usize, answer: Json) -> Result<Answered, Failure> {
        let raw = self.plan.referenced[index].then(|| answer.clone());
        let part = &self.parts[index];
        match part.shape.apply(answer) {
            Some(shaped) if !part.place.takes(&shaped) => {
                Err(Failure::Upstream("the answer is no object, whose members could go to the top".to_owned()))
            }
            Some(shaped) => Ok(Answered { raw, shaped: Some(shaped) }),
            None => Err(Failure::Upstream("the answer has nothing where `shape.select` points".to_owned())),
        }
    }

    /// What takes the place of what failed, for other parts as for the client: a default is not shaped.
    fn instead(&mut self, index: usize, failure: Failure) -> Result<Answered, Stop<'a>> {
        let instead = self.answers.instead(index, &self.parts[index], failure)?;
        Ok(Answered { raw: instead.clone(), shaped: instead })
    }

    fn values<'v>(&'v self, item: Option<&'v Json>) -> Values<'v> {
        Values { answers: &self.raw, body: self.body.json.as_ref(), item }
    }
}

/// Tells the operator what the client is not told.
pub(crate) fn report(part: &Part, failure: &Failure) {
    let line = format!("part `{}` of {}: {failure}", part.name, part.target_name());
    match failure {
        Failure::BadRequest(_) | Failure::Missing(_) => log::info(&line),
        Failure::Setup(_) => log::error(&line),
        Failure::Timeout | Failure::Upstream(_) => log::warn(&line),
    }
}
