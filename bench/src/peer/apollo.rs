//! Apollo Server on Node, by itself: no gateway, but what GraphQL over services is done with.

use std::process::Command;

use serde_json::json;

use crate::Outcome;
use crate::job::{Job, PARTS};
use crate::peer::{Site, write};

pub(super) fn prepare(job: Job, site: &Site) -> Outcome<Command> {
    if job != Job::GraphQl {
        return Err("it is no gateway".to_owned());
    }
    let settings = json!({"port": site.port, "services": site.services, "parts": PARTS});
    let script = write(site, "server.js", &format!("const settings = {settings};\n{SERVER}"))?;
    let mut command = Command::new("node");
    command.arg(script).env("NODE_ENV", "production").env("NODE_PATH", &site.tools.node_modules);
    Ok(command)
}

const SERVER: &str = include_str!("apollo.js");
