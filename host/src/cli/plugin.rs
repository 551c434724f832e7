//! `tollgate plugin ...`: look at plugins, make new ones.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::look::{Looker, wasm_files};
use super::{Failed, grants, write_whole};
use crate::config::{self, model};
use crate::plugin::Descriptor;
use crate::plugin::capability::Capability;
use crate::plugin::load;
use crate::{gateway, lock, plain};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the built-in plugins, and those in the plugins folder
    List(super::Config),
    /// Show what a component is, what it imports and exports, and what it wants
    Inspect(Inspect),
    /// Make a folder with a new plugin in Rust
    New(New),
    /// Compile a plugin in Rust to a component
    Build(Build),
}

#[derive(Debug, clap::Args)]
pub(super) struct Inspect {
    /// A .wasm file, or the name of a built-in
    file: PathBuf,
    /// Also show what the plugins of this config that use it are granted, and what they lack
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct New {
    /// The folder to make; its name is the plugin's
    folder: PathBuf,
    /// Where the SDK is: the folder `plugin-sdk` of a Tollgate checkout
    #[arg(long, value_name = "FOLDER", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin-sdk"))]
    sdk: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct Build {
    /// The folder with the plugin's Cargo.toml
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Where to put the component: a folder (`plugins_dir`, say) or a .wasm file
    #[arg(short, long, value_name = "PATH", default_value = ".")]
    out: PathBuf,
}

pub(super) fn run(command: Command) -> Result<(), Failed> {
    match command {
        Command::List(config) => list(&config.config),
        Command::Inspect(arguments) => inspect(&arguments.file, arguments.config.as_deref()),
        Command::New(arguments) => new(&arguments),
        Command::Build(arguments) => build(&arguments),
    }
}

fn list(path: &Path) -> Result<(), Failed> {
    let looker = Looker::new()?;
    say!("built in:");
    for name in gateway::built_ins() {
        let Some(bytes) = gateway::built_in(name) else { continue };
        say!("  {name:<16} {}", looker.line(bytes));
    }
    // Without a config there is no folder to look into, and that is fine.
    if !path.exists() {
        return Ok(());
    }
    let folder = config::load(path, &gateway::built_ins())?.config.server.plugins_dir;
    say!("in {}:", folder.display());
    for file in wasm_files(&folder) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let line =
            load::read(&file).map_or_else(|error| format!("cannot be used: {error}"), |bytes| looker.line(&bytes));
        say!("  {name:<16} {line}");
    }
    Ok(())
}

/// Why one plugin costs more for each call than another.
const PLAIN: &str = "directly: it is one module in a plain wrapping";
const GENERAL: &str = "through the component layer, for it is more than one module that uses tollgate:plugin alone; a hook costs about a microsecond more";

/// The built-in that a name with no file is a misspelling of, as a line of help.
fn meant_built_in(file: &Path) -> String {
    let near = file.to_str().and_then(|name| config::suggest::nearest(name, gateway::built_ins()));
    near.map_or_else(String::new, |near| format!("\n  = help: did you mean the built-in `{near}`?"))
}

fn inspect(file: &Path, config: Option<&Path>) -> Result<(), Failed> {
    let named = file.to_str().and_then(gateway::built_in).filter(|_| !file.exists());
    let bytes = match named {
        Some(bytes) => bytes.to_vec(),
        None => load::read(file).map_err(|error| Failed(format!("error: {error}{}", meant_built_in(file))))?,
    };
    let loaded =
        Looker::new()?.look(&bytes).map_err(|problem| Failed(format!("error: {}: {problem}", file.display())))?;
    let described = &loaded.descriptor;
    say!("{} {}: {}", described.name, described.version, described.summary);
    say!("SHA-256: {}", lock::hex(&Sha256::digest(&bytes).into()));
    say!("called: {}", if loaded.is_plain() { PLAIN } else { GENERAL });
    print_list("exports", &loaded.exports);
    print_list("imports", &loaded.imports);
    say!("wants:");
    for (wanted, reason) in &described.wants {
        say!("  {wanted}: {reason}");
        if let Some(capability) = Capability::named(wanted) {
            say!("    to grant it, {}", capability.advice("NAME"));
        }
    }
    if described.may_call {
        say!("  nothing that has to be granted, but {}", grants::MAY_CALL);
        say!("    to grant it calls, {}", Capability::HttpClient.advice("NAME"));
    } else if described.wants.is_empty() {
        say!("  nothing that has to be granted");
    }
    match serde_json::from_str::<serde_json::Value>(&described.config_schema) {
        Ok(schema) => say!("config schema:\n{}", plain::lines(&format!("{schema:#}"))),
        Err(_) if described.config_schema.is_empty() => say!("config schema:\n  none: it takes no config"),
        Err(error) => say!("config schema:\n  not valid JSON: {error}"),
    }
    config.map_or(Ok(()), |path| say_uses(&bytes, described, path))
}

/// What the plugins of a config that use this component are granted.
fn say_uses(bytes: &[u8], described: &Descriptor, path: &Path) -> Result<(), Failed> {
    let config = config::load(path, &gateway::built_ins())?.config;
    say!("in {}:", path.display());
    let is_used = |settings: &&model::Plugin| match &settings.component {
        model::Component::BuiltIn(name) => gateway::built_in(name) == Some(bytes),
        model::Component::File(file) => load::read(file).is_ok_and(|found| found == bytes),
    };
    let mut uses = config.plugins.iter().filter(is_used).peekable();
    if uses.peek().is_none() {
        say!("  no plugin uses it");
    }
    for settings in uses {
        say!("  plugin {}", settings.name);
        grants::say(settings, &config.upstreams, described);
    }
    Ok(())
}

fn print_list(title: &str, names: &[String]) {
    say!("{title}:");
    for name in names {
        say!("  {name}");
    }
}

fn new(arguments: &New) -> Result<(), Failed> {
    let sdk = arguments.sdk.canonicalize().map_err(|error| {
        Failed(format!("error: no SDK in {}: {error}; name it with --sdk", arguments.sdk.display()))
    })?;
    tollgate_plugin_builder::new_crate(&arguments.folder, &sdk)?;
    let folder = arguments.folder.display();
    say!("made {folder}; next: edit {folder}/src/lib.rs, then tollgate plugin build {folder} --out plugins");
    Ok(())
}

fn build(arguments: &Build) -> Result<(), Failed> {
    let built = tollgate_plugin_builder::build_one(&arguments.folder)?;
    let looked =
        Looker::new()?.look(&built.wasm).map_err(|problem| Failed(format!("error: {}: {problem}", built.name)))?;
    let is_file = arguments.out.extension().is_some_and(|extension| extension == "wasm");
    let file = if is_file { arguments.out.clone() } else { arguments.out.join(format!("{}.wasm", built.name)) };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| write_whole(&file, &built.wasm))
        .map_err(|error| Failed(format!("error: cannot write {}: {error}", file.display())))?;
    say!(
        "wrote {} ({} {}, {} KiB)",
        file.display(),
        looked.descriptor.name,
        looked.descriptor.version,
        built.wasm.len() / 1024
    );
    Ok(())
}
