//! `secrets`: the values of the plugin's `secrets` table.

use crate::plugin::bindings::tollgate::plugin::secrets::Host;
use crate::plugin::state::InstanceState;

impl Host for InstanceState {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.get_bytes(name)?.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    fn get_bytes(&mut self, name: String) -> wasmtime::Result<Option<Vec<u8>>> {
        // What `describe` tells is kept by the component's content and shown to whoever asks.
        self.configured("secrets.get")?;
        self.count(&name);
        let secret = self.plugin.secrets.get(&name).map(|secret| secret.0.clone());
        Ok(self.give(secret))
    }
}
