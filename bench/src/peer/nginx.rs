//! nginx, with Debian's Lua module where three answers are joined.

use std::process::Command;

use rustix::process::Signal;

use crate::Outcome;
use crate::job::{Answers, Job, PARTS};
use crate::peer::{Site, write};
use crate::process::Process;

pub(super) fn prepare(job: Job, site: &Site) -> Outcome<Command> {
    let config = write(site, "nginx.conf", &config(job, site)?)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(&site.folder).arg("-c").arg(config).args(["-e", "stderr"]);
    Ok(command)
}

#[expect(clippy::unnecessary_wraps, reason = "as the other peers' reloads, which can fail")]
pub(super) fn reload(process: &Process) -> Outcome<()> {
    process.signal(Signal::HUP);
    Ok(())
}

/// What stands before `http` in each config: one worker, in the foreground, with room for 10,000
/// clients and as many connections to services.
pub(crate) const HEAD: &str = "daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events { worker_connections 20000; }";

/// Loads the Lua module: only where it is used, for its memory.
pub(crate) const LUA: &str = "load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
";

/// Answers are kept in files, as nginx does it, which the kernel has in memory. That they are sent by
/// `sendfile` and stay open is the best that can be done for them.
const CACHE: &str = "proxy_cache_path cache keys_zone=kept:10m use_temp_path=off inactive=1d;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=20000 inactive=1d;
    open_file_cache_valid 1d;";

fn config(job: Job, site: &Site) -> Outcome<String> {
    let port = site.port;
    let lua = if matches!(job, Job::Aggregate(_) | Job::AggregateParsed(_)) { LUA } else { "" };
    let cache = if job == Job::Cache { CACHE } else { "" };
    let [a, b, c] = site.services;
    let service = if job == Job::ProxyElsewhere { site.elsewhere } else { a };
    let server = match job {
        Job::Proxy | Job::ProxyElsewhere | Job::BuiltIns => location("/", FORWARDED),
        Job::BareProxy => location("/", ""),
        Job::Cache => location("/", &format!("{FORWARDED}proxy_cache kept;")),
        Job::Routes(count) => {
            let routes = (0..count).map(|number| location(&format!("/service-{number}/"), ""));
            format!("{FORWARDED}{}location / {{ return 404; }}", routes.collect::<String>())
        }
        Job::Aggregate(answers) => aggregate(answers, &concatenated()),
        Job::AggregateParsed(answers) => aggregate(answers, &parsed()),
        Job::GraphQl => return Err("it knows no GraphQL".to_owned()),
        Job::JwtAndLimit => return Err("checking tokens is a feature of NGINX Plus, which is not free".to_owned()),
        Job::Hops { .. } => return Err("it has no sandboxed plugins".to_owned()),
    };
    // Without `keepalive` nginx opens a connection for each request; 256 is more than are ever busy.
    // By default it closes a connection after 1,000 requests, and an idle client after 75 s.
    // Bodies are streamed, as the other peers do it: by default a large one goes through a file. With the
    // default buffers of 4 and 16 KiB a large body takes twice the CPU time.
    Ok(format!(
        "{lua}{HEAD}
http {{
    access_log off;
    {cache}
    upstream a {{ server 127.0.0.1:{service}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 1h; }}
    upstream b {{ server 127.0.0.1:{b}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 1h; }}
    upstream c {{ server 127.0.0.1:{c}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 1h; }}
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_max_body_size 10m;
    proxy_request_buffering off;
    proxy_max_temp_file_size 0;
    client_body_buffer_size 128k;
    proxy_buffers 8 64k;
    proxy_busy_buffers_size 128k;
    proxy_http_version 1.1;
    server {{
        listen 127.0.0.1:{port} backlog=16384;
        {server}
    }}
}}
"
    ))
}

/// What Tollgate tells services by itself; without `connection` nginx would close after each request.
const FORWARDED: &str = "
        proxy_set_header connection \"\";
        proxy_set_header host $http_host;
        proxy_set_header x-forwarded-for $proxy_add_x_forwarded_for;
        proxy_set_header x-forwarded-host $http_host;
        proxy_set_header x-forwarded-proto $scheme;
        proxy_set_header x-request-id $request_id;
        ";

fn location(path: &str, fields: &str) -> String {
    let fields = if fields.is_empty() && path == "/" { "proxy_set_header connection \"\";" } else { fields };
    format!("location {path} {{ {fields} proxy_pass http://a; }}\n        ")
}

/// Three calls at the same time; `body` is Lua that makes the answer's body of `one`, `two` and `three`.
fn aggregate(answers: Answers, body: &str) -> String {
    let names = ["a", "b", "c"];
    let internal = names.map(|name| {
        format!(
            "location /{name}/ {{ internal; {FORWARDED} proxy_pass http://{name}/; proxy_pass_request_body off; }}\n"
        )
    });
    let calls: Vec<String> =
        answers.parts().iter().zip(names).map(|((_, path), name)| format!("{{ \"/{name}{path}\" }}")).collect();
    format!(
        "{}location / {{ content_by_lua_block {{
            local one, two, three = ngx.location.capture_multi({{ {} }})
            if one.status ~= 200 or two.status ~= 200 or three.status ~= 200 then return ngx.exit(502) end
            local body = {body}
            ngx.header[\"content-type\"] = \"application/json\"
            ngx.header[\"content-length\"] = #body
            ngx.print(body)
        }} }}",
        internal.concat(),
        calls.join(", ")
    )
}

/// The least: bytes put together, whatever they are. That they are JSON is not checked, which Tollgate's plugin does.
fn concatenated() -> String {
    let [one, two, three] = PARTS.map(|(member, _)| member);
    format!("table.concat({{ '{{\"{one}\":', one.body, ',\"{two}\":', two.body, ',\"{three}\":', three.body, '}}' }})")
}

/// What a script does that wants to know, or to take, what is in an answer.
fn parsed() -> String {
    let [one, two, three] = PARTS.map(|(member, _)| member);
    let members = [(one, "one"), (two, "two"), (three, "three")]
        .map(|(member, part)| format!("{member} = cjson.decode({part}.body)"));
    format!("(function() local cjson = require \"cjson\" return cjson.encode({{ {} }}) end)()", members.join(", "))
}
