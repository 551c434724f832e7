//! Files the operator lets the plugin read: lists, tables, templates.
//!
//! Each is granted by its path or a pattern, relative to the config's folder:
//! `grant = { files = ["list.txt", "geo/*.csv"] }`. Where a plugin needs a file for each request, read
//! and parse it in [`Plugin::configure`](crate::Plugin::configure): when it changes, the plugin's
//! instances are made anew.

use std::fmt;

use crate::host::files as wit;

/// The whole content of a file, as it is now. The hook waits, which costs wall time and no CPU time.
pub fn read(name: &str) -> Result<Vec<u8>, FileError> {
    Ok(wit::read(name)?)
}

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileError {
    /// The file is not granted to this plugin, or is a symbolic link that leads out of the folder the
    /// grant names; the text says which.
    Denied(String),
    /// There is no such file.
    NotFound,
    /// The file is larger than the plugin's `limits.file`.
    TooLarge,
    /// The system's reason why a file that is there cannot be read.
    Unreadable(String),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(missing) => write!(f, "not granted: {missing}"),
            Self::NotFound => f.write_str("there is no such file"),
            Self::TooLarge => f.write_str("the file is larger than limits.file allows"),
            Self::Unreadable(reason) => write!(f, "the file cannot be read: {reason}"),
        }
    }
}

impl std::error::Error for FileError {}

impl From<crate::bindings::tollgate::plugin::files::FileError> for FileError {
    fn from(error: crate::bindings::tollgate::plugin::files::FileError) -> Self {
        use crate::bindings::tollgate::plugin::files::FileError as Wit;
        match error {
            Wit::Denied(missing) => Self::Denied(missing),
            Wit::NotFound => Self::NotFound,
            Wit::TooLarge => Self::TooLarge,
            Wit::Unreadable(reason) => Self::Unreadable(reason),
        }
    }
}
