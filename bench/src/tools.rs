//! Where the programs are, and how old.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Outcome;
use crate::args::Args;
use crate::peer::Peer;

/// Files the peers need. `scripts/setup-bench` puts there what is not the system's.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) tollgate: PathBuf,
    /// Folder of compiled guests, and of Tollgate's code cache.
    pub(crate) guests: PathBuf,
    python: PathBuf,
    pub(crate) node_modules: PathBuf,
}

impl Tools {
    pub(crate) fn of(args: &Args) -> Outcome<Self> {
        let scratch = absolute(&args.scratch)?;
        Ok(Self {
            tollgate: absolute(&args.tollgate)?,
            guests: scratch.join("guests"),
            python: scratch.join("python"),
            node_modules: scratch.join("node/node_modules"),
        })
    }

    /// Envoy's binary itself: the package's `envoy` is a script that stays beside it.
    pub(crate) fn envoy(&self) -> PathBuf {
        let folders = self.python.join("lib").read_dir().into_iter().flatten().flatten();
        let mut binaries = folders.map(|python| python.path().join("site-packages/envoy/_bin/envoy"));
        binaries.find(|path| path.exists()).unwrap_or_else(|| self.python.join("bin/envoy"))
    }

    pub(crate) fn caddy(&self) -> PathBuf {
        self.python.join("bin/caddy")
    }

    /// The peer's version; the error says that it is not there.
    pub(crate) fn version(&self, peer: Peer) -> Outcome<String> {
        let word = |text: String, at: usize| text.split_whitespace().nth(at).unwrap_or_default().to_owned();
        match peer {
            Peer::Tollgate => output(&self.tollgate, &["--version"]).map(|text| word(text, 1)),
            // `nginx version: nginx/1.22.1`
            Peer::Nginx => output("nginx", &["-v"]).map(|text| word(text, 2).replace("nginx/", "")),
            Peer::Haproxy => output("haproxy", &["-v"]).map(|text| word(text, 2)),
            // `...  version: HASH/1.40.0/Clean/RELEASE/BoringSSL`
            Peer::Envoy => output(self.envoy(), &["--version"])
                .map(|text| text.split('/').rev().nth(3).unwrap_or_default().to_owned()),
            Peer::Caddy => output(self.caddy(), &["version"]).map(|text| word(text, 0).replace('v', "")),
            Peer::Express => self.node_package("express"),
            Peer::Apollo => self.node_package("@apollo/server"),
            // `varnishd (varnish-7.1.1 revision ...)`
            Peer::Varnish => output("varnishd", &["-V"]).map(|text| word(text, 1).replace("(varnish-", "")),
        }
    }

    fn node_package(&self, name: &str) -> Outcome<String> {
        // Not `require`: a package need not export its `package.json`.
        let path = self.node_modules.join(name).join("package.json");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let package: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let node = output("node", &["--version"])?;
        Ok(format!("{} on Node {}", package["version"].as_str().unwrap_or_default(), node.trim()))
    }
}

/// What a program prints, wherever it prints it.
pub(crate) fn output(program: impl AsRef<Path>, args: &[&str]) -> Outcome<String> {
    let program = program.as_ref();
    let output = Command::new(program).args(args).output();
    let output = output.map_err(|error| format!("{} is not there: {error}", program.display()))?;
    if !output.status.success() {
        return Err(format!("{} {}: {}", program.display(), args.join(" "), output.status));
    }
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

pub(crate) fn absolute(path: &Path) -> Outcome<PathBuf> {
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}
