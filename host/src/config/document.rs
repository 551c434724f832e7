//! A config as written, with the place of every key: where errors are attached to.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::path::PathBuf;

use serde_json::Value;

use super::error::{Diagnostic, Place};
use super::source::Source;

/// The merged config files as JSON, and where each part of it was written.
#[derive(Clone, Default)]
pub struct Document {
    pub(super) sources: Vec<Source>,
    pub(super) root: Value,
    /// By JSON pointer (RFC 6901) into `root`.
    pub(super) spans: HashMap<String, Spans>,
    /// Pointers of strings that something was interpolated into, or that hold a password: never shown.
    pub(super) confidential: HashSet<String>,
    /// Pointers of values that have an error already: nothing is said of what is at or below them.
    pub(super) broken: Vec<String>,
    /// Every file the document was made of.
    pub(super) files: Vec<PathBuf>,
    /// What relative paths in the config are relative to.
    pub(super) folder: PathBuf,
}

/// Where a key and its value were written.
#[derive(Debug, Clone)]
pub(super) struct Spans {
    /// Index into `sources`.
    pub(super) source: usize,
    pub(super) key: Range<usize>,
    /// For a table its header.
    pub(super) value: Range<usize>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values stay out of logs: interpolated secrets are among them.
        f.debug_struct("Document").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Document {
    /// Where a part of the config is written, by its keys: `["plugins", "jwt", "use"]`, list items
    /// by their number. The nearest enclosing table where the part itself is not written.
    pub fn at(&self, key_path: &[&str]) -> Option<Place> {
        self.value_place(&pointer(key_path))
    }

    /// Whether this part of the config is written anywhere. See [`Document::at`].
    pub fn has(&self, key_path: &[&str]) -> bool {
        self.spans.contains_key(&pointer(key_path))
    }

    /// An error at a part of the config, labelled with its key path. See [`Document::at`].
    pub fn error_at(&self, key_path: &[&str], message: impl Into<String>) -> Diagnostic {
        self.value_error(&pointer(key_path), message)
    }

    /// An error that marks a value, labelled with its key path.
    pub(super) fn value_error(&self, pointer: &str, message: impl Into<String>) -> Diagnostic {
        let mut error = Diagnostic::new(message).label(self.label(pointer));
        error.place = self.value_place(pointer).map(Box::new);
        error
    }

    /// An error that marks a key, labelled with the table it is in.
    pub(super) fn key_error(&self, pointer: &str, message: impl Into<String>) -> Diagnostic {
        let mut error = Diagnostic::new(message).label(self.label(parent(pointer)));
        error.place = self.nearest(pointer).and_then(|spans| self.place(spans.source, &spans.key)).map(Box::new);
        error
    }

    pub(super) fn value_place(&self, pointer: &str) -> Option<Place> {
        let spans = self.nearest(pointer)?;
        self.place(spans.source, &spans.value)
    }

    /// Whether a value may be shown in an error.
    pub(super) fn may_be_shown(&self, pointer: &str) -> bool {
        !self.confidential.contains(pointer) && !is_key_material(pointer)
    }

    /// Whether a value, or what it is in, has an error already.
    pub(super) fn is_broken(&self, pointer: &str) -> bool {
        self.broken.iter().any(|broken| within(pointer, broken))
    }

    /// `/routes/0/plugins` as people write it: `routes[0].plugins`.
    pub(super) fn key_path(&self, pointer: &str) -> String {
        let mut path = String::new();
        let mut value = Some(&self.root);
        for token in tokens(pointer) {
            match value {
                Some(Value::Array(items)) => {
                    let _ = write!(path, "[{token}]");
                    value = token.parse::<usize>().ok().and_then(|index| items.get(index));
                }
                other => {
                    let dot = if path.is_empty() { "" } else { "." };
                    let _ = if is_bare(&token) { write!(path, "{dot}{token}") } else { write!(path, "{dot}{token:?}") };
                    value = other.and_then(|table| table.get(&token));
                }
            }
        }
        path
    }

    fn label(&self, pointer: &str) -> String {
        match self.key_path(pointer) {
            path if path.is_empty() => "at the top level".into(),
            path => format!("in {path}"),
        }
    }

    fn nearest(&self, mut pointer: &str) -> Option<&Spans> {
        loop {
            if let Some(spans) = self.spans.get(pointer) {
                return Some(spans);
            }
            if pointer.is_empty() {
                return None;
            }
            pointer = parent(pointer);
        }
    }

    fn place(&self, source: usize, span: &Range<usize>) -> Option<Place> {
        self.sources.get(source).map(|source| source.place(span))
    }
}

/// The JSON pointer of a key path.
pub(super) fn pointer(key_path: &[&str]) -> String {
    key_path.iter().fold(String::new(), |pointer, key| child(&pointer, key))
}

/// The pointer of a key, or of an item, below another.
pub(super) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The pointer one level up; the root is its own parent.
pub(super) fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Whether a pointer is at or below another.
pub(super) fn within(pointer: &str, outer: &str) -> bool {
    pointer.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The keys of a pointer, unescaped.
pub(super) fn tokens(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"))
}

/// Whether a string at this place may be a secret written in the clear: also where it was put
/// there by mistake, under a misspelled key or in place of a table.
pub(super) fn is_key_material(pointer: &str) -> bool {
    let keys: Vec<String> = tokens(pointer).collect();
    match keys.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["plugins", _, "keys", _, key, ..] => !matches!(*key, "algorithm" | "use" | "file"),
        ["plugins", _, "secrets", _, key, ..] => *key != "file",
        ["secrets", _, key, ..] => !matches!(*key, "env" | "file"),
        ["plugins", _, "config", inside @ ..] => inside.iter().any(|key| may_name_a_secret(key)),
        ["plugins", _, "keys" | "secrets", _] | ["secrets", _] => true,
        _ => false,
    }
}

/// Of a key that no schema knows, or that only a plugin knows. One too many is hidden rather than one too few.
fn may_name_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['-', '_'], "");
    ["secret", "passw", "token", "credential", "authorization", "apikey", "privatekey"]
        .iter()
        .any(|word| key.contains(word))
}

/// Whether a text is an address with a password, `redis://:PASSWORD@HOST`, or may be one with mistakes in it.
pub(super) fn may_have_password(pointer: &str, text: &str) -> bool {
    text.contains('@') && (text.contains("://") || pointer == "/state/cache/redis")
}

pub(super) fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
