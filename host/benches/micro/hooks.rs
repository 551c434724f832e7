//! One hook of one plugin: the way into the sandbox and back, and what is called meanwhile.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use criterion::Criterion;
use tollgate::body::Body;
use tollgate::chain::Outcome;
use tollgate::context::{Context, RequestId};

use crate::gateway::{Worker, worker};

/// HS256, `{"sub":"alice"}` until the year 2100, signed with [`SECRET`].
const TOKEN: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMH0.j-2UhYexzdQkhc0RbHaslpWHBNeMTCuQZzcFpMuFFBA";
const SECRET: &str = "a-secret-of-thirty-two-bytes-or-more";

pub(crate) fn measure(criterion: &mut Criterion) {
    let set = |count: usize| {
        let fields: Vec<String> = (0..count).map(|n| format!("x-field-{n} = \"value\"")).collect();
        headers("shared", &format!("set = {{ {} }}", fields.join(", ")))
    };
    hook(
        criterion,
        "hook with 1 host call (remove a field that is not there)",
        &headers("shared", "remove = [\"x-none\"]"),
    );
    hook(criterion, "hook with 1 host call (set a field)", &set(1));
    hook(criterion, "hook with 8 host calls (set a field each)", &set(8));
    hook(criterion, "hook on a fresh instance", &headers("fresh", "remove = [\"x-none\"]"));
    hook(
        criterion,
        "hook of rate-limit",
        "[plugins.p]\nuse = \"rate-limit\"\n[plugins.p.config]\nlimit = 1000000000\nper = \"1s\"",
    );
    let key = format!("[plugins.p.keys.main]\nalgorithm = \"HS256\"\nvalue = \"{SECRET}\"");
    hook(criterion, "hook of jwt-auth (HS256)", &format!("[plugins.p]\nuse = \"jwt-auth\"\n{key}"));
}

fn headers(isolation: &str, changes: &str) -> String {
    format!("[plugins.p]\nuse = \"headers\"\nisolation = \"{isolation}\"\n[plugins.p.config.request]\n{changes}")
}

fn hook(criterion: &mut Criterion, name: &str, plugin: &str) {
    let worker = worker(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n{plugin}\n[[routes]]\nname = \"r\"\npath = \"/\"\nplugins = [\"p\"]\n"
    ));
    criterion.bench_function(name, |bencher| bencher.iter_custom(|times| run(&worker, times)));
}

/// The context is made outside of what is timed: a request has one, however many hooks it meets.
fn run(worker: &Worker, times: u64) -> Duration {
    let chain = &worker.snapshot.routes[0].state.chain;
    worker.runtime.block_on(async {
        let mut context = Box::new(context());
        let mut spent = Duration::ZERO;
        for _ in 0..times {
            let begun = Instant::now();
            let entered = chain.enter(context, Body::empty()).await;
            spent += begun.elapsed();
            assert!(matches!(entered.outcome, Outcome::Forward), "the plugin refused: {:?}", entered.outcome);
            context = entered.context;
        }
        spent
    })
}

fn context() -> Context {
    let request = http::Request::get("/")
        .header("host", "api.example")
        .header("accept", "*/*")
        .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64)")
        .header("authorization", format!("Bearer {TOKEN}"));
    let (request, ()) = request.body(()).unwrap().into_parts();
    let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let deadline = Instant::now() + Duration::from_secs(3600);
    Context::new(RequestId::new(1, 1), client, "r".into(), request, deadline, false)
}
