//! What is counted. Each case has a gateway of its own.

use crate::check::Check;
use crate::http::Request;
use crate::job::{Answers, SUBJECT, TOKEN};
use crate::peer::tollgate::{self, CACHE, aggregate, jwt_and_limit};
use crate::scenario::aggregate::joined;
use crate::scenario::graphql;
use crate::services::{KEPT, SMALL};

/// A gateway's config, a request to it, and the answer it must have.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// The plugins of the one route, and their tables in the config.
    pub(super) chain: Vec<String>,
    plugins: String,
    pub(super) request: Request,
    pub(super) check: Check,
    /// Connections; each has a request under way.
    pub(super) clients: u32,
}

impl Case {
    /// The tables of its plugins, with time for everything: under valgrind each call takes fifty times longer.
    pub(super) fn plugins(&self) -> String {
        let patient = |name: &String| format!("[plugins.{name}.limits]\ncpu = \"1m\"\nwall = \"1m\"\n");
        self.plugins.clone() + &self.chain.iter().map(patient).collect::<String>()
    }
}

pub(super) fn all() -> Vec<Case> {
    vec![
        plain(),
        busy(),
        headers("headers-1", "the plugin `headers` sets a field of the request", 1, "shared"),
        headers("headers-4", "four plugins `headers`, a field each", 4, "shared"),
        headers("fresh-1", "as headers-1, on an instance made for the request", 1, "fresh"),
        jwt(),
        joining(Answers::Short),
        joining(Answers::Long),
        graphql(),
        hit(),
        decided_hit(),
    ]
}

fn plain() -> Case {
    let request = Request::get("/");
    let check = Check::new("the service's answer", request.clone(), 200).bytes(SMALL);
    let title = "a GET with eight header fields, no plugins, an answer of 1 KiB";
    Case { name: "plain", title, chain: Vec::new(), plugins: String::new(), request, check, clients: 1 }
}

fn busy() -> Case {
    let title = "as plain, 64 requests at a time: what a busy worker writes is held a moment";
    Case { name: "busy", title, clients: 64, ..plain() }
}

fn headers(name: &'static str, title: &'static str, count: usize, isolation: &str) -> Case {
    let numbers = || (1..=count).map(|number| number.to_string());
    let chain: Vec<String> = numbers().map(|number| format!("headers-{number}")).collect();
    let plugin = |(name, number): (&String, String)| {
        format!(
            "[plugins.{name}]\nuse = \"headers\"\nisolation = {isolation:?}\n[plugins.{name}.config.request]\nset = {{ x-hop-{number} = {number:?} }}\n"
        )
    };
    let plugins = chain.iter().zip(numbers()).map(plugin).collect();
    let seen = numbers().collect::<Vec<_>>().join(",");
    let request = Request::get("/");
    let check = Check::new("all plugins ran", request.clone(), 200).bytes(SMALL).header("seen-hop", seen);
    Case { name, title, chain, plugins, request, check, clients: 1 }
}

fn jwt() -> Case {
    let request = Request::get("/").header("authorization", &format!("Bearer {TOKEN}"));
    let check = Check::new("a good token", request.clone(), 200).bytes(SMALL).header("seen-user", SUBJECT);
    let title = "`jwt-auth` with HS256 and `rate-limit`";
    Case {
        name: "jwt",
        title,
        chain: vec!["jwt".into(), "limit".into()],
        plugins: jwt_and_limit(),
        request,
        check,
        clients: 1,
    }
}

fn joining(answers: Answers) -> Case {
    let request = Request::get("/dashboard");
    let check = Check::new("the joined answer", request.clone(), 200).json(joined(answers));
    let (name, title) = match answers {
        Answers::Short => ("aggregate", "`aggregate`: three services, one JSON answer"),
        Answers::Long => ("aggregate-long", "the same with answers of 5 KB"),
    };
    Case { name, title, chain: vec!["join".into()], plugins: aggregate(answers), request, check, clients: 1 }
}

fn graphql() -> Case {
    let check = Check::new("the query's answer", graphql::request(), 200).json(graphql::answer());
    let title = "`graphql`: a query over two services, the second called with what the first answered";
    let (chain, plugins) = (vec!["graphql".into()], tollgate::graphql());
    Case { name: "graphql", title, chain, plugins, request: graphql::request(), check, clients: 1 }
}

/// A client with a directive of its own has each hit decided for itself.
fn decided_hit() -> Case {
    let request = Request::get(KEPT).without("cache-control").header("cache-control", "max-age=86400");
    let check = Check::new("a kept answer", request.clone(), 200).bytes(SMALL).same("seen-request");
    let title = "the same, where the plugin decides about each request";
    Case { name: "cache-hook", title, request, check, ..hit() }
}

fn hit() -> Case {
    let request = Request::get(KEPT).without("cache-control");
    let check = Check::new("a kept answer", request.clone(), 200).bytes(SMALL).same("seen-request");
    let title = "`cache`: an answer of 1 KiB that is kept and asked for again and again";
    Case { name: "cache", title, chain: vec!["kept".into()], plugins: CACHE.into(), request, check, clients: 1 }
}
