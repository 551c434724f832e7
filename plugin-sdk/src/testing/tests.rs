//! The fakes behave as `wit/` says the gateway does.

mod stores;

use std::time::Duration;

use super::Host;
use crate::attributes::AttributeError;
use crate::completion::Ending;
use crate::crypto::{Algorithm, CryptoError, HashAlgorithm};
use crate::http_client::{ClientError, Outbound, send, send_all, submit, take, wait_any};
use crate::response::Source;
use crate::{
    Answer, BodyFilter, ChunkVerdict, HeaderError, NoConfig, Plugin, attributes, clock, crypto, files, hooks, log,
    metrics, random, request, response, secrets,
};

#[test]
fn a_request_is_read_as_it_was_set_up() {
    let _host =
        Host::new().method("PUT").host("a.example").path("/x").query("q=1").param("id", "7").client_address("::1");
    assert_eq!((request::method(), request::host(), request::path()), ("PUT".into(), "a.example".into(), "/x".into()));
    assert_eq!(request::query().as_deref(), Some("q=1"));
    let line = request::line();
    assert_eq!((line.method, line.host, line.path), ("PUT".into(), "a.example".into(), "/x".into()));
    assert_eq!((line.query, line.route), (request::query(), request::route()));
    assert_eq!(request::param("id").as_deref(), Some("7"));
    assert_eq!(request::param("other"), None);
    assert_eq!(request::client_address(), "::1");
}

#[test]
fn header_names_are_case_insensitive_and_first_values_win() {
    let _host = Host::new().header("X-A", "1").header("x-a", "2").header("x-b", b"\xff");
    assert_eq!(request::header("X-a").as_deref(), Some("1"));
    assert_eq!(request::header_values("x-A"), ["1", "2"]);
    let kept = ["x-b", "x-c", "x-a"].map(str::to_owned);
    assert_eq!(request::header_many_kept(&kept), request::header_many(&["x-b", "x-c", "x-a"]));
    assert_eq!(request::header_many(&["x-b", "x-c", "x-a"]), [Some("\u{fffd}".into()), None, Some("1".into())]);
    assert_eq!(request::header_bytes("x-b").as_deref(), Some(&b"\xff"[..]));
}

