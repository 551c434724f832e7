//! `files`: what the operator lets the plugin read.
//!
//! A disk may be slow, or far away. So the worker never waits for one: a thread of tokio's for
//! blocking calls does, one at most for each instance.

use std::sync::Arc;

use crate::plugin::bindings::tollgate::plugin::files::{FileError, Host};
use crate::plugin::files;
use crate::plugin::state::{Hook, InstanceState};

impl Host for InstanceState {
    async fn read(&mut self, name: String) -> wasmtime::Result<Result<Vec<u8>, FileError>> {
        self.configured("files.read")?;
        let (granted, limit) = (Arc::clone(&self.plugin.files), self.plugin.limits.file);
        let asked = name.clone();
        let read = tokio::task::spawn_blocking(move || granted.read(&asked, limit)).await;
        let read = read.map_err(|error| wasmtime::Error::msg(format!("files.read: {error}")))?;
        if self.hook == Hook::Configure {
            self.files_read.note(&self.plugin.files, &name, &read);
        }
        let read = read.map_err(|error| match error {
            files::FileError::Denied(text) => FileError::Denied(format!("[plugins.{}] {text}", self.plugin.name)),
            files::FileError::NotFound => FileError::NotFound,
            files::FileError::TooLarge => FileError::TooLarge,
            files::FileError::Unreadable(reason) => FileError::Unreadable(reason),
        });
        Ok(self.give(read))
    }
}
