//! Both hooks together, with the SDK's fake gateway.

use std::time::Duration;

use tollgate_plugin_sdk::cache::{Fetch, Hit};
use tollgate_plugin_sdk::testing::Host;
use tollgate_plugin_sdk::{Plugin, RequestFilter, ResponseFilter, ResponseVerdict, Verdict};

use super::*;

mod reuse;
mod stale;

fn plugin(config: Config) -> Cache {
    Cache::configure(config).unwrap()
}

fn fetch(plugin: &Cache) -> Fetch {
    match plugin.on_request() {
        Verdict::Fetch(fetch) => fetch,
        other => panic!("not a fetch: {other:?}"),
    }
}

fn hit(plugin: &Cache) -> Hit {
    match plugin.on_request() {
        Verdict::Serve(hit) => hit,
        other => panic!("not a hit: {other:?}"),
    }
}

fn field<'a>(hit: &'a Hit, name: &str) -> &'a str {
    hit.set.iter().find(|field| field.name == name).map_or("", |field| &field.value)
}

/// One request that is fetched, and what the upstream answers.
fn fetched(host: &Host, plugin: &Cache, status: u16, fields: &[(&str, &str)]) -> ResponseVerdict {
    host.fetched(&fetch(plugin));
    host.enter_response(status);
    for (name, value) in fields {
        host.add_response_header(name, value);
    }
    plugin.on_response()
}

#[test]
fn a_response_is_stored_under_its_url_and_route_and_kept_beyond_its_freshness() {
    let host = Host::new().path("/a").query("b").header("x-forwarded-proto", "https").host("Shop.Example");
    let plugin = plugin(Config::default());
    let fields = [("cache-control", "max-age=10"), ("etag", "\"1\""), ("age", "2")];
    assert_eq!(fetched(&host, &plugin, 200, &fields), ResponseVerdict::Next);
    assert_eq!(host.response_header("cache-status").as_deref(), Some("tollgate; fwd=uri-miss; stored"));
    let (key, storing) = host.stored().remove(0);
    assert_eq!(key, "https://shop.example/a?b test");
    // Eight seconds of freshness are left, and an hour to be validated in.
    assert_eq!(storing.keep_ms, 8_000 + 3_600_000);

    host.advance(Duration::from_secs(7));
    host.next_request();
    host.set_path("/a");
    assert!(matches!(plugin.on_request(), Verdict::Fetch(_)), "another URL is another key");
}

#[test]
fn the_fields_of_one_hop_and_those_a_directive_names_are_not_stored() {
    let host = Host::new();
    let plugin = plugin(Config::default());
    fetched(&host, &plugin, 200, &[("cache-control", "max-age=10, private=\"x-user\", no-cache=\"set-cookie\"")]);
    let (_, storing) = host.stored().remove(0);
    for name in ["age", "proxy-authenticate", "x-user", "set-cookie", "cache-tag"] {
        assert!(storing.without.iter().any(|other| other == name), "{name} is stored");
    }
}

#[test]
fn what_is_for_one_client_is_fetched_alone_and_what_is_for_all_is_waited_for() {
    let wait = |fields: &[(&str, &str)]| {
        let host = Host::new();
        for (name, value) in fields {
            host.add_request_header(name, value);
        }
        fetch(&plugin(Config::default())).wait_ms
    };
    assert_eq!(wait(&[]), 5_000);
    for field in [("authorization", "x"), ("range", "bytes=0-1"), ("if-none-match", "\"a\"")] {
        assert_eq!(wait(&[field]), 0, "{field:?}");
    }
}

#[test]
fn a_fetch_that_brings_nothing_to_store_is_released_and_one_that_failed_is_not() {
    let plugin = plugin(Config::default());
    for (status, fields, apart) in
        [(200, [("cache-control", "no-store")], Some(10_000)), (503, [("cache-control", "no-store")], None)]
    {
        let host = Host::new();
        fetched(&host, &plugin, status, &fields);
        assert_eq!((host.released(), host.stored().len()), (apart, 0), "{status}");
    }
}

#[test]
fn only_if_cached_is_answered_504_where_nothing_is() {
    let _host = Host::new().header("cache-control", "only-if-cached");
    let Verdict::Respond(answer) = plugin(Config::default()).on_request() else { panic!("nothing is fetched") };
    assert_eq!(answer.status, 504);
    let told = answer.headers.iter().find(|field| field.name == "cache-status").map(|field| field.value.as_str());
    assert_eq!(told, Some("tollgate; detail=only-if-cached"), "nothing was forwarded");
    let deaf = plugin(Config { heed_clients: false, ..Config::default() });
    assert!(matches!(deaf.on_request(), Verdict::Fetch(_)));
}

