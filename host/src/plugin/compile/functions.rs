//! The functions a plugin had when it was compiled last: where it changes, most of them are the same.
//!
//! Cranelift knows a function again by a hash of all that goes into compiling it, its own version
//! included, so nothing here has to be thrown away for being old. There is one file for each plugin's
//! name, in the folder of compiled code and trusted like that: what is not as it was written is not
//! read, what is there is executed.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use wasmtime::CacheStore;

/// Most bytes of functions that are kept for a plugin. A large one in Rust has 5 MiB, a JavaScript engine, which
/// changes seldom, more than this.
const MAX_BYTES: usize = 32 << 20;

/// Below the folder of compiled code.
pub(in crate::plugin) const FOLDER: &str = "functions";

/// Compiled functions by Cranelift's key.
#[derive(Debug)]
pub(in crate::plugin) struct Functions {
    file: PathBuf,
    known: HashMap<Vec<u8>, Vec<u8>>,
    now: Mutex<Now>,
}

/// What the component at hand has.
#[derive(Debug, Default)]
struct Now {
    /// Keys of `known`.
    same: HashSet<Vec<u8>>,
    new: HashMap<Vec<u8>, Vec<u8>>,
    new_bytes: usize,
}

impl Functions {
    /// Those that were kept for a plugin; none where that cannot be read.
    pub(in crate::plugin) fn of(folder: &Path, plugin: &str) -> Self {
        // A name is not taken for a path, nor for a file that is being written.
        let name = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(plugin));
        let file = folder.join(FOLDER).join(name);
        let known = std::fs::read(&file).map(|bytes| read(&bytes)).unwrap_or_default();
        Self { file, known, now: Mutex::default() }
    }

    /// Keeps those the component had, and no others.
    pub(in crate::plugin) fn keep(&self) -> io::Result<()> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.new.is_empty() || now.new_bytes >= MAX_BYTES {
            return Ok(());
        }
        let same = self.known.iter().filter(|(key, _)| now.same.contains(*key));
        let bytes = write(same.chain(&now.new));
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // Renamed, so that it is never read half written.
        let unfinished = self.file.with_extension(std::process::id().to_string());
        std::fs::write(&unfinished, bytes)?;
        std::fs::rename(&unfinished, &self.file)
    }
}

impl CacheStore for Functions {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        let found = self.known.get(key)?;
        self.now.lock().unwrap_or_else(PoisonError::into_inner).same.insert(key.to_vec());
        Some(Cow::Borrowed(found))
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.new_bytes += key.len() + value.len();
        let fits = now.new_bytes < MAX_BYTES;
        if fits {
            now.new.insert(key.to_vec(), value);
        }
        fits
    }
}

/// Each part with its length before it.
fn write<'a>(functions: impl Iterator<Item = (&'a Vec<u8>, &'a Vec<u8>)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in functions.flat_map(|(key, value)| [key, value]) {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// As many as are whole.
fn read(mut bytes: &[u8]) -> HashMap<Vec<u8>, Vec<u8>> {
    let mut functions = HashMap::new();
    while let Some((key, rest)) = part(bytes)
        && let Some((value, rest)) = part(rest)
    {
        functions.insert(key.to_vec(), value.to_vec());
        bytes = rest;
    }
    functions
}

fn part(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wasmtime::component::Component;

    use super::super::super::engine;
    use super::*;

    /// A component of many functions, of which one is this number.
    fn component(number: u32) -> Vec<u8> {
        let one =
            |n| format!("(func (export \"{n}\") (param i32) (result i32) (i32.add (local.get 0) (i32.const {n})))");
        let same: String = (0..400).map(one).collect();
        let own = format!("(func (export \"own\") (result i32) (i32.const {number}))");
        wat::parse_str(format!("(component (core module {same} {own}))")).unwrap()
    }

    /// Compiles, and returns how many functions were found and how many were not.
    fn compile(folder: &Path, number: u32) -> (usize, usize) {
        let functions = Arc::new(Functions::of(folder, "p"));
        let engine = engine::compiler(folder, Some(Arc::clone(&functions))).unwrap();
        Component::from_binary(&engine, &component(number)).unwrap();
        functions.keep().unwrap();
        let now = functions.now.lock().unwrap();
        (now.same.len(), now.new.len())
    }

    #[test]
    fn of_a_changed_component_only_what_changed_is_compiled() {
        let folder = tempfile::tempdir().unwrap();
        let (none, all) = compile(folder.path(), 1);
        assert!(none == 0 && all > 400, "{none} {all}");
        // Not exactly one: what a thread of the compiler had before goes into Cranelift's key of a function.
        let (same, new) = compile(folder.path(), 2);
        assert!(same > 300 && (1..100).contains(&new), "{same} {new}");
        let kept = |plugin| Functions::of(folder.path(), plugin).known.len();
        assert_eq!(kept("p"), same + new, "what is gone is not kept");
        assert_eq!(kept("q"), 0, "another plugin has its own");
    }

    #[test]
    fn what_is_broken_is_read_as_far_as_it_is_whole() {
        let (one, two) = ((vec![1], vec![2; 9]), (vec![3, 4], vec![]));
        let bytes = write([(&one.0, &one.1), (&two.0, &two.1)].into_iter());
        assert_eq!(read(&bytes), HashMap::from([one.clone(), two]));
        assert_eq!(read(&bytes[..bytes.len() - 1]), HashMap::from([one]));
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).len() < 2, "{cut}");
        }
        assert_eq!(read(&[0xff; 40]), HashMap::new());
    }
}
