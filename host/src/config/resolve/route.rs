//! `[[routes]]`.

use std::collections::{BTreeMap, HashMap};

use http::{HeaderName, Method};
use serde_json::Value;

use super::{Resolver, path};
use crate::config::document::{child, parent};
use crate::config::{file, model, suggest};
use crate::spelling;

/// The methods that are likely meant; others are taken as well.
const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl Resolver<'_> {
    /// `body` is the limit of routes that have none, where it is known.
    pub(super) fn routes(&mut self, body: Option<u64>) -> Option<Vec<model::Route>> {
        let count = self.document.root.get("routes").and_then(Value::as_array).map_or(0, Vec::len);
        // An empty file is a valid one, and what is left of one whose writing failed. With it every request gets 404.
        // Under a misspelled key there may be some.
        let may_be_misspelled = self.document.broken.iter().any(|broken| parent(broken).is_empty());
        if count == 0 && !may_be_misspelled {
            let help = "add a table `[[routes]]` with `path` and `upstream`; `tollgate init` writes a first config";
            self.error_with_help("/routes", "there is no route: every request would get 404", help);
        }
        let (mut routes, mut names, mut conditions) = (Vec::new(), HashMap::new(), HashMap::new());
        for index in 0..count {
            let pointer = child("/routes", &index.to_string());
            let Some(written) = self.part::<file::Route>(&pointer) else {
                continue;
            };
            let name = self.route_name(&pointer, index, &written, &mut names);
            let Some(route) = self.route(&pointer, name, &written, body) else {
                continue;
            };
            if self.has_broken(&pointer) {
                continue;
            }
            if let Some(first) = conditions.insert(condition_key(&route.matches), index) {
                let message =
                    format!("this route has the same conditions as `routes[{first}]`, so it would never be taken");
                self.error_with_help(
                    &pointer,
                    message,
                    "tell them apart by `path`, `host`, `methods`, `headers` or `query`",
                );
            }
            routes.push(route);
        }
        (routes.len() == count).then_some(routes)
    }

    /// Two routes of one name would share their metrics. Only names that are written can clash.
    fn route_name(
        &mut self,
        pointer: &str,
        index: usize,
        written: &file::Route,
        names: &mut HashMap<String, usize>,
    ) -> String {
        let Some(name) = &written.name else {
            return written.path.clone();
        };
        if let Some(first) = names.insert(name.clone(), index) {
            self.error(&child(pointer, "name"), format!("`routes[{first}]` has this name already"));
        }
        name.clone()
    }

    fn route(&mut self, pointer: &str, name: String, written: &file::Route, body: Option<u64>) -> Option<model::Route> {
        let before = self.errors.len();
        if written.upstream.is_none() && written.plugins.is_empty() && !self.has_broken(pointer) {
            let help = "add `upstream = \"NAME\"`, or `plugins = [...]` with one that answers";
            self.error_with_help(pointer, "the route has neither an upstream nor a plugin", help);
        }
        let upstream = written.upstream.as_ref().and_then(|name| self.upstream_id(&child(pointer, "upstream"), name));
        let plugins = self.chain(&child(pointer, "plugins"), &written.plugins);
        let matches = self.matches(pointer, written);
        if !written.encoded_slashes && spelling::has_encoded_slash(&written.path) {
            let help = "add `encoded_slashes = true` to the route, or write `/`";
            self.error_with_help(&child(pointer, "path"), "requests with an encoded slash are refused", help);
        }
        if let Some(prefix) = &written.strip_prefix {
            self.refuse_part(&child(pointer, "strip_prefix"), prefix, path::check_prefix(prefix, &written.path));
        }
        (self.errors.len() == before).then(|| model::Route {
            name,
            matches,
            upstream,
            plugins,
            strip_prefix: written.strip_prefix.clone(),
            preserve_host: written.preserve_host,
            encoded_slashes: written.encoded_slashes,
            body_limit: written.body_limit.map(|size| size.0).or(body).unwrap_or_default(),
            timeout: written.timeout.0,
        })
    }

    fn chain(&mut self, pointer: &str, names: &[String]) -> Vec<model::PluginId> {
        let mut chain = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let pointer = child(pointer, &index.to_string());
            let Some(id) = self.plugin_id(&pointer, name) else {
                continue;
            };
            if chain.contains(&id) {
                self.error(&pointer, format!("{} is in this chain twice", self.shown(&pointer, name)));
            }
            chain.push(id);
        }
        chain
    }

    fn matches(&mut self, pointer: &str, written: &file::Route) -> model::Match {
        for key in ["host", "methods"] {
            self.refuse_empty_list(&child(pointer, key), key);
        }
        self.refuse_part(&child(pointer, "path"), &written.path, path::check(&written.path));
        let headers = &child(pointer, "headers");
        model::Match {
            hosts: written
                .host
                .0
                .iter()
                .enumerate()
                .filter_map(|(index, text)| self.host(&child(pointer, "host"), index, text))
                .collect(),
            path: written.path.clone(),
            methods: written
                .methods
                .iter()
                .enumerate()
                .filter_map(|(index, text)| self.method(&child(pointer, "methods"), index, text))
                .collect(),
            headers: written
                .headers
                .iter()
                .filter_map(|(name, condition)| self.header(headers, name, condition))
                .collect(),
            query: written.query.iter().map(|(name, condition)| (name.clone(), value(condition))).collect(),
        }
    }

    /// Read as "any" it would open a route where a template had nothing to put in.
    fn refuse_empty_list(&mut self, pointer: &str, key: &str) {
        let written = self.document.root.pointer(pointer).and_then(Value::as_array);
        if written.is_some_and(Vec::is_empty) {
            let help = format!("leave `{key}` out for any");
            self.error_with_help(pointer, format!("`{key}` is an empty list"), help);
        }
    }

    fn host(&mut self, pointer: &str, index: usize, text: &str) -> Option<model::Host> {
        let is_list = self.document.root.pointer(pointer).is_some_and(Value::is_array);
        let pointer = if is_list { child(pointer, &index.to_string()) } else { pointer.to_owned() };
        let lower = text.to_ascii_lowercase();
        let (is_suffix, name) = match lower.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, lower.as_str()),
        };
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::Ipv6Addr>().is_ok();
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if matches!(text, "*" | "_") || !address && !name.split('.').all(label) {
            let help = match name.rsplit_once(':') {
                _ if matches!(text, "*" | "_") => "leave `host` out for any host".into(),
                Some((host, port)) if port.parse::<u16>().is_ok() => {
                    format!("hosts are compared without their port: `{host}`")
                }
                _ => "for example `api.example.com`, or `*.example.com` for all below".into(),
            };
            self.error_with_help(&pointer, format!("{} is not a host name", self.shown(&pointer, text)), help);
            return None;
        }
        Some(match (is_suffix, address && !name.starts_with('[')) {
            (true, _) => model::Host::Suffix(format!(".{name}")),
            // As clients send it (RFC 3986 section 3.2.2).
            (false, true) => model::Host::Exact(format!("[{name}]")),
            (false, false) => model::Host::Exact(lower),
        })
    }

    fn method(&mut self, pointer: &str, index: usize, text: &str) -> Option<Method> {
        let pointer = &child(pointer, &index.to_string());
        // Methods are case-sensitive (RFC 9110 section 9.1), and none in use has small letters.
        let good = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-_".contains(&b));
        let near = suggest::nearest(text, METHODS.iter().copied()).filter(|near| *near != text);
        let means_any = matches!(text, "*" | "ANY" | "ALL");
        match Method::from_bytes(text.as_bytes()) {
            Ok(method) if good && !means_any && (near.is_none() || METHODS.contains(&text)) => Some(method),
            _ => {
                let help = match near {
                    _ if means_any => "leave `methods` out for any method".into(),
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("for example {}", suggest::list(METHODS.iter().copied())),
                };
                self.error_with_help(pointer, format!("{} is not an HTTP method", self.shown(pointer, text)), help);
                None
            }
        }
    }

    fn header(
        &mut self,
        pointer: &str,
        name: &str,
        condition: &file::Condition,
    ) -> Option<(HeaderName, Option<String>)> {
        if let Ok(parsed) = name.parse::<HeaderName>() {
            return Some((parsed, value(condition)));
        }
        let message = format!("`{}` is not the name of a header field", name.escape_debug());
        let error = self.document.key_error(&child(pointer, name), message);
        self.errors.push(error.help("a name is letters, digits and `-`, for example `x-api-version`"));
        None
    }

    fn refuse_part(&mut self, pointer: &str, text: &str, checked: Result<(), (String, String)>) {
        if let Err((what, help)) = checked {
            if self.document.may_be_shown(pointer) {
                self.error_with_help(pointer, format!("{} {what}", self.shown(pointer, text)), help);
            } else {
                self.error(pointer, "the value that was put in is not a path");
            }
        }
    }
}

fn value(condition: &file::Condition) -> Option<String> {
    match condition {
        file::Condition::Is(value) => Some(value.clone()),
        file::Condition::Present => None,
    }
}

/// Equal for two routes that match the same requests in the same words.
fn condition_key(matches: &model::Match) -> String {
    let mut hosts: Vec<String> = matches.hosts.iter().map(|host| format!("{host:?}")).collect();
    let mut methods: Vec<&str> = matches.methods.iter().map(Method::as_str).collect();
    hosts.sort();
    methods.sort_unstable();
    let headers: BTreeMap<&str, _> = matches.headers.iter().map(|(name, value)| (name.as_str(), value)).collect();
    format!("{hosts:?} {methods:?} {} {headers:?} {:?}", path::shape(&matches.path), matches.query)
}
