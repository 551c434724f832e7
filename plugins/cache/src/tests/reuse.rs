//! For how long the gateway may give a hit again by itself, and to whom.

use std::time::Duration;

use super::*;

fn stored(fields: &[(&str, &str)]) -> (Host, Cache) {
    let (host, plugin) = (Host::new(), plugin(Config::default()));
    fetched(&host, &plugin, 200, fields);
    host.next_request();
    (host, plugin)
}

#[test]
fn a_hit_is_the_same_until_the_next_second_or_until_it_is_stale() {
    let (host, plugin) = stored(&[("cache-control", "max-age=2"), ("etag", "\"1\"")]);
    for (pause, during_ms) in [(0, 1000), (300, 700), (1699, 1)] {
        host.advance(Duration::from_millis(pause));
        assert_eq!(hit(&plugin).reuse.unwrap().during_ms, during_ms);
    }
}

#[test]
fn it_depends_on_the_clients_conditions_and_on_what_the_response_varies_by() {
    let (_host, plugin) = stored(&[("cache-control", "max-age=2"), ("vary", "accept, x-a")]);
    let vary = hit(&plugin).reuse.unwrap().vary;
    let names: Vec<_> = vary.split(',').collect();
    for name in ["range", "if-range", "if-none-match", "if-modified-since", "cache-control", "accept", "x-a"] {
        assert!(names.contains(&name), "{name} is not in {vary}");
    }
    assert!(!names.contains(&"authorization"), "what is stored is for all");
}

#[test]
fn what_varies_by_what_is_no_name_or_by_hundreds_is_asked_about_each_time() {
    let hundreds = (0..200).map(|number| format!("x-{number}")).collect::<Vec<_>>().join(",");
    for vary in ["accept, foo bar", &hundreds] {
        let (_host, plugin) = stored(&[("cache-control", "max-age=2"), ("vary", vary)]);
        match plugin.on_request() {
            Verdict::Serve(hit) => assert!(hit.reuse.is_none(), "{vary}"),
            other => assert!(matches!(other, Verdict::Fetch(_)), "{other:?}"),
        }
    }
}

#[test]
fn it_depends_on_what_the_other_responses_of_its_url_vary_by() {
    let (host, plugin) = (Host::new().header("accept", "a"), plugin(Config::default()));
    fetched(&host, &plugin, 200, &[("cache-control", "max-age=9"), ("vary", "accept")]);
    host.next_request();
    host.add_request_header("accept", "b");
    fetched(&host, &plugin, 200, &[("cache-control", "max-age=9"), ("vary", "accept, x-b")]);
    host.next_request();
    host.add_request_header("accept", "a");
    assert!(hit(&plugin).reuse.unwrap().vary.ends_with(",accept,x-b,accept"));
}

#[test]
fn a_client_with_directives_of_its_own_is_asked_about_each_time() {
    let (host, plugin) = stored(&[("cache-control", "max-age=9")]);
    host.add_request_header("cache-control", "max-age=5");
    assert!(hit(&plugin).reuse.is_none());
}

#[test]
fn what_is_stale_is_asked_about_each_time() {
    let (host, plugin) = stored(&[("cache-control", "max-age=1, stale-while-revalidate=9")]);
    host.advance(Duration::from_secs(2));
    let hit = hit(&plugin);
    assert!(hit.refresh.is_some() && hit.reuse.is_none());
}
