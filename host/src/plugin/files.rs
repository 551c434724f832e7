//! The files a plugin may read: by pattern, and never out of the folder the pattern names.
//!
//! Nothing is kept here: the kernel's cache is one, it has no stale entries, and a plugin that needs
//! a file for each request keeps what it made of it in its own memory.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use sha2::{Digest as _, Sha256};

/// `*` stops at a `/`, and what begins with a dot is not found by accident.
const MATCHING: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Most files of one `configure` that are watched.
const MAX_NOTED: usize = 256;

/// One entry of `grant.files`.
#[derive(Debug, Clone)]
pub struct FileGrant {
    pattern: Pattern,
    /// The folder in front of the first wildcard: what is read must be in it.
    place: PathBuf,
}

/// What a plugin may read.
#[derive(Debug, Clone, Default)]
pub struct Files {
    grants: Vec<FileGrant>,
    /// What names are relative to.
    folder: PathBuf,
}

/// What was read in `configure`: when it changes, so does the plugin.
#[derive(Debug, Clone, Default)]
pub struct ReadFiles(Vec<ReadFile>);

#[derive(Debug, Clone)]
struct ReadFile {
    name: String,
    path: PathBuf,
    found: Option<Digest>,
}

type Digest = [u8; 32];

/// As `files.file-error` in the WIT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileError {
    Denied(String),
    NotFound,
    TooLarge,
    Unreadable(String),
}

impl FileGrant {
    /// What is wrong with it, for the operator.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, &'static str> {
        let steps = steps(text)?;
        let pattern =
            Pattern::new(text).map_err(|_| "it is not a pattern: `*`, `?`, `[a-z]`, or `**` for any folders")?;
        let (_, folders) = steps.split_last().ok_or("it is empty")?;
        let literal = folders.iter().take_while(|step| !step.contains(['*', '?', '[']));
        Ok(Self { pattern, place: literal.fold(folder.to_owned(), |place, step| place.join(step)) })
    }
}

impl Files {
    pub fn new(grants: Vec<FileGrant>, folder: PathBuf) -> Self {
        Self { grants, folder }
    }

    /// What is granted, as it is written in the config.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.grants.iter().map(|grant| grant.pattern.as_str())
    }

    /// Where the file of this name is, if it is granted. Asks no disk.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        steps(name).ok()?;
        self.granting(name).next().map(|_| self.folder.join(name))
    }

    /// Reads a file, of at most `limit` bytes. As slow as the disk, so never to be called on a worker.
    pub fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, FileError> {
        if self.path(name).is_none() {
            return Err(FileError::Denied(format!("grant.files has no {name:?}")));
        }
        let real = self.folder.join(name).canonicalize().map_err(unreadable)?;
        let is_in = |grant: &FileGrant| grant.place.canonicalize().is_ok_and(|place| real.starts_with(place));
        if !self.granting(name).any(is_in) {
            return Err(FileError::Denied(format!("{name:?} is a link that leads out of the granted folder")));
        }
        // A pipe or a device would be waited for without end.
        if !real.metadata().map_err(unreadable)?.is_file() {
            return Err(FileError::Unreadable("it is not a file".into()));
        }
        let mut content = Vec::new();
        let file = File::open(real).map_err(unreadable)?;
        file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(unreadable)?;
        if content.len() as u64 > limit { Err(FileError::TooLarge) } else { Ok(content) }
    }

    fn granting(&self, name: &str) -> impl Iterator<Item = &FileGrant> {
        self.grants.iter().filter(move |grant| grant.pattern.matches_with(name, MATCHING))
    }
}

impl ReadFiles {
    pub fn note(&mut self, files: &Files, name: &str, read: &Result<Vec<u8>, FileError>) {
        let Some(path) = files.path(name) else { return };
        self.0.retain(|known| known.name != name);
        if self.0.len() < MAX_NOTED {
            self.0.push(ReadFile { name: name.to_owned(), path, found: digest(read) });
        }
    }

    /// Whether reading them again would find the same. As slow as the disk.
    pub fn are_unchanged(&self, files: &Files, limit: u64) -> bool {
        self.0.iter().all(|known| digest(&files.read(&known.name, limit)) == known.found)
    }

    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.iter().map(|known| &known.path)
    }
}

fn digest(read: &Result<Vec<u8>, FileError>) -> Option<Digest> {
    read.as_ref().ok().map(|content| Sha256::digest(content).into())
}

/// The parts of a relative path that names nothing above its start.
fn steps(path: &str) -> Result<Vec<&str>, &'static str> {
    if path.starts_with('/') {
        return Err("it must be relative to the config's folder");
    }
    let steps: Vec<&str> = path.split('/').collect();
    let plain = |step: &&str| !matches!(*step, "" | "." | "..") && !step.contains(['\\', '\0']);
    if !steps.iter().all(plain) {
        return Err("it is made of names with `/` between them, without `.` and `..`");
    }
    Ok(steps)
}

/// The system's reason without its path, which is none of the plugin's business.
#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn unreadable(error: io::Error) -> FileError {
    match error.kind() {
        io::ErrorKind::NotFound => FileError::NotFound,
        kind => FileError::Unreadable(kind.to_string()),
    }
}

#[cfg(test)]
mod tests;