#[test]
fn a_change_removes_what_it_and_its_location_name() {
    let host = Host::new().path("/list");
    let plugin = plugin(Config::default());
    for path in ["/list", "/list/7"] {
        host.next_request();
        host.set_path(path);
        fetched(&host, &plugin, 200, &[("cache-control", "max-age=10")]);
    }
    assert_eq!(host.stored().len(), 2);
    host.next_request();
    host.set_path("/list");
    host.set_method("POST");
    fetched(&host, &plugin, 201, &[("location", "/list/7")]);
    assert_eq!(host.stored(), []);
}

#[test]
fn a_status_that_is_none_is_refused() {
    let config = |status: &str| Config {
        fresh: [(status.to_owned(), tollgate_plugin_sdk::duration::Duration::from_secs(1))].into(),
        ..Config::default()
    };
    assert!(Cache::configure(config("404")).is_ok());
    for status in ["40", "4o4", "100", "600", "2000"] {
        assert!(Cache::configure(config(status)).is_err(), "{status}");
    }
}

/// How long those who ask for the same wait, and whether the answer was stored.
fn waited_and_stored(host: &Host, config: Config, fields: &[(&str, &str)]) -> (u32, bool) {
    let plugin = plugin(config);
    let wait = fetch(&plugin).wait_ms;
    fetched(host, &plugin, 200, fields);
    (wait, !host.stored().is_empty())
}

#[test]
fn an_answer_to_a_request_that_a_plugin_authenticated_is_stored_only_where_it_says_so_itself() {
    let told = |cache_control: &str, config: Config| {
        let host = Host::new().attribute("authenticated", "true");
        waited_and_stored(&host, config, &[("cache-control", cache_control), ("etag", "\"1\"")])
    };
    let fresh = || Config {
        fresh: [("200".to_owned(), tollgate_plugin_sdk::duration::Duration::from_secs(20))].into(),
        ..Config::default()
    };
    assert_eq!(told("max-age=60", Config::default()), (0, false));
    assert_eq!(told("", fresh()), (0, false));
    for allowed in ["max-age=60, public", "max-age=60, must-revalidate", "s-maxage=60"] {
        assert_eq!(told(allowed, Config::default()), (0, true), "{allowed}");
    }
    assert_eq!(told("public", fresh()), (0, true));
}

#[test]
fn a_plugin_behind_the_cache_that_authenticates_keeps_the_answer_from_being_stored_too() {
    let host = Host::new();
    let plugin = plugin(Config::default());
    host.fetched(&fetch(&plugin));
    tollgate_plugin_sdk::attributes::set("authenticated", "true").unwrap();
    host.enter_response(200);
    host.add_response_header("cache-control", "max-age=60");
    plugin.on_response();
    assert_eq!((host.stored().len(), host.released()), (0, Some(10_000)));
}

#[test]
fn what_was_stored_for_all_is_served_to_those_who_are_authenticated_too() {
    let host = Host::new();
    let plugin = plugin(Config::default());
    fetched(&host, &plugin, 200, &[("cache-control", "max-age=60")]);
    host.next_request();
    tollgate_plugin_sdk::attributes::set("authenticated", "true").unwrap();
    hit(&plugin);
}

#[test]
fn tags_are_of_all_lines_of_the_field_whose_name_may_be_in_capitals() {
    let host = Host::new();
    let plugin = plugin(Config { tags: "Surrogate-Key".to_owned(), ..Config::default() });
    fetched(
        &host,
        &plugin,
        200,
        &[("cache-control", "max-age=10"), ("surrogate-key", "red blue"), ("surrogate-key", "green")],
    );
    let (_, storing) = host.stored().remove(0);
    assert_eq!(storing.tags, ["red", "blue", "green"]);
    assert!(storing.without.iter().any(|name| name == "surrogate-key"), "{:?}", storing.without);
    assert_eq!(host.response_header("surrogate-key"), None);
}

#[test]
fn every_setting_that_cannot_be_is_named_on_a_line_of_its_own() {
    let second = tollgate_plugin_sdk::duration::Duration::from_secs(1);
    let config = Config {
        tags: String::new(),
        fresh: ["404", "40", "6\n00"].map(|status| (status.to_owned(), second)).into(),
        ..Config::default()
    };
    let mistakes = Cache::configure(config).err().unwrap();
    assert_eq!(
        mistakes,
        "fresh.40: `40` is not a status from 200 to 599\n\
         fresh.\"6\\n00\": `6\\n00` is not a status from 200 to 599\n\
         tags: `` is no header name"
    );
    for tags in ["cache tag", "tag:", "cache-tag\r"] {
        assert!(Cache::configure(Config { tags: tags.to_owned(), ..Config::default() }).is_err(), "{tags}");
    }
}

