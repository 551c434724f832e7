//! Components and modules before they are compiled: what was valid stays so.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::fuzzing::in_chunks;
use wasmparser::{Validator, WasmFeatures};

fn is_valid(binary: &[u8]) -> bool {
    Validator::new_with_features(WasmFeatures::default()).validate_all(binary).is_ok()
}

fuzz_target!(|binary: &[u8]| {
    if let Some(rewritten) = in_chunks(binary) {
        assert!(!is_valid(binary) || is_valid(&rewritten));
    }
});
