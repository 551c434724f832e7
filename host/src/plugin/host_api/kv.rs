//! `kv`: the plugin's own key-value store.

use crate::plugin::bindings::tollgate::plugin::kv::{Host, KvError};
use crate::plugin::state::InstanceState;
use crate::state::kv;

type Result<T> = wasmtime::Result<T>;

impl Host for InstanceState {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>> {
        self.configured("kv.get")?;
        self.count(&key);
        let value = self.plugin.stores.kv.get(&key);
        Ok(self.give(value))
    }

    fn set(&mut self, key: String, value: Vec<u8>, ttl_ms: u32) -> Result<std::result::Result<(), KvError>> {
        self.configured("kv.set")?;
        self.count(&(&key, &value));
        Ok(self.plugin.stores.kv.set(key, value, ttl_ms).map_err(to_wit))
    }

    fn delete(&mut self, key: String) -> Result<bool> {
        self.configured("kv.delete")?;
        self.count(&key);
        Ok(self.plugin.stores.kv.delete(&key))
    }

    fn increment(&mut self, key: String, by: i64, ttl_ms: u32) -> Result<std::result::Result<i64, KvError>> {
        self.configured("kv.increment")?;
        self.count(&key);
        Ok(self.plugin.stores.kv.increment(key, by, ttl_ms).map_err(to_wit))
    }

    fn compare_and_swap(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl_ms: u32,
    ) -> Result<std::result::Result<bool, KvError>> {
        self.configured("kv.compare-and-swap")?;
        self.count(&(&key, &value));
        self.count(&expected);
        Ok(self.plugin.stores.kv.compare_and_swap(key, expected.as_deref(), value, ttl_ms).map_err(to_wit))
    }
}

fn to_wit(error: kv::KvError) -> KvError {
    match error {
        kv::KvError::TooLarge => KvError::TooLarge,
        kv::KvError::Quota => KvError::Quota,
        kv::KvError::NotANumber => KvError::NotANumber,
    }
}
