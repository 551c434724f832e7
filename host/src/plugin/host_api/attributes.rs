//! `attributes`: notes on the request, shared along the chain.

use crate::plugin::bindings::tollgate::plugin::attributes::{AttributeError, Host};
use crate::plugin::state::InstanceState;

impl Host for InstanceState {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.context("attributes.get")?.attributes.get(&name))
    }

    fn set(&mut self, name: String, value: String) -> wasmtime::Result<Result<(), AttributeError>> {
        let attributes = &mut self.context("attributes.set")?.attributes;
        Ok(attributes.set(name, value).map_err(|_| AttributeError::TooLarge))
    }
}
