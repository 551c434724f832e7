use proptest::prelude::*;
use wasmtime::{Config, Engine, Instance, Module, Store, TypedFunc};

use super::*;
use crate::plugin::engine;

/// A group of types, an import, a function that has one of the instructions twice, and the first byte of a bulk
/// instruction where there is none.
const MODULE: &str = r#"(module
    (rec (type (func)) (type (func (param i64))))
    (type $one (func (param i32)))
    (type $three (func (param i32 i32 i32)))
    (import "host" "told" (func $told (type $one)))
    (memory (export "memory") 5)
    (data $data "BYTES")
    (func (export "fill") (type $three) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (type $three) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (type $three)
        (memory.init $data (local.get 0) (local.get 1) (local.get 2))
        (memory.init $data (local.get 0) (local.get 1) (local.get 2))
        (call $told (i32.const -4))))"#;

const PAGES: u32 = 5;
const MEMORY: u32 = PAGES << 16;
const DATA: u32 = 200_000;

fn module_bytes() -> Vec<u8> {
    let data: String = (0..DATA / 2).map(|at| format!("\\{:02x}a", at % 251)).collect();
    wat::parse_str(MODULE.replace("BYTES", &data)).unwrap()
}

/// Memory after one call of a function, or none where it trapped.
fn after(engine: &Engine, module: &Module, function: &str, (to, from, bytes): (u32, u32, u32)) -> Option<Vec<u8>> {
    let mut store = Store::new(engine, ());
    let told = wasmtime::Func::wrap(&mut store, |_: i32| {});
    let instance = Instance::new(&mut store, module, &[told.into()]).unwrap();
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    for (at, byte) in memory.data_mut(&mut store).iter_mut().enumerate() {
        *byte = u8::try_from(at % 253).unwrap();
    }
    let function: TypedFunc<(u32, u32, u32), ()> = instance.get_typed_func(&mut store, function).unwrap();
    function.call(&mut store, (to, from, bytes)).ok()?;
    Some(memory.data(&store).to_vec())
}

fn both() -> &'static (Engine, Module, Module) {
    static BOTH: std::sync::OnceLock<(Engine, Module, Module)> = std::sync::OnceLock::new();
    BOTH.get_or_init(|| {
        let engine = Engine::new(&Config::new()).unwrap();
        let bytes = module_bytes();
        let rewritten = in_chunks(&bytes).unwrap();
        assert!(matches!(rewritten, Cow::Owned(_)));
        let modules = [&bytes[..], &rewritten].map(|bytes| Module::from_binary(&engine, bytes).unwrap());
        let [before, after] = modules;
        (engine, before, after)
    })
}

/// Addresses and lengths: small ones, any within memory, and those that are out of it.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![
        0..64_u32,
        0..64_u32,
        0..MEMORY + 9,
        (0..64_u32).prop_map(|less| MEMORY - less),
        (0..6_u32, 0..3_u32).prop_map(|(chunks, more)| (chunks << 16) + more),
        any::<u32>(),
        (0..9_u32).prop_map(|less| u32::MAX - less),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn chunks_do_what_the_instruction_does(
        function in prop_oneof![Just("fill"), Just("copy"), Just("init")],
        arguments in (number(), number(), number()),
    ) {
        let (engine, before, rewritten) = both();
        let wanted = after(engine, before, function, arguments);
        // Megabytes that differ would be printed.
        prop_assert!(after(engine, rewritten, function, arguments) == wanted, "{function} {arguments:?}");
    }
}

/// Every length that is copied in words, with places that are apart, overlap, and reach to the end of the memory.
#[test]
fn short_copies_do_what_the_instruction_does() {
    let (engine, before, rewritten) = both();
    for bytes in 0..36 {
        for (to, from) in [(100, 200), (200, 100), (100, 107), (107, 100), (MEMORY - bytes, 5), (5, MEMORY - bytes)] {
            let arguments = (to, from, bytes);
            let wanted = after(engine, before, "copy", arguments);
            assert!(wanted.is_some());
            assert!(after(engine, rewritten, "copy", arguments) == wanted, "{arguments:?}");
        }
        for (to, from) in [(MEMORY - bytes + 1, 5), (5, MEMORY - bytes + 1), (u32::MAX - 7, 0), (0, u32::MAX - 7)] {
            assert!(after(engine, rewritten, "copy", (to, from, bytes)).is_none(), "{to} {from} {bytes}");
        }
    }
}

/// How many bulk instructions each function of a module has, and how long each body is.
fn functions(module: &[u8]) -> Vec<(usize, usize)> {
    let code = sections(module).unwrap().into_iter().find(|(kind, _)| *kind == CODE).unwrap().1;
    let bodies = CodeSectionReader::new(BinaryReader::new(code, 0)).unwrap();
    let function = |body: FunctionBody<'_>| {
        let operators = body.get_operators_reader().unwrap();
        let bulk = operators.into_iter().filter(|operator| Instruction::of(operator.as_ref().unwrap()).is_some());
        (bulk.count(), body.as_bytes().len())
    };
    bodies.into_iter().map(|body| function(body.unwrap())).collect()
}

#[test]
fn every_function_stays_as_long_as_it_was() {
    let bytes = module_bytes();
    let (before, after) = (functions(&bytes), functions(&in_chunks(&bytes).unwrap()));
    assert_eq!(before.iter().map(|(bulk, _)| *bulk).collect::<Vec<_>>(), [1, 1, 2]);
    let lengths = |functions: &[(usize, usize)]| functions.iter().map(|(_, length)| *length).collect::<Vec<_>>();
    assert_eq!(lengths(&before), lengths(&after[..3]));
    assert!(after[..3].iter().all(|(bulk, _)| *bulk == 0));
    // Once in the loop, in two of them for `memory.copy`, and once after it.
    assert_eq!(after[3..].iter().map(|(bulk, _)| *bulk).collect::<Vec<_>>(), [2, 3, 2]);
}

