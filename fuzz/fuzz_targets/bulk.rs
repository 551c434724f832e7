//! Components and modules before they are compiled: what was valid stays so.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::fuzzing::in_chunks;
use wasmparser::{Validator, WasmFeatures};

fn is_valid(binary: &[u8]) -> bool {
    // As the engine has it: the functions that are added count in 32 bits.
    let features = WasmFeatures::default().difference(WasmFeatures::MEMORY64);
    Validator::new_with_features(features).validate_all(binary).is_ok()
}

fuzz_target!(|binary: &[u8]| {
    if let Some(rewritten) = in_chunks(binary) {
        assert!(!is_valid(binary) || is_valid(&rewritten));
    }
});
