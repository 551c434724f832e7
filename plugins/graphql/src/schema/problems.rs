//! Mistakes in the schema, with line and column.

use apollo_compiler::parser::{SourceMap, SourceSpan};
use apollo_compiler::validation::DiagnosticList;

use super::nearest;

/// Most mistakes that are told at once.
const MOST: usize = 20;

/// What is wrong so far.
#[derive(Debug)]
pub(crate) struct Problems<'s> {
    sources: &'s SourceMap,
    found: Vec<(usize, usize, String)>,
}

impl<'s> Problems<'s> {
    pub(crate) fn new(sources: &'s SourceMap) -> Self {
        Self { sources, found: Vec::new() }
    }

    /// What the library found.
    pub(crate) fn of(diagnostics: &DiagnosticList) -> Vec<String> {
        let found = diagnostics.iter().map(|diagnostic| {
            let place = diagnostic.line_column_range().map(|range| (range.start.line, range.start.column));
            let (line, column) = place.unwrap_or((1, 1));
            (line, column, with_hint(diagnostic.error.to_string()))
        });
        written(found.collect())
    }

    pub(crate) fn add(&mut self, place: Option<SourceSpan>, what: impl Into<String>) {
        let place = place.and_then(|span| span.line_column(self.sources));
        let (line, column) = place.map_or((1, 1), |place| (place.line, place.column));
        self.found.push((line, column, what.into()));
    }

    pub(crate) fn none(self) -> Result<(), Vec<String>> {
        if self.found.is_empty() { Ok(()) } else { Err(written(self.found)) }
    }
}

/// A directive nobody defines may be one of this plugin's, misspelled.
fn with_hint(what: String) -> String {
    let unknown = what.strip_prefix("cannot find directive `@").and_then(|rest| rest.split('`').next());
    match unknown.and_then(nearest::directive) {
        Some(meant) => format!("{what}; did you mean `@{meant}`?"),
        None => what,
    }
}

/// One text for each, `LINE:COLUMN: what`.
fn written(mut found: Vec<(usize, usize, String)>) -> Vec<String> {
    found.sort();
    let more = found.len().saturating_sub(MOST);
    let first = found.iter().take(MOST);
    let mut texts: Vec<String> =
        first.map(|(line, column, what)| format!("{line}:{column}: {}", what.replace('\n', " "))).collect();
    if more > 0 {
        texts.push(format!("and {more} more mistakes"));
    }
    texts
}
