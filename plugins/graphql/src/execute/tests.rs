//! The order of calls, with services that answer when the test says so.

use std::cell::{Cell, RefCell};

use super::*;
use crate::plan;
use apollo_compiler::ExecutableDocument;
use apollo_compiler::validation::Valid;
use tollgate_plugin_sdk::http_client::{ClientError, Content, Outbound};

const SDL: &str = r#"
type Query {
  slow: Node @rest(upstream: "u", path: "/slow")
  fast: Node @rest(upstream: "u", path: "/fast")
}
type Mutation { change: Node @rest(upstream: "u", method: "POST", path: "/change") }
type Node { id: ID next: Node @rest(upstream: "u", path: "/next") must: Node! @rest(upstream: "u", path: "/must") }
"#;

/// Whatever is asked for, `/slow` ends last, and `/must` fails.
#[derive(Default)]
struct Slow {
    calls: RefCell<Vec<Outbound>>,
    events: RefCell<Vec<String>>,
    now_us: Cell<u64>,
    /// How long an answer takes.
    each_us: u64,
}

impl Slow {
    fn path(&self, call: u32) -> String {
        self.calls.borrow()[usize::try_from(call).unwrap() - 1].path.clone()
    }
}

impl Services for Slow {
    fn submit(&self, call: &Outbound) -> u32 {
        self.calls.borrow_mut().push(call.clone());
        self.events.borrow_mut().push(format!("ask {}", call.path));
        u32::try_from(self.calls.borrow().len()).unwrap()
    }

    fn wait_any(&self, calls: &[u32]) -> u32 {
        *calls.iter().find(|call| self.path(**call) != "/slow").unwrap_or(&calls[0])
    }

    fn take(&self, call: u32) -> Result<Content, ClientError> {
        let path = self.path(call);
        self.events.borrow_mut().push(format!("take {path}"));
        self.now_us.set(self.now_us.get() + self.each_us);
        if path == "/must" {
            Err(ClientError::Timeout)
        } else {
            Ok(Content { status: 200, body: br#"{"id":1}"#.to_vec() })
        }
    }

    fn now_us(&self) -> u64 {
        self.now_us.get()
    }
}

fn run_with(services: &Slow, query: &str) -> String {
    run_all(services, &[query]).remove(0)
}

fn run_all(services: &Slow, queries: &[&str]) -> Vec<String> {
    let _host = tollgate_plugin_sdk::testing::Host::new();
    let service = Service::parse(SDL, true).unwrap();
    let ready = |query: &&str| {
        let document = ExecutableDocument::parse_and_validate(&service.schema, *query, "q").unwrap();
        let operation = document.operations.get(None).unwrap();
        let plan = plan::build(&service, &document, operation, &JsonMap::new()).unwrap().into();
        Ready { plan, variables: Valid::assume_valid(JsonMap::new()), introspected: HashMap::new() }
    };
    let ready: Vec<Ready> = queries.iter().map(ready).collect();
    let access = Access::new("scope", "sub");
    let inputs: Vec<Input<'_>> = ready.iter().map(|ready| Input::new(&service, ready, &access, 1000)).collect();
    run(&inputs, services).into_iter().map(|answered| String::from_utf8(answered.body).unwrap()).collect()
}

#[test]
fn operations_run_beside_each_other_and_the_changes_of_one_in_order() {
    let services = Slow::default();
    let change = "mutation { a: change { next { id } } b: change { id } }";
    let answers = run_all(&services, &["{ slow { id } }", change]);
    assert_eq!(answers[0], r#"{"data":{"slow":{"id":"1"}}}"#);
    assert_eq!(answers[1], r#"{"data":{"a":{"next":{"id":"1"}},"b":{"id":"1"}}}"#);
    let events = ["ask /slow", "ask /change", "take /change", "ask /next", "take /next", "ask /change", "take /change"];
    assert_eq!(*services.events.borrow(), [&events[..], &["take /slow"]].concat());
}

#[test]
fn what_a_fast_answer_makes_possible_does_not_wait_for_a_slow_one() {
    let services = Slow::default();
    let answer = run_with(&services, "{ slow { id } fast { next { id } } }");
    assert_eq!(answer, r#"{"data":{"slow":{"id":"1"},"fast":{"next":{"id":"1"}}}}"#);
    assert_eq!(
        *services.events.borrow(),
        ["ask /slow", "ask /fast", "take /fast", "ask /next", "take /next", "take /slow"]
    );
}

#[test]
fn a_call_gets_what_is_left_of_the_time_and_none_is_made_after_it() {
    let services = Slow { each_us: 400_000, ..Slow::default() };
    run_with(&services, "{ fast { next { id } } }");
    let left: Vec<u32> = services.calls.borrow().iter().map(|call| call.timeout_ms).collect();
    assert_eq!(left, [1000, 600]);
    let late = Slow { each_us: 1_000_000, ..Slow::default() };
    let answer = run_with(&late, "{ fast { next { id } } }");
    assert!(answer.contains("UPSTREAM_TIMEOUT"), "{answer}");
    assert_eq!(*late.events.borrow(), ["ask /fast", "take /fast"]);
}

#[test]
fn a_null_takes_its_object_with_it_and_what_is_open_within() {
    let services = Slow::default();
    let answer = run_with(&services, "{ fast { must { id } next { id } } }");
    assert!(answer.ends_with(r#""data":{"fast":null}}"#), "{answer}");
    assert!(answer.contains(r#""path":["fast","must"]"#) && answer.matches("message").count() == 1, "{answer}");
}
