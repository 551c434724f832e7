//! The fake of `files`: contents by name. Grants are the gateway's and not faked.

use super::state::with;
use crate::bindings::tollgate::plugin::files::FileError;

pub(crate) fn read(name: &str) -> Result<Vec<u8>, FileError> {
    with(|state| state.files.get(name).cloned().ok_or(FileError::NotFound))
}
