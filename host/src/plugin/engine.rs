//! The one wasmtime engine and its code cache.
//!
//! The settings are worth more than code: together they take a hook from 1.9 to 0.8 microseconds
//! and a fresh instance from 24 to 10 (docs/architecture.md has the measurements).

use std::path::Path;
use std::sync::Arc;

use wasmtime::{
    Cache, CacheConfig, Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

use super::compile::functions::Functions;
use super::ticker;

/// Most live instances of the whole gateway; a slot is address space, not memory.
pub(super) const SLOTS: u32 = 4096;
/// Core modules, memories and tables a component may bring: Python's and JavaScript's bring several.
const CORE_INSTANCES_PER_COMPONENT: u32 = 64;
/// Bytes of a linear memory that are zeroed by hand rather than given back to the kernel.
const KEEP_RESIDENT: usize = 64 * 1024;
/// Elements a guest's table may have: the most that `limits.table_elements` may be set to.
const TABLE_ELEMENTS: usize = 100_000;

/// Makes the engine and starts its ticker. `cache` is a private directory for compiled code.
pub fn start(cache: Option<&Path>) -> wasmtime::Result<Engine> {
    let cache = cache.map(open_cache).transpose()?;
    let engine = match Engine::new(&config(cache.clone(), pooling())) {
        Ok(engine) => engine,
        Err(error) => {
            tracing::warn!(%error, "no pooled memory for plugin instances (a low address-space limit?); each instance is mapped by itself, which is slower");
            Engine::new(&config(cache, InstanceAllocationStrategy::OnDemand))?
        }
    };
    ticker::start(engine.weak())?;
    Ok(engine)
}

/// An engine whose code is the same, for a process that compiles and runs nothing. `functions` are those
/// that need not be compiled again.
pub(super) fn compiler(cache: &Path, functions: Option<Arc<Functions>>) -> wasmtime::Result<Engine> {
    let mut config = config(Some(open_cache(cache)?), InstanceAllocationStrategy::OnDemand);
    if let Some(functions) = functions {
        config.enable_incremental_compilation(functions)?;
    }
    Engine::new(&config)
}

pub(super) fn config(cache: Option<Cache>, allocation: InstanceAllocationStrategy) -> Config {
    let mut config = Config::new();
    config
        .cache(cache)
        .allocation_strategy(allocation)
        // Component-model async costs every call a microsecond, and the interface has none.
        .concurrency_support(false)
        .epoch_interruption(true)
        // Nothing is handed over through such memories, and what `compile::bulk` adds counts in 32 bits.
        .wasm_memory64(false)
        .memory_init_cow(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Enable)
        .generate_address_map(true);
    config
}

pub(super) fn pooling() -> InstanceAllocationStrategy {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(SLOTS)
        .total_core_instances(SLOTS * 2)
        .total_memories(SLOTS)
        .total_tables(SLOTS * 2)
        .total_stacks(SLOTS)
        .max_core_instances_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_tables_per_component(CORE_INSTANCES_PER_COMPONENT)
        .max_tables_per_module(8)
        .table_elements(TABLE_ELEMENTS)
        .max_component_instance_size(16 << 20)
        .max_core_instance_size(16 << 20)
        .max_unused_warm_slots(256)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        // One ioctl tells which pages were touched, instead of resetting all (Linux 6.7 and newer).
        .pagemap_scan(Enabled::Auto);
    InstanceAllocationStrategy::Pooling(pool)
}

pub(super) fn open_cache(directory: &Path) -> wasmtime::Result<Cache> {
    let mut config = CacheConfig::new();
    config.with_directory(directory);
    // A changed plugin is waited for: with 1 in place of 3 its compiler takes a tenth less time, and its code on the
    // disk a tenth more room.
    config.with_baseline_compression_level(1);
    // Else what was used 256 times is compressed as far as it goes, by a thread of the gateway that serves:
    // with seconds of a core, and more than 100 MiB.
    config.with_optimized_compression_usage_counter_threshold(u64::MAX);
    Cache::new(config)
}
