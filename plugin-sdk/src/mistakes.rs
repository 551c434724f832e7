//! What is wrong with a config, all of it at once.
//!
//! By `lifecycle.configure` each line of the error is one mistake, and begins with the key path it is about.

use std::cell::RefCell;
use std::fmt::Display;

/// The mistakes of a config, as [`Plugin::configure`](crate::Plugin::configure) returns them.
///
/// ```
/// use tollgate_plugin_sdk::mistakes::Mistakes;
///
/// let mistakes = Mistakes::default();
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
pub struct Mistakes(RefCell<Vec<String>>);

/// The mistakes of one part of a config. Its key path is put together only where there is one: a plugin is configured
/// for each fresh instance.
#[derive(Debug, Clone, Copy)]
pub struct At<'m> {
    lines: &'m RefCell<Vec<String>>,
    within: Option<&'m At<'m>>,
    step: Step<'m>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'m> {
    Whole,
    Key(&'m str),
    Item(usize),
}

impl Mistakes {
    /// Those of the config as a whole.
    pub fn whole(&self) -> At<'_> {
        At { lines: &self.0, within: None, step: Step::Whole }
    }

    /// Those of a key.
    pub fn of<'m>(&'m self, key: &'m str) -> At<'m> {
        At { lines: &self.0, within: None, step: Step::Key(key) }
    }

    /// The value where there is one and nothing is wrong.
    ///
    /// # Errors
    /// All mistakes, a line for each.
    pub fn or<T>(self, value: Option<T>) -> Result<T, String> {
        let lines = self.0.into_inner();
        match value {
            Some(value) if lines.is_empty() => Ok(value),
            _ => Err(lines.join("\n")),
        }
    }
}

impl At<'_> {
    /// Those of a key within.
    pub fn of<'m>(&'m self, key: &'m str) -> At<'m> {
        At { lines: self.lines, within: Some(self), step: Step::Key(key) }
    }

    /// Those of an item.
    pub fn at(&self, index: usize) -> At<'_> {
        At { lines: self.lines, within: Some(self), step: Step::Item(index) }
    }

    /// Adds a mistake. What it quotes of the config may have line breaks, which would make two of it.
    pub fn add(&self, mistake: impl Display) {
        let path = self.path();
        let colon = if path.is_empty() { "" } else { ": " };
        let line = format!("{path}{colon}{mistake}");
        self.lines.borrow_mut().push(line.replace('\n', "\\n").replace('\r', "\\r"));
    }

    /// The value; or nothing, and the mistake is added.
    pub fn take<T>(&self, made: Result<T, impl Display>) -> Option<T> {
        made.map_err(|mistake| self.add(mistake)).ok()
    }

    fn path(&self) -> String {
        let outer = self.within.map(Self::path).unwrap_or_default();
        match self.step {
            Step::Whole => outer,
            Step::Key(key) if outer.is_empty() => shown(key),
            Step::Key(key) => format!("{outer}.{}", shown(key)),
            Step::Item(index) => format!("{outer}[{index}]"),
        }
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
        let mistakes = Mistakes::default();
        mistakes.of("parts").at(1).of("headers").of("x-a").add("is `a\r\nb`");
        assert_eq!(mistakes.of("body").of("a: b").take(Err::<(), _>("no")), None);
        assert_eq!(mistakes.of("limit").take(Ok::<_, String>(7)), Some(7));
        mistakes.whole().add("nothing to do");
        let all = mistakes.or(Some(7)).unwrap_err();
        let lines = ["parts[1].headers.x-a: is `a\\r\\nb`", "body.\"a: b\": no", "nothing to do"];
        assert_eq!(all.lines().collect::<Vec<_>>(), lines);
    }
}
