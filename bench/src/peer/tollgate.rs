//! Tollgate: `workers = 1` and no access log; everything else as it is by default. Its metrics are on.

use std::fs;
use std::process::Command;

use crate::Outcome;
use crate::guests::HOP;
use crate::job::{Answers, ISSUER, Job, LIMIT, PARTS, SECRET};
use crate::peer::{Site, write};

pub(super) fn prepare(job: Job, site: &Site) -> Outcome<Command> {
    if let Job::Hops { .. } = job {
        let plugins = site.folder.join("plugins");
        fs::create_dir_all(&plugins)
            .and_then(|()| fs::copy(site.tools.guests.join(HOP), plugins.join(HOP)))
            .map_err(|error| format!("{}: {error}", plugins.display()))?;
    }
    let config = write(site, "tollgate.toml", &config(job, site)?)?;
    let mut command = Command::new(&site.tools.tollgate);
    command.args(["run", "--config"]).arg(config);
    // One cache for all: that a plugin was compiled before is how a gateway usually starts.
    command.env("TOLLGATE_CACHE_DIR", site.tools.guests.join("cache"));
    Ok(command)
}

fn config(job: Job, site: &Site) -> Outcome<String> {
    let (head, services) = (head(site.port), services(site.services));
    Ok(match job {
        Job::Proxy => head + &services + &all(&[]),
        Job::BareProxy => return Err("it always tells services of the client".to_owned()),
        Job::ProxyElsewhere => head + &upstream("a", site.elsewhere) + &all(&[]),
        Job::JwtAndLimit => head + &services + &jwt_and_limit() + &all(&["jwt".into(), "limit".into()]),
        Job::Hops { count, fresh } => {
            let names: Vec<String> = (1..=count).map(|number| format!("hop-{number}")).collect();
            let isolation = if fresh { "fresh" } else { "shared" };
            let plugin = |name: &String| format!("[plugins.{name}]\nuse = {HOP:?}\nisolation = {isolation:?}\n");
            head + &services + &names.iter().map(plugin).collect::<String>() + &all(&names)
        }
        Job::Aggregate(answers) | Job::AggregateParsed(answers) => {
            head + &services + &aggregate(answers) + &all(&["join".into()])
        }
        Job::GraphQl => head + &services + &graphql() + &all(&["graphql".into()]),
        Job::Cache => head + &services + CACHE + &all(&["kept".into()]),
        Job::Routes(count) => {
            let route = |number| {
                format!("[[routes]]\npath = \"/service-{number}/{{*rest}}\"\nupstream = \"a\"\npreserve_host = true\n")
            };
            head + &services + &(0..count).map(route).collect::<String>()
        }
        Job::BuiltIns => {
            let headers = "[plugins.headers.config.response]\nset = { x-content-type-options = \"nosniff\" }\n";
            let chain = ["headers", "jwt", "limit", "join"].map(str::to_owned);
            head + &services + headers + &jwt_and_limit() + &aggregate(Answers::Short) + &all(&chain)
        }
    })
}

/// One route through a chain, to the first of three services. `plugins` says what the chain's names are.
pub(crate) fn through(port: u16, to: [u16; 3], plugins: &str, chain: &[String]) -> String {
    head(port) + &services(to) + plugins + &all(chain)
}

fn head(port: u16) -> String {
    // An idle client is cut off after `head_timeout`: longer, as in the other peers' configs.
    format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\nadmin = \"off\"\nworkers = 1\n\
         [server.limits]\nhead_timeout = \"10m\"\n[log]\naccess = \"off\"\nlevel = \"error\"\n"
    )
}

fn services(ports: [u16; 3]) -> String {
    [upstream("a", ports[0]), upstream("b", ports[1]), upstream("c", ports[2])].concat()
}

fn upstream(name: &str, port: u16) -> String {
    format!("[upstreams.{name}]\ntargets = [\"http://127.0.0.1:{port}\"]\n")
}

fn all(plugins: &[String]) -> String {
    format!("[[routes]]\npath = \"/{{*rest}}\"\nupstream = \"a\"\npreserve_host = true\nplugins = {plugins:?}\n")
}

pub(crate) const CACHE: &str = "[plugins.kept]\nuse = \"cache\"\n";

pub(crate) fn jwt_and_limit() -> String {
    format!(
        "[plugins.jwt]\nuse = \"jwt-auth\"\n[plugins.jwt.config]\nissuer = {ISSUER:?}\nclaims_to_headers = {{ sub = \"x-user\" }}\n\
         [plugins.jwt.keys.main]\nalgorithm = \"HS256\"\nvalue = {SECRET:?}\n\
         [plugins.limit]\nuse = \"rate-limit\"\n[plugins.limit.config]\nlimit = {LIMIT}\nper = \"1m\"\nby = {{ claim = \"sub\" }}\n"
    )
}

pub(crate) fn aggregate(answers: Answers) -> String {
    let part = |(name, path): (&str, String), upstream: &str| {
        format!("[[plugins.join.config.parts]]\nname = {name:?}\nupstream = {upstream:?}\npath = {path:?}\n")
    };
    let [user, orders, stock] = answers.parts();
    let parts = part(user, "a") + &part(orders, "b") + &part(stock, "c");
    format!("[plugins.join]\nuse = \"aggregate\"\ngrant = {{ http = [\"a\", \"b\", \"c\"] }}\n{parts}")
}

/// The schema Apollo Server has too, its fields bound to the services.
pub(crate) fn graphql() -> String {
    let [(_, user), (_, orders), _] = PARTS;
    let orders = orders.replace('7', "{parent.id}");
    let schema = format!(
        "type Query {{ me: User @rest(upstream: \"a\", path: \"{user}\") }}\n\
         type User {{ id: ID! name: String! email: String \
         orders: [Order!]! @rest(upstream: \"b\", path: \"{orders}\") }}\n\
         type Order {{ id: ID! total: Int! }}"
    );
    format!(
        "[plugins.graphql]\ngrant = {{ http = [\"a\", \"b\"] }}\n[plugins.graphql.config]\nschema = '''{schema}'''\n"
    )
}
