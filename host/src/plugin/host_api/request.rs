//! `request`: the head that is going to the upstream.

use std::sync::Arc;

use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, request};

use super::header_map;
use crate::context::Forward;
use crate::plugin::bindings::tollgate::plugin::request::{Host, RequestLine};
use crate::plugin::bindings::tollgate::plugin::types::{Header, HeaderError};
use crate::plugin::state::InstanceState;

type Result<T> = wasmtime::Result<T>;

/// Longest path and query a plugin may set, in bytes.
const MAX_TARGET: usize = 16 * 1024;
/// Characters of a name that is not granted which the error repeats.
const MAX_SHOWN: usize = 200;

impl Host for InstanceState {
    fn line(&mut self) -> Result<RequestLine> {
        let context = self.request("request.line")?;
        let uri = &context.request.uri;
        let line = RequestLine {
            method: context.request.method.as_str().to_owned(),
            host: asked_host(&context.request),
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
            route: context.route.to_string(),
        };
        Ok(self.give(line))
    }

    fn id(&mut self) -> Result<String> {
        let id = self.request("request.id")?.id.to_string();
        Ok(self.give(id))
    }

    fn route(&mut self) -> Result<String> {
        let route = self.request("request.route")?.route.to_string();
        Ok(self.give(route))
    }

    fn client_address(&mut self) -> Result<String> {
        let address = self.request("request.client-address")?.client.to_string();
        Ok(self.give(address))
    }

    fn method(&mut self) -> Result<String> {
        let method = self.request("request.method")?.request.method.as_str().to_owned();
        Ok(self.give(method))
    }

    fn host(&mut self) -> Result<String> {
        let host = asked_host(&self.request("request.host")?.request);
        Ok(self.give(host))
    }

    fn path(&mut self) -> Result<String> {
        let path = self.request("request.path")?.request.uri.path().to_owned();
        Ok(self.give(path))
    }

    fn set_path(&mut self, path: String) -> Result<std::result::Result<(), String>> {
        self.count(&path);
        let uri = &mut self.request_mut("request.set-path")?.request.uri;
        // First: to look through a megabyte takes a millisecond, in which the worker does nothing else.
        if let Err(too_long) = has_room_for(path.len() + uri.query().map_or(0, |query| query.len() + 1)) {
            return Ok(Err(too_long));
        }
        if path.contains(['?', '#']) {
            return Ok(Err("a path has no `?` and no `#`".into()));
        }
        let target = match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        Ok(set_target(uri, &target))
    }

    fn query(&mut self) -> Result<Option<String>> {
        let query = self.request("request.query")?.request.uri.query().map(str::to_owned);
        Ok(self.give(query))
    }

    fn set_query(&mut self, query: Option<String>) -> Result<std::result::Result<(), String>> {
        self.count(&query);
        let uri = &mut self.request_mut("request.set-query")?.request.uri;
        if let Err(too_long) = has_room_for(uri.path().len() + query.as_ref().map_or(0, |query| query.len() + 1)) {
            return Ok(Err(too_long));
        }
        let target = match query {
            Some(query) if query.contains('#') => return Ok(Err("a query has no `#`".into())),
            Some(query) => format!("{}?{query}", uri.path()),
            None => uri.path().to_owned(),
        };
        Ok(set_target(uri, &target))
    }

    fn set_upstream(&mut self, name: String) -> Result<std::result::Result<(), String>> {
        self.count(&name);
        self.request_mut("request.set-upstream")?;
        let plugin = Arc::clone(&self.plugin);
        let Some(granted) = plugin.forward.iter().find(|granted| ***granted == *name) else {
            let name: String = name.chars().take(MAX_SHOWN).collect();
            return Ok(Err(format!("[plugins.{}] grant.forward has no {name:?}", plugin.name)));
        };
        let forward = Forward { upstream: Arc::clone(granted), chosen_by: Arc::clone(&plugin.name) };
        self.request_mut("request.set-upstream")?.forward = Some(forward);
        Ok(Ok(()))
    }

    fn param(&mut self, name: String) -> Result<Option<String>> {
        self.count(&name);
        let param = self.request("request.param")?.route.param(&name).map(str::to_owned);
        Ok(self.give(param))
    }

    fn header(&mut self, name: String) -> Result<Option<String>> {
        header(self, &name)
    }

    fn header_bytes(&mut self, name: String) -> Result<Option<Vec<u8>>> {
        self.count(&name);
        let found = self.request("request.header-bytes")?.field(&name).map(<[u8]>::to_vec);
        Ok(self.give(found))
    }

