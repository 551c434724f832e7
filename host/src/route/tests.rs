use super::*;

fn route(path: &str) -> Match {
    Match { hosts: vec![], path: path.into(), methods: vec![], headers: vec![], query: vec![] }
}

fn table(matches: impl IntoIterator<Item = Match>) -> Table {
    let mut table = Table::default();
    for (id, matches) in matches.into_iter().enumerate() {
        table.add(id, &matches);
    }
    table.suffixes.sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
    table
}

fn head(method: &str, target: &str) -> request::Parts {
    http::Request::builder().method(method).uri(target).header("x-a", "1").body(()).unwrap().into_parts().0
}

fn found(table: &Table, target: &str) -> Option<usize> {
    table.find("any.example", &head("GET", target)).ok().map(|(id, _)| id)
}

#[test]
fn a_literal_beats_a_parameter_beats_the_rest() {
    let table = table(vec![route("/{*rest}"), route("/a/{id}"), route("/a/b")]);
    assert_eq!(found(&table, "/a/b"), Some(2));
    assert_eq!(found(&table, "/a/c"), Some(1));
    assert_eq!(found(&table, "/a/c/d"), Some(0));
    assert_eq!(found(&table, "/"), Some(0));
}

#[test]
fn a_dead_end_falls_back_to_a_less_special_path() {
    let table = table(vec![route("/a/{id}/x"), route("/a/b/y"), route("/{*rest}")]);
    assert_eq!(found(&table, "/a/b/x"), Some(0));
    assert_eq!(found(&table, "/a/b/z"), Some(2));
}

#[test]
fn parameters_are_decoded_and_a_slash_in_one_stays_in_it() {
    let table = table(vec![route("/u/{id}/{*rest}")]);
    let (_, values) = table.find("h", &head("GET", "/u/a%2Fb%20c/d/e%2F")).unwrap();
    let names = Names::new("r", "/u/{id}/{*rest}");
    assert_eq!(names.params(&values).collect::<Vec<_>>(), [("id", "a/b c"), ("rest", "d/e/")]);
    let routed = Routed::new(&[names].into(), 0, values);
    assert_eq!((routed.name(), routed.param("rest"), routed.param("r")), ("r", Some("d/e/"), None));
    assert_eq!(routed.without_params().param("rest"), None);
}

#[test]
fn a_path_and_the_rest_below_it_are_two_routes_in_either_order() {
    let post = |path| Match { methods: vec![Method::POST], ..route(path) };
    for (here, rest) in [(0, 1), (1, 0)] {
        let mut paths = ["/a", "/a/{*rest}"];
        paths.swap(0, here);
        // Those with a condition are tried first, and passed by.
        let table = table(paths.into_iter().map(route).chain([post("/a"), post("/a/{*rest}")]));
        assert_eq!(
            (found(&table, "/a"), found(&table, "/a/"), found(&table, "/a/b/c")),
            (Some(here), Some(rest), Some(rest))
        );
        assert_eq!(table.find("h", &head("POST", "/a/b")).unwrap(), (3, vec!["b".to_owned()]));
    }
}

#[test]
fn of_two_that_ask_for_the_same_the_first_is_taken() {
    let table = table([route("/a/{x}"), route("/a/{y}"), route("/a/{*rest}"), route("/a/{*more}")]);
    assert_eq!((found(&table, "/a/b"), found(&table, "/a/b/c")), (Some(0), Some(2)));
}

#[test]
fn a_long_segment_is_found_like_a_short_one() {
    let long = format!("/{}", "x".repeat(300));
    let table = table([route(&long), route("/short")]);
    assert_eq!((found(&table, &long), found(&table, "/short"), found(&table, "/x")), (Some(0), Some(1), None));
}

#[test]
fn an_encoded_path_is_the_same_path() {
    let table = table(vec![route("/admin/x"), route("/{*rest}")]);
    assert_eq!(found(&table, "/%61dmin/x"), Some(0));
}

#[test]
fn an_empty_segment_is_no_parameter() {
    let table = table(vec![route("/u/{id}")]);
    assert_eq!(found(&table, "/u/"), None);
    assert_eq!(found(&table, "/u"), None);
}

#[test]
fn a_trailing_slash_is_another_path() {
    let table = table(vec![route("/a"), route("/b/")]);
    assert_eq!((found(&table, "/a/"), found(&table, "/b"), found(&table, "/b/")), (None, None, Some(1)));
}

#[test]
fn a_wrong_method_falls_through_and_is_named_when_nothing_is_left() {
    let post = Match { methods: vec![Method::POST], ..route("/a") };
    let both = table(vec![post.clone(), route("/{*rest}")]);
    assert_eq!(found(&both, "/a"), Some(1));
    let only = table(vec![post]);
    let failure = only.find("h", &head("GET", "/a")).unwrap_err();
    assert!(matches!(failure, Failure::MethodNotAllowed { allow } if allow == "POST"));
}

#[test]
fn more_conditions_win_whatever_the_order() {
    let with_header = Match { headers: vec![(HeaderName::from_static("x-a"), Some("1".into()))], ..route("/a") };
    let with_query = Match { query: vec![("q".into(), None)], ..with_header.clone() };
    let table = table(vec![route("/a"), with_header, with_query]);
    assert_eq!(found(&table, "/a"), Some(1));
    assert_eq!(found(&table, "/a?q"), Some(2));
}

#[test]
fn an_exact_host_beats_the_longest_suffix_beats_none() {
    let on = |host| Match { hosts: vec![host], ..route("/{*rest}") };
    let table = table(vec![
        route("/{*rest}"),
        on(Host::Suffix(".example".into())),
        on(Host::Suffix(".a.example".into())),
        on(Host::Exact("x.a.example".into())),
    ]);
    let of = |host| table.find(host, &head("GET", "/")).unwrap().0;
    assert_eq!([of("x.a.example"), of("y.a.example"), of("b.example"), of("example"), of("other")], [3, 2, 1, 0, 0]);
}

use http::HeaderName;

proptest::proptest! {
    #[test]
    fn no_path_panics_or_matches_a_route_it_should_not(path in "/[a-z/%0-9{}.*]{0,200}") {
        let table = table(vec![route("/a/{id}/b"), route("/a/{*rest}")]);
        if let Ok(target) = path.parse::<http::Uri>() {
            let mut parts = head("GET", "/");
            parts.uri = target;
            if let Ok((id, _)) = table.find("h", &parts) {
                proptest::prop_assert!(id < 2);
            }
        }
    }
}
