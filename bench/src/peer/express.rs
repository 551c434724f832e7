//! Express on Node, with the packages its users take for a gateway.

use std::process::Command;

use serde_json::json;

use crate::Outcome;
use crate::job::{Answers, ISSUER, Job, LIMIT, SECRET};
use crate::peer::{Site, write};

pub(super) fn prepare(job: Job, site: &Site) -> Outcome<Command> {
    let name = match job {
        Job::Proxy | Job::BuiltIns => "proxy",
        Job::JwtAndLimit => "jwt-and-limit",
        Job::Aggregate(_) | Job::AggregateParsed(_) => "aggregate",
        Job::GraphQl => return Err("left out: Apollo Server is what its users take".to_owned()),
        Job::BareProxy | Job::ProxyElsewhere => return Err("it has no reload: it is restarted".to_owned()),
        Job::Routes(_) => return Err("left out: it goes through its routes one by one, as Envoy does".to_owned()),
        Job::Cache => return Err("left out: it has no cache of its own".to_owned()),
        Job::Hops { .. } => return Err("it has no sandboxed plugins".to_owned()),
    };
    let answers = if let Job::Aggregate(answers) = job { answers } else { Answers::Short };
    let settings = json!({"job": name, "port": site.port, "services": site.services, "issuer": ISSUER, "secret": SECRET,
        "limit": LIMIT, "parts": answers.parts()});
    let script = write(site, "server.js", &format!("const settings = {settings};\n{SERVER}"))?;
    let mut command = Command::new("node");
    command.arg(script).env("NODE_ENV", "production").env("NODE_PATH", &site.tools.node_modules);
    Ok(command)
}

const SERVER: &str = include_str!("express.js");
