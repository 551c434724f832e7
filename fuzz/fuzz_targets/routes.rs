//! A table of any routes, and any request: one route or none, and a literal path always its own.

#![no_main]

use std::path::Path;

use arbitrary::Arbitrary;
use http::Request;
use libfuzzer_sys::fuzz_target;
use tollgate::config;
use tollgate::route::Table;

#[derive(Debug, Arbitrary)]
struct Case {
    routes: Vec<Route>,
    asked: Asked,
}

#[derive(Debug, Arbitrary)]
struct Route {
    path: Vec<Segment>,
    rest: bool,
    host: Option<u8>,
    methods: Vec<Method>,
    query: Option<u8>,
    header: Option<u8>,
}

/// Few of each kind, so that routes meet.
#[derive(Debug, Arbitrary)]
enum Segment {
    Literal(u8),
    Param,
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Arbitrary)]
enum Method {
    Get,
    Post,
    Put,
}

#[derive(Debug, Arbitrary)]
struct Asked {
    host: u8,
    target: Target,
    method: Method,
    header: Option<u8>,
}

#[derive(Debug, Arbitrary)]
enum Target {
    Segments(Vec<u8>, Option<u8>),
    Text(String),
}

fuzz_target!(|case: Case| {
    let text: String = "[upstreams.a]\ntargets = [\"http://127.0.0.1:1\"]\n".to_owned()
        + &case.routes.iter().take(8).enumerate().map(|(number, route)| toml(number, route)).collect::<String>();
    let Ok(loaded) = config::load_str(&text, Path::new("tollgate.toml"), &[]) else { return };
    let table = Table::new(&loaded.config.routes);
    let Some(head) = head(&case.asked) else { return };
    let host = host(case.asked.host);
    let path = head.uri.path().to_owned();
    let found = table.find(host, &head);
    if let Ok((id, values)) = &found {
        let route = &loaded.config.routes[*id];
        assert!(route.name.starts_with('r'));
        let named: Vec<_> = table.names()[*id].params(values).collect();
        assert!(named.len() == values.len() && named.iter().all(|(name, _)| !name.is_empty()));
    }
    // A route that asks for no more than this very path takes it, or a better one does.
    let bare = |route: &&Route| {
        route.host.is_none() && route.methods.is_empty() && route.query.is_none() && route.header.is_none()
    };
    for route in case.routes.iter().take(8).filter(bare) {
        if !route.rest && route.path.iter().all(|s| matches!(s, Segment::Literal(_))) && template(route) == path {
            assert!(found.is_ok(), "{path} is a route's own");
        }
    }
});

fn toml(number: usize, route: &Route) -> String {
    let mut text = format!("[[routes]]\nname = \"r{number}\"\nupstream = \"a\"\npath = {}\n", quoted(&template(route)));
    if let Some(number) = route.host {
        text += &format!(
            "host = \"{}\"\n",
            ["a.example", "*.example", "b.a.example", "*.a.example"][usize::from(number % 4)]
        );
    }
    if !route.methods.is_empty() {
        let mut methods: Vec<_> = route.methods.iter().map(|method| quoted(name(*method))).collect();
        methods.sort();
        methods.dedup();
        text += &format!("methods = [{}]\n", methods.join(", "));
    }
    if let Some(number) = route.query {
        text += &format!("query = {{ q = \"{}\" }}\n", number % 3);
    }
    if let Some(number) = route.header {
        text += &format!("headers = {{ x-h = \"{}\" }}\n", number % 3);
    }
    text
}

fn template(route: &Route) -> String {
    let mut path = String::new();
    for (number, segment) in route.path.iter().take(6).enumerate() {
        match segment {
            Segment::Literal(letter) => path += &format!("/{}", literal(*letter)),
            Segment::Param => path += &format!("/{{p{number}}}"),
            Segment::Text(text) => path += &format!("/{text}"),
        }
    }
    if route.rest {
        path += "/{*rest}";
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

fn literal(letter: u8) -> &'static str {
    ["a", "b", "ab", "c"][usize::from(letter % 4)]
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
    }
}

fn host(number: u8) -> &'static str {
    ["a.example", "b.a.example", "example", ""][usize::from(number % 4)]
}

fn head(asked: &Asked) -> Option<http::request::Parts> {
    let target = match &asked.target {
        Target::Text(text) => format!("/{text}"),
        Target::Segments(letters, query) => {
            let path: String = letters.iter().take(8).map(|letter| format!("/{}", literal(*letter))).collect();
            let path = if path.is_empty() { "/".to_owned() } else { path };
            query.map_or(path.clone(), |number| format!("{path}?q={}", number % 3))
        }
    };
    let mut request = Request::builder().method(name(asked.method)).uri(target);
    if let Some(number) = asked.header {
        request = request.header("x-h", (number % 3).to_string());
    }
    request.body(()).ok().map(|request| request.into_parts().0)
}
