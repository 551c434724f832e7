//! `tollgate explain METHOD URL`: what would become of a request, without sending one.

use std::path::PathBuf;

use http::header::{HOST, HeaderValue};
use http::request;

use super::Failed;
use super::look::Looker;
use crate::config::model::{Component, Config, Host, Isolation, OnError, PluginId, Route, UpstreamId};
use crate::context::RequestId;
use crate::exchange;
use crate::gateway;
use crate::plugin::capability::Capability;
use crate::plugin::load;
use crate::plugin::wasi_http::ANSWERS;
use crate::respond::{self, Failure};
use crate::route::Table;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The method, for example GET
    method: String,
    /// The URL as a client would ask for it, or only its path
    url: String,
    /// A header the request has, as curl writes it
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    #[command(flatten)]
    config: super::Config,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failed> {
    let path: &PathBuf = &arguments.config.config;
    let config = crate::config::load(path, &gateway::built_ins())?.config;
    let mut request = request(arguments).map_err(|problem| Failed(format!("error: {problem}")))?;
    // Only to find it: the target's host goes before it, and a path has none to show.
    request.headers.entry(HOST).or_insert(const { HeaderValue::from_static("") });
    exchange::respell(&mut request, config.server.merge_slashes).map_err(|failure| refused(&failure))?;
    let host = exchange::check_head(&request, config.server.limits.head).map_err(|failure| refused(&failure))?;
    let table = Table::new(&config.routes);
    match table.find(&host, &request) {
        Ok((id, values)) => {
            let route = &config.routes[id];
            exchange::check_slashes(&request, route.encoded_slashes).map_err(|failure| refused(&failure))?;
            let params: Vec<_> = table.names()[id].params(&values).collect();
            print(&config, route, &params, &request)?;
        }
        Err(Failure::MethodNotAllowed { allow }) => {
            let allow = allow.to_str().unwrap_or_default().to_owned();
            return Err(Failed(format!(
                "no route takes {} here: the client gets 405, with `allow: {allow}`",
                request.method
            )));
        }
        Err(_) => return Err(Failed(no_route(&config, &host, request.uri.path()))),
    }
    Ok(())
}

/// The client gets what it says, from whatever route.
fn refused(failure: &Failure) -> Failed {
    let (head, _) = respond::response(failure, RequestId::new(0, 0));
    Failed(format!("the client gets {}: {}", head.status.as_u16(), failure.sentence()))
}

fn request(arguments: &Arguments) -> Result<request::Parts, String> {
    let mut builder = http::Request::builder().method(arguments.method.as_str()).uri(arguments.url.as_str());
    for header in &arguments.headers {
        let (name, value) = header.split_once(':').ok_or_else(|| format!("`{header}` is not `NAME: VALUE`"))?;
        builder = builder.header(name.trim(), value.trim());
    }
    Ok(builder.body(()).map_err(|error| error.to_string())?.into_parts().0)
}

fn print(config: &Config, route: &Route, params: &[(&str, &str)], request: &request::Parts) -> Result<(), Failed> {
    let answering = answering(config, route)?;
    say!("route      {} ({})", route.name, conditions(route));
    for (name, value) in params {
        say!("           {{{name}}} = {value:?}");
    }
    let chain: Vec<&str> = route.plugins.iter().map(|id| config.plugins[id.0].name.as_str()).collect();
    say!("chain      {}", if chain.is_empty() { "none".into() } else { chain.join(" -> ") });
    for id in &route.plugins {
        let plugin = &config.plugins[id.0];
        let mut notes = vec![plugin.component.to_string()];
        if answering == Some(*id) {
            notes.push(format!("{ANSWERS}, with a fresh instance for each"));
        } else if plugin.isolation == Isolation::Fresh {
            notes.push("a fresh instance for each hook".into());
        }
        if plugin.on_error == OnError::Skip {
            notes.push("skipped when it fails".into());
        }
        if !plugin.grants.forward.is_empty() {
            notes.push(format!("may choose the upstream: {}", upstreams(config, &plugin.grants.forward)));
        }
        say!("           {}: {}", plugin.name, notes.join(", "));
        for capability in Capability::ALL {
            let granted = capability.granted(plugin, &config.upstreams);
            if !granted.is_empty() {
                say!("             {}: granted {}", capability.name(), granted.join(", "));
            }
        }
    }
    if let Some(id) = answering {
        say!("upstream   none: {} answers", config.plugins[id.0].name);
        say!("path       {}", sent_path(route, request));
    } else if let Some(upstream) = route.upstream.map(|id| &config.upstreams[id.0]) {
        let targets: Vec<String> = upstream.targets.iter().map(ToString::to_string).collect();
        say!("upstream   {} ({:?}): {}", upstream.name, upstream.balance, targets.join(", "));
        say!("path       {}", sent_path(route, request));
    } else if route.plugins.iter().any(|id| !config.plugins[id.0].grants.forward.is_empty()) {
        say!("upstream   none: a plugin of the chain chooses one, or answers");
        say!("path       {}", sent_path(route, request));
    } else {
        say!("upstream   none: a plugin of the chain answers");
    }
    say!("limits     body {} bytes, {:?} in all", route.body_limit, route.timeout);
    Ok(())
}

/// The plugin that is asked in place of an upstream. Only its component tells, so it is loaded, where
/// the route leaves room for such a one. What is wrong with a component is for `check` to say.
fn answering(config: &Config, route: &Route) -> Result<Option<PluginId>, Failed> {
    let last = route.plugins.last().filter(|_| route.upstream.is_none());
    let Some((id, Component::File(file))) = last.map(|id| (*id, &config.plugins[id.0].component)) else {
        return Ok(None);
    };
    let Ok(bytes) = load::read(file) else { return Ok(None) };
    let looked = Looker::new()?.look(&bytes);
    Ok(looked.is_ok_and(|loaded| loaded.answers_requests()).then_some(id))
}

fn upstreams(config: &Config, ids: &[UpstreamId]) -> String {
    ids.iter().map(|id| config.upstreams[id.0].name.as_str()).collect::<Vec<_>>().join(", ")
}

fn conditions(route: &Route) -> String {
    let matches = &route.matches;
    let mut all = vec![format!("path {}", matches.path)];
    for host in &matches.hosts {
        all.push(match host {
            Host::Exact(name) => format!("host {name}"),
            Host::Suffix(suffix) => format!("host *{suffix}"),
        });
    }
    all.extend(matches.methods.iter().map(|method| format!("method {method}")));
    all.extend(matches.headers.iter().map(|(name, value)| condition("header", name.as_str(), value.as_ref())));
    all.extend(matches.query.iter().map(|(name, value)| condition("query", name, value.as_ref())));
    all.join(", ")
}

fn condition(kind: &str, name: &str, value: Option<&String>) -> String {
    match value {
        Some(value) => format!("{kind} {name} = {value:?}"),
        None => format!("{kind} {name} is there"),
    }
}

fn sent_path(route: &Route, request: &request::Parts) -> String {
    let mut uri = request.uri.clone();
    exchange::strip_prefix(&mut uri, route.strip_prefix.as_deref());
    uri.path_and_query().map_or_else(|| "/".into(), ToString::to_string)
}

fn no_route(config: &Config, host: &str, path: &str) -> String {
    let mut text = format!("no route matches host {host:?} and path {path:?}: the client gets 404\nroutes are:\n");
    for route in &config.routes {
        text += &format!("  {}: {}\n", route.name, conditions(route));
    }
    text
}
