//! All that is wrong with a config, so that the operator is told at once: each mistake on a line of its
//! own, behind the key it is about.

use std::fmt::Display;

/// A list of mistakes, and where in the config the next one would be.
#[derive(Debug)]
pub(crate) struct Mistakes<'l> {
    lines: &'l mut Vec<String>,
    /// `parts[1].path`; nothing for the config itself.
    key: String,
}

impl<'l> Mistakes<'l> {
    pub(crate) fn new(lines: &'l mut Vec<String>) -> Self {
        Self { lines, key: String::new() }
    }

    /// Those of a member.
    pub(crate) fn of(&mut self, member: &str) -> Mistakes<'_> {
        let dot = if self.key.is_empty() { "" } else { "." };
        let is_bare = member.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        let member = if is_bare { member.to_owned() } else { format!("{member:?}") };
        Mistakes { key: format!("{}{dot}{member}", self.key), lines: self.lines }
    }

    /// Those of an item.
    pub(crate) fn at(&mut self, index: usize) -> Mistakes<'_> {
        Mistakes { key: format!("{}[{index}]", self.key), lines: self.lines }
    }

    /// Takes a mistake down. What it quotes of the config may have line breaks, which would make two of it.
    pub(crate) fn add(&mut self, mistake: impl Display) {
        let colon = if self.key.is_empty() { "" } else { ": " };
        let line = format!("{}{colon}{mistake}", self.key);
        self.lines.push(line.replace('\n', "\\n").replace('\r', "\\r"));
    }

    /// What was made of a key, unless that was a mistake.
    pub(crate) fn take<T>(&mut self, made: Result<T, impl Display>) -> Option<T> {
        made.map_err(|mistake| self.add(mistake)).ok()
    }
}

/// All of what was made of many, if none of it was a mistake. Each is made, so that each mistake is told.
pub(crate) fn all<T>(made: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let made: Vec<Option<T>> = made.collect();
    made.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_one_line_behind_its_key() {
        let mut lines = Vec::new();
        let mut mistakes = Mistakes::new(&mut lines);
        mistakes.of("parts").at(1).of("headers").of("x-a").add("is `a\r\nb`");
        assert_eq!(mistakes.of("body").of("a: b").take(Err::<(), _>("no")), None);
        assert_eq!(mistakes.take(Ok::<_, String>(7)), Some(7));
        mistakes.add("nothing");
        assert_eq!(lines, ["parts[1].headers.x-a: is `a\\r\\nb`", "body.\"a: b\": no", "nothing"]);
    }
}
