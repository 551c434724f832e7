//! Numbers of the whole process: reloads, snapshots, and what the kernel knows of it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::text::{Kind, Text};

/// What Linux calls `USER_HZ`: the unit of times in /proc, the same on every architecture it has.
const TICKS_PER_SECOND: f64 = 100.0;

/// Counted from any thread: all of it happens a few times an hour.
#[derive(Debug, Default)]
pub(super) struct Process {
    reloads_ok: AtomicU64,
    reloads_failed: AtomicU64,
    /// Milliseconds since 1970; 0 for never.
    last_success: AtomicU64,
    /// Whether the newest reload failed.
    stale: AtomicBool,
    snapshots: Arc<AtomicI64>,
    components: Arc<AtomicI64>,
}

/// Counts something as alive until it is dropped.
#[derive(Debug)]
pub struct Live(Arc<AtomicI64>);

impl Process {
    pub(super) fn reloaded(&self, ok: bool) {
        self.stale.store(!ok, Relaxed);
        if ok {
            self.reloads_ok.fetch_add(1, Relaxed);
            self.loaded();
        } else {
            self.reloads_failed.fetch_add(1, Relaxed);
        }
    }

    /// A configuration is in force since now.
    pub(super) fn loaded(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last_success.store(u64::try_from(now.as_millis()).unwrap_or(0), Relaxed);
    }

    pub(super) fn snapshot(&self) -> Live {
        Live::new(&self.snapshots)
    }

    pub(super) fn component(&self) -> Live {
        Live::new(&self.components)
    }

    pub(super) fn write(&self, text: &mut Text) {
        text.family("tollgate_reloads_total", Kind::Counter, "Reloads of the configuration or of plugins, by result.");
        text.sample(&[("result", "ok")], self.reloads_ok.load(Relaxed));
        text.sample(&[("result", "failed")], self.reloads_failed.load(Relaxed));
        text.family(
            "tollgate_config_last_reload_success_timestamp_seconds",
            Kind::Gauge,
            "When the configuration in force was loaded.",
        );
        text.sample(&[], Duration::from_millis(self.last_success.load(Relaxed)).as_secs_f64());
        text.family(
            "tollgate_config_last_reload_successful",
            Kind::Gauge,
            "1 while the configuration in force is the newest one, 0 since a reload failed.",
        );
        text.sample(&[], i64::from(!self.stale.load(Relaxed)));
        text.family("tollgate_snapshots", Kind::Gauge, "Versions of the configuration some request still uses.");
        text.sample(&[], self.snapshots.load(Relaxed));
        text.family("tollgate_components", Kind::Gauge, "Compiled components in memory.");
        text.sample(&[], self.components.load(Relaxed));
        text.family("tollgate_build_info", Kind::Gauge, "Always 1; the label says which build it is.");
        text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
        write_kernel(text);
    }
}

impl Live {
    fn new(count: &Arc<AtomicI64>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// The names every Prometheus client uses. What the kernel does not tell is left out.
fn write_kernel(text: &mut Text) {
    if let Some(bytes) = resident_bytes() {
        text.family("process_resident_memory_bytes", Kind::Gauge, "Resident memory.");
        text.sample(&[], bytes);
    }
    if let Some(stat) = Stat::read() {
        text.family("process_cpu_seconds_total", Kind::Counter, "User and system CPU time.");
        text.sample(&[], stat.cpu_ticks / TICKS_PER_SECOND);
        if let Some(boot) = boot_time() {
            text.family("process_start_time_seconds", Kind::Gauge, "Start of the process since 1970.");
            text.sample(&[], boot + stat.start_ticks / TICKS_PER_SECOND);
        }
    }
    if let Ok(folder) = fs::read_dir("/proc/self/fd") {
        text.family("process_open_fds", Kind::Gauge, "Open file descriptors.");
        // One of them is the folder being read.
        text.sample(&[], (folder.count() as u64).saturating_sub(1));
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Seconds from 1970 to the start of the machine.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

/// From /proc/self/stat (`proc_pid_stat(5)`).
struct Stat {
    cpu_ticks: f64,
    start_ticks: f64,
}

impl Stat {
    fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The second field is the command in parentheses and may hold anything; the third follows the last ')'.
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
        Some(Self { cpu_ticks: number(14)? + number(15)?, start_ticks: number(22)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_counts_while_it_lives() {
        let process = Process::default();
        let (one, _two) = (process.snapshot(), process.snapshot());
        assert_eq!(process.snapshots.load(Relaxed), 2);
        drop(one);
        assert_eq!(process.snapshots.load(Relaxed), 1);
    }

    #[test]
    fn a_failed_reload_leaves_the_time_of_the_last_good_one() {
        let process = Process::default();
        process.reloaded(false);
        assert_eq!(process.last_success.load(Relaxed), 0);
        process.reloaded(true);
        assert_ne!(process.last_success.load(Relaxed), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_knows_this_process() {
        assert!(resident_bytes().unwrap() > 64 * 1024);
        let started = boot_time().unwrap() + Stat::read().unwrap().start_ticks / TICKS_PER_SECOND;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((now - started).abs() < 3600.0, "started {started}, now {now}");
    }
}
