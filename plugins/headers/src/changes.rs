//! Changes to one message, checked and in order.

use tollgate_plugin_sdk::mistakes::At;
use tollgate_plugin_sdk::{HeaderError, RESERVED_HEADERS, is_field_name, log};

use crate::config::{Part, Values};

/// What is done to a message, in this order.
pub(crate) struct Changes(Vec<Change>);

enum Change {
    Remove { name: String },
    Set { name: String, value: String },
    Add { name: String, value: String },
}

/// The functions that change the request, or those that change the response.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    pub(crate) set: fn(&str, &str) -> Result<(), HeaderError>,
    pub(crate) add: fn(&str, &str) -> Result<(), HeaderError>,
    pub(crate) remove: fn(&str) -> Result<(), HeaderError>,
}

impl Changes {
    /// What is wrong with a part of the config is added to `mistakes`, and not to the changes.
    pub(crate) fn new(part: Part, mistakes: &At<'_>) -> Self {
        let mut changes = Vec::new();
        for (at, name) in part.remove.iter().enumerate() {
            let name = mistakes.of("remove").at(at).take(checked_name(name));
            changes.extend(name.map(|name| Change::Remove { name }));
        }
        let mut set: Vec<String> = Vec::new();
        for (name, value) in part.set {
            let mistakes = mistakes.of("set");
            let mistakes = mistakes.of(&name);
            let Some(name) = mistakes.take(checked_name(&name)) else { continue };
            mistakes.take(check_value(&value));
            if set.contains(&name) {
                mistakes.add("is there twice, in upper and lower case");
            }
            set.push(name.clone());
            changes.push(Change::Set { name, value });
        }
        for (name, values) in part.add {
            let mistakes = mistakes.of("add");
            let mistakes = mistakes.of(&name);
            let Some(name) = mistakes.take(checked_name(&name)) else { continue };
            if set.contains(&name) {
                mistakes.add("is set already; use one of `set` and `add`");
            }
            changes.extend(additions(&name, values, &mistakes));
        }
        Self(changes)
    }

    /// Makes all changes. What is left to go wrong is the gateway's limit on the head, which must not
    /// be silent and need not stop the request.
    pub(crate) fn apply(&self, message: &Message) {
        for change in &self.0 {
            let (name, result) = match change {
                Change::Remove { name } => (name, (message.remove)(name)),
                Change::Set { name, value } => (name, (message.set)(name, value)),
                Change::Add { name, value } => (name, (message.add)(name, value)),
            };
            if let Err(error) = result {
                log::warn(&format!("{name} was not changed: {error}"));
            }
        }
    }
}

fn additions(name: &str, values: Values, mistakes: &At<'_>) -> Vec<Change> {
    let is_list = matches!(values, Values::Many(_));
    let mut changes = Vec::new();
    for (at, value) in values.into_vec().into_iter().enumerate() {
        let checked = check_value(&value);
        if is_list {
            mistakes.at(at).take(checked)
        } else {
            mistakes.take(checked)
        };
        changes.push(Change::Add { name: name.to_owned(), value });
    }
    changes
}

/// The name in lower case, as the gateway keeps names.
fn checked_name(name: &str) -> Result<String, String> {
    let lower = name.to_ascii_lowercase();
    if !is_field_name(&lower) {
        return Err(format!("`{name}` is no header name (RFC 9110 section 5.1)"));
    }
    if RESERVED_HEADERS.contains(&lower.as_str()) {
        return Err(format!("`{name}` belongs to the gateway and cannot be changed"));
    }
    Ok(lower)
}

fn check_value(value: &str) -> Result<(), String> {
    let wrong = |byte: u8| byte == 0x7f || (byte < b' ' && byte != b'\t');
    if value.bytes().any(wrong) {
        return Err("a control character in the value (RFC 9110 section 5.5)".to_owned());
    }
    Ok(())
}
