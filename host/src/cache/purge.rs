//! What operators have removed.

use super::entry::Variants;

/// What an operator wants removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purge<'a> {
    /// The keys that are this URL, or begin with it and a space.
    Url(&'a str),
    Prefix(&'a str),
    Tag(&'a str),
    All,
}

impl Purge<'_> {
    pub(super) fn fits(self, key: &str, variants: &Variants) -> bool {
        match self {
            Self::Tag(tag) => variants.entries.iter().any(|entry| entry.kept.tags.iter().any(|other| other == tag)),
            _ => self.fits_key(key),
        }
    }

    /// Whether a key's name makes it go. No name has a tag.
    pub(super) fn fits_key(self, key: &str) -> bool {
        match self {
            Self::Url(url) => key.strip_prefix(url).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')),
            Self::Prefix(prefix) => key.starts_with(prefix),
            Self::Tag(_) => false,
            Self::All => true,
        }
    }
}
