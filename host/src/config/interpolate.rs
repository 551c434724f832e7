//! `${env.NAME}` and `${file.PATH}` in strings; `$${` stands for `${`.

use std::path::{Path, PathBuf};

use super::read::read_limited;

/// A string after interpolation.
pub(super) struct Expanded {
    pub(super) text: String,
    /// Files it was put together from.
    pub(super) files: Vec<PathBuf>,
    /// Whether anything was put in: such text may be secret.
    pub(super) changed: bool,
}

/// Replaces each `${...}`. Paths are relative to `folder`. The error is one line, and it never
/// holds a value that was put in.
pub(super) fn expand(text: &str, folder: &Path) -> Result<Expanded, String> {
    let mut out = Expanded { text: String::with_capacity(text.len()), files: Vec::new(), changed: false };
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, inner) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            out.text.push_str(before);
            out.text.push_str("${");
            rest = inner;
            continue;
        }
        out.text.push_str(before);
        let Some(end) = inner.find('}') else {
            return Err("`${` without `}`; write `$${` for the two characters themselves".into());
        };
        let value = lookup(&inner[..end], folder, &mut out.files)?;
        out.text.push_str(&value);
        out.changed = true;
        rest = &inner[end + 1..];
    }
    out.text.push_str(rest);
    Ok(out)
}

fn lookup(name: &str, folder: &Path, files: &mut Vec<PathBuf>) -> Result<String, String> {
    if let Some(variable) = name.strip_prefix("env.").filter(|v| !v.is_empty()) {
        return env(variable);
    }
    if let Some(path) = name.strip_prefix("file.").filter(|p| !p.is_empty()) {
        let path = folder.join(path);
        let bytes = read_limited(&path);
        files.push(path.clone());
        let text = String::from_utf8(bytes?).map_err(|_| format!("`{}` is not UTF-8 text", path.display()))?;
        return Ok(without_last_newline(text));
    }
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name {
        return Err(format!(
            "`${{{name}}}` says not where from: for a variable write `${{env.{name}}}`, for a file `${{file.{name}}}`"
        ));
    }
    Err(format!(
        "`${{{name}}}` is neither `${{env.NAME}}` nor `${{file.PATH}}`; write `$${{` for the two characters themselves"
    ))
}

fn without_last_newline(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

/// The value of an environment variable.
pub(super) fn env(variable: &str) -> Result<String, String> {
    // The system forbids these two characters in a name.
    if variable.contains(['=', '\0']) {
        return Err(format!("`{}` cannot be the name of an environment variable", variable.escape_debug()));
    }
    match std::env::var(variable) {
        Ok(value) => Ok(value),
        Err(std::env::VarError::NotPresent) => Err(format!("the environment variable `{variable}` is not set")),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(format!("the environment variable `{variable}` is not UTF-8 text"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn expanded(text: &str) -> Result<String, String> {
        expand(text, Path::new(env!("CARGO_MANIFEST_DIR"))).map(|expanded| expanded.text)
    }

    #[test]
    fn variables_and_files_are_put_in() {
        let package = env!("CARGO_PKG_NAME");
        assert_eq!(expanded("<${env.CARGO_PKG_NAME}>").unwrap(), format!("<{package}>"));
        assert!(expanded("${file.Cargo.toml}").unwrap().contains("[package]"));
    }

    #[test]
    fn a_doubled_dollar_stands_for_itself() {
        assert_eq!(expanded("$${env.HOME} costs $5").unwrap(), "${env.HOME} costs $5");
    }

    #[test]
    fn what_cannot_be_put_in_is_an_error() {
        for text in [
            "${",
            "${env.HOME",
            "${home}",
            "${env.}",
            "${file.}",
            "${env.TOLLGATE_NO_SUCH_VARIABLE}",
            "${file.no/such/file}",
            "${env.A=B}",
        ] {
            assert!(expanded(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_without_a_dollar_stays_as_it_is(text in "[^$]*") {
            prop_assert_eq!(expanded(&text).unwrap(), text);
        }

        #[test]
        fn escaped_text_is_given_back(text in "[^$]*") {
            prop_assert_eq!(expanded(&format!("$${{{text}")).unwrap(), format!("${{{text}"));
        }

        #[test]
        fn no_text_panics(text in "(\\$|\\{|\\}|env\\.|file\\.|\\PC)*") {
            let _ = expanded(&text);
        }
    }
}
