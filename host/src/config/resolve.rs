//! From the file as written to [`model::Config`]: names to ids, defaults filled in, and every
//! check that a schema cannot make.
//!
//! The parts of a config are decoded one by one, so an error in one of them hides no error in
//! another.

mod key;
mod outbound;
mod path;
mod plugin;
mod route;
mod server;
mod state;
mod target;
mod upstream;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::document::{Document, child, is_bare, tokens, within};
use super::error::Diagnostic;
use super::{UnjudgedPlugin, file, interpolate, model, read, suggest};

/// What came of resolving.
pub(super) struct Resolved {
    /// `None` where anything is wrong with it, also what was found before.
    pub(super) config: Option<model::Config>,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
    /// Plugins whose components are known, whatever else is wrong.
    pub(super) plugins: Vec<UnjudgedPlugin>,
    pub(super) compile: Option<model::CompileLimits>,
}

/// Resolves a document without its [`Document::broken`] values: those have their error.
pub(super) fn resolve(document: &mut Document, built_ins: &[&str]) -> Resolved {
    let mut resolver = Resolver {
        kv: names(document, "kv"),
        upstreams: names(document, "upstreams"),
        routes: route_names(document),
        plugins: names(document, "plugins"),
        secrets: BTreeMap::new(),
        plugins_dir: plugins_dir(document),
        files: Vec::new(),
        errors: Vec::new(),
        warnings: Vec::new(),
        unjudged: Vec::new(),
        compile: None,
        document,
        built_ins,
    };
    let config = resolver.config();
    let Resolver { files, errors, warnings, unjudged: plugins, compile, .. } = resolver;
    document.files.extend(files);
    let config = config.filter(|_| errors.is_empty() && document.broken.is_empty());
    Resolved { config, errors, warnings, plugins, compile }
}

struct Resolver<'a> {
    document: &'a Document,
    built_ins: &'a [&'a str],
    /// Names of shared key-value stores.
    kv: Vec<String>,
    /// Names in the order of the file: their index is their id.
    upstreams: Vec<String>,
    plugins: Vec<String>,
    /// In the order of the file; two routes of one path may have one name.
    routes: Vec<String>,
    /// `None` for a secret that has an error already.
    secrets: BTreeMap<String, Option<Vec<u8>>>,
    plugins_dir: PathBuf,
    files: Vec<PathBuf>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    unjudged: Vec<UnjudgedPlugin>,
    compile: Option<model::CompileLimits>,
}

