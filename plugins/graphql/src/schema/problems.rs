//! Mistakes in the schema, with line and column.

use apollo_compiler::parser::{SourceMap, SourceSpan};
use apollo_compiler::validation::DiagnosticList;

/// Most mistakes that are told at once.
const MOST: usize = 20;

/// What is wrong so far.
#[derive(Debug)]
pub(crate) struct Problems<'s> {
    name: &'s str,
    sources: &'s SourceMap,
    found: Vec<(usize, usize, String)>,
}

impl<'s> Problems<'s> {
    pub(crate) fn new(name: &'s str, sources: &'s SourceMap) -> Self {
        Self { name, sources, found: Vec::new() }
    }

    /// What the library found.
    pub(crate) fn of(diagnostics: &DiagnosticList, name: &str) -> String {
        let found = diagnostics.iter().map(|diagnostic| {
            let place = diagnostic.line_column_range().map(|range| (range.start.line, range.start.column));
            let (line, column) = place.unwrap_or((1, 1));
            (line, column, diagnostic.error.to_string())
        });
        written(name, found.collect())
    }

    pub(crate) fn add(&mut self, place: Option<SourceSpan>, what: impl Into<String>) {
        let place = place.and_then(|span| span.line_column(self.sources));
        let (line, column) = place.map_or((1, 1), |place| (place.line, place.column));
        self.found.push((line, column, what.into()));
    }

    pub(crate) fn none(self) -> Result<(), String> {
        if self.found.is_empty() { Ok(()) } else { Err(written(self.name, self.found)) }
    }
}

fn written(name: &str, mut found: Vec<(usize, usize, String)>) -> String {
    found.sort();
    let more = found.len().saturating_sub(MOST);
    let lines = found.iter().take(MOST).map(|(line, column, what)| format!("{name}:{line}:{column}: {what}"));
    let mut text = lines.collect::<Vec<_>>().join("\n");
    if more > 0 {
        text.push_str(&format!("\nand {more} more"));
    }
    text
}
