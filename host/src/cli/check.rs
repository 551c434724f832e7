//! `tollgate check`: everything short of listening.

use std::path::Path;

use super::{Failed, grants};
use crate::cache_dir;
use crate::gateway::{Checked, Gateway};
use crate::lock;
use crate::plugin::wasi_http::ANSWERS;
use crate::telemetry::metrics::Registry;

pub(super) fn run(path: &Path, lock: lock::Mode) -> Result<(), Failed> {
    let gateway = Gateway::new(cache_dir::find().as_deref(), Registry::default().into())
        .map_err(|error| Failed(format!("error: {error:#}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Checked { config, plugins, warnings } = runtime.block_on(gateway.check(path, lock))?;
    for warning in &warnings {
        eprintln!("{}", warning.warning());
    }
    say!(
        "{} is good: {}, {}, {}",
        path.display(),
        count(config.routes.len(), "route"),
        count(config.upstreams.len(), "upstream"),
        count(config.plugins.len(), "plugin")
    );
    // Both are in the order of the config.
    for (settings, plugin) in config.plugins.iter().zip(&plugins) {
        say!("  plugin {} is {} {}", plugin.name(), plugin.descriptor.name, plugin.descriptor.version);
        if plugin.answers_requests() {
            say!("    {ANSWERS}");
        }
        grants::say(settings, &config.upstreams, &plugin.descriptor);
    }
    Ok(())
}

fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}
