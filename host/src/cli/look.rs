//! Looking at components without serving anything: shared by the commands that do.

use std::path::{Path, PathBuf};

use super::Failed;
use crate::cache_dir;
use crate::gateway::Gateway;
use crate::plugin::load::Loaded;
use crate::telemetry::metrics::Registry;

/// Loads components to look at them.
pub(super) struct Looker {
    gateway: Gateway,
    runtime: tokio::runtime::Runtime,
}

impl Looker {
    pub(super) fn new() -> Result<Self, Failed> {
        let gateway = Gateway::new(cache_dir::find().as_deref(), Registry::default().into())
            .map_err(|error| Failed(format!("error: {error:#}")))?;
        Ok(Self { gateway, runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()? })
    }

    /// What a component is; what is wrong with it, for the operator.
    pub(super) fn look(&self, bytes: &[u8]) -> Result<Loaded, String> {
        self.runtime.block_on(self.gateway.inspect(bytes)).map_err(|error| error.to_string())
    }

    /// Version and summary, or what is wrong with it.
    pub(super) fn line(&self, bytes: &[u8]) -> String {
        match self.look(bytes) {
            Ok(loaded) => format!("{:<8} {}", loaded.descriptor.version, loaded.descriptor.summary),
            Err(problem) => format!("cannot be used: {problem}"),
        }
    }
}

/// The `.wasm` files of a folder, by name; none where there is no such folder.
pub(super) fn wasm_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
    files.sort();
    files
}
