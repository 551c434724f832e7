//! Mistakes of one directive, gathered so that all of them are told at once.

/// What is wrong so far, each with the argument it is about.
#[derive(Debug, Default)]
pub(super) struct Mistakes(pub(super) Vec<String>);

impl Mistakes {
    /// The value; where there is none, its mistake is kept.
    pub(super) fn take<T>(&mut self, argument: &str, result: Result<T, String>) -> Option<T> {
        self.take_all(argument, result.map_err(|mistake| vec![mistake]))
    }

    /// As [`Mistakes::take`], where there may be several.
    pub(super) fn take_all<T>(&mut self, argument: &str, result: Result<T, Vec<String>>) -> Option<T> {
        let mistakes = match result {
            Ok(value) => return Some(value),
            Err(mistakes) => mistakes,
        };
        self.0.extend(mistakes.iter().map(|mistake| format!("{argument}{mistake}")));
        None
    }
}

/// All values, or all mistakes.
pub(super) fn all<T>(results: impl Iterator<Item = Result<T, String>>) -> Result<Vec<T>, Vec<String>> {
    let mut mistakes = Mistakes::default();
    let values: Vec<T> = results.filter_map(|result| mistakes.take("", result)).collect();
    if mistakes.0.is_empty() { Ok(values) } else { Err(mistakes.0) }
}
