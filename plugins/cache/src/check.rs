//! What the settings may be, beyond what the schema can say.

use crate::config::Config;

/// # Errors
/// Each mistake on a line of its own, behind the key it is about.
pub(crate) fn check(config: &Config) -> Result<(), String> {
    let wrong = config.fresh.keys().filter(|status| !is_final_status(status));
    let mut mistakes: Vec<String> = wrong
        .map(|status| status.escape_debug())
        .map(|status| format!("fresh.{status}: `{status}` is not a status from 200 to 599"))
        .collect();
    if !is_token(&config.tags) {
        mistakes.push(format!("tags: `{}` is no header name", config.tags.escape_debug()));
    }
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes.join("\n")) }
}

fn is_final_status(text: &str) -> bool {
    text.len() == 3 && text.parse().is_ok_and(|status: u16| (200..600).contains(&status))
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_tchar)
}
