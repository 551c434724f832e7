//! `tollgate.lock`: which version of each plugin may be loaded.
//!
//! `tollgate lock` writes it beside the config. With `--locked` nothing else is loaded; without, what
//! differs is warned of. A component is judged by its bytes, before any of it is compiled or run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::Diagnostic;

/// Largest lock file, in bytes: some ten thousand plugins.
const MAX_FILE: u64 = 4 << 20;
/// What a lock file begins with.
const HEAD: &str = "# Written by `tollgate lock`. With `--locked` the gateway loads exactly these plugins.\n";

/// What is done about a plugin that is not the pinned one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is refused, and so is a config without a lock file.
    Enforce,
    /// It is warned of, where there is a lock file.
    Warn,
}

/// What a lock file says, or that there is none.
#[derive(Debug)]
pub struct Pins {
    file: PathBuf,
    mode: Mode,
    lock: Option<Lock>,
    /// A lock file that cannot be used, where none is needed.
    broken: Option<Diagnostic>,
}

/// A lock file's content.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// By the name of the plugin's table.
    #[serde(default)]
    pub plugins: BTreeMap<String, Pin>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// What the component says of itself. For people; the hash decides.
    pub version: String,
    /// Of the component's bytes, in hex.
    pub sha256: String,
}

/// The lock file of a config: `tollgate.lock` for `tollgate.toml`, and in a folder of configs.
pub fn file_of(config: &Path) -> PathBuf {
    if config.is_dir() { config.join("tollgate.lock") } else { config.with_extension("lock") }
}

impl Pins {
    /// Reads the lock file of a config.
    pub fn read(config: &Path, mode: Mode) -> Result<Self, Diagnostic> {
        let file = file_of(config);
        let (lock, broken) = match parse(&file) {
            Ok(lock) => (lock, None),
            Err(broken) if mode == Mode::Enforce => return Err(broken),
            Err(broken) => (None, Some(broken)),
        };
        if lock.is_none() && mode == Mode::Enforce {
            return Err(Diagnostic::new(format!("`--locked` needs a lock file, and there is no `{}`", file.display()))
                .help("look at the plugins, then pin them with `tollgate lock`"));
        }
        Ok(Self { file, mode, lock, broken })
    }

    /// No lock file is read: for who is about to write one.
    pub fn none() -> Self {
        Self { file: PathBuf::new(), mode: Mode::Warn, lock: None, broken: None }
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn broken(&self) -> Option<&Diagnostic> {
        self.broken.as_ref()
    }

    /// What is wrong with a component by its bytes: the message, and what to do.
    pub fn judge_content(&self, plugin: &str, sha256: &[u8; 32]) -> Option<(String, String)> {
        let found = hex(sha256);
        let file = self.file.display();
        match self.lock.as_ref()?.plugins.get(plugin) {
            None => Some((
                format!("plugin `{plugin}` is not in `{file}`; the SHA-256 of its component is {found}"),
                "if that is the one you want, pin it with `tollgate lock`".into(),
            )),
            Some(pin) if !pin.sha256.eq_ignore_ascii_case(&found) => Some((
                format!(
                    "plugin `{plugin}` is not the one in `{file}`: the SHA-256 of its component is {found}, pinned is {} (version {})",
                    pin.sha256, pin.version
                ),
                format!("put version {} back, or pin the new one with `tollgate lock`", pin.version),
            )),
            Some(_) => None,
        }
    }

    /// What is wrong with what a component of the pinned bytes says of itself.
    pub fn judge_version(&self, plugin: &str, version: &str) -> Option<(String, String)> {
        let pin = self.lock.as_ref()?.plugins.get(plugin).filter(|pin| pin.version != version)?;
        let (pinned, file) = (&pin.version, self.file.display());
        Some((
            format!(
                "plugin `{plugin}` has the bytes that are pinned in `{file}`, but says it is version {version}, not {pinned}"
            ),
            "the lock file was changed by hand; write it anew with `tollgate lock`".into(),
        ))
    }
}

impl Lock {
    /// The file's text: the plugins in the order of their names.
    pub fn text(&self) -> Result<String, toml::ser::Error> {
        Ok(format!("{HEAD}\n{}", toml::to_string(self)?))
    }
}

/// A hash as people compare it.
pub fn hex(hash: &[u8; 32]) -> String {
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn parse(file: &Path) -> Result<Option<Lock>, Diagnostic> {
    let text = match read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Diagnostic::new(format!("cannot read `{}`: {error}", file.display()))),
    };
    toml::from_str(&text).map(Some).map_err(|error| {
        Diagnostic::new(format!("`{}` is no lock file: {}", file.display(), error.to_string().trim_end()))
            .help("write it anew with `tollgate lock`")
    })
}

fn read(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(std::io::Error::other(format!("it is larger than {} MiB", MAX_FILE >> 20)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(lock: Lock) -> Pins {
        Pins { file: "tollgate.lock".into(), mode: Mode::Enforce, lock: Some(lock), broken: None }
    }

    fn lock_of(plugin: &str, version: &str, hash: [u8; 32]) -> Lock {
        let pin = Pin { version: version.into(), sha256: hex(&hash) };
        Lock { plugins: BTreeMap::from([(plugin.to_owned(), pin)]) }
    }

    #[test]
    fn a_lock_file_is_read_back_as_it_was_written() {
        let lock = lock_of("a.b", "1.0", [0xab; 32]);
        let text = lock.text().unwrap();
        assert!(
            text.starts_with(HEAD) && text.contains("[plugins.\"a.b\"]\nversion = \"1.0\"\nsha256 = \"abab"),
            "{text}"
        );
        assert_eq!(toml::from_str::<Lock>(&text).unwrap(), lock);
    }

    #[test]
    fn other_bytes_no_entry_and_another_version_are_each_told_of() {
        let pins = pins(lock_of("jwt", "1.0", [1; 32]));
        assert_eq!(pins.judge_content("jwt", &[1; 32]), None);
        assert_eq!(pins.judge_version("jwt", "1.0"), None);
        let (other, help) = pins.judge_content("jwt", &[2; 32]).unwrap();
        assert!(other.contains(&hex(&[1; 32])) && other.contains(&hex(&[2; 32])), "{other}");
        assert!(help.contains("tollgate lock"), "{help}");
        let (missing, _) = pins.judge_content("new", &[2; 32]).unwrap();
        assert!(missing.contains("is not in `tollgate.lock`") && missing.contains(&hex(&[2; 32])), "{missing}");
        let (version, _) = pins.judge_version("jwt", "2.0").unwrap();
        assert!(version.contains("version 2.0, not 1.0"), "{version}");
    }

    #[test]
    fn a_lock_file_lies_beside_its_config_and_has_its_name() {
        assert_eq!(file_of(Path::new("conf/tollgate.toml")), Path::new("conf/tollgate.lock"));
        assert_eq!(file_of(Path::new("/")), Path::new("/tollgate.lock"));
    }
}
