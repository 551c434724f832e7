//! What is wrong with a config, all of it at once.
//!
//! By `lifecycle.configure` each line of the error is one mistake, and begins with the key path it is about.

use std::fmt::Display;

/// The mistakes of a config, as [`Plugin::configure`](crate::Plugin::configure) returns them.
///
/// ```
/// use tollgate_plugin_sdk::mistakes::Mistakes;
///
/// let mut mistakes = Mistakes::default();
/// let limit = mistakes.of("limit").take("12".parse::<u32>());
/// for (index, path) in ["/a", "b"].iter().enumerate() {
///     if !path.starts_with('/') {
///         mistakes.of("parts").at(index).of("path").add(format!("`{path}` must start with `/`"));
///     }
/// }
/// assert_eq!(limit, Some(12));
/// assert_eq!(mistakes.or(limit), Err("parts[1].path: `b` must start with `/`".to_owned()));
/// ```
#[derive(Debug, Default)]
pub struct Mistakes(Vec<String>);

/// The mistakes of one part of a config.
#[derive(Debug)]
pub struct At<'m> {
    lines: &'m mut Vec<String>,
    /// `parts[1].path`; nothing for the config itself.
    key: String,
}

impl Mistakes {
    /// Those of the config as a whole.
    pub fn whole(&mut self) -> At<'_> {
        At { lines: &mut self.0, key: String::new() }
    }

    /// Those of a key.
    pub fn of(&mut self, key: &str) -> At<'_> {
        self.whole().into_of(key)
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

impl<'m> At<'m> {
    /// Those of a key within.
    pub fn of(&mut self, key: &str) -> At<'_> {
        At { lines: self.lines, key: self.key.clone() }.into_of(key)
    }

    /// Those of an item.
    pub fn at(&mut self, index: usize) -> At<'_> {
        At { lines: self.lines, key: format!("{}[{index}]", self.key) }
    }

    /// Adds a mistake. What it quotes of the config may have line breaks, which would make two of it.
    pub fn add(&mut self, mistake: impl Display) {
        let colon = if self.key.is_empty() { "" } else { ": " };
        let line = format!("{}{colon}{mistake}", self.key);
        self.lines.push(line.replace('\n', "\\n").replace('\r', "\\r"));
    }

    /// The value; or nothing, and the mistake is added.
    pub fn take<T>(&mut self, made: Result<T, impl Display>) -> Option<T> {
        made.map_err(|mistake| self.add(mistake)).ok()
    }

    fn into_of(self, key: &str) -> At<'m> {
        let dot = if self.key.is_empty() { "" } else { "." };
        At { lines: self.lines, key: format!("{}{dot}{}", self.key, shown(key)) }
    }
}

/// All of what was made of many, if none of it was a mistake. Each is made, so that each mistake is told.
pub fn all<T>(made: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let made: Vec<Option<T>> = made.collect();
    made.into_iter().collect()
}

/// A key as it stands in a key path: in quotes where it is more than letters, digits, `_` and `-`.
pub(crate) fn shown(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(is_bare) { key.to_owned() } else { format!("\"{key}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_one_line_behind_its_key() {
        let mut mistakes = Mistakes::default();
        mistakes.of("parts").at(1).of("headers").of("x-a").add("is `a\r\nb`");
        assert_eq!(mistakes.of("body").of("a: b").take(Err::<(), _>("no")), None);
        assert_eq!(mistakes.of("limit").take(Ok::<_, String>(7)), Some(7));
        mistakes.whole().add("nothing to do");
        let all = mistakes.or(Some(7)).unwrap_err();
        let lines = ["parts[1].headers.x-a: is `a\\r\\nb`", "body.\"a: b\": no", "nothing to do"];
        assert_eq!(all.lines().collect::<Vec<_>>(), lines);
    }
}
