//! When the kernel lets a thread compute, where others want the processor too (`sched_setattr(2)`, which neither
//! `rustix` nor `nix` has).
//!
//! Absent on purpose: how large a thread's share is, which is [`rustix::process::nice`]'s.

use std::ffi::c_int;
use std::io;
use std::time::Duration;

/// A slice that is short beside the kernel's own, of 3 ms or so.
const SHORT: Duration = Duration::from_micros(300);

/// The least that the kernel knows; what is less counts as this.
const SHORTEST: Duration = Duration::from_micros(100);

#[allow(clippy::cast_possible_truncation, reason = "it is 48 bytes, and no constant function says so without")]
const SIZE: u32 = size_of::<libc::sched_attr>() as u32;

/// For the calling thread, to compute soon after it wakes up, and not for long: it takes the processor from one with
/// longer slices, where else it waits until that one's is over (Linux 6.12 on; an older one takes no notice).
///
/// # Errors
///
/// Of a kernel or a sandbox that refuses. Nothing has changed then.
pub(crate) fn short_slices() -> io::Result<()> {
    // Other policies know no slices; who started the gateway with one of them wanted that.
    set(0, libc::SCHED_FLAG_KEEP_POLICY, 0, SHORT)
}

/// For the calling thread, to compute at once when it wakes up, which is to be for microseconds: it takes the processor
/// from any thread that has not asked for the same, where the gateway may have that (`CAP_SYS_NICE`, or a
/// `RLIMIT_RTPRIO` of 1). Else it asks for a slice shorter than those of [`short_slices`], and computes at once more
/// often than not: of two with slices of one length the one that computes goes on until the kernel looks, every 4 ms.
///
/// # Errors
///
/// As [`short_slices`].
pub(crate) fn at_once() -> io::Result<()> {
    set(libc::SCHED_RR, 0, 1, Duration::ZERO).or_else(|_| set(0, libc::SCHED_FLAG_KEEP_POLICY, 0, SHORTEST))
}

/// For the calling thread, to wait when it wakes up until the one that computes has had its slice.
///
/// # Errors
///
/// As [`short_slices`].
pub(crate) fn batch() -> io::Result<()> {
    set(libc::SCHED_BATCH, 0, 0, Duration::ZERO)
}

fn set(policy: c_int, flags: c_int, priority: u32, slice: Duration) -> io::Result<()> {
    let attributes = libc::sched_attr {
        size: SIZE,
        sched_policy: policy.cast_unsigned(),
        sched_flags: u64::from(flags.cast_unsigned()),
        // It is set too, and is to stay what it was.
        sched_nice: rustix::process::getpriority_process(None)?,
        sched_priority: priority,
        sched_runtime: u64::from(slice.subsec_nanos()),
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

    /// What the kernel says of this thread. Older ones do not say its slice.
    fn said(name: &str) -> Option<String> {
        let said = std::fs::read_to_string("/proc/thread-self/sched").unwrap_or_default();
        said.lines().find(|line| line.starts_with(name)).map(|line| line.rsplit(' ').next().unwrap().to_owned())
    }

    /// On a thread of a priority of its own, which must stay.
    fn asked(set: fn() -> io::Result<()>) {
        rustix::process::nice(3).unwrap();
        let before = rustix::process::getpriority_process(None).unwrap();
        set().unwrap();
        assert_eq!(rustix::process::getpriority_process(None).unwrap(), before);
    }

    #[test]
    fn a_thread_that_asks_for_short_slices_has_them_and_keeps_its_priority() {
        asked(short_slices);
        assert!(said("se.slice").is_none_or(|slice| slice == "300000"), "{:?}", said("se.slice"));
    }

    #[test]
    fn a_thread_that_is_to_compute_at_once_is_of_the_first_or_asks_for_the_shortest_slices() {
        asked(at_once);
        let is_first = said("policy").is_none_or(|policy| policy == "2");
        assert!(is_first || said("se.slice").is_none_or(|slice| slice == "100000"), "{:?}", said("se.slice"));
    }

    #[test]
    fn a_batch_thread_keeps_its_priority() {
        asked(batch);
        assert!(said("policy").is_none_or(|policy| policy == "3"), "{:?}", said("policy"));
    }
}
