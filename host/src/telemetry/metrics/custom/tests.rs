//! A plugin's numbers, written from several threads and versions.

use super::*;
use crate::telemetry::metrics::text::Text;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn page(stores: &Stores) -> String {
    let mut text = Text::default();
    write(&mut text, &stores.all());
    text.finish()
}

fn has(stores: &Stores, line: &str) {
    let page = page(stores);
    assert!(page.lines().any(|l| l == line), "{line} is missing in\n{page}");
}

#[test]
fn additions_of_all_threads_are_counted() {
    let stores = Stores::default();
    let metrics = stores.of("p", &names(&["hits_total", "size_bytes"]), 10);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    metrics.change("hits_total", "a=\"1\"", Change::AddToCounter(0.5)).unwrap();
                    metrics.change("size_bytes", "", Change::Observe(3.0, Some(&[1.0, 10.0]))).unwrap();
                }
            });
        }
    });
    has(&stores, "tollgate_plugin_custom_hits_total{plugin=\"p\",a=\"1\"} 2000");
    has(&stores, "tollgate_plugin_custom_size_bytes_bucket{plugin=\"p\",le=\"1\"} 0");
    has(&stores, "tollgate_plugin_custom_size_bytes_bucket{plugin=\"p\",le=\"10\"} 4000");
    has(&stores, "tollgate_plugin_custom_size_bytes_sum{plugin=\"p\"} 12000");
    has(&stores, "tollgate_plugin_custom_size_bytes_count{plugin=\"p\"} 4000");
}

#[test]
fn a_gauge_is_set_and_moved_and_never_becomes_infinite() {
    let stores = Stores::default();
    let metrics = stores.of("p", &names(&["depth"]), 10);
    metrics.change("depth", "", Change::SetGauge(7.5)).unwrap();
    metrics.change("depth", "", Change::AddToGauge(-8.0)).unwrap();
    has(&stores, "tollgate_plugin_custom_depth{plugin=\"p\"} -0.5");
    metrics.change("depth", "", Change::SetGauge(f64::MAX)).unwrap();
    metrics.change("depth", "", Change::AddToGauge(f64::MAX)).unwrap();
    metrics.change("depth", "", Change::AddToGauge(-f64::MAX)).unwrap();
    has(&stores, "tollgate_plugin_custom_depth{plugin=\"p\"} 0");
}

#[test]
fn series_beyond_the_limit_are_dropped_and_counted_and_those_there_are_go_on() {
    let stores = Stores::default();
    let metrics = stores.of("p", &names(&["a_total", "b"]), 2);
    metrics.change("a_total", "x=\"1\"", Change::AddToCounter(1.0)).unwrap();
    metrics.change("b", "", Change::SetGauge(1.0)).unwrap();
    assert_eq!(metrics.change("a_total", "x=\"2\"", Change::AddToCounter(1.0)), Err(NotChanged::TooManySeries));
    metrics.change("a_total", "x=\"1\"", Change::AddToCounter(1.0)).unwrap();
    has(&stores, "tollgate_plugin_custom_a_total{plugin=\"p\",x=\"1\"} 2");
    has(&stores, "tollgate_plugin_metrics_dropped_total{plugin=\"p\",reason=\"series\"} 1");
}

#[test]
fn a_metric_keeps_its_kind_until_a_later_version_of_the_plugin_changes_it() {
    let stores = Stores::default();
    let old = stores.of("p", &names(&["m"]), 1);
    old.change("m", "", Change::AddToCounter(1.0)).unwrap();
    assert!(matches!(old.change("m", "", Change::SetGauge(1.0)), Err(NotChanged::Invalid(_))));
    let new = stores.of("p", &names(&["m"]), 1);
    new.change("m", "", Change::AddToCounter(1.0)).unwrap();
    has(&stores, "tollgate_plugin_custom_m{plugin=\"p\"} 2");
    new.change("m", "", Change::SetGauge(9.0)).unwrap();
    assert!(matches!(old.change("m", "", Change::AddToCounter(1.0)), Err(NotChanged::Invalid(_))));
    has(&stores, "tollgate_plugin_custom_m{plugin=\"p\"} 9");
}

#[test]
fn what_is_granted_no_longer_is_forgotten_and_gives_its_series_back() {
    let stores = Stores::default();
    let metrics = stores.of("p", &names(&["a", "b"]), 1);
    metrics.change("a", "", Change::SetGauge(1.0)).unwrap();
    let granted = names(&["b"]);
    stores.commit([("p", granted.as_slice())].into_iter());
    metrics.change("b", "", Change::SetGauge(1.0)).unwrap();
    assert!(!page(&stores).contains("custom_a"));
    stores.commit(std::iter::empty());
    assert!(stores.all().is_empty());
}

#[test]
fn without_bounds_a_histogram_has_those_of_the_gateways_own() {
    let own: Vec<f64> = super::super::value::BOUNDS.iter().map(|(bound, _)| bound.as_secs_f64()).collect();
    assert_eq!(own, series::DEFAULT_BOUNDS);
}

#[test]
fn two_plugins_that_use_a_name_differently_share_a_page() {
    let stores = Stores::default();
    let [p, q] = ["p", "q"].map(|plugin| stores.of(plugin, &names(&["m"]), 9));
    p.change("m", "", Change::Observe(1.0, Some(&[2.0]))).unwrap();
    q.change("m", "", Change::SetGauge(3.0)).unwrap();
    let page = page(&stores);
    assert_eq!(page.matches("# TYPE tollgate_plugin_custom_m ").count(), 1);
    let at = |line: &str| page.find(line).unwrap_or_else(|| panic!("{line} is missing in\n{page}"));
    assert!(at("custom_m gauge") < at("custom_m{plugin=\"q\"} 3"));
    assert!(at("custom_m{plugin=\"q\"} 3") < at("custom_m_bucket{plugin=\"p\",le=\"2\"} 1"));
}

#[test]
fn values_names_and_bounds_that_make_no_sense_are_refused() {
    let stores = Stores::default();
    let metrics = stores.of("p", &names(&["m"]), 9);
    for change in [
        Change::AddToCounter(-1.0),
        Change::AddToCounter(f64::NAN),
        Change::SetGauge(f64::INFINITY),
        Change::Observe(f64::NEG_INFINITY, None),
    ] {
        assert!(matches!(metrics.change("m", "", change), Err(NotChanged::Invalid(_))), "{change:?}");
    }
    for name in ["", "a-b", "a b", "x_count", "h_bucket", "é", &"a".repeat(MAX_NAME + 1)] {
        assert!(check_name(name).is_err(), "{name}");
    }
    assert!(check_name("hits_total").is_ok());
    for bounds in [&[][..], &[1.0, 1.0], &[2.0, 1.0], &[f64::NAN], &[f64::INFINITY], &[0.0; MAX_BOUNDS + 1]] {
        assert!(check_bounds(bounds).is_err(), "{bounds:?}");
    }
    assert!(check_bounds(&[-1.0, 0.0, 1e9]).is_ok());
}
