//! Processes that are pinned to a core, can be paused, and end with the benchmark.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Outcome, procfs};

/// How long a process may take to end after TERM, before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// A process; it is stopped when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a program on a core. What it prints goes into `log`.
    pub(crate) fn start(command: &Command, core: usize, log: &Path) -> Outcome<Self> {
        let output = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        let errors = output.try_clone().map_err(|error| error.to_string())?;
        let mut pinned = pinned(command, core);
        pinned.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = pinned.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        Ok(Self { child })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The error says how it ended, where it has.
    pub(crate) fn must_run(&mut self) -> Outcome<()> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("it ended: {status}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Stops it and all its children for a while: what does not run disturbs nobody.
    pub(crate) fn pause(&self) {
        self.signal_all(Signal::STOP);
    }

    pub(crate) fn resume(&self) {
        self.signal_all(Signal::CONT);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.id(), signal);
    }

    fn signal_all(&self, signal: Signal) {
        for pid in procfs::tree(self.id()) {
            send(pid, signal);
        }
    }

    fn ended_within(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if self.must_run().is_err() {
                return true;
            }
            sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.must_run().is_err() {
            return;
        }
        self.resume();
        self.signal(Signal::TERM);
        if !self.ended_within(PATIENCE) {
            self.signal_all(Signal::KILL);
            drop(self.child.wait());
        }
    }
}

/// Wakes what is paused when the benchmark ends in whatever way: a stopped process gets the signal that
/// is to end it only once it runs again.
///
/// It is a shell that reads from the benchmark, and at the end of that has the process group go on.
#[derive(Debug)]
pub(crate) struct Waker {
    _shell: Child,
}

impl Waker {
    pub(crate) fn start() -> Outcome<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' INT TERM HUP; cat >/dev/null; kill -CONT 0"]).stdin(Stdio::piped());
        let shell = shell.spawn().map_err(|error| format!("sh: {error}"))?;
        Ok(Self { _shell: shell })
    }
}

/// The command behind `taskset`, and behind `setpriv`, which has the kernel end it when the benchmark
/// ends in whatever way.
pub(crate) fn pinned(command: &Command, core: usize) -> Command {
    let mut pinned = Command::new("setpriv");
    pinned.args(["--pdeathsig", "TERM", "taskset", "-c", &core.to_string()]);
    pinned.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            pinned.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        pinned.current_dir(folder);
    }
    pinned
}

/// A process that is gone needs no signal: errors do not matter.
fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_ends_with_its_value() {
        let log = std::env::temp_dir().join(format!("tollgate-bench-{}", std::process::id()));
        let mut command = Command::new("sleep");
        let process = Process::start(command.arg("60"), 0, &log).unwrap();
        let pid = process.id();
        process.pause();
        assert!(Path::new(&format!("/proc/{pid}")).exists());
        let began = Instant::now();
        drop(process);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
        assert!(began.elapsed() < PATIENCE, "it was killed");
        std::fs::remove_file(log).unwrap();
    }
}
