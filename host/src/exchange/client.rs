//! What is the same for all requests of one connection.

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Instant;

use http::HeaderValue;

use crate::body::Rest;
use crate::upstream::Interim;

/// Whoever is at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Client {
    pub address: IpAddr,
    /// The address as a field value: made once, shared by the requests.
    field: HeaderValue,
    pub turn: Turn,
    /// What it may still be sending.
    pub rest: Rest,
    /// For answers before the answer, where the connection can write them.
    pub(super) interim: Option<Interim>,
}

/// Whose turn it is on a connection: since when the client owes a request, if it does.
///
/// Told by each exchange, read by the socket (`listen::patience`), which ends a connection whose
/// client takes too long. hyper has such a limit too, but makes and drops a timer for each request.
#[derive(Debug, Clone)]
pub struct Turn(Rc<Cell<Option<Instant>>>);

impl Client {
    pub fn new(address: IpAddr) -> Self {
        let unknown = const { HeaderValue::from_static("unknown") };
        let field = HeaderValue::try_from(address.to_string()).unwrap_or(unknown);
        Self {
            address,
            field,
            turn: Turn(Rc::new(Cell::new(Some(Instant::now())))),
            rest: Rest::default(),
            interim: None,
        }
    }

    /// A client whose socket writes what is put in there.
    #[must_use]
    pub fn with_interim(self, interim: Interim) -> Self {
        Self { interim: Some(interim), ..self }
    }

    pub(super) fn field(&self) -> &HeaderValue {
        &self.field
    }
}

impl Turn {
    /// A request's head is there.
    pub(super) fn ours(&self) {
        self.0.set(None);
    }

    /// The answer's last byte was handed out, or given up.
    pub(super) fn the_clients(&self, now: Instant) {
        self.0.set(Some(now));
    }

    /// Since when a request is waited for; `None` while one is answered.
    pub fn waiting_since(&self) -> Option<Instant> {
        self.0.get()
    }
}
