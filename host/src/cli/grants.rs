//! What a plugin wants and is granted, in words: for `check` and `plugin inspect`.

use crate::config::model;
use crate::plugin::capability::Capability;

/// A line for each interface the plugin wants or is granted. A grant nobody asked for is worth a look
/// too.
pub(super) fn say(settings: &model::Plugin, upstreams: &[model::Upstream], wants: &[(String, String)]) {
    for capability in Capability::ALL {
        let name = capability.name();
        let wanted = wants.iter().find(|(wanted, _)| wanted == name).map(|(_, reason)| reason.as_str());
        let granted = capability.granted(settings, upstreams);
        match (wanted, granted.is_empty()) {
            (None, true) => {}
            (Some(reason), true) => say!("    {name}: missing ({reason}); {}", capability.advice(&settings.name)),
            (wanted, false) => {
                let reason = wanted.unwrap_or("the plugin does not say that it wants it");
                say!("    {name}: granted {} ({reason})", granted.join(", "));
            }
        }
    }
}
