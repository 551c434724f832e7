//! What is wrong with a config, and where: [`Diagnostic`], and how it is printed.

use std::fmt;
use std::path::PathBuf;

/// One error, with all an operator needs to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// One line: what is wrong.
    pub message: String,
    /// Where; `None` where no line is to blame (a file that cannot be read).
    pub place: Option<Box<Place>>,
    /// The key path the place belongs to, for example `in routes[0]`; empty for none.
    pub label: String,
    /// What to do about it, one line each.
    pub help: Vec<String>,
}

/// A place in a config file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The line as it is shown: tabs are spaces, secrets are stars, long lines are cut.
    pub(super) shown: String,
    /// Characters of `shown` before the marked part.
    pub(super) indent: usize,
    /// Characters that are marked, at least 1.
    pub(super) width: usize,
}

/// Every error of one config, in the order of the files. Never empty.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    /// The file or folder that was loaded.
    pub path: PathBuf,
    pub all: Vec<Diagnostic>,
}

impl Diagnostic {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, label: String::new(), help: Vec::new() }
    }

    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(Box::new(place));
        self
    }

    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

impl Diagnostics {
    /// Sorts by place and drops what is said twice.
    pub fn new(path: PathBuf, mut all: Vec<Diagnostic>) -> Self {
        all.sort_by(|a, b| a.place.cmp(&b.place));
        all.dedup();
        Self { path, all }
    }
}

impl Diagnostic {
    /// As it is printed of something that is allowed all the same.
    pub fn warning(&self) -> impl fmt::Display {
        fmt::from_fn(|f| self.print("warning", f))
    }

    fn print(&self, kind: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{kind}: {}", self.message)?;
        let mut gutter = 1;
        if let Some(place) = &self.place {
            gutter = place.line.to_string().len();
            let (line, column) = (place.line, place.column);
            writeln!(f, "{:gutter$}--> {}:{line}:{column}", "", place.file.display())?;
            writeln!(f, "{:gutter$} |", "")?;
            writeln!(f, "{line} | {}", place.shown)?;
            let marks =
                format!("{:indent$}{:^<width$} {}", "", "", self.label, indent = place.indent, width = place.width);
            writeln!(f, "{:gutter$} | {}", "", marks.trim_end())?;
        }
        for help in &self.help {
            writeln!(f, "{:gutter$} = help: {help}", "")?;
        }
        Ok(())
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print("error", f)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.all {
            writeln!(f, "{diagnostic}")?;
        }
        let count = self.all.len();
        let errors = if count == 1 { "error" } else { "errors" };
        writeln!(f, "{count} {errors} in {}", self.path.display())
    }
}

impl std::error::Error for Diagnostic {}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_with_its_line_and_what_to_do() {
        let place =
            Place { file: "a.toml".into(), line: 14, column: 1, shown: "plugin = []".into(), indent: 0, width: 6 };
        let error =
            Diagnostic::new("unknown key `plugin`").at(place).label("in routes[0]").help("did you mean `plugins`?");
        let expected = "error: unknown key `plugin`\n  --> a.toml:14:1\n   |\n14 | plugin = []\n   | ^^^^^^ in routes[0]\n   = help: did you mean `plugins`?\n";
        assert_eq!(error.to_string(), expected);
    }
}
