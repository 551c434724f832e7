//! Runs plans, driven by calls that end.
//!
//! A field with a call starts as soon as its parent is there. There is no barrier: what one call
//! brought is completed, and what that makes possible is started, while others are still open. Calls
//! for the fields of one list go out together, so that they can be one call. Operations that came in
//! one request run beside each other, and share nothing but the wait.

mod ask;
mod batch;
mod calls;
mod clock;
mod leaf;
mod tree;

use std::collections::HashMap;
use std::iter::Zip;
use std::rc::Rc;
use std::slice;

use apollo_compiler::ast::Type;
use apollo_compiler::response::JsonMap;
use tollgate_plugin_sdk::log;
use typed_arena::Arena;

use crate::access::{self, Access};
use crate::json::{self, Members};
use crate::kept::Kept;
use crate::operation::Ready;
use crate::plan::{Children, Plan, PlanField, PlanSource};
use crate::schema::{Rest, Service};
use batch::Many;
use calls::Calls;
pub(crate) use calls::{Live, Services};
use clock::Clock;
use tree::{Id, ROOT, Tree, Value};

/// What an operation runs with.
#[derive(Clone, Copy)]
pub(crate) struct Input<'e> {
    service: &'e Service,
    plan: &'e Plan,
    variables: &'e JsonMap,
    introspected: &'e HashMap<String, String>,
    access: &'e Access<'e>,
    timeout_ms: u32,
}

impl<'e> Input<'e> {
    pub(crate) fn new(service: &'e Service, ready: &'e Ready, access: &'e Access<'e>, timeout_ms: u32) -> Self {
        let Ready { plan, variables, introspected } = ready;
        Self { service, plan, variables, introspected, access, timeout_ms }
    }
}

/// The answer to an operation.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) body: Vec<u8>,
    /// Whether nothing went wrong with it.
    pub(crate) is_whole: bool,
    /// What it is made of.
    pub(crate) kept: Kept,
}

/// Runs operations and returns their answers.
pub(crate) fn run(inputs: &[Input<'_>], services: &dyn Services) -> Vec<Answered> {
    let (bodies, clock) = (Arena::new(), Clock::new(services));
    let mut running: Vec<_> = inputs.iter().map(|input| Execution::new(*input, services, &clock, &bodies)).collect();
    let mut open = Vec::new();
    loop {
        open.clear();
        for execution in &mut running {
            execution.go_on();
            open.extend(execution.open());
        }
        let number = match open.as_slice() {
            [] => break,
            // Taking it waits for it.
            [only] => *only,
            several => services.wait_any(several),
        };
        let Some(execution) = running.iter_mut().find(|execution| execution.open().any(|open| open == number)) else {
            break;
        };
        execution.take(number);
    }
    running.iter().map(Execution::answered).collect()
}

/// An operation that runs.
struct Execution<'e> {
    input: Input<'e>,
    services: &'e dyn Services,
    clock: &'e Clock<'e>,
    /// What services answered: the tree points into it.
    bodies: &'e Arena<Vec<u8>>,
    tree: Tree<'e>,
    /// Fields of the root that have not started.
    roots: Zip<slice::Iter<'e, PlanField>, tree::Children>,
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
    fn new(input: Input<'e>, services: &'e dyn Services, clock: &'e Clock<'e>, bodies: &'e Arena<Vec<u8>>) -> Self {
        let mut tree = Tree::new();
        let ids = tree.add_fields(ROOT, &input.plan.fields);
        Self {
            input,
            services,
            clock,
            bodies,
            tree,
            roots: input.plan.fields.iter().zip(ids),
            calls: Calls::new(),
            wanted: Vec::new(),
            arguments: vec![None; input.plan.calls],
            ends_us: clock.now_us() + u64::from(input.timeout_ms) * 1000,
        }
    }

    /// Starts fields of the root and makes calls, as far as that goes without an answer: all fields of a
    /// query at once, those of a mutation one after the other.
    fn go_on(&mut self) {
        if !self.input.plan.kind.is_mutation() {
            while let Some((field, id)) = self.roots.next() {
                self.start(id, field, None);
            }
        }
        loop {
            self.make_calls();
            if self.open().next().is_some() {
                return;
            }
            let Some((field, id)) = self.roots.next() else { return };
            self.start(id, field, None);
        }
    }

    /// The calls whose answers are of use.
    fn open(&self) -> impl Iterator<Item = u32> {
        let is_lost = self.tree.is_lost(ROOT);
        self.calls.open().filter(move |_| !is_lost)
    }

    /// Takes a call's answer, waiting for it if it is not over.
    fn take(&mut self, number: u32) {
        let bodies = self.bodies;
        let taken = self.calls.take(self.services, number, |body| bodies.alloc(body).as_slice());
        self.clock.look();
        let Some((waiters, outcome)) = taken else { return };
        for waiter in waiters {
            self.deliver(waiter, outcome);
        }
    }

    fn answered(&self) -> Answered {
        let mut body = Vec::with_capacity(512);
        self.tree.write(&mut body);
        Answered { body, is_whole: self.tree.errors.is_empty(), kept: self.input.plan.kept.clone() }
    }

    /// The fields of an object.
    fn object(&mut self, id: Id, fields: &'e [PlanField], json: &'e str, members: &Members<'e>) {
        let ids = self.tree.add_fields(id, fields);
        for (field, id) in fields.iter().zip(ids) {
            self.start(id, field, Some((json, members)));
        }
    }

    fn start(&mut self, id: Id, field: &'e PlanField, parent: Option<(&'e str, &Members<'e>)>) {
        if !field.guards.is_empty() && !self.input.access.is_let_on(&field.guards) {
            self.tree.fail(id, "FORBIDDEN", access::refusal(field));
            return;
        }
        match &field.source {
            PlanSource::Typename => self.tree.set(id, Value::Quoted(&field.parent_type)),
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
                Some(value) => self.tree.set(id, value),
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
        let ids = self.tree.add_items(id, items.len(), inner.is_non_null());
        for (id, item) in ids.zip(items) {
            self.complete(id, field, inner, item);
        }
    }

    fn null(&mut self, id: Id, field: &PlanField, ty: &Type) {
        if ty.is_non_null() {
            let name = field.full_name();
            self.tree.fail(id, "NULL_VALUE", format!("there is no value for `{name}`, which must not be null"));
        } else {
            self.tree.set(id, Value::Null);
        }
    }

    fn unfit(&mut self, id: Id, field: &PlanField) {
        let name = field.full_name();
        log::warn(&format!("the value of `{name}` is no {}", field.ty()));
        self.tree.fail(id, "INVALID_VALUE", format!("the value of `{name}` is no {}", field.ty()));
    }
}

#[cfg(test)]
mod tests;
