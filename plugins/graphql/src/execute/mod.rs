//! Runs a plan, driven by calls that end.
//!
//! A field with a call starts as soon as its parent is there. There is no barrier: what one call
//! brought is completed, and what that makes possible is started, while others are still open. Calls
//! for the fields of one list go out together, so that they can be one call.

mod batch;
mod calls;
mod leaf;
mod tree;

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use apollo_compiler::ast::Type;
use apollo_compiler::response::JsonMap;
use tollgate_plugin_sdk::log;
use typed_arena::Arena;

use crate::access::Access;
use crate::json::{self, Members};
use crate::plan::{self, Children, Plan, PlanField, PlanSource};
use crate::schema::{NoCall, Rest, Service, Source, Values};
use batch::Many;
use calls::{Calls, Failure};
pub(crate) use calls::{Live, Services};
use tree::{Id, Key, ROOT, Tree, Value};

/// What an operation runs with.
#[derive(Clone, Copy)]
pub(crate) struct Input<'e> {
    pub(crate) service: &'e Service,
    pub(crate) plan: &'e Plan,
    pub(crate) variables: &'e JsonMap,
    pub(crate) access: &'e Access<'e>,
    /// Answers to `__schema` and `__type`, by their name in the answer.
    pub(crate) introspected: &'e HashMap<String, String>,
    pub(crate) services: &'e dyn Services,
    pub(crate) timeout_ms: u32,
}

/// Runs a whole operation and returns the answer's body.
pub(crate) fn run(input: Input<'_>) -> Vec<u8> {
    let bodies = Arena::new();
    let mut execution = Execution {
        input,
        bodies: &bodies,
        tree: Tree::new(),
        calls: Calls::new(),
        wanted: Vec::new(),
        arguments: vec![None; input.plan.calls],
        ends_us: input.services.now_us() + u64::from(input.timeout_ms) * 1000,
    };
    execution.root();
    execution.tree.write()
}

/// An operation that runs.
struct Execution<'e> {
    input: Input<'e>,
    /// What services answered: the tree points into it.
    bodies: &'e Arena<Vec<u8>>,
    tree: Tree<'e>,
    calls: Calls<'e, Waiter<'e>>,
    /// Fields whose calls are still to be made.
    wanted: Vec<Wanted<'e>>,
    /// Coerced once for each field with a call.
    arguments: Vec<Option<Result<Rc<JsonMap>, String>>>,
    ends_us: u64,
}

/// A value that a call is to bring.
#[derive(Debug, Clone, Copy)]
struct Wanted<'e> {
    id: Id,
    field: &'e PlanField,
    call: usize,
    parent: Option<&'e str>,
}

/// Who waits for a call.
#[derive(Debug)]
enum Waiter<'e> {
    One(&'e Rest, Wanted<'e>),
    Many(Many<'e>),
}

impl<'e> Execution<'e> {
    /// The fields of the root: all at once, but those of a mutation one after the other.
    fn root(&mut self) {
        let plan = self.input.plan;
        let ids: Vec<Id> = plan.fields.iter().map(|field| self.add(ROOT, field)).collect();
        self.tree.set(ROOT, Value::Object(ids.clone()));
        for (field, id) in plan.fields.iter().zip(ids) {
            self.start(id, field, None);
            if plan.kind.is_mutation() {
                self.until_idle();
            }
        }
        self.until_idle();
    }

    /// Makes calls and takes their answers until there is nothing to wait for.
    fn until_idle(&mut self) {
        loop {
            self.make_calls();
            let bodies = self.bodies;
            let next = self.calls.next(self.input.services, |body| bodies.alloc(body).as_slice());
            let Some((waiters, outcome)) = next else { break };
            for waiter in waiters {
                self.deliver(waiter, outcome);
            }
            if self.tree.is_lost(ROOT) {
                break;
            }
        }
    }

    fn add(&mut self, parent: Id, field: &'e PlanField) -> Id {
        self.tree.add(parent, Key::Field(field), field.ty().is_non_null())
    }

    /// The fields of an object.
    fn object(&mut self, id: Id, fields: &'e [PlanField], json: &'e str, members: &Members<'e>) {
        let ids: Vec<Id> = fields.iter().map(|field| self.add(id, field)).collect();
        self.tree.set(id, Value::Object(ids.clone()));
        for (field, id) in fields.iter().zip(ids) {
            self.start(id, field, Some((json, members)));
        }
    }

    fn start(&mut self, id: Id, field: &'e PlanField, parent: Option<(&'e str, &Members<'e>)>) {
        if !field.guards.is_empty() && !self.input.access.is_let_on(&field.guards) {
            let name = format!("{}.{}", field.parent_type, field.definition.name);
            self.tree.fail(id, "FORBIDDEN", format!("`{name}` is not for you"));
            return;
        }
        match &field.source {
            PlanSource::Typename => self.tree.set(id, Value::Made(json::quoted(&field.parent_type))),
            PlanSource::Introspection => match self.input.introspected.get(&field.key) {
                Some(json) => self.tree.set(id, Value::Json(json)),
                None => self.tree.set(id, Value::Null),
            },
            PlanSource::Member(path) => {
                let value = parent.and_then(|(_, members)| path.find_in(members)).unwrap_or("null");
                self.complete(id, field, field.ty(), value);
            }
            PlanSource::Call(call) => {
                let parent = parent.map(|(json, _)| json);
                self.wanted.push(Wanted { id, field, call: *call, parent });
            }
        }
    }