    fn header_many(&mut self, names: Vec<String>) -> Result<Vec<Option<String>>> {
        header_map::check_names("request.header-many", &names)?;
        self.count(&names);
        let context = self.request("request.header-many")?;
        let mut found = header_map::get_many(&context.request.headers, &names);
        for (name, found) in names.iter().zip(&mut found) {
            if found.is_none() {
                *found = context.told(name).map(header_map::to_text);
            }
        }
        Ok(self.give(found))
    }

    fn header_values(&mut self, name: String) -> Result<Vec<String>> {
        self.count(&name);
        let context = self.request("request.header-values")?;
        let found = match context.told(&name) {
            Some(told) => vec![header_map::to_text(told)],
            None => header_map::values(&context.request.headers, &name),
        };
        Ok(self.give(found))
    }

    fn headers(&mut self) -> Result<Vec<Header>> {
        let headers = header_map::all(self.all_asked("request.headers")?);
        Ok(self.give(headers))
    }

    fn set_header(&mut self, name: String, value: String) -> Result<std::result::Result<(), HeaderError>> {
        set_header(self, &name, &value)
    }

    fn set_header_bytes(&mut self, name: String, value: Vec<u8>) -> Result<std::result::Result<(), HeaderError>> {
        self.count(&(&name, &value));
        let head = self.request_mut("request.set-header-bytes")?.asked(&name);
        Ok(header_map::set(&mut head.headers, &name, &value))
    }

    fn add_header(&mut self, name: String, value: String) -> Result<std::result::Result<(), HeaderError>> {
        self.count(&(&name, &value));
        let head = self.request_mut("request.add-header")?.asked(&name);
        Ok(header_map::add(&mut head.headers, &name, value.as_bytes()))
    }

    fn remove_header(&mut self, name: String) -> Result<std::result::Result<(), HeaderError>> {
        self.count(&name);
        let head = self.request_mut("request.remove-header")?.asked(&name);
        Ok(header_map::remove(&mut head.headers, &name))
    }

    fn has_body(&mut self) -> Result<bool> {
        let context = self.request("request.has-body")?;
        Ok(context.replaced_body.as_ref().map_or(context.has_body, |body| !body.is_empty()))
    }

    fn set_body(&mut self, body: Vec<u8>) -> Result<()> {
        self.count(&body);
        let limit = self.plugin.limits.body;
        if body.len() as u64 > limit {
            let length = body.len();
            return Err(wasmtime::Error::msg(format!(
                "`request.set-body` with {length} bytes; limits.body is {limit}"
            )));
        }
        self.request_mut("request.set-body")?.replaced_body = Some(body.into());
        Ok(())
    }
}

pub(crate) fn header(state: &mut InstanceState, name: &str) -> Result<Option<String>> {
    state.count(name);
    let found = state.request("request.header")?.field(name).map(header_map::to_text);
    Ok(state.give(found))
}

pub(crate) fn set_header(
    state: &mut InstanceState,
    name: &str,
    value: &str,
) -> Result<std::result::Result<(), HeaderError>> {
    state.count(&(name, value));
    let head = state.request_mut("request.set-header")?.asked(name);
    Ok(header_map::set(&mut head.headers, name, value.as_bytes()))
}

/// The same as the field of a call that is made for this request; `None` where it named no host.
pub(super) fn host_field(head: &request::Parts) -> Option<HeaderValue> {
    match head.uri.authority() {
        Some(authority) => HeaderValue::try_from(authority.as_str()).ok(),
        None => head.headers.get(HOST).cloned(),
    }
}

/// The absolute target goes before the field (RFC 9112 section 3.2.2).
fn asked_host(head: &request::Parts) -> String {
    let authority = head.uri.authority().map(|authority| authority.as_str().to_owned());
    authority.or_else(|| header_map::get(&head.headers, "host")).unwrap_or_default()
}

fn has_room_for(bytes: usize) -> std::result::Result<(), String> {
    if bytes > MAX_TARGET {
        return Err(format!("path and query have {bytes} bytes; at most {MAX_TARGET} are allowed"));
    }
    Ok(())
}

fn set_target(uri: &mut http::Uri, target: &str) -> std::result::Result<(), String> {
    if !target.starts_with('/') {
        return Err("the path must start with `/`".into());
    }
    let target = PathAndQuery::try_from(target).map_err(|error| error.to_string())?;
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = Some(target);
    *uri = http::Uri::from_parts(parts).map_err(|error| error.to_string())?;
    Ok(())
}
