//! Fields as a guest may set them, one by one and as a whole answer: what gets in can be sent, and
//! nothing of the gateway's does.

#![no_main]

use arbitrary::Arbitrary;
use http::HeaderMap;
use libfuzzer_sys::fuzz_target;
use tollgate::fuzzing::header_map;
use tollgate_plugin_sdk::RESERVED_HEADERS;

#[derive(Debug, Arbitrary)]
enum Step<'a> {
    Set(Name<'a>, &'a [u8]),
    Add(Name<'a>, &'a [u8]),
    /// Many at once, to come near the limit.
    AddMany(Name<'a>, u8),
    Remove(Name<'a>),
}

#[derive(Debug, Arbitrary)]
enum Name<'a> {
    Reserved(u8),
    Text(&'a str),
}

impl Name<'_> {
    fn text(&self) -> String {
        match self {
            Self::Reserved(number) => RESERVED_HEADERS[usize::from(*number) % RESERVED_HEADERS.len()].to_uppercase(),
            Self::Text(text) => (*text).to_owned(),
        }
    }
}

fuzz_target!(|case: (Vec<Step<'_>>, Vec<(&str, &str)>)| {
    let (steps, fields) = case;
    let mut map = HeaderMap::new();
    for step in &steps {
        let before = map.len();
        match step {
            Step::Set(name, value) => {
                let name = name.text();
                if header_map::set(&mut map, &name, value) {
                    assert_eq!(header_map::values(&map, &name).len(), 1);
                    assert_eq!(header_map::get_bytes(&map, &name).as_deref(), Some(*value));
                }
            }
            Step::Add(name, value) => {
                let added = header_map::add(&mut map, &name.text(), value);
                assert_eq!(map.len(), before + usize::from(added));
            }
            Step::AddMany(name, count) => {
                for _ in 0..*count {
                    let _ = header_map::add(&mut map, &name.text(), b"x");
                }
            }
            Step::Remove(name) => {
                let name = name.text();
                if header_map::remove(&mut map, &name) {
                    assert_eq!(header_map::get(&map, &name), None);
                }
            }
        }
        check(&map);
    }
    if let Ok(map) = header_map::build(&fields) {
        check(&map);
    }
});

fn check(map: &HeaderMap) {
    assert!(map.len() <= 256);
    for (name, value) in map {
        assert!(!RESERVED_HEADERS.contains(&name.as_str()), "{name}");
        assert!(!value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{name}: {value:?}");
    }
}