#[test]
fn less_than_a_second_is_not_nothing() {
    let host = Host::new();
    let millis = tollgate_plugin_sdk::duration::Duration::from_millis;
    let plugin = plugin(Config {
        fresh: [("200".to_owned(), millis(900))].into(),
        stale_while_revalidate: millis(500),
        ..Config::default()
    });
    fetched(&host, &plugin, 200, &[]);
    let refreshes = |after: u64| {
        host.advance(Duration::from_millis(after));
        host.next_request();
        hit(&plugin).refresh.is_some()
    };
    assert_eq!((refreshes(890), refreshes(20), refreshes(480)), (false, true, true));
    host.advance(Duration::from_millis(20));
    host.next_request();
    assert_eq!(fetch(&plugin).wait_ms, 5_000);
}

#[test]
fn a_refresh_is_of_the_whole_whatever_the_client_asked_for() {
    for validator in [None, Some(("etag", "\"1\""))] {
        let host = Host::new();
        let plugin = plugin(Config::default());
        let fields: Vec<_> =
            [("cache-control", "max-age=1, stale-while-revalidate=60")].into_iter().chain(validator).collect();
        fetched(&host, &plugin, 200, &fields);
        host.advance(Duration::from_secs(2));
        host.next_request();
        host.add_request_header("range", "bytes=0-1,3-4");
        host.add_request_header("if-none-match", "\"0\"");
        let refresh = hit(&plugin).refresh.expect("it is stale");
        for name in ["range", "if-range", "if-none-match", "if-modified-since"] {
            assert!(refresh.remove.iter().any(|other| other == name), "{name} is sent on");
        }
        assert_eq!(refresh.wait_ms, 5_000, "others may wait for it");
    }
}

#[test]
fn a_safe_method_changes_nothing_that_is_stored() {
    let plugin = plugin(Config::default());
    for method in ["OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"] {
        let host = Host::new();
        fetched(&host, &plugin, 200, &[("cache-control", "max-age=10")]);
        host.next_request();
        host.set_method(method);
        let asked = fetch(&plugin);
        assert_eq!((asked.wait_ms, asked.set.len(), asked.remove.len()), (0, 0, 0), "{method}");
        host.fetched(&asked);
        host.enter_response(200);
        host.add_response_header("cache-control", "max-age=10");
        plugin.on_response();
        assert_eq!((host.stored().len(), &*host.stored().remove(0).0), (1, "http://localhost/ test"), "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "PROPPATCH", "MOVE", "QUERY2"] {
        let _host = Host::new().method(method);
        assert!(matches!(plugin.on_request(), Verdict::Fetch(_)), "{method}");
    }
}

#[test]
fn a_host_with_the_port_of_its_scheme_is_the_same_host() {
    let key = |scheme: &str, host: &str| fetch_of(Host::new().header("x-forwarded-proto", scheme).host(host));
    for host in ["shop.example:80", "SHOP.example"] {
        assert_eq!(key("http", host), "http://shop.example/ test");
    }
    assert_eq!(key("https", "shop.example:443"), "https://shop.example/ test");
    assert_eq!(key("https", "shop.example:80"), "https://shop.example:80/ test");
}

/// The key of what this request fetches.
fn fetch_of(_host: Host) -> String {
    fetch(&plugin(Config::default())).key
}

#[test]
fn whatever_is_stored_is_known_to_who_knows_anything() {
    let host = Host::new();
    let plugin = plugin(Config::default());
    fetched(&host, &plugin, 200, &[("cache-control", "max-age=10")]);
    host.next_request();
    host.add_request_header("if-none-match", " * ");
    assert_eq!(hit(&plugin).status, Some(304));
    host.next_request();
    host.add_request_header("if-none-match", "\"1\"");
    assert_eq!(hit(&plugin).status, None);
}

#[test]
fn many_long_tags_are_all_stored_and_leave_room_for_the_rest_of_the_note() {
    let host = Host::new();
    let plugin = plugin(Config::default());
    let tags: Vec<String> = (0..200).map(|number| format!("{number}-{}", "x".repeat(1000))).collect();
    fetched(&host, &plugin, 200, &[("cache-control", "max-age=10"), ("cache-tag", &tags.join(","))]);
    let (_, storing) = host.stored().remove(0);
    assert_eq!(storing.tags, tags);
    assert!(storing.meta.len() < 20 << 10, "{} bytes of notes", storing.meta.len());
}
