//! `HAProxy`, Debian's.

use std::process::Command;

use rustix::process::Signal;

use crate::Outcome;
use crate::job::{ISSUER, Job, LIMIT, SECRET};
use crate::peer::{Site, write};
use crate::process::Process;

pub(super) fn prepare(job: Job, site: &Site) -> Outcome<Command> {
    let config = write(site, "haproxy.cfg", &config(job, site)?)?;
    let mut command = Command::new("haproxy");
    // With a master process, which can replace the worker: how Debian runs it.
    command.args(["-W", "-f"]).arg(config);
    Ok(command)
}

#[expect(clippy::unnecessary_wraps, reason = "as the other peers' reloads, which can fail")]
pub(super) fn reload(process: &Process) -> Outcome<()> {
    process.signal(Signal::USR2);
    Ok(())
}

fn config(job: Job, site: &Site) -> Outcome<String> {
    let port = site.port;
    let service = if job == Job::ProxyElsewhere { site.elsewhere } else { site.services[0] };
    let (frontend, backends) = match job {
        Job::Proxy | Job::ProxyElsewhere | Job::BuiltIns => {
            (FORWARDED.to_owned() + "\n    default_backend services", "")
        }
        Job::BareProxy => ("    default_backend services".to_owned(), ""),
        Job::JwtAndLimit => (
            jwt_and_limit(),
            "backend limit\n    stick-table type string len 64 size 100k expire 60s store http_req_rate(60s)\n",
        ),
        Job::Cache => (
            FORWARDED.to_owned()
                + "\n    http-request cache-use kept\n    http-response cache-store kept\n    default_backend services",
            "cache kept\n    total-max-size 64\n    max-age 86400\n",
        ),
        Job::Routes(count) => {
            // A map is how HAProxy's manual has many routes: one look-up in a tree of prefixes.
            let map: String = (0..count).map(|number| format!("/service-{number}/ services\n")).collect();
            let map = write(site, "routes.map", &map)?;
            let routes = format!("\n    use_backend %[path,map_beg({},none)]", map.display());
            (FORWARDED.to_owned() + &routes, "backend none\n    http-request return status 404\n")
        }
        Job::Aggregate(_) | Job::AggregateParsed(_) => return Err("it does not join answers".to_owned()),
        Job::GraphQl => return Err("it knows no GraphQL".to_owned()),
        Job::Hops { .. } => return Err("it has no sandboxed plugins".to_owned()),
    };
    // `http-reuse always`: as the other peers, a connection is reused for any client, at once.
    // By default the most connections follow from how many files it may have open, two for each; with
    // idle clients it needs one, so that 11,000 are let in whatever the limit (`no strict-limits`).
    // By default it stops to keep connections to services once a fifth of the files are in use, which
    // 10,000 clients are.
    // Timeouts have no default; the two of the client are long, for idle connections.
    Ok(format!(
        "global
    nbthread 1
    maxconn 11000
    no strict-limits
    tune.pool-low-fd-ratio 90
    tune.pool-high-fd-ratio 95
defaults
    mode http
    no log
    timeout connect 2s
    timeout client 1h
    timeout http-keep-alive 1h
    timeout server 60s
frontend clients
    bind 127.0.0.1:{port} backlog 16384
{frontend}
{backends}backend services
    http-reuse always
    server one 127.0.0.1:{service} pool-max-conn 256
"
    ))
}

/// What Tollgate tells services by itself.
const FORWARDED: &str = "    option forwardfor
    unique-id-format %{+X}o\\ %ci:%cp_%Ts_%rt
    unique-id-header x-request-id
    http-request set-header x-forwarded-host %[req.hdr(host)]
    http-request set-header x-forwarded-proto http";

/// The checks of the manual's section on `jwt_verify`, with issuer and expiry, and a rate by subject.
fn jwt_and_limit() -> String {
    format!(
        "{FORWARDED}
    http-request set-var(txn.token) http_auth_bearer
    http-request deny deny_status 401 unless {{ var(txn.token),jwt_header_query('$.alg') -m str HS256 }}
    http-request deny deny_status 401 unless {{ var(txn.token),jwt_verify(\"HS256\",\"{SECRET}\") 1 }}
    http-request deny deny_status 401 unless {{ var(txn.token),jwt_payload_query('$.iss') -m str {ISSUER} }}
    http-request set-var(txn.now) date()
    http-request deny deny_status 401 if {{ var(txn.token),jwt_payload_query('$.exp','int'),sub(txn.now) -m int lt 0 }}
    http-request set-var(txn.sub) var(txn.token),jwt_payload_query('$.sub')
    http-request set-header x-user %[var(txn.sub)]
    http-request track-sc0 var(txn.sub) table limit
    http-request deny deny_status 429 if {{ sc_http_req_rate(0,limit) gt {LIMIT} }}
    default_backend services"
    )
}
