//! `tollgate run`: serve until told to stop.

use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use super::Failed;
use crate::{config, gateway, lock, run, telemetry};

pub(super) fn run(path: &Path, lock: lock::Mode) -> Result<(), Failed> {
    // The config says how much to log, so it is read once before anything is logged; `start` reads
    // it again and tells what is wrong with it.
    let level =
        config::load(path, &gateway::built_ins()).map_or(tracing::Level::INFO, |loaded| loaded.config.log.level);
    let _log = telemetry::log::start(level)?;
    let running = run::start(path, lock)?;
    for address in &running.addresses {
        tracing::info!("listening on http://{address}");
    }
    if let Some(admin) = running.admin {
        tracing::info!("admin on http://{admin}");
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(signals(&running))?;
    tracing::info!("draining; a second INT or TERM stops at once");
    running.stop();
    Ok(())
}

/// Returns when it is time to stop.
async fn signals(running: &run::Running) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut reopen = signal(SignalKind::user_defined1())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => running.reload(),
            _ = reopen.recv() => running.reopen_logs(),
        }
    }
    force_on_second(terminate, interrupt);
    Ok(())
}

/// A second signal ends the process while the first one's drain goes on.
fn force_on_second(mut terminate: tokio::signal::unix::Signal, mut interrupt: tokio::signal::unix::Signal) {
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
