//! `attributes`: notes on the request, shared along the chain.

use crate::plugin::bindings::tollgate::plugin::attributes::{AttributeError, Host};
use crate::plugin::state::InstanceState;

impl Host for InstanceState {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.count(&name);
        let value = self.context("attributes.get")?.attributes.get(&name);
        Ok(self.give(value))
    }

    fn set(&mut self, name: String, value: String) -> wasmtime::Result<Result<(), AttributeError>> {
        self.count(&(&name, &value));
        let attributes = &mut self.context("attributes.set")?.attributes;
        Ok(attributes.set(name, value).map_err(|_| AttributeError::TooLarge))
    }
}