#[test]
fn set_replaces_every_line_add_keeps_them_and_remove_takes_them_all() {
    let host = Host::new().header("a", "1").header("b", "2").header("A", "3");
    request::set_header("a", "4").unwrap();
    request::add_header("b", "5").unwrap();
    let fields = [("a", "4"), ("b", "2"), ("b", "5")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(host.request_headers(), fields);
    request::remove_header("B").unwrap();
    assert_eq!(host.request_headers(), fields[..1]);
}

#[test]
fn headers_the_gateway_would_refuse_are_refused_and_nothing_changes() {
    let host = Host::new();
    assert_eq!(request::set_header("a b", "1"), Err(HeaderError::IllegalName));
    assert_eq!(request::set_header("", "1"), Err(HeaderError::IllegalName));
    assert_eq!(request::add_header("a", "1\r\nb: 2"), Err(HeaderError::IllegalValue));
    assert_eq!(request::remove_header("Content-Length"), Err(HeaderError::Reserved));
    assert!(host.request_headers().is_empty());
}

#[test]
fn a_path_must_be_absolute_and_encoded() {
    let host = Host::new().path("/old");
    assert!(request::set_path("new").is_err());
    assert!(request::set_path("/a b").is_err());
    assert!(request::set_path("/a?b").is_err());
    assert_eq!(host.path_now(), "/old");
    request::set_path("/a%20b").unwrap();
    request::set_query(None).unwrap();
    assert_eq!((host.path_now().as_str(), host.query_now()), ("/a%20b", None));
}

#[test]
fn the_response_is_there_in_on_response_only() {
    let host = Host::new();
    host.enter_response(200);
    assert_eq!((response::status(), response::made_by()), (200, Source::Upstream));
    assert!(response::set_status(199).is_err());
    response::set_status(503).unwrap();
    assert_eq!(host.response_status(), 503);
}

#[test]
fn a_body_set_for_a_response_has_its_own_length_and_no_digest_of_the_other() {
    let host = Host::new().response(200).with_response_header("content-length", "5");
    let host = host.with_response_header("content-digest", "sha-256=:x:").with_response_header("etag", "\"e\"");
    assert_eq!(host.response_body(), None);
    response::set_body(b"hi");
    assert_eq!(host.response_body().as_deref(), Some(&b"hi"[..]));
    assert_eq!(host.response_headers(), [("etag".into(), "\"e\"".into()), ("content-length".into(), "2".into())]);
}

#[test]
#[should_panic(expected = "`request` may not be called in `on_response`")]
fn a_request_function_in_on_response_is_a_mistake() {
    let _host = Host::new().response(200);
    request::path();
}

#[test]
#[should_panic(expected = "`response` may only be called in `on_response`")]
fn a_response_function_in_on_request_is_a_mistake() {
    let _host = Host::new();
    response::status();
}

#[test]
#[should_panic(expected = "no gateway")]
fn without_a_gateway_there_is_a_message_that_says_so() {
    drop(Host::new());
    request::path();
}

/// Numbers the chunks, is done after the second, and does not like `!`.
struct Numbering(std::cell::Cell<u8>);

impl Plugin for Numbering {
    type Config = NoConfig;
    const NAME: &'static str = "numbering";
    const VERSION: &'static str = "0.0.1";
    const SUMMARY: &'static str = "Numbers chunks";

    fn configure(_: NoConfig) -> Result<Self, String> {
        Ok(Self(std::cell::Cell::new(b'0')))
    }
}

impl BodyFilter for Numbering {
    fn on_response_chunk(&self, mut chunk: Vec<u8>, last: bool) -> ChunkVerdict {
        self.0.set(self.0.get() + 1);
        match (self.0.get(), &chunk[..]) {
            (_, b"!") => ChunkVerdict::Fail("a mark".to_owned()),
            (_, b"path") => ChunkVerdict::Fail(request::path()),
            (b'3', _) => ChunkVerdict::Done,
            (number, _) => {
                chunk.push(if last { b'.' } else { number });
                ChunkVerdict::Replace(chunk)
            }
        }
    }
}

#[test]
fn a_body_passes_a_plugin_as_it_passes_in_the_gateway() {
    let host = Host::new();
    let pass = |pieces: &[&[u8]]| host.pass_response_body(&Numbering::configure(NoConfig {}).unwrap(), pieces);
    assert_eq!(pass(&[b"a", b"b", b"c", b"d"]), Ok(b"a1b2cd".to_vec()));
    assert_eq!(pass(&[b"a", b""]), Ok(b"a1.".to_vec()));
    assert_eq!(pass(&[b"", b""]), Ok(Vec::new()), "a body of no bytes is not shown");
    assert_eq!(pass(&[b"a", b"!"]), Err("a mark".to_owned()));
    // What is left as it is has bodies pass.
    let numbering = Numbering::configure(NoConfig {}).unwrap();
    assert_eq!(host.pass_request_body(&numbering, &[b"a", b"!"]), Ok(b"a!".to_vec()));
    assert_eq!(request::path(), "/", "the body is over, and the request at hand again");
}

#[test]
#[should_panic(expected = "`request` may not be called while a body passes")]
fn a_request_function_while_a_body_passes_is_a_mistake() {
    let host = Host::new();
    drop(host.pass_response_body(&Numbering::configure(NoConfig {}).unwrap(), &[b"path"]));
}

#[test]
fn attributes_last_for_one_request_and_are_bounded() {
    let host = Host::new();
    for number in 0..64 {
        attributes::set(&format!("a.{number}"), "x").unwrap();
    }
    assert_eq!(attributes::set("one.more", "x"), Err(AttributeError::TooLarge));
    assert_eq!(attributes::set("a.0", "y"), Ok(()));
    assert_eq!(attributes::get("a.0").as_deref(), Some("y"));
    host.next_request();
    assert_eq!(attributes::get("a.0"), None);
}

#[test]
fn calls_are_answered_by_the_closure_in_order_and_remembered() {
    let host = Host::new().on_call(|call| match call.path.as_str() {
        "/late" => Err(ClientError::Timeout),
        path => Ok(Answer::new(200).body(path)),
    });
    let answers = send_all(vec![Outbound::get("a", "/1"), Outbound::get("b", "/late"), Outbound::get("c", "/3")]);
    assert_eq!(answers, [Ok(Answer::new(200).body("/1")), Err(ClientError::Timeout), Ok(Answer::new(200).body("/3"))]);
    assert_eq!(host.calls().len(), 3);
    assert_eq!(host.calls()[1].path, "/late");
}

#[test]
fn an_answer_is_taken_once_and_without_a_closure_all_is_denied() {
    let _host = Host::new();
    assert!(matches!(send(Outbound::get("a", "/")), Err(ClientError::Denied(_))));
    assert_eq!(wait_any(&[]), 0);
    let call = submit(&Outbound::get("a", "/"));
    assert_eq!(wait_any(&[]), call);
    assert!(take(call).is_err());
    assert_eq!(take(call), Err(ClientError::UnknownCall));
}

#[test]
fn signatures_are_judged_by_the_closure_and_only_for_known_keys() {
    let _host = Host::new().key("k", Algorithm::Es256).on_verify(|_, message, signature| message == signature);
    assert_eq!(crypto::keys()[0].algorithm.name(), "ES256");
    assert!(crypto::verify("k", b"m", b"m"));
    assert!(!crypto::verify("k", b"m", b"n"));
    assert!(!crypto::verify("unknown", b"m", b"m"));
}

#[test]
fn only_a_key_that_may_sign_signs_and_only_one_that_seals_opens() {
    let _host = Host::new()
        .key("public", Algorithm::Es256)
        .signing_key("own", Algorithm::Es256)
        .key("box", Algorithm::A256gcm)
        .on_sign(|key, message| [key.as_bytes(), message].concat());
    assert_eq!(crypto::sign("own", b"m"), Ok(b"ownm".to_vec()));
    assert!(matches!(crypto::sign("public", b"m"), Err(CryptoError::WrongUse(_))));
    assert_eq!(crypto::sign("unknown", b"m"), Err(CryptoError::UnknownKey));
    assert!(crypto::keys().iter().all(|key| key.may_sign == (key.name == "own")));

    let sealed = crypto::seal("box", b"text", b"for zoe").unwrap();
    assert_eq!(sealed.len(), 12 + 4 + 16);
    assert_eq!(crypto::open("box", &sealed, b"for zoe"), Ok(b"text".to_vec()));
    assert_eq!(crypto::open("box", &sealed, b"for abe"), Err(CryptoError::NotAuthentic));
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(crypto::open("box", &changed, b"for zoe"), Err(CryptoError::NotAuthentic), "byte {at}");
    }
    assert_eq!(crypto::open("box", b"", b""), Err(CryptoError::NotAuthentic));
    assert!(matches!(crypto::seal("own", b"m", b""), Err(CryptoError::WrongUse(_))));
}

