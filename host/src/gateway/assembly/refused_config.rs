//! What a plugin says against its own config, each mistake at its place.
//!
//! The text is the plugin's: a line for each mistake, which begins with the key path it is about by custom,
//! `parts[1].path: ...`. One that begins with anything else is as good, and is shown at the table.

use std::borrow::Cow;

use crate::config::{Diagnostic, Document};
use crate::plugin::fault::LoadError;

/// Mistakes of one plugin that are shown; of more there is only said how many.
const MOST: usize = 100;
/// Bytes of a mistake that are shown.
const LONGEST: usize = 1024;

/// At least one.
pub(super) fn diagnostics(plugin: &str, error: &LoadError, document: &Document) -> Vec<Diagnostic> {
    let table = ["plugins", plugin, "config"];
    let LoadError::Mistakes(text) = error else {
        return vec![document.error_at(&table, format!("plugin `{plugin}`: {error}"))];
    };
    let refuses = |line: &str| format!("plugin `{plugin}` refuses its config: {}", shortened(line));
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut all: Vec<Diagnostic> = lines
        .by_ref()
        .take(MOST)
        .map(|line| document.error_at(&place(line, &table, document), refuses(line)))
        .collect();
    match lines.count() {
        0 if all.is_empty() => all.push(document.error_at(&table, refuses("it does not say why"))),
        0 => {}
        more => all.push(document.error_at(&table, refuses(&format!("{more} more mistakes")))),
    }
    all
}

fn shortened(line: &str) -> Cow<'_, str> {
    let shown = &line[..line.floor_char_boundary(LONGEST)];
    if shown.len() < line.len() { format!("{shown}...").into() } else { line.into() }
}

/// The longest part of a line's key path that is written in the document, below the table.
fn place<'a>(line: &'a str, table: &[&'a str], document: &Document) -> Vec<&'a str> {
    let mut place = table.to_vec();
    for key in key_path(line).unwrap_or_default() {
        place.push(key);
        if !document.has(&place) {
            place.pop();
            break;
        }
    }
    place
}

/// `a.b[1]."c d": ...` as its keys; `None` where a line begins with nothing of the kind.
fn key_path(line: &str) -> Option<Vec<&str>> {
    let mut keys = Vec::new();
    let mut rest = line;
    loop {
        let (key, after) = first_key(rest)?;
        keys.push(key);
        rest = after;
        while let Some((index, after)) = rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
            keys.push(index);
            rest = after;
        }
        match rest.strip_prefix('.') {
            Some(next) => rest = next,
            None => return rest.starts_with(':').then_some(keys),
        }
    }
}

fn first_key(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"');
    }
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let end = text.find(|c| !is_bare(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_may_begin_with_a_key_path() {
        for (line, keys) in [
            ("limit: is zero", Some(vec!["limit"])),
            ("parts[1].path: no", Some(vec!["parts", "1", "path"])),
            ("a.b[0][2].\"c d\": no", Some(vec!["a", "b", "0", "2", "c d"])),
            ("schema: 2:7: no", Some(vec!["schema"])),
            ("no key at all", None),
            ("`limit`: no", None),
            (": no", None),
            ("a.: no", None),
            ("a[1: no", None),
            ("", None),
        ] {
            assert_eq!(key_path(line), keys, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(line in "\\PC*|[a.\\[\\]\":0]*") {
            let _ = key_path(&line);
        }
    }
}
