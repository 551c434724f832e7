//! Reads config files: one file, or every `*.toml` of a folder in the order of their names.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::error::Diagnostic;
use super::source::Source;

/// The largest file that is read, in bytes: config, interpolated text, secret or key.
pub const MAX_FILE: u64 = 4 << 20;

/// The files of a config. Each that cannot be read is an error; the others are read all the same.
pub(super) fn read_sources(path: &Path) -> (Vec<Source>, Vec<Diagnostic>) {
    let (mut sources, mut errors) = (Vec::new(), Vec::new());
    let files = match files_of(path) {
        Ok(files) => files,
        Err(error) => return (sources, vec![error]),
    };
    for file in files {
        match read_text(&file) {
            Ok(text) => sources.push(Source::new(file, text)),
            Err(message) => errors.push(Diagnostic::new(message)),
        }
    }
    (sources, errors)
}

/// Reads a file of at most [`MAX_FILE`] bytes. The error is one line that names the file.
pub(super) fn read_limited(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot read `{}`: {}", path.display(), plain(&error));
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(format!("`{}` is larger than {} MiB", path.display(), MAX_FILE >> 20));
    }
    Ok(bytes)
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    let cannot = |error: &std::io::Error| {
        Diagnostic::new(format!("cannot read `{}`: {}", path.display(), plain(error)))
            .help("`tollgate init` writes a first config; `--config` names another one")
    };
    if !fs::metadata(path).map_err(|e| cannot(&e))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(|e| cannot(&e))? {
        let file = entry.map_err(|e| cannot(&e))?.path();
        if file.extension().is_some_and(|e| e == "toml") && !is_hidden(&file) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Diagnostic::new(format!("no `*.toml` in the folder `{}`", path.display())));
    }
    Ok(files)
}

/// Editors keep their swap and backup files beside the real ones.
fn is_hidden(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn read_text(path: &Path) -> Result<String, String> {
    String::from_utf8(read_limited(path)?).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.split(|byte| *byte == b'\n').count();
        format!("`{}` is not UTF-8 text, in line {line}: save it as UTF-8", path.display())
    })
}

/// The system's message without its number.
fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        std::io::ErrorKind::IsADirectory => "it is a folder".into(),
        _ => error.to_string(),
    }
}
