//! The program's own code, given back to the kernel where only the start or a reload needed it.
//!
//! The kernel takes 64 KiB of a file for each page that is run, and keeps what was taken: after the start that is
//! most of the program. What is given back is taken again when it is next run, most likely from the kernel's cache.

use std::fs;
use std::io;
use std::ops::Range;

use rustix::mm::{Advice, madvise};

/// Gives all of it back: workers take what they run again in some tens of microseconds.
///
/// # Errors
///
/// Of a machine without `/proc`, or a kernel that refuses. Nothing is lost then but the memory.
pub(crate) fn give_back() -> io::Result<()> {
    let here = give_back as *const () as usize;
    let maps = fs::read_to_string("/proc/self/maps")?;
    let Some(code) = maps.lines().filter_map(code).find(|code| code.contains(&here)) else {
        return Err(io::Error::other("the program's code is nowhere in /proc/self/maps"));
    };
    let start = std::ptr::without_provenance_mut(code.start);
    // SAFETY: the mapping is of a file, private, and cannot be written to; what is run again is read from the file
    // again, and no one may write to the file of a program that runs. Relocations, which are the loader's changes,
    // are in other mappings: it is built as `-C relocation-model=pic`, where code has none.
    unsafe { madvise(start, code.len(), Advice::LinuxDontNeed) }?;
    Ok(())
}

/// The addresses in a line of `proc_pid_maps(5)`, if a file's code is there that nobody can change.
fn code(line: &str) -> Option<Range<usize>> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let (permissions, inode) = (fields.next()?, fields.nth(2)?);
    let address = |hex| usize::from_str_radix(hex, 16).ok();
    (permissions == "r-xp" && inode != "0").then_some(address(start)?..address(end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kilobytes of this program's code that are in memory.
    fn resident() -> usize {
        let here = give_back as *const () as usize;
        let maps = fs::read_to_string("/proc/self/smaps").unwrap();
        let mut lines = maps.lines();
        lines.find(|line| code(line).is_some_and(|code| code.contains(&here))).unwrap();
        let resident = lines.find_map(|line| line.strip_prefix("Rss:")).unwrap();
        resident.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn what_is_given_back_is_gone_and_still_runs() {
        let before = resident();
        give_back().unwrap();
        let after = resident();
        assert!(after < before, "{before} kB before, {after} after");
    }

    #[test]
    fn only_code_of_a_file_is_code() {
        assert_eq!(code("1000-3000 r-xp 00000000 fe:00 42   /bin/tollgate"), Some(0x1000..0x3000));
        assert_eq!(code("1000-3000 rwxp 00000000 fe:00 42   /bin/tollgate"), None);
        assert_eq!(code("1000-3000 r--p 00000000 fe:00 42   /bin/tollgate"), None);
        assert_eq!(code("1000-3000 r-xp 00000000 00:00 0"), None);
        assert_eq!(code("1000-3000 r-xp"), None);
        assert_eq!(code("x"), None);
    }
}
