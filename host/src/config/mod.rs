//! The configuration: TOML as written, to every error at once, or the resolved [`model::Config`].
//!
//! `read` -> `parse` (TOML to JSON with places) -> `validate` (against the schema that `file`
//! derives) -> `resolve` (names to ids). Absent on purpose: watching for changes, and parsing of
//! keys and components, which belong to what uses them.

mod answering;
mod document;
mod editor_schema;
mod error;
mod file;
mod interpolate;
pub mod model;
mod one_or_many;
mod parse;
mod plugin_config;
mod read;
mod resolve;
mod schema;
mod schema_cost;
mod source;
pub(crate) mod suggest;
mod units;
mod validate;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use document::Document;
pub use editor_schema::{Described, editor_schema};
pub use error::{Diagnostic, Diagnostics, Place};
pub use plugin_config::MAX_SCHEMA;
pub use read::MAX_FILE;
pub use units::{parse_duration, parse_size};

use source::Source;

/// A configuration without errors.
#[derive(Debug)]
pub struct Loaded {
    pub config: model::Config,
    /// To attach errors that show up later to the places they come from.
    pub document: Document,
    /// What is allowed and most likely not meant.
    pub warnings: Vec<Diagnostic>,
    /// Every file the configuration was made of: TOML, interpolated files, secrets, keys. Without
    /// the plugins' components, which are in [`model::Plugin::component`].
    pub files: Vec<PathBuf>,
}

/// A configuration with errors.
#[derive(Debug)]
pub struct Refused {
    pub errors: Diagnostics,
    /// As [`Loaded::document`]; empty where the files could not be read as TOML.
    pub document: Document,
    /// Plugins whose components are known, so that what is written for them can be judged all the same.
    pub plugins: Vec<UnjudgedPlugin>,
    pub compile: model::CompileLimits,
}

/// What it takes to ask a plugin of a config with errors for its schema.
#[derive(Debug)]
pub struct UnjudgedPlugin {
    pub name: String,
    pub component: model::Component,
    pub limits: model::PluginLimits,
}

/// Loads a config: a file, or a folder whose `*.toml` are merged in the order of their names.
/// `built_ins` are the names of the plugins in the binary.
pub fn load(path: &Path, built_ins: &[&str]) -> Result<Loaded, Diagnostics> {
    examine(path, built_ins).map_err(|refused| refused.errors)
}

/// As [`load`], for who goes on to judge the plugins where there are errors.
pub fn examine(path: &Path, built_ins: &[&str]) -> Result<Loaded, Box<Refused>> {
    let (sources, errors) = read::read_sources(path);
    if !errors.is_empty() {
        return Err(Box::new(Refused::unread(path, errors)));
    }
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    load_sources(path, folder, sources, built_ins)
}

/// Loads a config from text, as if it stood in the file `path`.
pub fn load_str(text: &str, path: &Path, built_ins: &[&str]) -> Result<Loaded, Diagnostics> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let sources = vec![Source::new(path.to_owned(), text.to_owned())];
    load_sources(path, folder, sources, built_ins).map_err(|refused| refused.errors)
}

/// The JSON Schema (draft 2020-12) of the whole file; of plugins' `config` tables it says nothing.
pub fn schema() -> Value {
    schema::FILE_SCHEMA.clone()
}

/// A first config with comments, as `tollgate init` writes it.
pub fn init_text() -> &'static str {
    include_str!("init.toml")
}

impl From<&model::Plugin> for UnjudgedPlugin {
    fn from(plugin: &model::Plugin) -> Self {
        Self { name: plugin.name.clone(), component: plugin.component.clone(), limits: plugin.limits.clone() }
    }
}

impl Refused {
    fn unread(path: &Path, errors: Vec<Diagnostic>) -> Self {
        Self {
            errors: Diagnostics::new(path.to_owned(), errors),
            document: Document::default(),
            plugins: Vec::new(),
            compile: model::CompileLimits::default(),
        }
    }
}

fn load_sources(path: &Path, folder: &Path, sources: Vec<Source>, built_ins: &[&str]) -> Result<Loaded, Box<Refused>> {
    let parse::Parsed { mut document, syntax, errors: mut found } = parse::parse(sources, folder.to_owned());
    if !syntax.is_empty() {
        return Err(Box::new(Refused::unread(path, syntax)));
    }
    document.broken = found.iter().map(|(pointer, _)| pointer.clone()).collect();
    match validate::compile(&schema::FILE_SCHEMA) {
        // A value with an error of its own was replaced; what the schema says of it says nothing.
        Ok(validator) => {
            let judged = validate::validate(&document, "", &document.root, &schema::FILE_SCHEMA, &validator);
            found.extend(judged.into_iter().filter(|(pointer, _)| !document.broken.contains(pointer)));
        }
        Err(message) => found.push((String::new(), Diagnostic::new(message))),
    }
    document.broken = found.iter().map(|(pointer, _)| pointer.clone()).collect();
    let resolve::Resolved { config, errors, warnings, plugins, compile } = resolve::resolve(&mut document, built_ins);
    if let Some(config) = config {
        document.files.sort();
        document.files.dedup();
        let files = document.files.clone();
        return Ok(Loaded { config, document, warnings, files });
    }
    let errors = found.into_iter().map(|(_, error)| error).chain(errors).collect();
    let errors = Diagnostics::new(path.to_owned(), errors);
    Err(Box::new(Refused { errors, document, plugins, compile: compile.unwrap_or_default() }))
}