#[test]
fn hashes_are_real() {
    let hash = crypto::hash(HashAlgorithm::Sha256, b"abc");
    assert_eq!(hash[..4], [0xba, 0x78, 0x16, 0xbf]);
    assert_eq!(crypto::hash(HashAlgorithm::Sha384, b"").len(), 48);
    assert_eq!(crypto::hash(HashAlgorithm::Sha512, b"").len(), 64);
}

#[test]
fn files_are_there_by_name() {
    let _host = Host::new().file("geo/a.csv", "a,b");
    assert_eq!(files::read("geo/a.csv"), Ok(b"a,b".to_vec()));
    assert_eq!(files::read("geo/b.csv"), Err(files::FileError::NotFound));
}

#[test]
fn secrets_are_there_by_name_and_as_text_only_if_they_are_text() {
    let _host = Host::new().secret("token", "abc").secret("raw", [255]);
    assert_eq!(secrets::get("token").as_deref(), Some("abc"));
    assert_eq!((secrets::get("raw"), secrets::get_bytes("raw")), (None, Some(vec![255])));
    assert_eq!(secrets::get("other"), None);
}

#[test]
fn metrics_add_up_by_name_and_labels_whatever_their_order() {
    let host = Host::new();
    metrics::add_to_counter("hits_total", &[("a", "1"), ("b", "2")], 1.0).unwrap();
    metrics::add_to_counter("hits_total", &[("b", "2"), ("a", "1")], 2.0).unwrap();
    metrics::set_gauge("depth", &[], 5.0).unwrap();
    metrics::add_to_gauge("depth", &[], -2.0).unwrap();
    metrics::observe("size_bytes", &[], 7.0).unwrap();
    assert_eq!(host.metric("hits_total", &[("a", "1"), ("b", "2")]), Some(3.0));
    assert_eq!((host.metric("depth", &[]), host.metric("size_bytes", &[])), (Some(3.0), Some(7.0)));
    assert_eq!(host.metric("other", &[]), None);
    assert!(metrics::add_to_counter("hits_total", &[], -1.0).is_err());
    assert!(metrics::observe("depth", &[], 1.0).is_err());
    assert!(metrics::set_buckets("size_bytes", &[2.0, 1.0]).is_err());
}

