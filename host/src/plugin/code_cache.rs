//! The folder of compiled code: what it has, and that it does not grow for ever.
//!
//! wasmtime writes it and reads it, and trusts what it finds: [`crate::cache_dir`] sees to it that
//! it may. Two things wasmtime does not do are here. It does not tell whether it has a component,
//! and it clears up only in processes that live long enough, which those that compile do not.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;

use super::compile::functions;

/// Bytes of compiled code that are kept; the least recently used goes first. A JavaScript engine has
/// about 10 MiB, a plugin in Rust a few hundred KiB.
const MAX_BYTES: u64 = 512 << 20;
/// A file that is being written for longer than this was left by a process that was killed.
const ABANDONED_AFTER: Duration = Duration::from_mins(10);

/// Whether `engine` will find the code of this component, or module, in its cache. Wrong answers cost time, nothing else: a
/// child is started for nothing, or the gateway compiles by itself.
pub fn has(folder: &Path, engine: &Engine, source: &[u8]) -> bool {
    let name = name(engine, source);
    compilers(folder).any(|compiler| compiler.join(&name).is_file())
}

/// Removes what was not used for longest until [`MAX_BYTES`] are left.
pub fn prune(folder: &Path) {
    let now = SystemTime::now();
    let mut kept = Vec::new();
    for part in compilers(folder).chain([folder.join(functions::FOLDER)]) {
        for (file, entry) in entries(&part) {
            if entry.is_unfinished && now.duration_since(entry.used).is_ok_and(|age| age > ABANDONED_AFTER) {
                // wasmtime would never write such a component again: the name is taken.
                let _ = std::fs::remove_file(&file);
            } else {
                kept.push((entry.used, entry.bytes, file));
            }
        }
    }
    kept.sort();
    let mut total: u64 = kept.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, bytes, file) in &kept {
        if total <= MAX_BYTES {
            return;
        }
        total -= bytes;
        let _ = std::fs::remove_file(file);
        let _ = std::fs::remove_file(stats_of(file));
    }
}

/// The name wasmtime gives the file: a hash of all that goes into compiling. That is its own affair
/// (`compile_cached` in its `compile/runtime.rs`); a test sees where it becomes another.
fn name(engine: &Engine, component: &[u8]) -> String {
    let mut hash = Sha256Hasher(Sha256::new());
    let no_debug_package: Option<&[u8]> = None;
    let no_intrinsics: Option<&str> = None;
    (engine.precompile_compatibility_hash(), Cow::Borrowed(component), no_debug_package, no_intrinsics).hash(&mut hash);
    BASE64_URL_SAFE_NO_PAD.encode(hash.0.finalize())
}

struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Nobody asks for it: the whole hash is taken.
    fn finish(&self) -> u64 {
        0
    }
}

/// One folder for each version of wasmtime.
fn compilers(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder.join("modules")).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

#[derive(Debug)]
struct Entry {
    used: SystemTime,
    bytes: u64,
    is_unfinished: bool,
}

/// The files of compiled code. A component's has one beside it that is written whenever it is used.
fn entries(part: &Path) -> BTreeMap<PathBuf, Entry> {
    let mut entries = BTreeMap::new();
    for file in std::fs::read_dir(part).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
        let extension = file.extension().map(|extension| extension.to_string_lossy().into_owned());
        let Ok(found) = std::fs::metadata(&file) else { continue };
        if extension.as_deref() == Some("stats") || !found.is_file() {
            continue;
        }
        let modified = |found: &std::fs::Metadata| found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let used = std::fs::metadata(stats_of(&file)).map_or(SystemTime::UNIX_EPOCH, |stats| modified(&stats));
        let entry = Entry { used: modified(&found).max(used), bytes: found.len(), is_unfinished: extension.is_some() };
        entries.insert(file, entry);
    }
    entries
}

fn stats_of(file: &Path) -> PathBuf {
    file.with_extension("stats")
}

#[cfg(test)]
mod tests {
    use wasmtime::component::Component;

    use super::super::engine;
    use super::*;

    /// The smallest component: a head and nothing.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn what_one_engine_has_compiled_another_one_has() {
        let folder = tempfile::tempdir().unwrap();
        let cache = engine::open_cache(folder.path()).unwrap();
        let serving = Engine::new(&engine::config(Some(cache.clone()), engine::pooling())).unwrap();
        assert!(!has(folder.path(), &serving, EMPTY));
        Component::from_binary(&engine::compiler(folder.path(), None).unwrap(), EMPTY).unwrap();
        assert!(has(folder.path(), &serving, EMPTY), "wasmtime names its files in another way now");
        Component::from_binary(&serving, EMPTY).unwrap();
        assert_eq!((cache.cache_hits(), cache.cache_misses()), (1, 0));
    }

    #[test]
    fn what_is_used_often_is_not_compressed_anew_while_requests_are_served() {
        let folder = tempfile::tempdir().unwrap();
        let engine = || engine::compiler(folder.path(), None).unwrap();
        Component::from_binary(&engine(), EMPTY).unwrap();
        let compiler = compilers(folder.path()).next().unwrap();
        let file = entries(&compiler).into_keys().next().unwrap();
        let stats = || std::fs::read_to_string(stats_of(&file)).unwrap_or_default();
        let until_used = |times: &str| {
            while !stats().contains(times) {
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        until_used("usages = 1");
        let before = stats();
        std::fs::write(stats_of(&file), before.replace("usages = 1", "usages = 999")).unwrap();
        let engine = engine();
        for _ in 0..2 {
            Component::from_binary(&engine, EMPTY).unwrap();
        }
        // One thread counts and compresses: the second count comes after whatever the first one led to.
        until_used("usages = 1001");
        assert_eq!(stats(), before.replace("usages = 1", "usages = 1001"));
    }

    #[test]
    fn what_was_not_used_for_longest_goes_when_there_is_too_much() {
        let folder = tempfile::tempdir().unwrap();
        let compiler = folder.path().join("modules/wasmtime-1");
        std::fs::create_dir_all(&compiler).unwrap();
        let now = SystemTime::now();
        for (name, minutes_ago) in [("oldest", 50), ("used-since", 60), ("newest", 10)] {
            let file = std::fs::File::create(compiler.join(name)).unwrap();
            // Sparse: it takes no room on the disk.
            file.set_len(MAX_BYTES / 2).unwrap();
            file.set_modified(now - Duration::from_mins(minutes_ago)).unwrap();
        }
        std::fs::write(compiler.join("used-since.stats"), "").unwrap();
        prune(folder.path());
        let left: Vec<bool> =
            ["oldest", "used-since", "newest"].iter().map(|name| compiler.join(name).exists()).collect();
        assert_eq!(left, [false, true, true]);
    }

    #[test]
    fn what_a_killed_compiler_left_half_written_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let compiler = folder.path().join("modules/wasmtime-1");
        std::fs::create_dir_all(&compiler).unwrap();
        for (name, age) in [("a.wip-atomic-write-mod", ABANDONED_AFTER * 2), ("b.wip-atomic-write-mod", Duration::ZERO)]
        {
            let file = std::fs::File::create(compiler.join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        }
        prune(folder.path());
        assert!(!compiler.join("a.wip-atomic-write-mod").exists());
        assert!(compiler.join("b.wip-atomic-write-mod").exists(), "somebody is writing it");
    }
}
