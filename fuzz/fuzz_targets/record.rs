//! Stored responses as they come from Redis: read or refused, never more than was there.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::fuzzing::read_record;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some((status, fields, body))) = read_record(bytes) {
        assert!((200..=999).contains(&status), "{status}");
        assert!(fields + body.len() <= bytes.len());
        assert!(bytes.ends_with(&body));
    }
});
