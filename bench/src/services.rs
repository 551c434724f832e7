//! The services behind every gateway: one nginx, with answers that are fixed.
//!
//! It says in fields of its answers what it was sent (`seen-...`), so that checks see what a gateway did.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::Outcome;
use crate::http::Request;
use crate::job::{Answers, LONG};
use crate::peer::nginx::{HEAD, LUA};
use crate::peer::{free_port, wait_for};
use crate::process::Process;

/// Bytes of the small answer.
pub(crate) const SMALL: usize = 1024;
/// Bytes of the large body, both ways.
pub(crate) const LARGE: usize = 1 << 20;
/// KiB of the answers under `/kib/`.
pub(crate) const SIZES: [usize; 3] = [10, 64, 256];
/// The small answer, which may be kept. It names the request it was made for: `seen-request`.
pub(crate) const KEPT: &str = "/kept";
/// Where the large body goes.
pub(crate) const UPLOAD: &str = "/upload";
/// What the services answer to the calls of `job::PARTS`.
pub(crate) const JSON: [&str; 3] = [
    r#"{"id":7,"name":"Alice Example","email":"alice@shop.example","groups":["customers","testers"],"since":"2021-03-04"}"#,
    r#"[{"id":1,"total":1999,"state":"sent","items":[{"sku":"A-100","count":2},{"sku":"B-200","count":1}]},{"id":2,"total":499,"state":"open","items":[{"sku":"C-300","count":1}]}]"#,
    r#"{"A-100":{"left":12,"warehouse":"north"},"B-200":{"left":0,"warehouse":"south"},"C-300":{"left":250,"warehouse":"north"}}"#,
];

/// What the services answer: [`JSON`], or the same of a customer with sixteen times as many orders, and of as many
/// articles.
pub(crate) fn texts(answers: Answers) -> [String; 3] {
    let [user, orders, stock] = JSON;
    if answers == Answers::Short {
        return JSON.map(str::to_owned);
    }
    let inside = |json: &'static str| &json[1..json.len() - 1];
    let articles = (10..26).map(|shelf| inside(stock).replace('-', &format!("-{shelf}-")));
    let articles: Vec<String> = articles.collect();
    [user.to_owned(), format!("[{}]", [inside(orders); 16].join(",")), format!("{{{}}}", articles.join(","))]
}

/// The services, running.
#[derive(Debug)]
pub(crate) struct Services {
    /// Three addresses; each answers everything.
    pub(crate) ports: [u16; 3],
    /// Another instance, which says `seen-at: elsewhere`.
    pub(crate) elsewhere: u16,
    _process: Process,
}

impl Services {
    pub(crate) fn start(folder: &Path, core: usize) -> Outcome<Self> {
        let ports = [free_port()?, free_port()?, free_port()?];
        let elsewhere = free_port()?;
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let config = folder.join("nginx.conf");
        fs::write(&config, text(ports, elsewhere)).map_err(|error| format!("{}: {error}", config.display()))?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder).arg("-c").arg(&config).args(["-e", "stderr"]);
        let mut process = Process::start(&command, core, &folder.join("log"))?;
        wait_for(&mut process, elsewhere, &Request::get("/"), Duration::from_secs(10))
            .map_err(|error| format!("the services do not answer: {error}"))?;
        Ok(Self { ports, elsewhere, _process: process })
    }
}

fn text(ports: [u16; 3], elsewhere: u16) -> String {
    let listen: String = ports.map(|port| format!("listen 127.0.0.1:{port} backlog=16384; ")).concat();
    let small = "x".repeat(SMALL);
    let sizes = SIZES.map(|kib| kib.to_string()).join(", ");
    let [user, orders, stock] = JSON;
    let [_, many_orders, much_stock] = texts(Answers::Long);
    let locations = format!(
        r#"
        add_header seen-hop $http_x_hop;
        add_header seen-user $http_x_user;
        add_header seen-for $http_x_forwarded_for;
        location / {{ default_type application/octet-stream; return 200 "{small}"; }}
        location = {KEPT} {{
            add_header cache-control max-age=86400;
            add_header seen-request $request_id;
            return 200 "{small}";
        }}
        location = /users/7 {{ return 200 '{user}'; }}
        location = /orders {{ return 200 '{orders}'; }}
        location = /stock {{ return 200 '{stock}'; }}
        location = {LONG}/users/7 {{ return 200 '{user}'; }}
        location = {LONG}/orders {{ return 200 '{many_orders}'; }}
        location = {LONG}/stock {{ return 200 '{much_stock}'; }}
        location ~ ^/kib/(?<kib>[0-9]+)$ {{
            content_by_lua_block {{
                local text = sizes[ngx.var.kib]
                if not text then return ngx.exit(404) end
                ngx.header["content-length"] = #text
                ngx.print(text)
            }}
        }}
        location = {UPLOAD} {{
            # Answers when the whole body is there: nginx alone would not wait for it.
            content_by_lua_block {{
                ngx.req.read_body()
                ngx.header["content-length"] = #large
                ngx.header["seen-bytes"] = #(ngx.req.get_body_data() or "")
                ngx.print(large)
            }}
        }}"#
    );
    format!(
        r#"{LUA}{HEAD}
http {{
    access_log off;
    default_type application/json;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    client_max_body_size 8m;
    client_body_buffer_size 2m;
    init_by_lua_block {{
        large = string.rep("y", {LARGE})
        sizes = {{}}
        for _, kib in ipairs({{ {sizes} }}) do sizes[tostring(kib)] = string.rep("z", kib * 1024) end
    }}
    server {{ {listen}
        add_header seen-at here;{locations}
    }}
    server {{ listen 127.0.0.1:{elsewhere} backlog=16384;
        add_header seen-at elsewhere;{locations}
    }}
}}
"#
    )
}
