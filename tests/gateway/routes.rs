//! Which route a request takes.

use tollgate_tests::{Answer, Gateway, Upstream, config, request};

/// Each route leads to an upstream that answers with the route's own word.
async fn gateway_with(routes: &[(&'static str, &str, &str)]) -> (Gateway, Vec<Upstream>) {
    let (mut config, mut upstreams) = (config(), Vec::new());
    for (number, (word, path, settings)) in routes.iter().enumerate() {
        let upstream = Upstream::answering(word).await;
        let name = format!("u{number}");
        config =
            config.upstream(&name, [&upstream]).route_with(path, &name, &format!("name = \"r{number}\"\n{settings}"));
        upstreams.push(upstream);
    }
    (Gateway::start(&config).await, upstreams)
}

async fn ask(gateway: &Gateway, method: &str, path: &str, fields: &[(&'static str, &str)]) -> Answer {
    let mut asked = request(method, path, "");
    for (name, value) in fields {
        asked.headers_mut().insert(*name, value.parse().unwrap());
    }
    gateway.send(asked).await
}

#[tokio::test]
async fn a_literal_goes_before_a_parameter_before_the_rest() {
    let (gateway, _upstreams) =
        gateway_with(&[("rest", "/{*rest}", ""), ("parameter", "/users/{id}", ""), ("literal", "/users/me", "")]).await;
    for (path, word) in [("/users/me", "literal"), ("/users/7", "parameter"), ("/users/7/x", "rest"), ("/", "rest")] {
        assert_eq!(gateway.get(path).await.text(), word, "{path}");
    }
}

#[tokio::test]
async fn no_route_is_a_404_with_the_requests_id() {
    let (gateway, upstreams) = gateway_with(&[("a", "/a", "")]).await;
    let answer = gateway.get("/b").await;
    assert_eq!((answer.status, answer.header("content-type")), (404, "application/json"));
    let line = gateway.access_line("/b").await;
    assert_eq!(answer.json()["error"], "no-route");
    assert_eq!(answer.json()["request_id"], line["id"]);
    assert!(upstreams[0].seen().is_empty());
}

#[tokio::test]
async fn a_method_no_route_takes_is_a_405_that_names_those_that_are() {
    let (gateway, _upstreams) =
        gateway_with(&[("get", "/a", "methods = [\"GET\"]"), ("post", "/a", "methods = [\"POST\", \"PUT\"]")]).await;
    assert_eq!(ask(&gateway, "GET", "/a", &[]).await.text(), "get");
    assert_eq!(ask(&gateway, "PUT", "/a", &[]).await.text(), "post");
    let refused = ask(&gateway, "DELETE", "/a", &[]).await;
    let mut allowed: Vec<_> = refused.header("allow").split(", ").collect();
    allowed.sort_unstable();
    assert_eq!((refused.status, allowed), (405, vec!["GET", "POST", "PUT"]));
}

#[tokio::test]
async fn an_exact_host_goes_before_a_wildcard_before_any() {
    let (gateway, _upstreams) = gateway_with(&[
        ("any", "/{*rest}", ""),
        ("wildcard", "/{*rest}", "host = \"*.example.com\""),
        ("exact", "/{*rest}", "host = \"api.example.com\""),
    ])
    .await;
    let cases = [
        ("api.example.com", "exact"),
        ("API.Example.Com:8080", "exact"),
        ("a.b.example.com", "wildcard"),
        ("example.com", "any"),
        ("evilexample.com", "any"),
    ];
    for (host, word) in cases {
        assert_eq!(ask(&gateway, "GET", "/", &[("host", host)]).await.text(), word, "{host}");
    }
}

#[tokio::test]
async fn a_route_may_ask_for_fields_and_parameters() {
    let (gateway, _upstreams) = gateway_with(&[
        ("plain", "/a", ""),
        ("version", "/a", "headers = { x-version = \"2\" }"),
        ("debug", "/a", "query = { debug = true }"),
        ("both", "/a", "headers = { x-version = \"2\" }\nquery = { debug = \"1\" }"),
    ])
    .await;
    #[allow(clippy::type_complexity, reason = "a table of cases is read by its rows")]
    let cases: [(&str, &[(&'static str, &str)], &str); 5] = [
        ("/a", &[], "plain"),
        ("/a", &[("x-version", "2")], "version"),
        ("/a", &[("x-version", "3")], "plain"),
        ("/a?debug=0", &[], "debug"),
        ("/a?x=y&debug=1", &[("x-version", "2")], "both"),
    ];
    for (path, fields, word) in cases {
        assert_eq!(ask(&gateway, "GET", path, fields).await.text(), word, "{path} {fields:?}");
    }
}

#[tokio::test]
async fn a_route_without_an_answer_of_its_own_plugins_or_upstream_does_not_start() {
    let config = config().table("[[routes]]\npath = \"/\"\nplugins = []");
    let said = Gateway::with(&config).start_fails().await;
    assert!(said.contains("upstream") && said.contains("tollgate.toml"), "{said}");
}