#[test]
fn clocks_stand_still_until_they_are_moved() {
    let host = Host::new().unix_time(Duration::from_secs(10));
    let before = clock::monotonic_us();
    assert_eq!(clock::unix_ms(), 10_000);
    host.advance(Duration::from_millis(5));
    assert_eq!(clock::unix_ms(), 10_005);
    assert_eq!(clock::monotonic_us() - before, 5000);
}

#[test]
fn random_bytes_are_as_many_as_asked_for_and_differ() {
    let _host = Host::new();
    assert_eq!(random::bytes(13).len(), 13);
    assert_ne!(random::bytes(8), random::bytes(8));
    assert_ne!(random::number(), random::number());
}

#[test]
fn log_lines_are_kept_in_order() {
    let host = Host::new();
    log::info("one");
    log::error("two");
    let lines = host.logs();
    assert_eq!(lines, [(log::Level::Info, "one".to_owned()), (log::Level::Error, "two".to_owned())]);
}

#[test]
fn an_upstream_that_is_granted_can_be_chosen_and_no_other() {
    let host = Host::new().may_forward("blue");
    assert!(request::set_upstream("green").unwrap_err().contains("grant.forward"));
    assert_eq!(host.chosen_upstream(), None);
    request::set_upstream("blue").unwrap();
    assert_eq!(host.chosen_upstream().as_deref(), Some("blue"));
    host.next_request();
    assert_eq!(host.chosen_upstream(), None);
}

#[test]
fn when_all_is_over_the_request_and_the_notes_can_be_read() {
    let host = Host::new().path("/x").response(404).made_by(Source::Plugin("p".into()));
    attributes::set("p.who", "zoe").unwrap();
    let completed = host.complete();
    assert_eq!((completed.status, completed.ending), (404, Ending::Complete));
    assert_eq!(completed.made_by, Source::Plugin("p".into()));
    assert_eq!((request::path(), attributes::get("p.who").as_deref()), ("/x".into(), Some("zoe")));
}

#[test]
#[should_panic(expected = "not changed")]
fn when_all_is_over_nothing_can_be_changed() {
    let host = Host::new();
    host.complete();
    request::set_path("/y").unwrap();
}

#[test]
#[should_panic(expected = "use `attributes`")]
fn when_all_is_over_the_response_is_gone() {
    let host = Host::new().response(200);
    host.complete();
    response::status();
}

#[test]
fn the_interval_asked_for_last_holds() {
    let host = Host::new();
    assert_eq!(host.interval(), None);
    hooks::call_every(Duration::from_secs(60));
    hooks::call_every(Duration::from_secs(5));
    assert_eq!(host.interval(), Some(Duration::from_secs(5)));
}

#[test]
#[should_panic(expected = "256 names, and not for 257")]
fn too_many_names_in_one_call_are_a_fault() {
    let _host = Host::new();
    request::header_many(&["x"; 257]);
}
