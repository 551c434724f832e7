//! Those of what outlasts a request: stores and buckets.

use std::time::Duration;

use crate::kv::KvError;
use crate::rate::{Bucket, RateError};
use crate::shared_kv::SharedKvError;
use crate::testing::Host;
use crate::{kv, rate, shared_kv};

#[test]
fn kv_values_end_with_their_time_and_survive_requests() {
    let host = Host::new().kv("forever", "f");
    kv::set("short", b"s", 1000).unwrap();
    host.next_request();
    host.advance(Duration::from_millis(999));
    assert_eq!(kv::get("short").as_deref(), Some(&b"s"[..]));
    host.advance(Duration::from_millis(1));
    assert_eq!(kv::get("short"), None);
    assert!(!kv::delete("short"));
    assert!(kv::delete("forever"));
    assert_eq!(kv::set(&"k".repeat(1025), b"", 0), Err(KvError::TooLarge));
}

#[test]
fn increments_count_and_keep_the_time_of_the_first() {
    let host = Host::new().kv("text", "x");
    assert_eq!(kv::increment("n", 2, 1000), Ok(2));
    host.advance(Duration::from_millis(600));
    assert_eq!(kv::increment("n", -5, 1000), Ok(-3));
    host.advance(Duration::from_millis(600));
    assert_eq!(kv::increment("n", 1, 0), Ok(1));
    assert_eq!(kv::increment("text", 1, 0), Err(KvError::NotANumber));
}

#[test]
fn compare_and_swap_sets_only_what_is_as_expected() {
    let _host = Host::new();
    assert_eq!(kv::compare_and_swap("k", Some(b"a"), b"b", 0), Ok(false));
    assert_eq!(kv::compare_and_swap("k", None, b"a", 0), Ok(true));
    assert_eq!(kv::compare_and_swap("k", None, b"b", 0), Ok(false));
    assert_eq!(kv::compare_and_swap("k", Some(b"a"), b"b", 0), Ok(true));
    assert_eq!(kv::get("k").as_deref(), Some(&b"b"[..]));
}

#[test]
fn a_bucket_empties_refills_evenly_and_is_never_more_than_full() {
    let host = Host::new();
    let bucket = Bucket { capacity: 2, refill: 2, period_ms: 1000 };
    assert_eq!(rate::check("k", &bucket, 2).unwrap().remaining, 0);
    let refused = rate::check("k", &bucket, 1).unwrap();
    assert_eq!((refused.allowed, refused.retry_after_ms, refused.reset_ms), (false, 500, 1000));
    host.advance(Duration::from_millis(499));
    assert!(!rate::check("k", &bucket, 1).unwrap().allowed);
    host.advance(Duration::from_millis(1));
    assert!(rate::check("k", &bucket, 1).unwrap().allowed);
    host.advance(Duration::from_hours(1));
    assert_eq!(rate::check("k", &bucket, 0).unwrap().remaining, 2);
}

#[test]
fn a_bucket_that_makes_no_sense_and_a_key_too_many_are_errors() {
    let _host = Host::new().max_buckets(1);
    let bucket = Bucket { capacity: 1, refill: 1, period_ms: 1 };
    assert_eq!(rate::check("a", &Bucket { refill: 0, ..bucket }, 1), Err(RateError::Invalid));
    assert_eq!(rate::check("a", &bucket, 2), Err(RateError::Invalid));
    assert!(rate::check("a", &bucket, 1).is_ok());
    assert_eq!(rate::check("b", &bucket, 1), Err(RateError::TooManyKeys));
}

#[test]
fn shared_stores_are_apart_and_only_there_where_they_are_granted() {
    let host = Host::new().shared_kv("sessions").shared_kv("other");
    assert_eq!(shared_kv::increment("sessions", "n", 2, 1000), Ok(2));
    assert_eq!(shared_kv::get("sessions", "n"), Ok(Some(b"2".to_vec())));
    assert_eq!((shared_kv::get("other", "n"), kv::get("n")), (Ok(None), None));
    assert_eq!(shared_kv::compare_and_swap("sessions", "n", Some(b"2"), b"x", 0), Ok(true));
    assert_eq!(shared_kv::increment("sessions", "n", 1, 0), Err(SharedKvError::NotANumber));
    host.advance(Duration::from_secs(2));
    assert_eq!(shared_kv::delete("sessions", "n"), Ok(true));
    assert!(matches!(shared_kv::set("secret", "n", b"", 0), Err(SharedKvError::Denied(_))));
}
