//! Changes to one message, checked and in order.

use tollgate_plugin_sdk::{HeaderError, RESERVED_HEADERS, log};

use crate::config::Part;

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
    /// The error starts with the key it is about: `set.x-tier: ...`.
    pub(crate) fn new(part: Part) -> Result<Self, String> {
        let mut changes = Vec::new();
        for name in part.remove {
            changes.push(Change::Remove { name: checked_name("remove", &name)? });
        }
        let mut set = Vec::new();
        for (name, value) in part.set {
            check_value("set", &name, &value)?;
            let name = checked_name("set", &name)?;
            if set.contains(&name) {
                return Err(format!("set.{name}: is there twice, in upper and lower case"));
            }
            set.push(name.clone());
            changes.push(Change::Set { name, value });
        }
        for (name, values) in part.add {
            let lower = checked_name("add", &name)?;
            if set.contains(&lower) {
                return Err(format!("add.{name}: is set already; use one of `set` and `add`"));
            }
            for value in values.into_vec() {
                check_value("add", &name, &value)?;
                changes.push(Change::Add { name: lower.clone(), value });
            }
        }
        Ok(Self(changes))
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

/// The name in lower case, as the gateway keeps names.
fn checked_name(key: &str, name: &str) -> Result<String, String> {
    let lower = name.to_ascii_lowercase();
    if lower.is_empty() || !lower.bytes().all(is_token_byte) {
        return Err(format!("{key}: `{name}` is no header name (RFC 9110 section 5.1)"));
    }
    if RESERVED_HEADERS.contains(&lower.as_str()) {
        return Err(format!("{key}: `{name}` belongs to the gateway and cannot be changed"));
    }
    Ok(lower)
}

/// `tchar` of RFC 9110 section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn check_value(key: &str, name: &str, value: &str) -> Result<(), String> {
    let wrong = |byte: u8| byte == 0x7f || (byte < b' ' && byte != b'\t');
    if value.bytes().any(wrong) {
        return Err(format!("{key}.{name}: a control character in the value (RFC 9110 section 5.5)"));
    }
    Ok(())
}
