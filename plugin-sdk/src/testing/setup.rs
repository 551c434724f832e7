//! Setting up a [`Host`]: builders, in the order of `wit/`.

use std::rc::Rc;
use std::time::Duration;

use super::Host;
use super::state::Response;
use crate::Answer;
use crate::crypto::{Algorithm, Key};
use crate::http_client::{ClientError, Outbound};
use crate::response::Source;

impl Host {
    /// The request's id.
    pub fn id(self, id: &str) -> Self {
        id.clone_into(&mut self.state.borrow_mut().request.id);
        self
    }

    /// The name of the route that matched.
    pub fn route(self, route: &str) -> Self {
        route.clone_into(&mut self.state.borrow_mut().request.route);
        self
    }

    /// The address of the client.
    pub fn client_address(self, address: &str) -> Self {
        self.set_client_address(address);
        self
    }

    /// As [`Host::client_address`], for the requests after the first.
    pub fn set_client_address(&self, address: &str) {
        address.clone_into(&mut self.state.borrow_mut().request.client_address);
    }

    /// The method.
    pub fn method(self, method: &str) -> Self {
        method.clone_into(&mut self.state.borrow_mut().request.method);
        self
    }

    /// The host the client asked for.
    pub fn host(self, host: &str) -> Self {
        host.clone_into(&mut self.state.borrow_mut().request.host);
        self
    }

    /// The path.
    pub fn path(self, path: &str) -> Self {
        path.clone_into(&mut self.state.borrow_mut().request.path);
        self
    }

    /// As [`Host::path`], for the requests after the first.
    pub fn set_path(&self, path: &str) {
        path.clone_into(&mut self.state.borrow_mut().request.path);
    }

    /// As [`Host::method`], for the requests after the first.
    pub fn set_method(&self, method: &str) {
        method.clone_into(&mut self.state.borrow_mut().request.method);
    }

    /// The query, without `?`.
    pub fn query(self, query: &str) -> Self {
        self.state.borrow_mut().request.query = Some(query.to_owned());
        self
    }

    /// What a `{name}` of the route's path matched.
    pub fn param(self, name: &str, value: &str) -> Self {
        self.state.borrow_mut().request.params.insert(name.to_owned(), value.to_owned());
        self
    }

    /// An upstream `set_upstream` may choose: granted with `forward`.
    pub fn may_forward(self, upstream: &str) -> Self {
        self.state.borrow_mut().may_forward.push(upstream.to_owned());
        self
    }

    /// A header field of the request, added behind those there are.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.add_request_header(name, value);
        self
    }

    /// As [`Host::header`], for the requests after the first.
    pub fn add_request_header(&self, name: &str, value: impl AsRef<[u8]>) {
        self.state.borrow_mut().request.fields.arrive(name, value.as_ref());
    }

    /// A response of the upstream: the hook is `on_response` now.
    pub fn response(self, status: u16) -> Self {
        self.enter_response(status);
        self
    }

    /// A header field of the response, added behind those there are. Without a response, one with
    /// status 200 is made.
    pub fn with_response_header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let mut state = self.state.borrow_mut();
        let response = state.response.get_or_insert_with(|| Response::new(200));
        response.fields.arrive(name, value.as_ref());
        drop(state);
        self
    }

    /// Who made the response. Without a response, one with status 200 is made.
    pub fn made_by(self, source: Source) -> Self {
        self.state.borrow_mut().response.get_or_insert_with(|| Response::new(200)).source = source;
        self
    }

    /// A note on the request.
    pub fn attribute(self, name: &str, value: &str) -> Self {
        self.state.borrow_mut().attributes.insert(name.to_owned(), value.to_owned());
        self
    }

    /// An upstream, origin or route that the plugin is not granted: for what asks with
    /// [`may_call`](crate::http_client::may_call).
    pub fn ungranted(self, target: &str) -> Self {
        self.state.borrow_mut().ungranted.push(target.to_owned());
        self
    }

    /// What answers the plugin's calls. Without this each is [`ClientError::Denied`].
    pub fn on_call(self, answer: impl Fn(&Outbound) -> Result<Answer, ClientError> + 'static) -> Self {
        self.state.borrow_mut().answerer = Some(Rc::new(answer));
        self
    }

    /// A value in `kv`, without end.
    pub fn kv(self, key: &str, value: impl AsRef<[u8]>) -> Self {
        let entry = super::kv::Entry { value: value.as_ref().to_vec(), ends: None };
        self.state.borrow_mut().kv.insert(key.to_owned(), entry);
        self
    }

    /// A store of `shared-kv` that is granted, empty. Without it calls are denied.
    pub fn shared_kv(self, namespace: &str) -> Self {
        self.state.borrow_mut().shared_kv.entry(namespace.to_owned()).or_default();
        self
    }

    /// The most buckets `rate` tracks, to see a plugin meet `too-many-keys`.
    pub fn max_buckets(self, count: usize) -> Self {
        self.state.borrow_mut().max_buckets = Some(count);
        self
    }

    /// A key of the plugin's `keys` table, for checking signatures or for sealing.
    pub fn key(self, name: &str, algorithm: Algorithm) -> Self {
        self.state.borrow_mut().keys.push(Key { name: name.to_owned(), algorithm, may_sign: false });
        self
    }

    /// A key the plugin may sign with, too: by what [`Host::on_sign`] says.
    pub fn signing_key(self, name: &str, algorithm: Algorithm) -> Self {
        self.state.borrow_mut().keys.push(Key { name: name.to_owned(), algorithm, may_sign: true });
        self
    }

    /// What makes signatures: key name, message. Asked only for keys that may sign.
    pub fn on_sign(self, sign: impl Fn(&str, &[u8]) -> Vec<u8> + 'static) -> Self {
        self.state.borrow_mut().signer = Some(Rc::new(sign));
        self
    }

    /// What says whether a signature is good: key name, message, signature. Asked only for keys
    /// that exist; without this no signature is.
    pub fn on_verify(self, verify: impl Fn(&str, &[u8], &[u8]) -> bool + 'static) -> Self {
        self.state.borrow_mut().verifier = Some(Rc::new(verify));
        self
    }

    /// A file the plugin may read.
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.state.borrow_mut().files.insert(name.to_owned(), content.as_ref().to_vec());
        self
    }

    /// A secret of the plugin's `secrets` table.
    pub fn secret(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.state.borrow_mut().secrets.insert(name.to_owned(), value.as_ref().to_vec());
        self
    }

    /// The time since 1970-01-01T00:00:00Z.
    pub fn unix_time(self, since_1970: Duration) -> Self {
        self.state.borrow_mut().now = since_1970;
        self
    }
}
