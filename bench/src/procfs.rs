//! CPU time and memory of a peer, from /proc.

use std::collections::HashMap;
use std::fs;

/// What `/proc/PID/stat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// User and system time, its own and that of children that ended, in clock ticks.
    ticks: u64,
}

/// A process and all below it.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in pids() {
        if let Some(stat) = stat(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    found
}

/// CPU time of a process and all below it, in seconds. What ended counts too, once its parent took
/// note: so a difference is right across a reload that replaces workers.
pub(crate) fn cpu_seconds(root: u32) -> f64 {
    let ticks: u64 = tree(root).into_iter().filter_map(stat).map(|stat| stat.ticks).sum();
    #[expect(clippy::cast_precision_loss, reason = "ticks of a benchmark are far below 2^52")]
    let seconds = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
    seconds
}

/// Resident memory of a process and all below it, in MiB.
pub(crate) fn rss_mib(root: u32) -> f64 {
    tree(root)
        .into_iter()
        .filter_map(|pid| rss_kib(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?))
        .sum::<f64>()
        / 1024.0
}

fn pids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// By `proc_pid_stat(5)`. The second field is the program's name, which may hold spaces and brackets.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Field 4 is the parent; 14 to 17 are utime, stime, cutime, cstime. The rest begins with field 3.
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum::<Option<u64>>()?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

fn rss_kib(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_name_may_hold_anything() {
        let text = "42 (a) b (c) S 7 42 42 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 1 0 5 6 7";
        assert_eq!(parse_stat(text), Some(Stat { parent: 7, ticks: 110 }));
        assert_eq!(parse_stat("42 (cut off) S 7"), None);
    }

    #[test]
    fn resident_memory_is_one_line_of_status() {
        assert_eq!(rss_kib("Name:\tx\nVmHWM:\t 900 kB\nVmRSS:\t    812 kB\nThreads:\t1\n"), Some(812.0));
        assert_eq!(rss_kib("Name:\tkthread\n"), None);
    }

    #[test]
    fn this_process_is_in_its_own_tree_and_has_memory() {
        let own = std::process::id();
        assert!(tree(own).contains(&own));
        assert!(rss_mib(own) > 0.5);
    }
}
