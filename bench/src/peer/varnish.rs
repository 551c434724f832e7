//! Varnish, Debian's: a cache, and in the scenario of caches only.

use std::process::Command;

use crate::Outcome;
use crate::job::Job;
use crate::peer::{Site, write};

pub(super) fn prepare(job: Job, site: &Site) -> Outcome<Command> {
    if job != Job::Cache {
        return Err("it is compared as a cache only".to_owned());
    }
    let config = write(site, "varnish.vcl", &config(site))?;
    let mut command = Command::new("varnishd");
    command.arg("-F").args(["-a", &format!("127.0.0.1:{},HTTP", site.port)]).arg("-f").arg(config);
    command.arg("-n").arg(site.folder.join("varnish")).args(["-s", "malloc,64m", "-T", "none"]);
    // Connections are kept for as long as with the other peers. One pool of threads, for one core.
    for setting in ["timeout_idle=3600", "thread_pools=1", "thread_pool_max=1000"] {
        command.args(["-p", setting]);
    }
    Ok(command)
}

/// Requests with a cookie are not looked up by default; the other caches do not mind one.
fn config(site: &Site) -> String {
    format!(
        "vcl 4.1;
backend default {{ .host = \"127.0.0.1\"; .port = \"{}\"; }}
sub vcl_recv {{ return (hash); }}
",
        site.services[0]
    )
}
