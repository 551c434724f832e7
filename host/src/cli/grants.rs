//! What a plugin wants and is granted, in words: for `check` and `plugin inspect`.

use crate::config::model;
use crate::plugin::Descriptor;
use crate::plugin::capability::Capability;

/// Why a component that answers by `wasi:http` is listed under `http-client`.
pub(super) const MAY_CALL: &str = "it imports wasi:http/outgoing-handler, and may never use it";

/// A line for each interface the plugin wants or is granted. A grant nobody asked for is worth a look
/// too.
pub(super) fn say(settings: &model::Plugin, upstreams: &[model::Upstream], described: &Descriptor) {
    for capability in Capability::ALL {
        let name = capability.name();
        let wanted = described.wants.iter().find(|(wanted, _)| wanted == name).map(|(_, reason)| reason.as_str());
        let may_call = described.may_call && capability == Capability::HttpClient;
        let granted = capability.granted(settings, upstreams);
        match (wanted, granted.is_empty()) {
            (None, true) if may_call => {
                say!("    {name}: nothing granted ({MAY_CALL}); if it does, {}", capability.advice(&settings.name));
            }
            (None, true) => {}
            (Some(reason), true) => say!("    {name}: missing ({reason}); {}", capability.advice(&settings.name)),
            (wanted, false) => {
                let unsaid = if may_call { MAY_CALL } else { "the plugin does not say that it wants it" };
                say!("    {name}: granted {} ({})", granted.join(", "), wanted.unwrap_or(unsaid));
            }
        }
    }
}
