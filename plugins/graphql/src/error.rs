//! Errors as clients see them.

use apollo_compiler::parser::SourceMap;
use apollo_compiler::request::RequestError;
use apollo_compiler::validation::DiagnosticList;

use crate::json;

/// Most errors in one answer.
pub(crate) const MOST: usize = 100;

/// Most characters of a message about a document.
const LONGEST: usize = 300;

/// One entry of `errors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GraphqlError {
    pub(crate) message: String,
    /// Line and column, from 1.
    pub(crate) locations: Vec<(usize, usize)>,
    /// Empty for an error of the whole request.
    pub(crate) path: Vec<Segment>,
    /// `extensions.code`.
    pub(crate) code: &'static str,
}

/// A step of a path into the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    Key(String),
    Index(usize),
}

impl GraphqlError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { message: message.into(), locations: Vec::new(), path: Vec::new(), code }
    }

    pub(crate) fn subscription() -> Self {
        Self::new("SUBSCRIPTION_NOT_SUPPORTED", "subscriptions are not supported: queries and mutations are")
    }

    /// What is wrong with a document, by the library.
    pub(crate) fn of_diagnostics(code: &'static str, diagnostics: &DiagnosticList) -> Vec<Self> {
        let errors = diagnostics.iter().take(MOST).map(|diagnostic| {
            let place = diagnostic.line_column_range().map(|range| (range.start.line, range.start.column));
            Self { locations: place.into_iter().collect(), ..Self::new(code, cut(diagnostic.error.to_string())) }
        });
        errors.collect()
    }

    /// What is wrong with a request as a whole.
    pub(crate) fn of_request(code: &'static str, error: &RequestError, sources: &SourceMap) -> Self {
        let place = error.location().and_then(|span| span.line_column(sources));
        let locations = place.map(|place| (place.line, place.column)).into_iter().collect();
        Self { locations, ..Self::new(code, error.message().to_string()) }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"message\":");
        json::push_quoted(out, &self.message);
        if !self.locations.is_empty() {
            let places = self.locations.iter().map(|(line, column)| format!("{{\"line\":{line},\"column\":{column}}}"));
            let places = places.collect::<Vec<_>>().join(",");
            out.extend_from_slice(format!(",\"locations\":[{places}]").as_bytes());
        }
        if !self.path.is_empty() {
            out.extend_from_slice(b",\"path\":[");
            for (index, segment) in self.path.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                match segment {
                    Segment::Key(key) => json::push_quoted(out, key),
                    Segment::Index(index) => out.extend_from_slice(index.to_string().as_bytes()),
                }
            }
            out.push(b']');
        }
        out.extend_from_slice(format!(",\"extensions\":{{\"code\":\"{}\"}}}}", self.code).as_bytes());
    }
}

/// Names of the document stand in these, and may be as long as it is.
fn cut(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(LONGEST) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// `[...]`.
pub(crate) fn write_all(errors: &[GraphqlError], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, error) in errors.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        error.write(out);
    }
    out.push(b']');
}
