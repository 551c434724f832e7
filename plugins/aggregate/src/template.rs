//! Text with placeholders: `Bearer {attribute:token}`.

use crate::failure::Failure;
use crate::source::{Names, Source, Values};

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// As written.
    Literal(String),
    Place(Source),
}

impl Template {
    pub(crate) fn parse(text: &str, names: Names<'_>) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((literal, behind)) = rest.split_once('{') {
            let Some((name, behind)) = behind.split_once('}') else {
                return Err(format!("a `{{` in `{text}` is not closed"));
            };
            push_literal(&mut pieces, literal, text)?;
            pieces.push(Piece::Place(Source::parse(name, names)?));
            rest = behind;
        }
        push_literal(&mut pieces, rest, text)?;
        Ok(Self(pieces))
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.0.iter().filter_map(|piece| if let Piece::Place(source) = piece { Some(source) } else { None })
    }

    /// The placeholder, where there is nothing else.
    pub(crate) fn only_source(&self) -> Option<&Source> {
        if let [Piece::Place(source)] = self.0.as_slice() { Some(source) } else { None }
    }

    /// The text for the request at hand.
    pub(crate) fn fill(&self, values: Values<'_>) -> Result<String, Failure> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Place(source) => text.push_str(&source.text(values)?),
            }
        }
        Ok(text)
    }

    /// Whose fault it is if what is filled in makes no sense.
    pub(crate) fn blame(&self, problem: &str) -> Failure {
        let problem = problem.to_owned();
        let upstreams = self.sources().any(Source::is_upstreams);
        if upstreams { Failure::Upstream(problem) } else { Failure::BadRequest(problem) }
    }
}

fn push_literal(pieces: &mut Vec<Piece>, literal: &str, text: &str) -> Result<(), String> {
    if literal.contains('}') {
        return Err(format!("a `}}` in `{text}` closes nothing"));
    }
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal.to_owned()));
    }
    Ok(())
}
