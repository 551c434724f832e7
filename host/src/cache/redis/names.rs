//! What things are called in Redis.
//!
//! Names of plugins have no colon, so none is taken for another's. The number is of the records'
//! format: gateways of two formats do not read one another's.

/// Makes names.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// The operator's prefix, and the format.
    start: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { start: format!("{prefix}:1") }
    }

    /// A hash: the responses of a key, by selector.
    pub(super) fn responses(&self, plugin: &str, key: &str) -> String {
        format!("{}:responses:{plugin}:{key}", self.start)
    }

    /// The key such a name is for.
    pub(super) fn key_of<'a>(&self, plugin: &str, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&*self.start)?.strip_prefix(":responses:")?.strip_prefix(plugin)?.strip_prefix(':')
    }

    /// The names that begin so, as SCAN's pattern. `None`: of all plugins.
    pub(super) fn pattern(&self, plugin: Option<&str>, prefix: &str) -> String {
        let start = escape(&self.start);
        match plugin {
            Some(plugin) => format!("{start}:responses:{}:{}*", escape(plugin), escape(prefix)),
            None => format!("{start}:responses:*"),
        }
    }

    /// There for a moment after a key was removed.
    pub(super) fn removed_key(&self, plugin: &str, key: &str) -> String {
        format!("{}:removed:{plugin}:{key}", self.start)
    }

    /// There for a moment after some, nobody knows which, of a plugin's keys were removed.
    pub(super) fn removed_some(&self, plugin: &str) -> String {
        format!("{}:removed:{plugin}", self.start)
    }

    /// The same, for all plugins.
    pub(super) fn removed_all(&self) -> String {
        format!("{}:removed", self.start)
    }

    /// A stream: what was removed, for those that have it in memory.
    pub(super) fn removals(&self) -> String {
        format!("{}:removals", self.start)
    }
}

/// Takes their meaning from the characters that have one in a pattern.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_its_key_back_and_no_other_plugins() {
        let names = Names::new("edge");
        let name = names.responses("kept", "http://a/?b=c:d e");
        assert_eq!(name, "edge:1:responses:kept:http://a/?b=c:d e");
        assert_eq!(names.key_of("kept", &name), Some("http://a/?b=c:d e"));
        assert_eq!(names.key_of("kep", &name), None);
        assert_eq!(Names::new("other").key_of("kept", &name), None);
    }

    #[test]
    fn a_pattern_means_what_is_written() {
        let names = Names::new("a*");
        assert_eq!(names.pattern(Some("kept"), "http://a/?[x]"), r"a\*:1:responses:kept:http://a/\?\[x\]*");
        assert_eq!(names.pattern(None, ""), r"a\*:1:responses:*");
    }
}
