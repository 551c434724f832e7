//! One contender, and one measurement of it.

use std::fs;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::bench::Bench;
use crate::guests::{CHANGED_HOP, CHANGED_STEP, HOP, with_other_bytes};
use crate::http::{Client, Request};
use crate::job::Job;
use crate::load::{Counted, Load};
use crate::metric::{Metric, Sample};
use crate::peer::{self, Site};
use crate::process::Process;
use crate::scenario::{Contender, Measure};
use crate::{Outcome, idle, procfs};

/// Pause between two questions whether something has changed.
const STEP: Duration = Duration::from_millis(1);
/// How long a gateway may go on after the load.
const SETTLE: Duration = Duration::from_millis(200);
/// How long a change may take to be seen.
const PATIENCE: Duration = Duration::from_secs(20);
/// Least seconds of load around a change: what comes after it is to be seen too.
const AROUND_A_CHANGE: u32 = 3;

/// A contender that answers rightly. It is stopped but while it is measured.
#[derive(Debug)]
pub(crate) struct Runner<'a> {
    contender: &'a Contender,
    site: Site<'a>,
    /// None where the start is what is measured.
    process: Option<Process>,
}

/// Starts it and checks its answers.
pub(crate) fn enter<'a>(scenario: &str, contender: &'a Contender, bench: &'a Bench) -> Outcome<Runner<'a>> {
    let site = bench.site(scenario, contender)?;
    let command = contender.peer.prepare(contender.job, &site)?;
    let process = peer::start(&command, &site, bench.args.core)?;
    check(contender, site.port)?;
    if let Measure::Reload(_) = contender.measure {
        contender.peer.reload(contender.job, &site, &process)?;
        until(&site, "here")?;
    }
    let process = if let Measure::Start(_) = contender.measure { None } else { Some(process) };
    if let Some(process) = &process {
        process.pause();
    }
    Ok(Runner { contender, site, process })
}

