//! Values that are written and read again; what a guest may say that is not true.

use proptest::prelude::*;

use super::{Layout as _, Lift, Lower, MUCH, Placed, Planned, Reader, Slots, record_layout, variant_layout};
use crate::plugin::bindings::exports::tollgate::plugin::request_filter::Verdict;
use crate::plugin::bindings::exports::tollgate::plugin::response_filter;
use crate::plugin::bindings::tollgate::plugin::types::{Answer, ByteRange, Fetch, Header, Hit, Reuse};
use crate::plugin::verdict::{RequestVerdict, ResponseVerdict};
use wasmtime::ValRaw;

/// A guest's memory, in which room is made from 1024 on.
fn written<T: Lower>(value: &T) -> Vec<u8> {
    let mut rooms = Vec::new();
    let mut next = 1024_usize;
    for (size, align) in Planned::of(value).unwrap().0 {
        next = next.next_multiple_of(align as usize);
        rooms.push(u32::try_from(next).unwrap());
        next += size;
    }
    let mut memory = vec![0xaa; next.max(2048)];
    value.store(&mut Placed { memory: &mut memory, rooms: rooms.into_iter() }, 64).unwrap();
    memory
}

fn read<T: Lift>(memory: &[u8]) -> wasmtime::Result<T> {
    Reader::new(memory, 1 << 20).value(64)
}

fn comes_back<T: Lift + Lower + std::fmt::Debug>(value: &T) {
    let back: T = read(&written(value)).unwrap();
    assert_eq!(format!("{back:?}"), format!("{value:?}"));
}

fn header() -> impl Strategy<Value = Header> {
    (".{0,9}", ".{0,9}").prop_map(|(name, value)| Header { name, value })
}

fn headers() -> impl Strategy<Value = Vec<Header>> {
    prop::collection::vec(header(), 0..4)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..20)
}

fn fetch() -> impl Strategy<Value = Fetch> {
    (".{0,9}", bytes(), any::<u32>(), headers(), prop::collection::vec(".{0,5}", 0..3))
        .prop_map(|(key, note, wait_ms, set, remove)| Fetch { key, note, wait_ms, set, remove })
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let answer = (any::<u16>(), headers(), bytes());
    let answer = answer.prop_map(|(status, headers, body)| Answer { status, headers, body });
    let part = any::<Option<(u64, u64)>>().prop_map(|part| part.map(|(first, last)| ByteRange { first, last }));
    let reuse = (any::<u32>(), any::<String>()).prop_map(|(during_ms, vary)| Reuse { during_ms, vary });
    let hit = (any::<u64>(), any::<Option<u16>>(), part, headers(), prop::option::of(fetch()), prop::option::of(reuse));
    let hit =
        hit.prop_map(|(entry, status, part, set, refresh, reuse)| Hit { entry, status, part, set, refresh, reuse });
    prop_oneof![
        Just(Verdict::Next),
        answer.prop_map(Verdict::Respond),
        any::<u32>().prop_map(Verdict::NeedBody),
        fetch().prop_map(Verdict::Fetch),
        hit.prop_map(Verdict::Serve),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        verdict in verdict(),
        texts in prop::collection::vec(any::<Option<String>>(), 0..4),
        numbers in prop::collection::vec(any::<f64>(), 0..4),
        result in any::<Result<Option<i64>, bool>>(),
    ) {
        comes_back(&verdict);
        comes_back(&texts);
        comes_back(&numbers);
        comes_back(&result);
    }

    #[test]
    fn whatever_lies_in_memory_is_read_or_refused(memory in prop::collection::vec(any::<u8>(), 0..400), at in any::<u32>()) {
        let _ = read::<Verdict>(&memory);
        let _ = Reader::new(&memory, 100).value::<Vec<Option<String>>>(at);
        let slots: Vec<ValRaw> = memory.chunks_exact(8).map(|chunk| ValRaw::u64(u64::from_le_bytes(chunk.try_into().unwrap()))).collect();
        let _ = Verdict::lift(&mut Slots(&slots), &mut Reader::new(&memory, 100));
    }
}