#[test]
fn a_number_too_long_for_the_instructions_place_makes_the_function_longer() {
    let mut out = Vec::new();
    call(1 << 14, 3, &mut out);
    assert_eq!(out, [0x10, 0x80, 0x80, 1]);
    call(7, 4, &mut out);
    assert_eq!(out[4..], [0x10, 0x87, 0x80, 0]);
}

/// `memory.fill`, its number written in more bytes than it needs.
#[test]
fn an_instruction_in_disguise_is_found() {
    let mut bytes =
        wat::parse_str("(module (memory 1) (func i32.const 0 i32.const 0 i32.const 0 memory.fill 0))").unwrap();
    let at = bytes.windows(3).position(|bytes| bytes == [PREFIX, 11, 0]).unwrap();
    bytes.splice(at..at + 2, [PREFIX, 0x8b, 0x80, 0]);
    // The sizes of the section and of the function.
    let body = at - 8;
    assert_eq!((bytes[body], bytes[body - 2]), (11, 13));
    bytes[body] += 2;
    bytes[body - 2] += 2;
    let after = functions(&in_chunks(&bytes).unwrap());
    assert_eq!(after[0], (0, 13));
}

#[test]
fn what_has_no_bulk_instruction_stays_what_it_is() {
    for text in ["(module (func))", "(component)", "(component (core module (func)))", "(module)"] {
        let bytes = wat::parse_str(text).unwrap();
        assert!(matches!(in_chunks(&bytes).unwrap(), Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn modules_are_found_in_components_within_components() {
    let module = "(core module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))";
    let bytes = wat::parse_str(format!("(component (component {module}) (core module) {module})")).unwrap();
    let rewritten = in_chunks(&bytes).unwrap();
    let of_kind = |binary: &[u8], wanted| {
        let sections = sections(binary).unwrap().into_iter();
        sections.filter(|(kind, _)| *kind == wanted).map(|(_, contents)| contents.to_vec()).collect::<Vec<_>>()
    };
    let inner = of_kind(&of_kind(&rewritten, COMPONENT)[0], CORE_MODULE);
    let outer = of_kind(&rewritten, CORE_MODULE);
    assert_eq!((functions(&inner[0])[0].0, functions(&outer[1])[0].0), (0, 0));
    let engine = Engine::new(&Config::new()).unwrap();
    wasmtime::component::Component::from_binary(&engine, &rewritten).unwrap();
}

#[test]
fn components_are_not_followed_without_end() {
    let empty = wat::parse_str("(component)").unwrap();
    let within = |component: Vec<u8>, _| {
        let mut outer = empty.clone();
        section(&mut outer, COMPONENT, &component);
        outer
    };
    let nested = |depth| (1..depth).fold(empty.clone(), within);
    assert!(in_chunks(&nested(MAX_DEPTH)).is_ok());
    assert!(matches!(in_chunks(&nested(MAX_DEPTH + 1)), Err(TooDeep)));
}

/// Sections that say of more functions than there are numbers.
#[test]
fn a_count_beyond_all_numbers_is_left_to_be_refused() {
    let module =
        wat::parse_str("(module (memory 1) (func i32.const 0 i32.const 0 i32.const 0 memory.fill 0))").unwrap();
    let most = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
    for kind in [TYPES, FUNCTIONS, CODE] {
        let mut more = module.clone();
        section(&mut more, kind, &most);
        let mut instead = module[..PREAMBLE].to_vec();
        for (other, contents) in sections(&module).unwrap() {
            section(&mut instead, other, if other == kind { &most } else { contents });
        }
        for bytes in [more, instead] {
            assert!(!is_valid(&in_chunks(&bytes).unwrap()), "{kind}");
        }
    }
}

fn is_valid(binary: &[u8]) -> bool {
    wasmparser::Validator::new().validate_all(binary).is_ok()
}

#[test]
fn every_built_in_plugin_stays_valid() {
    for name in crate::gateway::built_ins() {
        let component = crate::gateway::built_in(name).unwrap();
        let rewritten = in_chunks(component).unwrap();
        assert!(matches!(rewritten, Cow::Owned(_)), "{name} copies memory");
        assert!(is_valid(component) && is_valid(&rewritten), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_damaged_component_is_left_or_rewritten(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut component = crate::gateway::built_in("headers").unwrap().to_vec();
        let at = at.index(component.len());
        component[at] = byte;
        let rewritten = in_chunks(&component).unwrap();
        prop_assert!(!is_valid(&component) || is_valid(&rewritten));
        component.truncate(cut.index(component.len()));
        let _ = in_chunks(&component);
    }
}

/// The functions that are added count in 32 bits.
#[test]
fn memories_of_64_bits_are_refused_by_name() {
    let module = "(module (memory i64 1) (func i64.const 0 i32.const 0 i64.const 0 memory.fill 0))";
    let bytes = wat::parse_str(module).unwrap();
    let config = engine::config(None, wasmtime::InstanceAllocationStrategy::OnDemand);
    let error = Module::from_binary(&Engine::new(&config).unwrap(), &in_chunks(&bytes).unwrap()).unwrap_err();
    assert!(format!("{error:#}").contains("memory64 must be enabled"), "{error:#}");
}
