//! How long a thread asks the kernel to let it compute before others may.
//!
//! Who asks for little is let in early: a thread that wakes up takes the processor from one with longer slices, where
//! else it waits until that one's are over (Linux 6.12 on; `sched_setattr(2)`, `sched_runtime`). Its share stays what
//! it was. Neither `rustix` nor `nix` has the call.

use std::io;
use std::time::Duration;

/// The least that the kernel knows; what is less counts as this. It may look no more often than its own clock ticks.
const SHORT: Duration = Duration::from_micros(100);

/// Short slices for the calling thread, whose policy and priority stay as they are. An older kernel takes no notice.
///
/// # Errors
///
/// Of a kernel or a sandbox that refuses. Nothing has changed then.
pub(crate) fn short() -> io::Result<()> {
    let nice = rustix::process::getpriority_process(None)?;
    let attributes = libc::sched_attr {
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: 0,
        sched_flags: libc::SCHED_FLAG_KEEP_POLICY as u64,
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: SHORT.as_nanos() as u64,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the kernel reads as many bytes of the struct as its first field says, which is all of them, and
    // keeps nothing of it. Thread 0 is the calling one; no flags are known.
    let refused = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    if refused == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_asks_for_short_slices_keeps_its_priority() {
        rustix::process::nice(3).unwrap();
        let before = rustix::process::getpriority_process(None).unwrap();
        short().unwrap();
        assert_eq!(rustix::process::getpriority_process(None).unwrap(), before);
        // Kernels that know of slices say them here, in nanoseconds.
        let said = std::fs::read_to_string("/proc/thread-self/sched").unwrap_or_default();
        if let Some(slice) = said.lines().find(|line| line.starts_with("se.slice")) {
            assert!(slice.ends_with(" 100000"), "{slice}");
        }
    }
}
