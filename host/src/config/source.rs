//! The text of one config file, and how a byte range of it becomes a [`Place`].

use std::ops::Range;
use std::path::PathBuf;

use super::error::Place;

/// Characters of a line that are shown at most.
const MAX_SHOWN: usize = 160;

/// One config file.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// Byte ranges that hold secrets, and are shown as stars.
    pub(super) hidden: Vec<Range<usize>>,
}

impl Source {
    pub(super) fn new(path: PathBuf, text: String) -> Self {
        Self { path, text, hidden: Vec::new() }
    }

    /// Where a byte range is. A range over several lines marks the rest of its first line.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let start = self.boundary(span.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let line_end = line_start.max(self.text[line_start..line_end].trim_end_matches('\r').len() + line_start);
        let end = self.boundary(span.end).clamp(start, line_end.max(start));
        let before = self.text[line_start..start].chars().count();
        let width = self.text[start..end].chars().count().max(1);
        let skipped = if before > MAX_SHOWN / 2 { before - MAX_SHOWN / 4 } else { 0 };
        let shown: String = self.shown(line_start..line_end).skip(skipped).take(MAX_SHOWN).collect();
        Place {
            file: self.path.clone(),
            line: self.text[..line_start].matches('\n').count() + 1,
            column: before + 1,
            indent: before - skipped,
            width: width.min(MAX_SHOWN.saturating_sub(before - skipped)).max(1),
            shown,
        }
    }

    /// The nearest character boundary at or before `at`.
    fn boundary(&self, at: usize) -> usize {
        self.text.floor_char_boundary(at)
    }

    fn shown(&self, line: Range<usize>) -> impl Iterator<Item = char> {
        let start = line.start;
        self.text[line].char_indices().map(move |(at, c)| {
            if self.hidden.iter().any(|hidden| hidden.contains(&(start + at))) {
                '*'
            } else if c.is_control() {
                // A tab would shift the marks; an escape sequence would act on the terminal.
                ' '
            } else {
                c
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source(text: &str) -> Source {
        Source::new("a.toml".into(), text.into())
    }

    #[test]
    fn columns_count_characters() {
        let place = source("a = 1\n\"é\" = x\n").place(&(13..14));
        assert_eq!((place.line, place.column, place.width), (2, 7, 1));
    }

    #[test]
    fn hidden_text_is_shown_as_stars() {
        let mut source = source("k = { value = 'abc', b = 1 }");
        source.hidden.push(14..19);
        assert_eq!(source.place(&(21..22)).shown, "k = { value = *****, b = 1 }");
    }

    proptest! {
        #[test]
        fn no_range_panics(text in "\\PC*(\r?\n\\PC*)*", start in 0_usize..200, length in 0_usize..200) {
            let place = source(&text).place(&(start..start + length));
            prop_assert!(place.indent + place.width <= MAX_SHOWN.max(place.shown.chars().count()) + 1);
        }
    }
}