impl Resolver<'_> {
    fn config(&mut self) -> Option<model::Config> {
        let server = self.part::<file::Server>("/server").and_then(|written| self.server(&written));
        let log = self.part::<file::Log>("/log").map(|written| self.log(&written));
        let reload = self.part::<file::Reload>("/reload").map(|written| server::reload(&written));
        self.compile = self.part::<file::Compile>("/compile").map(|written| server::compile(&written));
        self.secrets();
        let kv = self.each("kv", Self::kv_namespace);
        let state = self.state();
        let outbound = self.part::<file::Outbound>("/outbound").and_then(|written| self.outbound(&written));
        let upstreams = self.each("upstreams", Self::upstream);
        let plugins = self.each("plugins", Self::plugin);
        let routes = self.routes(server.as_ref().map(|server| server.limits.body));
        Some(model::Config {
            server: server?,
            log: log?,
            reload: reload?,
            compile: self.compile?,
            state: state?,
            kv: kv?,
            outbound: outbound?,
            upstreams: upstreams?,
            plugins: plugins?,
            routes: routes?,
        })
    }

    /// Resolves each entry of a table of named things; `None` if one of them has an error.
    fn each<F: DeserializeOwned, M>(
        &mut self,
        table: &str,
        one: impl Fn(&mut Self, &str, &str, F) -> Option<M>,
    ) -> Option<Vec<M>> {
        let mut all = Vec::new();
        let names = names(self.document, table);
        for name in &names {
            let pointer = child(&child("", table), name);
            self.check_name(&pointer, name);
            let resolved = self.part::<F>(&pointer).and_then(|written| one(self, &pointer, name, written));
            all.extend(resolved);
        }
        (all.len() == names.len()).then_some(all)
    }

    fn secrets(&mut self) {
        for name in names(self.document, "secrets") {
            let pointer = child("/secrets", &name);
            self.check_name(&pointer, &name);
            let value = self.part::<file::Secret>(&pointer).and_then(|written| self.secret(&pointer, &written));
            self.secrets.insert(name, value);
        }
    }

    fn secret(&mut self, pointer: &str, written: &file::Secret) -> Option<Vec<u8>> {
        match (&written.env, &written.file) {
            (Some(variable), None) => {
                let value = interpolate::env(variable).map(String::into_bytes);
                self.or_error(&child(pointer, "env"), value)
            }
            (None, Some(path)) => self.read(&child(pointer, "file"), path),
            _ if self.has_broken(pointer) => None,
            _ => {
                let error = self.document.value_error(pointer, "a secret has exactly one of `env` and `file`");
                self.errors
                    .push(error.help("for example `{ env = \"JWT_SECRET\" }` or `{ file = \"/run/secrets/jwt\" }`"));
                None
            }
        }
    }

    /// A file's bytes without one newline at the end.
    fn read(&mut self, pointer: &str, path: &str) -> Option<Vec<u8>> {
        let path = self.document.folder.join(path);
        let bytes = read::read_limited(&path);
        self.files.push(path);
        let mut bytes = self.or_error(pointer, bytes)?;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        Some(bytes)
    }

    /// Decodes one part of the document: what is not written has its default. `None` where it has
    /// an error already, or gets one now.
    fn part<T: DeserializeOwned>(&mut self, pointer: &str) -> Option<T> {
        if self.document.is_broken(pointer) {
            return None;
        }
        let written = self.document.root.pointer(pointer).cloned().unwrap_or_else(|| Value::Object(Map::new()));
        let decode = |reach| serde_path_to_error::deserialize(self.without_broken(pointer, written.clone(), reach));
        // As much as there is stays, so that an error in one key hides none in its neighbours.
        let decoded = decode(usize::MAX).or_else(|error| if self.has_broken(pointer) { decode(1) } else { Err(error) });
        match decoded {
            Ok(part) => Some(part),
            // Something required was removed, or is missing: that has its error already.
            Err(_) if self.has_broken(pointer) => None,
            Err(error) => {
                let at = error.path().iter().fold(pointer.to_owned(), |at, segment| match segment {
                    Segment::Map { key } => child(&at, key),
                    Segment::Seq { index } => child(&at, &index.to_string()),
                    _ => at,
                });
                match self.document.root.pointer(&at).and_then(Value::as_f64).filter(|number| number.fract() == 0.0) {
                    // JSON Schema takes it for a whole number.
                    Some(whole) => self.error_with_help(&at, "must be a whole number", format!("write `{whole}`")),
                    // What the schema let through else has the right type, so serde's message is our own.
                    None => self.error(&at, error.inner().to_string()),
                }
                None
            }
        }
    }

    /// A part without the keys whose values have an error in them, at most so many levels below it: further inside
    /// the whole key of that level goes.
    fn without_broken(&self, pointer: &str, mut part: Value, reach: usize) -> Value {
        let inside = self.document.broken.iter().filter(|broken| within(broken, pointer));
        for keys in inside.map(|broken| tokens(&broken[pointer.len()..]).collect::<Vec<_>>()) {
            remove(&mut part, &keys[..keys.len().min(reach)]);
        }
        part
    }

    /// Whether a part has an error already. What it seems to lack may be there, but misspelled.
    fn has_broken(&self, pointer: &str) -> bool {
        self.document.broken.iter().any(|broken| within(broken, pointer))
    }

    /// Names appear in logs, metrics and grants.
    fn check_name(&mut self, pointer: &str, name: &str) {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(good) {
            let error = self.document.key_error(pointer, format!("`{}` cannot be a name", name.escape_debug()));
            self.errors.push(error.help("a name is 1 to 64 letters, digits, `-`, `_` or `.`"));
        }
    }

    fn upstream_id(&mut self, pointer: &str, name: &str) -> Option<model::UpstreamId> {
        let error = match self.upstreams.iter().position(|upstream| upstream == name) {
            Some(index) => return Some(model::UpstreamId(index)),
            None if name.contains("://") => {
                let message = "an upstream is given by its name here, not by an address";
                let help = "write the address into the `targets` of a table `[upstreams.NAME]`, and its NAME here";
                self.document.value_error(pointer, message).help(help)
            }
            None => self.unknown(pointer, "upstream", name, &self.upstreams),
        };
        self.errors.push(error);
        None
    }

    fn plugin_id(&mut self, pointer: &str, name: &str) -> Option<model::PluginId> {
        let error = match self.plugins.iter().position(|plugin| plugin == name) {
            Some(index) => return Some(model::PluginId(index)),
            None if self.is_component(name) => {
                let message = format!("there is no table for the plugin {}", self.shown(pointer, name));
                let help = format!("add `[plugins.{name}]`, and its settings below `[plugins.{name}.config]`");
                self.document.value_error(pointer, message).help(help)
            }
            None => self.unknown(pointer, "plugin", name, &self.plugins),
        };
        self.errors.push(error);
        None
    }

    #[allow(
        clippy::needless_pass_by_value,
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "one signature for every kind of part"
    )]
    fn kv_namespace(&mut self, _: &str, name: &str, written: file::KvNamespace) -> Option<model::KvNamespace> {
        Some(model::KvNamespace { name: name.to_owned(), keys: written.keys, bytes: server::bytes(written.bytes) })
    }

    /// A route that is named must be exactly one.
    fn check_route(&mut self, pointer: &str, name: &str) {
        match self.routes.iter().filter(|route| *route == name).count() {
            1 => {}
            0 => {
                let all: Vec<&str> = self.routes.iter().map(String::as_str).collect();
                let message = format!("there is no route {}", self.shown(pointer, name));
                self.error_with_help(pointer, message, suggest::help(name, &all, "routes in this config"));
            }
            _ => {
                let message = format!("several routes have the name {}", self.shown(pointer, name));
                self.error_with_help(
                    pointer,
                    message,
                    "without a `name` it is the path: give the one that is meant a `name`",
                );
            }
        }
    }

    fn unknown(&self, pointer: &str, kind: &str, name: &str, all: &[String]) -> Diagnostic {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let message = format!("there is no {kind} {}", self.shown(pointer, name));
        let help = if all.is_empty() {
            let named = Some(name).filter(|_| self.document.may_be_shown(pointer) && is_bare(name));
            format!("add a table `[{kind}s.{}]`", named.unwrap_or("NAME"))
        } else {
            suggest::help(name, &all, &format!("{kind}s in this config"))
        };
        self.document.value_error(pointer, message).help(help)
    }

    fn error(&mut self, pointer: &str, message: impl Into<String>) {
        self.errors.push(self.document.value_error(pointer, message));
    }

    fn error_with_help(&mut self, pointer: &str, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(self.document.value_error(pointer, message).help(help));
    }

    fn or_error<T>(&mut self, pointer: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.error(pointer, message)).ok()
    }

    /// A value as it may be shown in a message.
    fn shown(&self, pointer: &str, text: &str) -> String {
        if self.document.may_be_shown(pointer) { format!("`{}`", text.escape_debug()) } else { "the value".into() }
    }
}

