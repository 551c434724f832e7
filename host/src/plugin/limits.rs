//! Memory and table limits of one instance, asked by wasmtime whenever the guest wants more.

use wasmtime::ResourceLimiter;

/// Core modules, memories and tables one instance may have in all.
const PARTS: usize = 64;

#[derive(Debug)]
pub struct InstanceLimits {
    /// Bytes over all linear memories of the instance.
    memory: Quota,
    /// Elements over all tables of the instance.
    table_elements: Quota,
}

#[derive(Debug)]
struct Quota {
    most: usize,
    used: usize,
}

impl Quota {
    fn of(most: usize) -> Self {
        Self { most, used: 0 }
    }

    /// Whether one part of what is counted may grow so.
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let used = self.used.saturating_sub(current).saturating_add(desired);
        if used > self.most {
            return false;
        }
        self.used = used;
        true
    }
}

impl InstanceLimits {
    pub fn new(memory: usize, table_elements: usize) -> Self {
        Self { memory: Quota::of(memory), table_elements: Quota::of(table_elements) }
    }

    /// Bytes of its memories.
    pub fn memory(&self) -> usize {
        self.memory.used
    }

    /// Whether the instance has grown so far that a new one should take its place: linear memory
    /// never shrinks, so what leaks is given back only that way.
    pub fn is_grown(&self) -> bool {
        self.memory.used > self.memory.most / 4 * 3
    }
}

impl ResourceLimiter for InstanceLimits {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.memory.grow(current, desired))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.table_elements.grow(current, desired))
    }

    fn instances(&self) -> usize {
        PARTS
    }

    fn tables(&self) -> usize {
        PARTS
    }

    fn memories(&self) -> usize {
        PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_memories_share_one_limit() {
        let mut limits = InstanceLimits::new(100, 10);
        assert!(limits.memory_growing(0, 60, None).unwrap());
        assert!(!limits.memory_growing(0, 60, None).unwrap());
        assert!(limits.memory_growing(0, 40, None).unwrap());
        assert!(!limits.memory_growing(60, 61, None).unwrap());
        assert!(limits.is_grown());
    }

    #[test]
    fn two_tables_share_one_limit() {
        let mut limits = InstanceLimits::new(100, 10);
        assert!(limits.table_growing(0, 6, None).unwrap());
        assert!(!limits.table_growing(0, 5, None).unwrap());
        assert!(limits.table_growing(0, 4, None).unwrap());
        assert!(!limits.table_growing(6, 7, None).unwrap());
    }
}
