//! `tollgate schema`: one JSON Schema of the whole config, for editors.

use std::path::{Path, PathBuf};

use super::Failed;
use super::look::{Looker, wasm_files};
use crate::config::{self, Described};
use crate::gateway;
use crate::plugin::load;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder with the plugins that are not built in: the config's `server.plugins_dir`
    // Not read from the config: an editor needs the schema while the config is still broken.
    #[arg(long, value_name = "FOLDER", default_value = "plugins")]
    plugins_dir: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failed> {
    let looker = Looker::new()?;
    let mut plugins = Vec::new();
    for name in gateway::built_ins() {
        let Some(bytes) = gateway::built_in(name) else { continue };
        let plugin = describe(&looker, bytes, vec![name.to_owned()]);
        plugins.push(plugin.map_err(|problem| Failed(format!("error: built-in {name}: {problem}")))?);
    }
    for file in wasm_files(&arguments.plugins_dir) {
        match describe_file(&looker, &file) {
            Ok(plugin) => plugins.push(plugin),
            // One bad file must not cost the editor all the others.
            Err(problem) => eprintln!("warning: left out {}: {problem}", file.display()),
        }
    }
    say!("{:#}", config::editor_schema(&plugins));
    Ok(())
}

/// A file goes by its name, and by its name without `.wasm`.
fn describe_file(looker: &Looker, file: &Path) -> Result<Described, String> {
    let bytes = load::read(file).map_err(|error| error.to_string())?;
    let names = [file.file_name(), file.file_stem()].into_iter().flatten();
    describe(looker, &bytes, names.map(|name| name.to_string_lossy().into_owned()).collect())
}

fn describe(looker: &Looker, bytes: &[u8], names: Vec<String>) -> Result<Described, String> {
    Described::new(names, &looker.look(bytes)?.descriptor.config_schema)
}
