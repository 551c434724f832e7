//! Knowing that a file has changed.
//!
//! Folders are watched, not files: an editor that writes a new file and renames it, or a symlink
//! that is swapped (a mounted `ConfigMap`), changes which file a name means. Folders on the way of
//! a symlink are watched too. The kernel's word is only a hint; what counts is whether the
//! content, read through the name, is another. So polling, where the kernel has no word (NFS, some
//! bind mounts), is the same without the hint.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::SystemTime;

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::Event;
use crate::config::model::WatchMode;

/// Symlinks followed from one name.
const MAX_LINKS: usize = 16;
/// What is looked for in folders that are watched as such: parts of the config, and plugins.
const EXTENSIONS: [&str; 2] = ["toml", "wasm"];

pub(super) struct Watch {
    events: mpsc::Sender<Event>,
    mode: WatchMode,
    /// `None` without events, wanted or not to be had.
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    files: BTreeMap<PathBuf, Option<Stamp>>,
    /// Names that matter in the folders. There may be busy files beside them, such as a log.
    names: Arc<Mutex<BTreeSet<PathBuf>>>,
}

/// What tells one version of a file from the next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stamp {
    File {
        real: PathBuf,
        modified: Option<SystemTime>,
        length: u64,
        inode: u64,
    },
    /// The files in it that may matter, and when each was written.
    Folder(BTreeSet<(PathBuf, Option<SystemTime>)>),
}

impl Watch {
    pub(super) fn new(events: mpsc::Sender<Event>) -> Self {
        let (folders, files) = (BTreeSet::new(), BTreeMap::new());
        Self { events, mode: WatchMode::Off, watcher: None, folders, files, names: Arc::default() }
    }

    /// Watches these files, and which files there are in the plugins' folder.
    pub(super) fn set(&mut self, mode: WatchMode, files: BTreeSet<PathBuf>, plugins_dir: &Path) {
        if self.mode != mode {
            self.mode = mode;
            self.folders.clear();
            self.watcher = (mode == WatchMode::Events).then(|| self.watcher()).flatten();
        }
        // The folder itself: a file that is put there may be just what a broken config was missing.
        let files: BTreeSet<PathBuf> = files.into_iter().chain([plugins_dir.to_owned()]).collect();
        let names: BTreeSet<PathBuf> = files.iter().flat_map(|file| names_of(file)).collect();
        if let Some(watcher) = &mut self.watcher {
            let folders = folders_of(&names);
            *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names;
            for gone in self.folders.difference(&folders) {
                // A folder that was removed is watched no more by itself.
                drop(watcher.unwatch(gone));
            }
            for folder in &folders {
                // Watching again is harmless, and needed where a folder was removed and made anew.
                drop(watcher.watch(folder, RecursiveMode::NonRecursive));
            }
            self.folders = folders;
        }
        // Stamps that are known stay: a change between the build and now must not be missed.
        let mut known = std::mem::take(&mut self.files);
        self.files =
            files.into_iter().map(|file| (file.clone(), known.remove(&file).unwrap_or_else(|| stamp(&file)))).collect();
    }

    /// Whether any of the files has another content than when this was last asked. Never, where the
    /// operator does not want it.
    pub(super) fn contents_changed(&mut self) -> bool {
        let mut changed = false;
        for (file, known) in &mut self.files {
            let now = stamp(file);
            changed |= now != *known;
            *known = now;
        }
        changed && self.mode != WatchMode::Off
    }

    fn watcher(&self) -> Option<RecommendedWatcher> {
        let (events, names) = (self.events.clone(), Arc::clone(&self.names));
        let watcher = notify::recommended_watcher(move |found: notify::Result<notify::Event>| {
            if let Some(hint) = hint(found, &names.lock().unwrap_or_else(PoisonError::into_inner)) {
                drop(events.send(hint));
            }
        });
        watcher.inspect_err(|error| tracing::warn!(%error, "no file watch; files are looked at every few seconds")).ok()
    }
}

/// What an event of the kernel's tells, if it is one that matters.
fn hint(found: notify::Result<notify::Event>, names: &BTreeSet<PathBuf>) -> Option<Event> {
    // A watch that lost events may have lost a change.
    let Ok(event) = found else { return Some(Event::Changed) };
    let matters = |path: &PathBuf| names.contains(path) || may_matter(path);
    // A folder that is removed is told of by its own name.
    if !event.need_rescan() && !event.kind.is_remove() && !event.paths.iter().any(matters) {
        return None;
    }
    match event.kind {
        // Reading is not changing, but who closes a file has written all of it.
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Event::Changed),
        EventKind::Access(_) => None,
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Data(_)) => Some(Event::BeingWritten),
        _ => Some(Event::Changed),
    }
}

