//! The program's own code and constants, given back to the kernel where only the start or a reload needed them.
//!
//! The kernel takes 64 KiB of a file for each page that is used, and keeps what was taken: after the start that is
//! most of the program, the plugins that are built in among it. What is given back is taken again when it is next
//! used, most likely from the kernel's cache.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use rustix::mm::{Advice, madvise};

/// Gives all of it back: workers take what they use again in some tens of microseconds.
///
/// # Errors
///
/// Of a machine without `/proc`, or a kernel that refuses. Nothing is lost then but the memory.
pub(crate) fn give_back() -> io::Result<()> {
    let here = give_back as *const () as usize;
    let maps = fs::read_to_string("/proc/self/maps")?;
    let mappings: Vec<_> = maps.lines().filter_map(mapping).collect();
    let Some(code) = mappings.iter().find(|mapping| mapping.addresses.contains(&here)) else {
        return Err(io::Error::other("the program's code is nowhere in /proc/self/maps"));
    };
    let pages = File::open("/proc/self/pagemap")?;
    for mapping in mappings.iter().filter(|mapping| mapping.file == code.file) {
        if is_as_in_the_file(&pages, &mapping.addresses)? {
            let start = std::ptr::without_provenance_mut(mapping.addresses.start);
            // SAFETY: the mapping is of a file, private, and cannot be written to, and none of its pages differs
            // from the file, such as by the loader's relocations. So what is used again is read from the file
            // again, and no one may write to the file of a program that runs.
            unsafe { madvise(start, mapping.addresses.len(), Advice::LinuxDontNeed) }?;
        }
    }
    Ok(())
}

/// A part of a file in this program's memory that nobody can write to.
#[derive(Debug, PartialEq, Eq)]
struct Mapping<'a> {
    addresses: Range<usize>,
    /// Device and inode.
    file: (&'a str, &'a str),
}

/// What a line of `proc_pid_maps(5)` says, if it is of one.
fn mapping(line: &str) -> Option<Mapping<'_>> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let (permissions, device, inode) = (fields.next()?, fields.nth(1)?, fields.next()?);
    let address = |hex| usize::from_str_radix(hex, 16).ok();
    (matches!(permissions, "r-xp" | "r--p") && inode != "0")
        .then_some(Mapping { addresses: address(start)?..address(end)?, file: (device, inode) })
}

/// Whether each page that is in memory is the file's own, by `proc_pid_pagemap(5)`.
fn is_as_in_the_file(pages: &File, addresses: &Range<usize>) -> io::Result<bool> {
    const ENTRY: usize = size_of::<u64>();
    // SAFETY: it asks for a number.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).map_err(io::Error::other)?;
    let mut entries = vec![0; addresses.len() / page * ENTRY];
    pages.read_exact_at(&mut entries, (addresses.start / page * ENTRY) as u64)?;
    let (entries, _) = entries.as_chunks::<ENTRY>();
    Ok(entries.iter().all(|entry| is_of_a_file(u64::from_ne_bytes(*entry))))
}

/// Bit 63 is set of a page in memory, 62 of one that was swapped out, 61 of one that is a file's.
fn is_of_a_file(entry: u64) -> bool {
    matches!(entry >> 61, 0b000 | 0b001 | 0b101)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Constants that the program has in its file.
    static CONSTANTS: [u8; 1 << 20] = [7; 1 << 20];

    /// Kilobytes around an address that are in memory.
    fn resident(address: usize) -> usize {
        let maps = fs::read_to_string("/proc/self/smaps").unwrap();
        let mut lines = maps.lines();
        lines.find(|line| mapping(line).is_some_and(|mapping| mapping.addresses.contains(&address))).unwrap();
        let resident = lines.find_map(|line| line.strip_prefix("Rss:")).unwrap();
        resident.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn what_is_given_back_is_gone_and_still_there_when_it_is_used() {
        let sum = || CONSTANTS.iter().map(|byte| u32::from(std::hint::black_box(*byte))).sum::<u32>();
        let (code, constants) = (give_back as *const () as usize, CONSTANTS.as_ptr() as usize);
        assert_eq!(sum(), 7 << 20);
        let before = [code, constants].map(resident);
        give_back().unwrap();
        let after = [code, constants].map(resident);
        assert!(after[0] < before[0] && after[1] < before[1], "{before:?} kB before, {after:?} after");
        assert_eq!(sum(), 7 << 20);
    }

    #[test]
    fn what_the_loader_has_changed_is_not_given_back() {
        // It has written addresses where such tables are.
        static TABLE: [&str; 1] = ["text"];
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let at = std::hint::black_box(&TABLE).as_ptr() as usize;
        let changed = maps.lines().filter_map(mapping).find(|mapping| mapping.addresses.contains(&at)).unwrap();
        let pages = File::open("/proc/self/pagemap").unwrap();
        assert!(!is_as_in_the_file(&pages, &changed.addresses).unwrap());
    }

    #[test]
    fn a_page_that_is_swapped_out_or_in_memory_and_no_files_is_not_the_files() {
        let entries = [0b000, 0b001, 0b101, 0b100, 0b010, 0b110].map(|bits: u64| is_of_a_file(bits << 61));
        assert_eq!(entries, [true, true, true, false, false, false]);
    }

    #[test]
    fn only_what_is_of_a_file_and_cannot_be_written_is_a_mapping() {
        let line = "1000-3000 r--p 00000000 fe:00 42   /bin/tollgate";
        assert_eq!(mapping(line), Some(Mapping { addresses: 0x1000..0x3000, file: ("fe:00", "42") }));
        assert!(mapping(&line.replace("r--p", "r-xp")).is_some());
        for line in [line.replace("r--p", "rw-p"), line.replace("42", "0"), "1000-3000 r-xp".into(), "x".into()] {
            assert_eq!(mapping(&line), None, "{line}");
        }
    }
}
