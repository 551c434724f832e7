//! `tollgate check`: everything short of listening.

use std::path::Path;

use super::Failed;
use crate::cache_dir;
use crate::gateway::{Checked, Gateway};
use crate::lock;
use crate::plugin::capability::Capability;
use crate::telemetry::metrics::Registry;

pub(super) fn run(path: &Path, lock: lock::Mode) -> Result<(), Failed> {
    let gateway = Gateway::new(cache_dir::find().as_deref(), Registry::default().into())
        .map_err(|error| Failed(format!("error: {error:#}")))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Checked { config, plugins, warnings } = runtime.block_on(gateway.check(path, lock))?;
    for warning in &warnings {
        eprintln!("warning: {}", warning.message);
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
        for capability in Capability::ALL {
            say_grants(capability, &capability.granted(settings, &config.upstreams), &plugin.descriptor.wants);
        }
    }
    Ok(())
}

/// What of a capability is granted, and what for. A want without a grant is an error before this; a
/// grant nobody asked for is worth a look.
fn say_grants(capability: Capability, granted: &[String], wants: &[(String, String)]) {
    if granted.is_empty() {
        return;
    }
    let wanted = wants.iter().find(|(wanted, _)| wanted == capability.name());
    let reason = wanted.map_or("the plugin does not say that it wants it", |(_, reason)| reason);
    say!("    {}: granted {} ({reason})", capability.name(), granted.join(", "));
}

fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}
