//! `tollgate check`: everything short of listening.

use std::path::Path;

use super::Failed;
use crate::cache_dir;
use crate::gateway::Gateway;
use crate::telemetry::metrics::Registry;

pub(super) fn run(path: &Path) -> Result<(), Failed> {
    let gateway = Gateway::new(cache_dir::find().as_deref(), Registry::default().into())
        .map_err(|error| Failed(format!("error: {error:#}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (config, plugins) = runtime.block_on(gateway.check(path))?;
    say!(
        "{} is good: {}, {}, {}",
        path.display(),
        count(config.routes.len(), "route"),
        count(config.upstreams.len(), "upstream"),
        count(config.plugins.len(), "plugin")
    );
    for plugin in &plugins {
        say!("  plugin {} is {} {}", plugin.name(), plugin.descriptor.name, plugin.descriptor.version);
    }
    Ok(())
}

fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}
