//! Operations that are known by the SHA-256 of their text.
//!
//! Automatic ones are registered by clients (the protocol of Apollo's clients: a hash alone first, then
//! hash and text), and kept in `kv`, so that all workers know them. An allow-list is in the config.

use std::collections::HashMap;

use serde::Deserialize;
use tollgate_plugin_sdk::crypto::{self, HashAlgorithm};
use tollgate_plugin_sdk::{kv, log};

use crate::config::{PersistedConfig, PersistedMode};
use crate::error::GraphqlError;

/// Known operations.
#[derive(Debug)]
pub(crate) struct Persisted {
    mode: PersistedMode,
    listed: HashMap<String, String>,
    ttl_ms: u32,
}

/// A document, by its text or by its hash.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) text: String,
    /// Its hash, where the client asked for it to be kept.
    registers: Option<String>,
}

impl Found {
    fn new(text: String) -> Self {
        Self { text, registers: None }
    }
}

/// `extensions.persistedQuery`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PersistedQuery {
    version: u32,
    #[serde(rename = "sha256Hash")]
    hash: String,
}

/// A manifest, as tools write it.
#[derive(Deserialize)]
struct Manifest {
    operations: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    body: String,
}

impl Persisted {
    pub(crate) fn new(config: &PersistedConfig) -> Result<Self, String> {
        let listed = match (&config.operations, config.mode) {
            (Some(json), PersistedMode::Only) => {
                listed(json).map_err(|error| format!("persisted.operations: {error}"))?
            }
            (None, PersistedMode::Only) => {
                return Err("persisted.operations: is missing, and `mode = \"only\"` needs it".to_owned());
            }
            (Some(_), _) => return Err("persisted.operations: is only used with `mode = \"only\"`".to_owned()),
            (None, _) => HashMap::new(),
        };
        Ok(Self { mode: config.mode, listed, ttl_ms: config.ttl.as_millis() })
    }

    /// The document of a request, of which text, hash, or both were sent.
    pub(crate) fn document(
        &self,
        text: Option<String>,
        query: Option<&PersistedQuery>,
    ) -> Result<Option<Found>, GraphqlError> {
        if query.is_some_and(|query| query.version != 1) {
            return Err(GraphqlError::new("BAD_REQUEST", "this version of persisted queries is not supported"));
        }
        match (self.mode, text, query) {
            (PersistedMode::Off, _, Some(_)) => {
                Err(GraphqlError::new("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported"))
            }
            (PersistedMode::Off | PersistedMode::Automatic, text, None) => Ok(text.map(Found::new)),
            (PersistedMode::Automatic, Some(text), Some(query)) => {
                let hash = hash(&text);
                if !query.hash.eq_ignore_ascii_case(&hash) {
                    return Err(GraphqlError::new("BAD_REQUEST", "provided sha does not match query"));
                }
                Ok(Some(Found { text, registers: Some(hash) }))
            }
            (PersistedMode::Automatic, None, Some(query)) => {
                let kept = kv::get(&key(&query.hash.to_ascii_lowercase()));
                kept.and_then(|bytes| String::from_utf8(bytes).ok()).map(Found::new).map(Some).ok_or_else(not_found)
            }
            (PersistedMode::Only, text, query) => Ok(self.listed(text, query)?.map(Found::new)),
        }
    }

    /// Keeps a document that a client registers. To be called once it is known to be good: what is not
    /// would take the place of others' until its time is over.
    pub(crate) fn keep(&self, found: &Found) {
        let Some(hash) = &found.registers else { return };
        // A client that could not register sends the text once more next time.
        if let Err(error) = kv::set(&key(hash), found.text.as_bytes(), self.ttl_ms) {
            log::warn(&format!("a persisted query was not kept: {error}"));
        }
    }

    fn listed(&self, text: Option<String>, query: Option<&PersistedQuery>) -> Result<Option<String>, GraphqlError> {
        let Some(text) = text else {
            return match query {
                Some(query) => self.listed.get(&query.hash).cloned().map(Some).ok_or_else(not_found),
                None => Ok(None),
            };
        };
        // The text of a listed operation is as good as its hash.
        let is_listed = self.listed.get(&hash(&text)).is_some_and(|listed| *listed == text)
            || self.listed.values().any(|listed| *listed == text);
        if is_listed {
            return Ok(Some(text));
        }
        Err(GraphqlError::new("PERSISTED_QUERY_ONLY", "only operations of the list are answered"))
    }
}

fn not_found() -> GraphqlError {
    GraphqlError::new("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
}

fn key(hash: &str) -> String {
    format!("apq:{hash}")
}

fn hash(text: &str) -> String {
    crypto::hash(HashAlgorithm::Sha256, text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn listed(json: &str) -> Result<HashMap<String, String>, String> {
    if let Ok(manifest) = serde_json::from_str::<Manifest>(json) {
        return Ok(manifest.operations.into_iter().map(|listed| (listed.id, listed.body)).collect());
    }
    serde_json::from_str(json)
        .map_err(|error| format!("is neither an object of hash to document nor a manifest with `operations`: {error}"))
}
