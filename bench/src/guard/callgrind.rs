//! What callgrind writes, as far as the guard needs it: all instructions, and calls that ask for memory.
//!
//! The format is in valgrind's manual, "Callgrind Format Specification". Costs of single lines and
//! functions are skipped.

use std::collections::HashMap;

/// One thread's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) instructions: u64,
    /// Calls from anything else into the allocator, for memory: new, zeroed or resized. What the
    /// allocator calls within itself is no allocation of its own.
    pub(super) allocations: u64,
}

impl Profile {
    /// None, where the text is no profile: one that is cut off has no totals.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut names = Names::default();
        let (mut from, mut to) = (Role::Other, Role::Other);
        let (mut instructions, mut allocations) = (None, 0);
        for line in text.lines() {
            let Some((key, value)) = line.split_once(['=', ':']) else { continue };
            match key {
                "fn" => from = role(names.read(value)),
                "cfn" => to = role(names.read(value)),
                "calls" if to == Role::Asks && from == Role::Other => allocations += first_number(value)?,
                "totals" => instructions = Some(first_number(value)?),
                _ => {}
            }
        }
        Some(Self { instructions: instructions?, allocations })
    }
}

/// What a function has to do with memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Of the allocator, and gives memory.
    Asks,
    /// Of the allocator otherwise.
    Allocator,
    Other,
}

/// A name stands beside its number the first time, `(7) mi_free`, and is the number alone afterwards.
#[derive(Debug, Default)]
pub(super) struct Names<'a>(HashMap<&'a str, &'a str>);

impl<'a> Names<'a> {
    pub(super) fn read(&mut self, value: &'a str) -> &'a str {
        match value.split_once(' ') {
            // `'2` marks a function that is called by itself.
            Some((number, name)) if number.starts_with('(') => {
                self.0.entry(number).or_insert_with(|| name.split('\'').next().unwrap_or_default())
            }
            _ => self.0.get(value).copied().unwrap_or(value),
        }
    }
}

/// The allocators in the binary: mimalloc, and the C library's, which C code calls.
fn role(name: &str) -> Role {
    match name {
        "malloc" | "calloc" | "realloc" | "aligned_alloc" | "posix_memalign" | "memalign" => Role::Asks,
        _ if !name.starts_with("mi_") && !name.starts_with("_mi_") => Role::Other,
        _ if name.contains("alloc") => Role::Asks,
        _ => Role::Allocator,
    }
}

fn first_number(value: &str) -> Option<u64> {
    value.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As callgrind 3.19 writes it, shortened.
    const PROFILE: &str = "# callgrind format\nversion: 1\npart: 3\nthread: 5\n\npositions: line\nevents: Ir\nsummary: 34512414\n\n\nob=(7) /bin/tollgate\nfl=(9) src/route.rs\nfn=(40) tollgate::route::Table::find\n30 2003\ncfi=(10) alloc.c\ncfn=(1326) mi_malloc_aligned\ncalls=2000 +2 \n* 34051\ncfn=(494) mi_free\ncalls=2000 +36 \n* 28056\n\nfl=(10)\nfn=(1326)\n442 10\ncfn=(1328) mi_theap_malloc_aligned\ncalls=2000 1\n* 5\n\nfn=(41) alloc::raw_vec::RawVecInner<A>::finish_grow\n1 1\ncfn=(1326)\ncalls=1004 5\n* 9\ncfn=(1329) mi_realloc_aligned'2\ncalls=30 5\n* 9\ncfn=(1400) malloc\ncalls=7 5\n* 9\n\ntotals: 34512416\n";

    #[test]
    fn calls_for_memory_count_once_and_frees_do_not() {
        let profile = Profile { instructions: 34_512_416, allocations: 2000 + 1004 + 30 + 7 };
        assert_eq!(Profile::parse(PROFILE), Some(profile));
    }

    #[test]
    fn a_profile_that_is_cut_off_is_none() {
        assert_eq!(Profile::parse(PROFILE.split_once("totals").unwrap().0), None);
        assert_eq!(Profile::parse("totals: many\n"), None);
    }

    #[test]
    fn the_gateways_own_functions_are_no_allocators() {
        assert_eq!(role("alloc::raw_vec::RawVecInner<A>::finish_grow"), Role::Other);
        assert_eq!(role("_mi_page_malloc_zero"), Role::Asks);
        assert_eq!(role("mi_free"), Role::Allocator);
    }
}
