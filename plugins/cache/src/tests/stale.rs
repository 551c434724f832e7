//! What is stale: asked about, or served in place of an error.

use super::*;

#[test]
fn a_304_gives_the_stored_response_a_new_life_and_the_client_what_it_asked_for() {
    let host = Host::new();
    let plugin = plugin(Config::default());
    fetched(&host, &plugin, 200, &[("cache-control", "max-age=10"), ("etag", "\"1\"")]);
    host.set_body_length(10);
    host.advance(Duration::from_secs(11));
    host.next_request();
    host.add_request_header("if-none-match", "\"0\"");
    let asked = fetch(&plugin);
    assert_eq!(asked.set[0].value, "\"1\"");
    host.fetched(&asked);
    assert_eq!(host.request_header("if-none-match").as_deref(), Some("\"1\""));
    host.enter_response(304);
    let ResponseVerdict::Serve(served) = plugin.on_response() else { panic!("the stored response is served") };
    assert_eq!((served.status, field(&served, "cache-status")), (None, "tollgate; fwd=stale; fwd-status=304"));
    host.next_request();
    assert_eq!(field(&hit(&plugin), "cache-status"), "tollgate; hit; ttl=10");
    host.advance(Duration::from_secs(3));
    assert_eq!((field(&hit(&plugin), "age"), field(&hit(&plugin), "cache-status")), ("3", "tollgate; hit; ttl=7"));
}

#[test]
fn tags_stay_where_a_304_says_nothing_of_them() {
    for (fields, tags) in [(vec![], vec!["red", "blue"]), (vec![("cache-tag", "green")], vec!["green"])] {
        let host = Host::new();
        let plugin = plugin(Config::default());
        let stored = [("cache-control", "max-age=10"), ("etag", "\"1\""), ("cache-tag", "red, blue")];
        fetched(&host, &plugin, 200, &stored);
        for _ in 0..2 {
            host.advance(Duration::from_secs(11));
            host.next_request();
            fetched(&host, &plugin, 304, &fields);
            assert_eq!(host.stored().remove(0).1.tags, tags, "{fields:?}");
        }
    }
}

/// What comes of a 304 with this tag to a question about what was stored with the tag `"1"`.
fn told_304_of(host: &Host, plugin: &Cache, if_none_match: Option<&str>, tag: &str) -> ResponseVerdict {
    fetched(host, plugin, 200, &[("cache-control", "max-age=10"), ("etag", "\"1\"")]);
    host.advance(Duration::from_secs(11));
    host.next_request();
    if let Some(list) = if_none_match {
        host.add_request_header("if-none-match", list);
    }
    fetched(host, plugin, 304, &[("cache-control", "max-age=10"), ("etag", tag)])
}

#[test]
fn a_304_about_another_response_gives_the_stored_one_no_new_life_and_no_other_tag() {
    for tag in ["\"2\"", "W/\"2\""] {
        let host = Host::new();
        let plugin = plugin(Config::default());
        assert_eq!((told_304_of(&host, &plugin, None, tag), host.asked_again()), (ResponseVerdict::Next, true));
        // Where it is not asked again, the stored one is good for this client, once.
        let ResponseVerdict::Serve(served) = plugin.on_response() else { panic!("it is served") };
        let told = "tollgate; fwd=stale; fwd-status=304; detail=other-etag";
        assert_eq!((served.status, field(&served, "age"), field(&served, "cache-status")), (None, "11", told));
        assert_eq!(host.stored(), []);
        host.next_request();
        assert_eq!(fetch(&plugin).set, [], "the next request has no condition");
    }
}

#[test]
fn a_304_about_what_the_client_has_is_the_clients() {
    let host = Host::new();
    let plugin = plugin(Config::default());
    assert_eq!(told_304_of(&host, &plugin, Some("\"2\""), "\"2\""), ResponseVerdict::Next);
    assert_eq!((host.stored().len(), host.asked_again()), (0, false));
}

#[test]
fn a_stale_answer_in_place_of_none_tells_of_no_status() {
    use tollgate_plugin_sdk::response::Source;

    let mut host = Host::new();
    let plugin = plugin(Config::default());
    fetched(&host, &plugin, 200, &[("cache-control", "max-age=1, stale-if-error=60")]);
    for (status, by, told) in [(503, Source::Upstream, "; fwd-status=503"), (502, Source::Gateway, "")] {
        host.advance(Duration::from_secs(2));
        host.next_request();
        host.fetched(&fetch(&plugin));
        host = host.response(status).made_by(by);
        let ResponseVerdict::Serve(served) = plugin.on_response() else { panic!("the stale one is served") };
        assert_eq!(field(&served, "cache-status"), format!("tollgate; fwd=stale{told}; detail=stale"));
    }
}

#[test]
fn a_client_may_take_what_is_stale_in_place_of_an_error() {
    let told = |stored: &str, asked: &str, after: u64| {
        let host = Host::new();
        let plugin = plugin(Config::default());
        fetched(&host, &plugin, 200, &[("cache-control", stored)]);
        host.advance(Duration::from_secs(after));
        host.next_request();
        host.add_request_header("cache-control", asked);
        matches!(fetched(&host, &plugin, 503, &[]), ResponseVerdict::Serve(_))
    };
    assert!(told("max-age=1", "stale-if-error=60", 30));
    assert!(!told("max-age=1", "stale-if-error=60", 62));
    assert!(!told("max-age=1", "", 30));
    assert!(!told("max-age=1, must-revalidate", "stale-if-error=60", 30));
    assert!(!told("max-age=1, no-cache, public", "stale-if-error=60", 30));
}
