//! The gateway under valgrind, with one worker.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::callgrind::Profile;
use super::case::Case;
use super::record::Count;
use crate::Outcome;
use crate::http::{Client, Request};
use crate::peer::{free_port, tollgate, wait_for};
use crate::process::Process;
use crate::tools::output;

/// How long the start may take: the first one compiles plugins, fifty times slower than without valgrind.
const PATIENCE: Duration = Duration::from_secs(400);
/// How long valgrind may take to write what it counted, in seconds.
const DUMP_PATIENCE: u32 = 60;
/// The core of the gateway; client and services run wherever else there is room.
const CORE: usize = 0;
/// glibc chooses its `memcpy` and the like by the processor: everywhere those that any x86-64 has.
const TUNABLES: &str = "glibc.cpu.hwcaps=-AVX2,-AVX_Fast_Unaligned_Load,-ERMS";
/// Valgrind writes a file for each thread; their names begin so, then come two numbers: dump and thread.
const PROFILE: &str = "profile";
/// The worker's profile of the last round, for `callgrind_annotate`.
const KEPT: &str = "worker.callgrind";

/// How the profile names functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    ForPeople,
    OfLinker,
}

#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) port: u16,
    folder: PathBuf,
    process: Process,
    clients: Vec<Client>,
}

impl Gateway {
    pub(super) fn start(case: &Case, services: [u16; 3], binary: &Path, scratch: &Path, names: Names) -> Outcome<Self> {
        let folder = scratch.join(case.name);
        let told = |error| format!("{}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(told)?;
        take_profiles(&folder)?;
        let (port, config) = (free_port()?, folder.join("tollgate.toml"));
        fs::write(&config, tollgate::through(port, services, &case.plugins(), &case.chain)).map_err(told)?;
        let mut command = Command::new("valgrind");
        // What Cranelift compiles is read anew where an address gets other code.
        command.args(["--tool=callgrind", "--separate-threads=yes", "--smc-check=all-non-file"]);
        command.arg(format!("--callgrind-out-file={}", folder.join(PROFILE).display()));
        if names == Names::OfLinker {
            command.arg("--demangle=no");
        }
        command.arg(binary).args(["run", "--config"]).arg(&config);
        // Without a place for compiled plugins the gateway compiles them by itself: the process it would
        // start for that is, under valgrind, valgrind.
        command.env("GLIBC_TUNABLES", TUNABLES).env("TOLLGATE_CACHE_DIR", "/dev/null/none");
        // Everything takes fifty times as long, and so would seem to compute for long.
        command.env("TOLLGATE_TICK_MS", "1000");
        let log = folder.join("log");
        let mut process = Process::start(&command, CORE, &log)?;
        wait_for(&mut process, port, &Request::get("/"), PATIENCE)
            .map_err(|error| format!("the gateway does not start under valgrind: {error}; see {}", log.display()))?;
        Ok(Self { port, folder, process, clients: Vec::new() })
    }

    /// Sends so many requests or a few more, on so many connections at a time; what one of them costs the worker.
    pub(super) fn count(&mut self, request: &Request, requests: u32, clients: u32) -> Outcome<Count> {
        while self.clients.len() < clients as usize {
            self.clients.push(Client::connect(self.port)?);
        }
        // A dump sets all counts to zero.
        dump(&self.process, &self.folder)?;
        let rounds = requests.div_ceil(clients);
        for _ in 0..rounds {
            self.clients.iter_mut().try_for_each(|client| client.send(request))?;
            for client in &mut self.clients {
                let reply = client.receive()?;
                if reply.status != 200 {
                    return Err(format!("an answer had status {}", reply.status));
                }
            }
        }
        let profile = dump(&self.process, &self.folder)?;
        if profile.allocations == 0 {
            return Err("the profile has no call of an allocator: was the binary stripped?".to_owned());
        }
        Ok(Count::of(profile, rounds * clients))
    }

    /// The worker's profile of the last round, as callgrind writes it.
    pub(super) fn profile(&self) -> Outcome<String> {
        let kept = self.folder.join(KEPT);
        fs::read_to_string(&kept).map_err(|error| format!("{}: {error}", kept.display()))
    }
}

/// What the busiest thread did since the last dump: the one worker. Other threads are left out, since
/// what they do (a tick each millisecond) goes by time, not by requests.
fn dump(process: &Process, folder: &Path) -> Outcome<Profile> {
    let (pid, patience) = (process.id(), DUMP_PATIENCE);
    output("vgdb", &[&format!("--pid={pid}"), &format!("--cmd-time-out={patience}"), "dump"])?;
    let busiest = take_profiles(folder)?.into_iter().max_by_key(|(profile, _)| profile.instructions);
    let (profile, text) = busiest.ok_or_else(|| format!("valgrind wrote no profile into {}", folder.display()))?;
    let kept = folder.join(KEPT);
    // A call that began before the last dump counts as none, and `callgrind_annotate` would take what it
    // cost for the caller's own.
    fs::write(&kept, text.replace("\ncalls=0 ", "\ncalls=1 "))
        .map_err(|error| format!("{}: {error}", kept.display()))?;
    Ok(profile)
}

/// Reads all threads' profiles, and removes them.
fn take_profiles(folder: &Path) -> Outcome<Vec<(Profile, String)>> {
    let told = |error| format!("{}: {error}", folder.display());
    let mut profiles = Vec::new();
    for entry in fs::read_dir(folder).map_err(told)? {
        let entry = entry.map_err(told)?;
        if entry.file_name().to_string_lossy().starts_with(PROFILE) {
            let text = fs::read(entry.path()).map_err(told)?;
            let text = String::from_utf8_lossy(&text).into_owned();
            if let Some(profile) = Profile::parse(&text) {
                profiles.push((profile, text));
            }
            fs::remove_file(entry.path()).map_err(told)?;
        }
    }
    Ok(profiles)
}
