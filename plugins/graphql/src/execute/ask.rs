//! From fields that want a value to calls, and back.

use std::rc::Rc;

use apollo_compiler::response::JsonMap;
use tollgate_plugin_sdk::http_client::Outbound;

use super::calls::Failure;
use super::{Execution, Waiter, Wanted};
use crate::plan;
use crate::schema::{NoCall, Rest, Source, Values};

impl<'e> Execution<'e> {
    /// Makes the calls of all fields that want one. What is known already is delivered at once, and
    /// may want more.
    pub(super) fn make_calls(&mut self) {
        while !self.wanted.is_empty() {
            let mut wanted = std::mem::take(&mut self.wanted);
            wanted.sort_by_key(|wanted| wanted.call);
            for group in wanted.chunk_by(|one, other| one.call == other.call) {
                self.make_calls_of(group);
            }
        }
    }

    /// The calls of one field, for all its parents.
    fn make_calls_of(&mut self, group: &[Wanted<'e>]) {
        let Some(first) = group.iter().find(|wanted| !self.tree.is_lost(wanted.id)) else { return };
        let info = self.input.service.field(&first.field.parent_type, &first.field.definition.name);
        let Some(Source::Rest(rest)) = info.map(|info| &info.source) else { return };
        match (self.arguments_of(first), &rest.batch) {
            (Err(message), _) => {
                for wanted in group {
                    self.tree.fail(wanted.id, "BAD_USER_INPUT", message.clone());
                }
            }
            (Ok(arguments), Some(batch)) if group.len() > 1 => self.make_batches(rest, batch, group, &arguments),
            (Ok(arguments), _) => {
                for wanted in group {
                    if !self.tree.is_lost(wanted.id) {
                        let values = Values { args: &arguments, parent: wanted.parent, keys: None };
                        let call = rest.call(&values, self.within_ms());
                        self.make(rest, call, Waiter::One(rest, *wanted));
                    }
                }
            }
        }
    }

    pub(super) fn make(&mut self, rest: &Rest, call: Result<Outbound, NoCall>, waiter: Waiter<'e>) {
        match call {
            Ok(_) if self.within_ms() == 0 => self.deliver(waiter, Err(Failure::Timeout)),
            Ok(call) => {
                if self.input.plan.kind.is_mutation() && !rest.is_safe() {
                    // What was read before may be other than what is there now.
                    self.calls.forget();
                }
                if let Some((waiter, outcome)) = self.calls.make(self.services, call, rest.is_safe(), waiter) {
                    self.deliver(waiter, outcome);
                }
            }
            Err(NoCall::Null) => self.deliver(waiter, Ok("null")),
            Err(NoCall::Unfit) => {
                for wanted in waiter.wanted() {
                    self.tree.fail(
                        wanted.id,
                        "BAD_USER_INPUT",
                        "a value is not acceptable in a path or a header field",
                    );
                }
            }
        }
    }

    pub(super) fn deliver(&mut self, waiter: Waiter<'e>, outcome: Result<&'e str, Failure>) {
        match waiter {
            Waiter::One(rest, wanted) => {
                let outcome = outcome.map(|json| rest.select(json).unwrap_or("null"));
                self.bring(wanted, outcome);
            }
            Waiter::Many(many) => self.deliver_batch(&many, outcome),
        }
    }

    pub(super) fn bring(&mut self, wanted: Wanted<'e>, outcome: Result<&'e str, Failure>) {
        if self.tree.is_lost(wanted.id) {
            return;
        }
        match outcome {
            Ok(json) => self.complete(wanted.id, wanted.field, wanted.field.ty(), json),
            Err(failure) => self.tree.fail(wanted.id, failure.code(), failure.message()),
        }
    }

    fn arguments_of(&mut self, wanted: &Wanted<'e>) -> Result<Rc<JsonMap>, String> {
        let (field, input) = (wanted.field, self.input);
        let coerce = || {
            let definitions = &field.definition.arguments;
            plan::coerce(&input.service.schema, definitions, &field.arguments, input.variables).map(Rc::new)
        };
        match self.arguments.get_mut(wanted.call) {
            Some(known) => known.get_or_insert_with(coerce).clone(),
            None => coerce(),
        }
    }

    pub(super) fn within_ms(&self) -> u32 {
        let left = self.ends_us.saturating_sub(self.clock.now_us()) / 1000;
        u32::try_from(left).unwrap_or(u32::MAX)
    }
}

impl<'e> Waiter<'e> {
    fn wanted(&self) -> Vec<Wanted<'e>> {
        match self {
            Self::One(_, wanted) => vec![*wanted],
            Self::Many(many) => many.wanted().copied().collect(),
        }
    }
}
