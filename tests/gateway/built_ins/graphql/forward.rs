//! A service with an API of its own: it gets what was checked, whatever else the request had.

use http::Request;

use super::*;

const PERSISTED: &str = r#"{"abc": "{ ok }"}"#;

async fn guarded(service: &Upstream, settings: &str) -> Gateway {
    let plugin =
        format!("use = \"graphql\"\ngrant = {{ http = [\"api\"] }}\nconfig = {{ forward = true, {settings} }}");
    let config = config().upstream("api", [service]).plugin("guard", &plugin).route_with(
        "/graphql",
        "api",
        "plugins = [\"guard\"]",
    );
    Gateway::start(&config).await
}

fn with_json(method: &str, target: &str, body: &str) -> Request<String> {
    let mut request = request(method, target, body.to_owned());
    request.headers_mut().insert("content-type", "application/json".try_into().unwrap());
    request
}

#[tokio::test]
async fn a_service_gets_what_was_checked_and_nothing_else() {
    let service = Upstream::answering("{}").await;
    let gateway = guarded(&service, "limits = { depth = 2 }").await;
    let evil = r#"{"query": "{ a { b { c } } }"}"#;
    for (asked, path, body) in [
        (with_json("GET", "/graphql?query=%7Bok%7D&id=evil", evil), "/graphql?query=%7Bok%7D", ""),
        (
            with_json(
                "POST",
                "/graphql?query=%7Ba%7Bb%7Bc%7D%7D%7D",
                r#"{"query": "{ ok }", "Query": "{ a { b { c } } }", "variables": {"a": 1, "a": 2}, "id": "evil"}"#,
            ),
            "/graphql",
            r#"{"query":"{ ok }","variables":{"a":2}}"#,
        ),
    ] {
        let answer = gateway.send(asked).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = service.last();
        assert_eq!((seen.path.as_str(), std::str::from_utf8(&seen.body).unwrap()), (path, body));
    }
    let twice = gateway.send(request("GET", "/graphql?query=%7Ba%7Bb%7Bc%7D%7D%7D&query=%7Bok%7D", "")).await;
    assert_eq!((twice.status, service.seen().len()), (400, 2));
}

#[tokio::test]
async fn a_listed_operation_is_all_a_service_gets() {
    let service = Upstream::answering("{}").await;
    let gateway = guarded(&service, &format!("persisted = {{ mode = \"only\", operations = '{PERSISTED}' }}")).await;
    let hash = r#"{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "abc"}}}"#;
    assert_eq!(gateway.send(with_json("POST", "/graphql?query=%7Bevil%7D", hash)).await.status, 200);
    let seen = service.last();
    assert_eq!((seen.path.as_str(), &seen.body[..]), ("/graphql", &br#"{"query":"{ ok }"}"#[..]));
    let listed = with_json("GET", "/graphql?query=%7B+ok+%7D", r#"{"query": "{ evil }"}"#);
    assert_eq!(gateway.send(listed).await.status, 200);
    assert_eq!((service.last().path.as_str(), service.last().body.len()), ("/graphql?query=%7B+ok+%7D", 0));
}

#[tokio::test]
async fn introspection_is_off_without_a_schema_too() {
    let service = Upstream::answering("{}").await;
    let gateway = guarded(&service, "introspection = false").await;
    let answer = ask_raw(&gateway, "{ __schema { types { name } } }").await;
    assert_eq!(answer.json()["errors"][0]["extensions"]["code"], "INTROSPECTION_DISABLED");
    assert_eq!(service.seen().len(), 0);
}