impl Runner<'_> {
    pub(crate) fn measure(&mut self, bench: &Bench, seconds: u32) -> Outcome<Sample> {
        let Some(process) = &mut self.process else { return self.start(bench) };
        process.must_run()?;
        process.resume();
        let sample = self.running(bench, seconds);
        // What the load left unanswered when it ended is answered first: a gateway that is stopped within a
        // plugin's hook would take the pause for the plugin's.
        sleep(SETTLE);
        if let Some(process) = &self.process {
            process.pause();
        }
        sample
    }

    fn running(&self, bench: &Bench, seconds: u32) -> Outcome<Sample> {
        match &self.contender.measure {
            Measure::Load(load) => {
                let idle = idle::hold(self.site.port, load.idle, &load.request)?;
                let sample = self.sample(|| self.load(load, bench, seconds));
                drop(idle);
                sample
            }
            Measure::Reload(load) => self.sample(|| self.during(load, bench, seconds, || self.reload_twice())),
            Measure::PluginChange(None) => Ok(Sample::from([(Metric::ServingMs, self.change_plugin(bench)?)])),
            Measure::PluginChange(Some(load)) => {
                let mut serving = 0.0;
                let mut sample = self.sample(|| {
                    self.during(load, bench, seconds, || {
                        serving = self.change_plugin(bench)?;
                        Ok(())
                    })
                })?;
                sample.insert(Metric::ServingMs, serving);
                Ok(sample)
            }
            Measure::Start(_) => Err("the start is measured without a process".to_owned()),
        }
    }

    /// The load's numbers with the process's.
    fn sample(&self, load: impl FnOnce() -> Outcome<Counted>) -> Outcome<Sample> {
        let id = self.process.as_ref().map_or(0, Process::id);
        let before = procfs::cpu_seconds(id);
        let counted = load()?;
        let mut sample = counted.sample(procfs::cpu_seconds(id) - before)?;
        sample.insert(Metric::RssMib, procfs::rss_mib(id));
        Ok(sample)
    }

    fn load(&self, load: &Load, bench: &Bench, seconds: u32) -> Outcome<Counted> {
        load.run(self.site.port, seconds, bench.load_core, &self.site.folder)
    }

    /// Load on a thread, and something that happens meanwhile, once it is steady.
    fn during(
        &self,
        load: &Load,
        bench: &Bench,
        seconds: u32,
        happens: impl FnOnce() -> Outcome<()>,
    ) -> Outcome<Counted> {
        scope(|threads| {
            let counted = threads.spawn(|| self.load(load, bench, seconds.max(AROUND_A_CHANGE)));
            sleep(Duration::from_millis(500));
            let happened = happens();
            let counted = counted.join().map_err(|_| "the thread of the load panicked".to_owned())?;
            happened.and(counted)
        })
    }

    fn reload_twice(&self) -> Outcome<()> {
        let Some(process) = &self.process else { return Ok(()) };
        self.contender.peer.reload(Job::ProxyElsewhere, &self.site, process)?;
        until(&self.site, "elsewhere")?;
        sleep(Duration::from_millis(500));
        self.contender.peer.reload(self.contender.job, &self.site, process)?;
        until(&self.site, "here")
    }

    /// Milliseconds from the file's renaming to the first answer of the other version.
    fn change_plugin(&self, bench: &Bench) -> Outcome<f64> {
        let mut client = Client::connect(self.site.port)?;
        let request = Request::get("/").header("x-hop", "0");
        let mut seen = || client.ask(&request).map(|reply| reply.header("seen-hop").unwrap_or_default().to_owned());
        let (file, step) = if seen()? == "1" { (CHANGED_HOP, CHANGED_STEP) } else { (HOP, 1) };
        let told = |error| format!("{file}: {error}");
        let component = fs::read(bench.tools.guests.join(file)).map_err(told)?;
        let salt = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() << 20);
        let salt =
            salt + u64::from(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_micros()));
        let plugins = self.site.folder.join("plugins");
        let unfinished = self.site.folder.join("unfinished.wasm");
        fs::write(&unfinished, with_other_bytes(&component, salt)?).map_err(told)?;
        let began = Instant::now();
        fs::rename(&unfinished, plugins.join(HOP)).map_err(told)?;
        while seen()? != step.to_string() {
            if began.elapsed() > PATIENCE {
                return Err(format!("the changed plugin is not in use after {PATIENCE:?}"));
            }
            sleep(STEP);
        }
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }

    fn start(&self, bench: &Bench) -> Outcome<Sample> {
        let Measure::Start(load) = &self.contender.measure else { return Err("it does not run".to_owned()) };
        let command = self.contender.peer.prepare(self.contender.job, &self.site)?;
        let began = Instant::now();
        let process = peer::start(&command, &self.site, bench.args.core)?;
        let took = began.elapsed().as_secs_f64() * 1e3;
        check(self.contender, self.site.port)?;
        let at_rest = procfs::rss_mib(process.id());
        self.load(load, bench, 1)?;
        let loaded = procfs::rss_mib(process.id());
        Ok(Sample::from([(Metric::StartMs, took), (Metric::RssMib, at_rest), (Metric::LoadedRssMib, loaded)]))
    }
}

fn check(contender: &Contender, port: u16) -> Outcome<()> {
    contender.checks.iter().try_for_each(|check| check.run(port)).map_err(|error| format!("wrong answer: {error}"))
}

/// Until new clients are answered by one of the two instances of the services.
fn until(site: &Site, place: &str) -> Outcome<()> {
    let began = Instant::now();
    loop {
        let reply = Client::connect(site.port).and_then(|mut client| client.ask(&Request::get("/")));
        if reply.is_ok_and(|reply| reply.header("seen-at") == Some(place)) {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("a reload had no effect after {PATIENCE:?}"));
        }
        sleep(STEP);
    }
}
