//! `tollgate run`: serve until told to stop.

use std::path::Path;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failed;
use crate::{config, gateway, lock, run, telemetry};

pub(super) fn run(path: &Path, lock: lock::Mode) -> Result<(), Failed> {
    // The config says how much to log, so it is read once before anything is logged; `start` reads
    // it again and tells what is wrong with it.
    let level =
        config::load(path, &gateway::built_ins()).map_or(tracing::Level::INFO, |loaded| loaded.config.log.level);
    let _log = telemetry::log::start(level)?;
    let prepared = run::prepare(path, lock)?;
    // From the first answer on, a signal does what it says. Until here it ends the process, as nothing is lost yet.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signals = runtime.block_on(async { Signals::install() })?;
    let running = prepared.serve()?;
    for address in &running.addresses {
        tracing::info!("listening on http://{address}");
    }
    if let Some(admin) = running.admin {
        tracing::info!("admin on http://{admin}");
    }
    runtime.block_on(signals.until_stop(&running));
    tracing::info!("draining; a second INT or TERM stops at once");
    running.stop();
    Ok(())
}

/// The signals that a gateway knows.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    reopen: Signal,
}

impl Signals {
    fn install() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            reopen: signal(SignalKind::user_defined1())?,
        })
    }

    /// Returns when it is time to stop.
    async fn until_stop(mut self, running: &run::Running) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hang_up.recv() => running.reload(),
                _ = self.reopen.recv() => running.reopen_logs(),
            }
        }
        force_on_second(self.terminate, self.interrupt);
    }
}

/// A second signal ends the process while the first one's drain goes on.
fn force_on_second(mut terminate: Signal, mut interrupt: Signal) {
    let wait = async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(1);
    };
    std::thread::spawn(move || {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
            runtime.block_on(wait);
        }
    });
}
