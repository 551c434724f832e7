//! `tollgate lock`: pin the plugins of a config as they are now.

use std::path::Path;

use super::{Failed, write_whole};
use crate::gateway::Gateway;
use crate::telemetry::metrics::Registry;
use crate::{cache_dir, lock};

pub(super) fn run(path: &Path) -> Result<(), Failed> {
    let gateway = Gateway::new(cache_dir::find().as_deref(), Registry::default().into())
        .map_err(|error| Failed(format!("error: {error:#}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let pinned = runtime.block_on(gateway.lock(path))?;
    let file = lock::file_of(path);
    write_whole(&file, pinned.text()?.as_bytes())
        .map_err(|error| Failed(format!("error: cannot write {}: {error}", file.display())))?;
    for (name, pin) in &pinned.plugins {
        say!("  plugin {name}: version {}, SHA-256 {}", pin.version, pin.sha256);
    }
    say!("wrote {}", file.display());
    Ok(())
}
