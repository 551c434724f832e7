//! Connections that are open and idle.

use crate::Outcome;
use crate::http::{Client, Request};

/// Opens connections and has one request answered on each, as a browser leaves them behind. They are
/// closed when this is dropped.
pub(crate) fn hold(port: u16, count: usize, request: &Request) -> Outcome<Vec<Client>> {
    (0..count)
        .map(|number| {
            let mut client = Client::connect(port)?;
            let reply = client.ask(request).map_err(|error| format!("idle connection {number}: {error}"))?;
            if reply.status == 200 { Ok(client) } else { Err(format!("idle connection {number}: {}", reply.status)) }
        })
        .collect()
}
