//! What is wrong with a config, all of it at once.
//!
//! By `lifecycle.configure` each line of the error is one mistake, and begins with the key it is about.

/// The mistakes of a config, as [`Plugin::configure`](crate::Plugin::configure) returns them.
///
/// ```
/// use tollgate_plugin_sdk::mistakes::{Mistakes, key};
///
/// let mut mistakes = Mistakes::default();
/// let limit = mistakes.take("12".parse::<u32>().map_err(|error| format!("limit: {error}")));
/// for name in ["x-a", "x b"] {
///     if name.contains(' ') {
///         mistakes.note(format!("set.{}: is no header name", key(name)));
///     }
/// }
/// assert_eq!(limit, Some(12));
/// assert_eq!(mistakes.or(limit), Err("set.\"x b\": is no header name".to_owned()));
/// ```
#[derive(Debug, Default)]
pub struct Mistakes(Vec<String>);

impl Mistakes {
    /// Adds a mistake: the key path, a colon, and what is wrong.
    pub fn note(&mut self, mistake: impl Into<String>) {
        self.0.push(mistake.into());
    }

    /// The value; or nothing, and the mistake is added.
    pub fn take<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|mistake| self.note(mistake)).ok()
    }

    /// The value where there is one and nothing is wrong.
    ///
    /// # Errors
    /// All mistakes, a line for each.
    pub fn or<T>(self, value: Option<T>) -> Result<T, String> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0.join("\n")),
        }
    }
}

/// A key as it stands in a key path: in quotes where it is more than letters, digits, `_` and `-`.
pub fn key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !name.is_empty() && name.bytes().all(is_bare) { name.to_owned() } else { format!("\"{name}\"") }
}
