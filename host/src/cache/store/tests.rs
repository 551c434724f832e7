use http::{HeaderMap, StatusCode};

use super::super::entry::Kept;
use super::*;

const LONG: Duration = Duration::from_secs(100);

fn store(bytes: usize) -> Store {
    let store = Store::default();
    store.set_limits(&PluginLimits { cache_bytes: bytes, cache_object: bytes, ..PluginLimits::default() });
    store
}

fn entry(body: usize, tags: &[&str]) -> Arc<Entry> {
    let head = Head { status: StatusCode::OK, headers: HeaderMap::new() };
    let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
    let kept = Kept { meta: vec![], selector: String::new(), tags, keep: LONG };
    Arc::new(Entry::new(head, vec![0; body].into(), kept))
}

fn put(store: &Store, key: &str, entry: &Arc<Entry>) {
    assert!(store.insert(&key.into(), store.moment(), entry));
}

#[test]
fn what_is_stored_stays_within_its_bytes() {
    let store = store(1 << 20);
    for n in 0..10_000 {
        put(&store, &format!("http://a/{n}"), &entry(1000, &[]));
    }
    let numbers = store.numbers();
    assert!(numbers.bytes <= 1 << 20, "{numbers:?}");
    assert!(numbers.bytes > 800_000, "most of the room is used: {numbers:?}");
    assert_eq!(numbers.entries + numbers.evicted, 10_000);
}

#[test]
fn what_is_said_to_be_stored_is_there() {
    let store = store(1 << 20);
    let key: Arc<str> = "http://a/".into();
    let mut seen = [0, 0];
    for body in (120_000..140_000).step_by(100) {
        let stored = store.insert(&key, store.moment(), &entry(body, &[]));
        let found = store.lookup(&key);
        assert_eq!(stored, found.first().is_some_and(|entry| entry.body.len() == body), "{body}");
        seen[usize::from(stored)] += 1;
    }
    assert!(seen.iter().all(|times| *times > 10), "{seen:?}");
}

#[test]
fn the_oldest_variants_go_where_a_key_has_more_than_fits() {
    let store = store(1 << 20);
    for selector in ["a", "b", "c"] {
        let mut variant = Arc::into_inner(entry(50_000, &[])).unwrap();
        variant.kept.selector = selector.into();
        put(&store, "http://a/", &Arc::new(variant));
    }
    let found = store.lookup("http://a/");
    assert_eq!(found.iter().map(|entry| &*entry.kept.selector).collect::<Vec<_>>(), ["c", "b"]);
}

#[test]
fn a_purge_takes_the_url_the_prefix_or_the_tag_and_nothing_else() {
    let store = store(1 << 20);
    for key in ["http://a/x", "http://a/x de", "http://a/xy", "http://b/x"] {
        put(&store, key, &entry(1, if key.contains("//b") { &["t"] } else { &[] }));
    }
    assert_eq!(store.purge(Purge::Url("http://a/x")), 2);
    assert_eq!(store.lookup("http://a/xy").len(), 1);
    assert_eq!(store.purge(Purge::Prefix("http://a/")), 1);
    assert_eq!((store.purge(Purge::Tag("other")), store.purge(Purge::Tag("t"))), (0, 1));
    assert_eq!(store.numbers().entries, 0);
}

#[test]
fn what_was_removed_while_it_was_fetched_is_not_stored() {
    let store = store(1 << 20);
    let (removed, other): (Arc<str>, Arc<str>) = ("http://a/1".into(), "http://a/2".into());
    let began = store.moment();
    assert!(!store.remove(&removed));
    assert!(!store.insert(&removed, began, &entry(1, &[])));
    assert!(store.insert(&removed, store.moment(), &entry(1, &[])), "one that began later is");
    let began = store.moment();
    store.purge(Purge::Prefix("http://zzz/"));
    assert!(!store.insert(&other, began, &entry(1, &[])), "a purge cannot know what a fetch will bring");
}

#[test]
fn a_key_that_is_apart_is_led_and_followed_by_nobody() {
    let store = store(1 << 20);
    let key: Arc<str> = "http://a/".into();
    store.set_apart(&key, LONG);
    assert!(matches!(store.join(&key), Joined::Alone));
    put(&store, &key, &entry(1, &[]));
    assert!(matches!(store.join(&key), Joined::Leader(_)), "something was stored after all");
}