    /// A value is there (section 6.4.3 of the specification).
    fn complete(&mut self, id: Id, field: &'e PlanField, ty: &'e Type, value: &'e str) {
        if value == "null" {
            return self.null(id, field, ty);
        }
        if let Type::List(inner) | Type::NonNullList(inner) = ty {
            return self.list(id, field, inner, value);
        }
        match &field.children {
            Children::Leaf(leaf) => match leaf::coerce(leaf, value) {
                Some(Cow::Borrowed(json)) => self.tree.set(id, Value::Json(json)),
                Some(Cow::Owned(json)) => self.tree.set(id, Value::Made(json)),
                None => self.unfit(id, field),
            },
            Children::Objects(types) => {
                let Some(members) = Members::of(value) else { return self.unfit(id, field) };
                let found = match types.as_slice() {
                    [only] => Some(only),
                    several => {
                        let name = members.get("__typename").and_then(json::text);
                        several.iter().find(|(ty, _)| name.as_deref() == Some(ty.as_str()))
                    }
                };
                match found {
                    Some((_, fields)) => self.object(id, fields, value, &members),
                    None => self.unfit(id, field),
                }
            }
        }
    }

    fn list(&mut self, id: Id, field: &'e PlanField, inner: &'e Type, value: &'e str) {
        let Some(items) = json::items(value) else { return self.unfit(id, field) };
        if self.tree.is_full(items.len()) {
            self.tree.fail(id, "RESPONSE_TOO_LARGE", "the answer has too many values");
            return;
        }
        let items: Vec<(Id, &'e str)> = items
            .into_iter()
            .enumerate()
            .map(|(index, item)| (self.tree.add(id, Key::Index(index), inner.is_non_null()), item))
            .collect();
        self.tree.set(id, Value::List(items.iter().map(|(id, _)| *id).collect()));
        for (id, item) in items {
            self.complete(id, field, inner, item);
        }
    }

    fn null(&mut self, id: Id, field: &PlanField, ty: &Type) {
        if ty.is_non_null() {
            let name = format!("{}.{}", field.parent_type, field.definition.name);
            self.tree.fail(id, "NULL_VALUE", format!("there is no value for `{name}`, which must not be null"));
        } else {
            self.tree.set(id, Value::Null);
        }
    }

    fn unfit(&mut self, id: Id, field: &PlanField) {
        let name = format!("{}.{}", field.parent_type, field.definition.name);
        log::warn(&format!("the value of `{name}` is no {}", field.ty()));
        self.tree.fail(id, "INVALID_VALUE", format!("the value of `{name}` is no {}", field.ty()));
    }

    /// Makes the calls of all fields that want one. What is known already is delivered at once, and
    /// may want more.
    fn make_calls(&mut self) {
        while !self.wanted.is_empty() {
            let mut groups: Vec<Vec<Wanted<'e>>> = Vec::new();
            for wanted in std::mem::take(&mut self.wanted) {
                match groups.iter_mut().find(|group| group.first().is_some_and(|first| first.call == wanted.call)) {
                    Some(group) => group.push(wanted),
                    None => groups.push(vec![wanted]),
                }
            }
            for group in groups {
                self.make_calls_of(group);
            }
        }
    }

    /// The calls of one field, for all its parents.
    fn make_calls_of(&mut self, mut group: Vec<Wanted<'e>>) {
        group.retain(|wanted| !self.tree.is_lost(wanted.id));
        let Some(first) = group.first() else { return };
        let service = self.input.service;
        let info = service.field(&first.field.parent_type, &first.field.definition.name);
        let Some(Source::Rest(rest)) = info.map(|info| &info.source) else { return };
        let arguments = match self.arguments_of(first) {
            Ok(arguments) => arguments,
            Err(message) => {
                for wanted in group {
                    self.tree.fail(wanted.id, "BAD_USER_INPUT", message.clone());
                }
                return;
            }
        };
        match &rest.batch {
            Some(batch) if group.len() > 1 => self.make_batches(rest, batch, &group, &arguments),
            _ => {
                for wanted in group {
                    let values = Values { args: &arguments, parent: wanted.parent, keys: None };
                    let call = rest.call(&values, self.within_ms());
                    self.make(rest, call, Waiter::One(rest, wanted));
                }
            }
        }
    }

    fn make(
        &mut self,
        rest: &Rest,
        call: Result<tollgate_plugin_sdk::http_client::Outbound, NoCall>,
        waiter: Waiter<'e>,
    ) {
        match call {
            Ok(_) if self.within_ms() == 0 => self.deliver(waiter, Err(Failure::Timeout)),
            Ok(call) => {
                if let Some((waiter, outcome)) = self.calls.make(self.input.services, call, rest.is_safe(), waiter) {
                    self.deliver(waiter, outcome);
                }
            }
            Err(NoCall::Null) => self.deliver(waiter, Ok("null")),
            Err(NoCall::Unfit) => {
                let ids: Vec<Id> = match &waiter {
                    Waiter::One(_, wanted) => vec![wanted.id],
                    Waiter::Many(many) => many.wanted().map(|wanted| wanted.id).collect(),
                };
                for id in ids {
                    self.tree.fail(id, "BAD_USER_INPUT", "a value is not acceptable in a path");
                }
            }
        }
    }

    fn deliver(&mut self, waiter: Waiter<'e>, outcome: Result<&'e str, Failure>) {
        match waiter {
            Waiter::One(rest, wanted) => {
                let outcome = outcome.map(|json| rest.select(json).unwrap_or("null"));
                self.bring(wanted, outcome);
            }
            Waiter::Many(many) => self.deliver_batch(&many, outcome),
        }
    }

    fn bring(&mut self, wanted: Wanted<'e>, outcome: Result<&'e str, Failure>) {
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

    fn within_ms(&self) -> u32 {
        let left = self.ends_us.saturating_sub(self.input.services.now_us()) / 1000;
        u32::try_from(left).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
