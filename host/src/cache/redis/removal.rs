//! What was removed, as gateways tell one another.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::purge::Purge;

/// Something removed from the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// `None`: of all plugins.
    pub plugin: Option<Arc<str>>,
    pub what: What,
}

/// What is removed of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Key(String),
    Url(String),
    Prefix(String),
    Tag(String),
    All,
}

impl Removal {
    pub(super) fn of(plugin: &Arc<str>, what: What) -> Self {
        Self { plugin: Some(Arc::clone(plugin)), what }
    }

    /// All there is.
    pub(super) fn everything() -> Self {
        Self { plugin: None, what: What::All }
    }

    /// As fields of the stream: plugin, kind, and what of that kind.
    pub(super) fn fields(&self) -> [(&'static str, &str); 3] {
        let (kind, of) = match &self.what {
            What::Key(key) => ("key", key.as_str()),
            What::Url(url) => ("url", url.as_str()),
            What::Prefix(prefix) => ("prefix", prefix.as_str()),
            What::Tag(tag) => ("tag", tag.as_str()),
            What::All => ("all", ""),
        };
        [("plugin", self.plugin.as_deref().unwrap_or_default()), ("kind", kind), ("of", of)]
    }

    /// The same, read back. What this version does not know is taken for everything: that is wrong in
    /// no way but that more is fetched.
    pub(super) fn read(fields: &HashMap<String, String>) -> Self {
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        let what = match &*field("kind") {
            "key" => What::Key(field("of")),
            "url" => What::Url(field("of")),
            "prefix" => What::Prefix(field("of")),
            "tag" => What::Tag(field("of")),
            "all" => What::All,
            _ => return Self::everything(),
        };
        let plugin = field("plugin");
        Self { plugin: (!plugin.is_empty()).then(|| plugin.into()), what }
    }
}

impl What {
    /// For a store's memory; `None` for a single key.
    pub fn as_purge(&self) -> Option<Purge<'_>> {
        match self {
            Self::Key(_) => None,
            Self::Url(url) => Some(Purge::Url(url)),
            Self::Prefix(prefix) => Some(Purge::Prefix(prefix)),
            Self::Tag(tag) => Some(Purge::Tag(tag)),
            Self::All => Some(Purge::All),
        }
    }
}

impl From<Purge<'_>> for What {
    fn from(purge: Purge<'_>) -> Self {
        match purge {
            Purge::Url(url) => Self::Url(url.to_owned()),
            Purge::Prefix(prefix) => Self::Prefix(prefix.to_owned()),
            Purge::Tag(tag) => Self::Tag(tag.to_owned()),
            Purge::All => Self::All,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through_the_stream(removal: &Removal) -> Removal {
        Removal::read(&removal.fields().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn a_removal_is_read_as_it_was_written() {
        let text = || "http://a/ä b".to_owned();
        for what in [What::Key(text()), What::Url(text()), What::Prefix(text()), What::Tag(text()), What::All] {
            let removal = Removal::of(&"kept".into(), what);
            assert_eq!(through_the_stream(&removal), removal);
        }
        assert_eq!(through_the_stream(&Removal::everything()), Removal::everything());
    }

    #[test]
    fn what_is_not_known_is_everything() {
        let newer = HashMap::from([("plugin".into(), "kept".into()), ("kind".into(), "regex".into())]);
        assert_eq!(Removal::read(&newer), Removal::everything());
        assert_eq!(Removal::read(&HashMap::new()), Removal::everything());
    }
}