/// Takes away what is at the end of a path. An item of a list takes the whole list with it, else the places of those
/// behind it would be wrong.
fn remove(value: &mut Value, path: &[String]) {
    let [key, rest @ ..] = path else { return };
    let Some(table) = value.as_object_mut() else { return };
    match table.get_mut(key) {
        Some(inner @ Value::Object(_)) if !rest.is_empty() => remove(inner, rest),
        _ => drop(table.remove(key)),
    }
}

/// Read apart from the rest of `[server]`, so that an error there accuses no plugin's file.
fn plugins_dir(document: &Document) -> PathBuf {
    let written = document.root.pointer("/server/plugins_dir").and_then(Value::as_str);
    document.folder.join(written.unwrap_or(&file::Server::default().plugins_dir))
}

/// The names in one of the top level's tables, in the order of the file.
fn names(document: &Document, table: &str) -> Vec<String> {
    document.root.get(table).and_then(Value::as_object).map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

/// As [`names`], for routes: where no name is written it is the path.
fn route_names(document: &Document) -> Vec<String> {
    let routes = document.root.get("routes").and_then(Value::as_array).into_iter().flatten();
    let name = |route: &Value| route.get("name").or(route.get("path")).and_then(Value::as_str).map(str::to_owned);
    routes.filter_map(name).collect()
}
