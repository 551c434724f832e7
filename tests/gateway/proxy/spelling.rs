//! One resource has many spellings. Whichever a client chooses, it takes the route whose policy is meant for
//! it, and the upstream gets what the route matched.

use std::process::Command;

use tollgate_tests::{Config, Gateway, Upstream, binary, config};

/// Lets nobody in.
const GUARD: &str = "use = \"jwt-auth\"
keys.k = { algorithm = \"HS256\", value = \"0123456789abcdef0123456789abcdef\" }";

/// `/admin` and what is below it, with a plugin that refuses everybody; the rest without.
fn guarded(upstream: &Upstream) -> Config {
    let chain = "plugins = [\"guard\"]";
    config()
        .limit("head_timeout = \"1s\"")
        .upstream("web", [upstream])
        .plugin("guard", GUARD)
        .route_with("/admin", "web", chain)
        .route_with("/admin/{*rest}", "web", chain)
        .route("/{*rest}", "web")
}

/// What is answered to a request with this target, written as it is.
async fn status_of(gateway: &Gateway, target: &str) -> String {
    status_of_head(gateway, &format!("GET {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await
}

async fn status_of_head(gateway: &Gateway, head: &str) -> String {
    let mut client = gateway.raw().await;
    client.write(head).await;
    let answer = client.read_to_end().await;
    answer.split(' ').nth(1).unwrap_or("none").to_owned()
}

#[tokio::test]
async fn no_spelling_of_a_path_passes_by_its_policy() {
    let upstream = Upstream::answering("secret").await;
    let gateway = Gateway::start(&guarded(&upstream)).await;
    for target in [
        "/admin/x",
        "//admin/x",
        "///admin//x",
        "/./admin/x",
        "/public/../admin/x",
        "/public/%2e%2E/admin/x",
        "/public/.%2e/admin",
        "/%61dmin/x",
        "/x/y/../../admin",
        "http://a/public/../admin/x",
    ] {
        assert_eq!(status_of(&gateway, target).await, "401", "{target}");
    }
    for target in [
        "/admin%2fx",
        "/%2Fadmin/x",
        "/a/%2e%2e%2fadmin/x",
        "/public\\..\\admin",
        "/public%5c..%5Cadmin",
        "/public/..;/admin",
        "/public/..;v=1/admin",
        "/admin%00",
        "/../admin/x",
        "/a/../../admin",
        "/%zz",
        "/%4",
    ] {
        assert_eq!(status_of(&gateway, target).await, "400", "{target}");
    }
    assert_eq!(upstream.seen().len(), 0, "{:?}", upstream.seen());
}

#[tokio::test]
async fn an_upstream_gets_the_path_that_was_matched() {
    let upstream = Upstream::answering("").await;
    let config = config().upstream("web", [&upstream]).route("/{*rest}", "web").route_with(
        "/strip/{*rest}",
        "web",
        "strip_prefix = \"/strip\"",
    );
    let gateway = Gateway::start(&config).await;
    for (sent, got) in [
        ("/a/./b/../c?x=/../y//z", "/a/c?x=/../y//z"),
        ("//a///b//", "/a/b/"),
        ("/a/..", "/"),
        ("/a/.", "/a/"),
        ("/.a/..b/c.", "/.a/..b/c."),
        ("/%7Euser/%c3%a9%20", "/~user/%C3%A9%20"),
        ("/%73trip/x", "/x"),
        ("/strip//evil.example/x", "/evil.example/x"),
        ("/x%252e%252e", "/x%252e%252e"),
    ] {
        assert_eq!(gateway.get(sent).await.status, 200, "{sent}");
        assert_eq!(upstream.seen().last().unwrap().path, got, "{sent}");
    }
    assert_eq!(status_of(&gateway, "/strip/../admin").await, "200");
    assert_eq!(upstream.seen().last().unwrap().path, "/admin", "not below the prefix, which stays out of it");
}

#[tokio::test]
async fn slashes_may_be_kept_where_they_matter() {
    let upstream = Upstream::answering("").await;
    let config = config()
        .server("merge_slashes = false")
        .upstream("web", [&upstream])
        .route("/{*rest}", "web")
        .route_with("/projects/{id}", "web", "encoded_slashes = true");
    let gateway = Gateway::start(&config).await;
    for path in ["/bucket//key", "/projects/group%2Fname"] {
        assert_eq!(gateway.get(path).await.status, 200, "{path}");
        assert_eq!(upstream.seen().last().unwrap().path, path);
    }
    assert_eq!(gateway.get("/others/group%2Fname").await.status, 400);
}

#[tokio::test]
async fn a_policy_of_a_host_holds_however_the_host_is_written() {
    let upstream = Upstream::answering("secret").await;
    let config = config()
        .limit("head_timeout = \"1s\"")
        .upstream("web", [&upstream])
        .plugin("guard", GUARD)
        .route_with("/{*rest}", "web", "host = \"secret.example\"\nplugins = [\"guard\"]\npreserve_host = true")
        .route_with("/{*open}", "web", "preserve_host = true");
    let gateway = Gateway::start(&config).await;
    for host in ["secret.example", "SECRET.example:80", "secret.example.", "secret.example.:8080"] {
        let head = format!("GET /x HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        assert_eq!(status_of_head(&gateway, &head).await, "401", "{host}");
    }
    for host in [
        "secret.example:80a",
        "secret.example/",
        "secret.example,b",
        "secret.example#@b",
        "a b",
        "a@secret.example",
        "[::1",
        "[secret.example]",
        "a?b",
        "\"a\"",
    ] {
        let head = format!("GET /x HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        assert_eq!(status_of_head(&gateway, &head).await, "400", "{host}");
    }
    assert_eq!(upstream.seen().len(), 0, "{:?}", upstream.seen());

    // RFC 9112 section 3.2.2: what the target says goes before the field, for the upstream as well.
    let head = "GET http://open.example/x HTTP/1.1\r\nhost: secret.example\r\nconnection: close\r\n\r\n";
    assert_eq!(status_of_head(&gateway, head).await, "200");
    let seen = upstream.seen().pop().unwrap();
    assert_eq!((seen.header("host"), seen.header("x-forwarded-host")), ("open.example", "open.example"));
}

#[tokio::test]
async fn a_target_that_names_nothing_here_is_refused() {
    let upstream = Upstream::answering("").await;
    let gateway = Gateway::start(&guarded(&upstream)).await;
    for target in ["*", "admin", "a:80", "http://user:word@a/x", "http://a b/"] {
        assert_eq!(status_of(&gateway, target).await, "400", "{target}");
    }
    assert_eq!(upstream.seen().len(), 0, "{:?}", upstream.seen());
    let head = "OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    assert_eq!(status_of_head(&gateway, head).await, "200");
}

#[tokio::test]
async fn a_body_in_a_coding_that_cannot_be_taken_off_is_not_sent_on() {
    let upstream = Upstream::echoing().await;
    let gateway = Gateway::start(&guarded(&upstream)).await;
    for coding in ["gzip, chunked", "identity, chunked", "chunked, chunked", "cow\r\ntransfer-encoding: chunked"] {
        let head = format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: {coding}\r\n\r\n1\r\nx\r\n0\r\n\r\n");
        assert_eq!(status_of_head(&gateway, &head).await, "501", "{coding}");
    }
    assert_eq!(upstream.seen().len(), 0, "{:?}", upstream.seen());
    let head =
        "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    assert_eq!(status_of_head(&gateway, head).await, "200");
}

#[tokio::test]
async fn explain_finds_the_route_that_the_gateway_finds() {
    let upstream = Upstream::answering("").await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), guarded(&upstream).to_string()).unwrap();
    for (method, url, told) in [
        ("GET", "//admin", "(path /admin)"),
        ("GET", "http://a./x/../admin/y", "(path /admin/{*rest})"),
        ("GET", "/a%2fb", "the client gets 400: The path has an encoded slash."),
        ("GET", "http://a@b/", "the client gets 400: The request does not name a host."),
        ("CONNECT", "a:80", "the client gets 400"),
    ] {
        let explain =
            Command::new(binary::path()).args(["explain", method, url, "--config"]).arg(file.path()).output().unwrap();
        let said = String::from_utf8([explain.stdout, explain.stderr].concat()).unwrap();
        assert!(said.contains(told), "{method} {url}: {said}");
    }
}
