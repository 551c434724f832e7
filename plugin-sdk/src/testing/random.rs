//! The fake of `random`: the same numbers in every run, by splitmix64.

use super::state::with;

/// By `random.bytes`.
const MAX_BYTES: usize = 64 * 1024;

pub(crate) fn bytes(count: u32) -> Vec<u8> {
    let count = usize::try_from(count).unwrap_or(MAX_BYTES).min(MAX_BYTES);
    std::iter::repeat_with(number).flat_map(u64::to_le_bytes).take(count).collect()
}

pub(crate) fn number() -> u64 {
    with(|state| {
        state.random = state.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state.random ^ (state.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}
