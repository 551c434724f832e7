//! What the settings may be, beyond what the schema can say.

use tollgate_plugin_sdk::is_field_name;
use tollgate_plugin_sdk::mistakes::Mistakes;

use crate::config::Config;

/// # Errors
/// Each mistake on a line of its own, behind the key it is about.
pub(crate) fn check(config: &Config) -> Result<(), String> {
    let mistakes = Mistakes::default();
    for status in config.fresh.keys().filter(|status| !is_final_status(status)) {
        mistakes.of("fresh").of(status).add(format_args!("`{status}` is not a status from 200 to 599"));
    }
    if !is_field_name(&config.tags) {
        mistakes.of("tags").add(format_args!("`{}` is no header name", config.tags));
    }
    mistakes.or(Some(()))
}

fn is_final_status(text: &str) -> bool {
    text.len() == 3 && text.parse().is_ok_and(|status: u16| (200..600).contains(&status))
}
