//! `shared-kv`: key-value stores that several plugins are granted.

use crate::plugin::bindings::tollgate::plugin::shared_kv::{Host, SharedKvError};
use crate::plugin::state::InstanceState;
use crate::state::kv;

type Answer<T> = wasmtime::Result<Result<T, SharedKvError>>;

impl Host for InstanceState {
    fn get(&mut self, namespace: String, key: String) -> Answer<Option<Vec<u8>>> {
        self.configured("shared-kv.get")?;
        self.count(&(&namespace, &key));
        let value = self.shared(&namespace).map(|store| store.get(&key));
        Ok(self.give(value))
    }

    fn set(&mut self, namespace: String, key: String, value: Vec<u8>, ttl_ms: u32) -> Answer<()> {
        self.configured("shared-kv.set")?;
        self.count(&namespace);
        self.count(&(&key, &value));
        Ok(self.shared(&namespace).and_then(|store| store.set(key, value, ttl_ms).map_err(to_wit)))
    }

    fn delete(&mut self, namespace: String, key: String) -> Answer<bool> {
        self.configured("shared-kv.delete")?;
        self.count(&(&namespace, &key));
        Ok(self.shared(&namespace).map(|store| store.delete(&key)))
    }

    fn increment(&mut self, namespace: String, key: String, by: i64, ttl_ms: u32) -> Answer<i64> {
        self.configured("shared-kv.increment")?;
        self.count(&(&namespace, &key));
        Ok(self.shared(&namespace).and_then(|store| store.increment(key, by, ttl_ms).map_err(to_wit)))
    }

    fn compare_and_swap(
        &mut self,
        namespace: String,
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl_ms: u32,
    ) -> Answer<bool> {
        self.configured("shared-kv.compare-and-swap")?;
        self.count(&namespace);
        self.count(&(&key, &value));
        self.count(&expected);
        let swap = |store: &kv::Store| store.compare_and_swap(key, expected.as_deref(), value, ttl_ms).map_err(to_wit);
        Ok(self.shared(&namespace).and_then(swap))
    }
}

impl InstanceState {
    fn shared(&self, namespace: &str) -> Result<&kv::Store, SharedKvError> {
        let missing = || SharedKvError::Denied(format!("[plugins.{}] grant.kv has no {namespace:?}", self.plugin.name));
        self.plugin.shared_kv(namespace).ok_or_else(missing)
    }
}

fn to_wit(error: kv::KvError) -> SharedKvError {
    match error {
        kv::KvError::TooLarge => SharedKvError::TooLarge,
        kv::KvError::Quota => SharedKvError::Quota,
        kv::KvError::NotANumber => SharedKvError::NotANumber,
    }
}