/// [`RequestVerdict`] and [`ResponseVerdict`] are written down by hand: they must mean what the interface's do.
#[test]
fn the_chains_verdicts_are_the_interfaces() {
    type Other = response_filter::ResponseVerdict;
    let answer = || Answer { status: 1, headers: Vec::new(), body: vec![2] };
    let hit = || Hit { entry: 3, status: Some(4), part: None, set: Vec::new(), refresh: None, reuse: None };
    let fetch = Fetch { key: "k".into(), note: vec![5], wait_ms: 6, set: Vec::new(), remove: Vec::new() };
    for verdict in
        [Verdict::Next, Verdict::Respond(answer()), Verdict::NeedBody(7), Verdict::Fetch(fetch), Verdict::Serve(hit())]
    {
        let read: RequestVerdict = read(&written(&verdict)).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", RequestVerdict::from(verdict)));
    }
    for verdict in [Other::Next, Other::Replace(answer()), Other::NeedBody(8), Other::Serve(hit())] {
        let read: ResponseVerdict = read(&written(&verdict)).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", ResponseVerdict::from(verdict)));
    }
    assert_eq!((RequestVerdict::SIZE, ResponseVerdict::SIZE), (Verdict::SIZE, Other::SIZE));
}

fn refused<T: Lift + std::fmt::Debug>(memory: &[u8]) -> String {
    read::<T>(memory).unwrap_err().to_string()
}

#[test]
fn a_list_that_is_not_in_memory_is_refused() {
    let mut memory = written(&vec![1_u64, 2]);
    let length = |memory: &mut [u8], length: u32| memory[68..72].copy_from_slice(&length.to_le_bytes());
    length(&mut memory, u32::MAX);
    assert!(refused::<Vec<u64>>(&memory).contains("out of bounds"));
    length(&mut memory, 2);
    memory[64] += 4;
    assert!(refused::<Vec<u64>>(&memory).contains("not aligned"));
    memory[64..68].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(refused::<String>(&memory).contains("out of bounds"));
}

#[test]
fn a_value_that_is_not_in_memory_is_refused() {
    let mut reader = Reader::new(&[0; 100], 100);
    assert!(reader.value::<Verdict>(96).unwrap_err().to_string().contains("out of bounds"));
    assert!(reader.value::<Verdict>(u32::MAX - 7).unwrap_err().to_string().contains("out of bounds"));
    assert!(reader.value::<Verdict>(4).unwrap_err().to_string().contains("not aligned"));
}

#[test]
fn more_than_one_call_may_hand_over_is_refused() {
    let memory = written(&vec!["0123456789".to_owned(); 10]);
    let mut reader = Reader::new(&memory, 100 + 10 * String::SIZE as usize);
    reader.value::<Vec<String>>(64).unwrap();
    let mut reader = Reader::new(&memory, 99 + 10 * String::SIZE as usize);
    assert!(reader.value::<Vec<String>>(64).unwrap_err().to_string().contains("fuel allocated for hostcalls"));
}

#[test]
fn texts_that_are_none_and_cases_that_are_not_there_are_refused() {
    let mut memory = written(&"text".to_owned());
    memory[1024] = 0xff;
    assert!(refused::<String>(&memory).contains("utf-8"));
    let mut memory = written(&Verdict::Next);
    memory[64] = 5;
    assert!(refused::<Verdict>(&memory).contains("discriminant 5"));
}

#[test]
fn records_and_variants_are_laid_out_as_in_c() {
    assert_eq!(record_layout(&[(1, 1), (8, 8), (2, 2)]), (24, 8));
    assert_eq!(record_layout(&[]), (0, 1));
    assert_eq!(variant_layout(&[(0, 1, 0), (8, 4, 2), (8, 8, 1)]), (16, 8, 8, 3));
    assert_eq!(variant_layout(&[(0, 1, 0), (0, 1, 0)]), (1, 1, 1, 1));
}

#[test]
fn a_large_list_goes_to_the_room_that_was_made_for_it_and_a_small_one_does_not() {
    let large: Vec<u8> = (0..=u8::MAX).cycle().take(MUCH).collect();
    for (value, has_room) in [(&large[..], true), (&large[1..], false)] {
        let memory = written(&value.to_vec());
        let room = Vec::with_capacity(MUCH);
        let place = room.as_ptr();
        let read: Vec<u8> = Reader::new(&memory, MUCH).with_room(room).value(64).unwrap();
        assert_eq!(read, value);
        assert_eq!(read.as_ptr() == place, has_room);
    }
}