/// Whether a file may matter by the mere fact that it is in a folder that is watched.
fn may_matter(file: &Path) -> bool {
    file.extension().is_some_and(|extension| EXTENSIONS.iter().any(|matters| extension == *matters))
}

/// The names whose meaning decides what `file` means: its own, and every symlink on the way.
fn names_of(file: &Path) -> BTreeSet<PathBuf> {
    let mut names = BTreeSet::new();
    let mut name = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    for _ in 0..MAX_LINKS {
        names.insert(name.clone());
        let Some(parent) = name.parent().map(Path::to_owned) else { break };
        // A folder that is a symlink (`..data` of a ConfigMap) is swapped in its own parent.
        if parent.is_symlink() {
            names.insert(parent.clone());
        }
        match std::fs::read_link(&name) {
            Ok(target) => name = parent.join(target),
            Err(_) => break,
        }
    }
    names
}

/// The folders these names are in, and those they are.
fn folders_of(names: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let folders = names.iter().flat_map(|name| [Some(name.as_path()), name.parent()]);
    folders.flatten().filter(|folder| folder.is_dir()).map(Path::to_owned).collect()
}

fn stamp(file: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt as _;
    let real = std::fs::canonicalize(file).ok()?;
    let found = std::fs::metadata(&real).ok()?;
    if found.is_dir() {
        let entries = std::fs::read_dir(&real).ok()?;
        let written = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.ok().map(|entry| entry.path()).filter(|path| may_matter(path))?;
            let modified = std::fs::metadata(&path).and_then(|found| found.modified()).ok();
            Some((path, modified))
        };
        return Some(Stamp::Folder(entries.filter_map(written).collect()));
    }
    Some(Stamp::File { real, modified: found.modified().ok(), length: found.len(), inode: found.ino() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tollgate-watch-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn watching(files: &[&Path]) -> (Watch, mpsc::Receiver<Event>) {
        let (events, received) = mpsc::channel();
        let mut watch = Watch::new(events);
        watch.set(WatchMode::Events, files.iter().map(|file| (*file).to_owned()).collect(), Path::new("/nowhere"));
        (watch, received)
    }

    fn wait_for_change(received: &mpsc::Receiver<Event>) {
        received.recv_timeout(std::time::Duration::from_secs(5)).expect("the kernel tells of the change");
    }

    #[test]
    fn a_file_renamed_over_another_is_a_change() {
        let folder = folder("rename");
        let (file, new) = (folder.join("a"), folder.join("a.new"));
        std::fs::write(&file, "1").unwrap();
        let (mut watch, received) = watching(&[&file]);
        assert!(!watch.contents_changed());
        std::fs::write(&new, "2").unwrap();
        std::fs::rename(&new, &file).unwrap();
        wait_for_change(&received);
        assert!(watch.contents_changed());
        assert!(!watch.contents_changed());
    }

    #[test]
    fn a_swapped_symlink_to_a_folder_is_a_change() {
        let folder = folder("symlink");
        for version in ["v1", "v2"] {
            std::fs::create_dir(folder.join(version)).unwrap();
            std::fs::write(folder.join(version).join("a"), version).unwrap();
        }
        std::os::unix::fs::symlink("v1", folder.join("data")).unwrap();
        std::os::unix::fs::symlink("data/a", folder.join("a")).unwrap();
        let file = folder.join("a");
        let (mut watch, received) = watching(&[&file]);
        std::os::unix::fs::symlink("v2", folder.join("data.new")).unwrap();
        std::fs::rename(folder.join("data.new"), folder.join("data")).unwrap();
        wait_for_change(&received);
        assert!(watch.contents_changed());
    }

    #[test]
    fn a_file_that_comes_back_is_a_change() {
        let folder = folder("back");
        let file = folder.join("a");
        std::fs::write(&file, "1").unwrap();
        let (mut watch, _received) = watching(&[&file]);
        std::fs::remove_file(&file).unwrap();
        assert!(watch.contents_changed());
        std::fs::write(&file, "1").unwrap();
        assert!(watch.contents_changed());
    }
}
