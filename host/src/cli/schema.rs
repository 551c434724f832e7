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
    let built_ins = gateway::built_ins();
    let mut plugins = Vec::new();
    for name in &built_ins {
        let Some(bytes) = gateway::built_in(name) else { continue };
        let found = looker.look(bytes).map_err(|problem| Failed(format!("error: built-in {name}: {problem}")))?;
        plugins.push(Described { names: vec![(*name).to_owned()], config_schema: found.descriptor.config_schema });
    }
    for file in wasm_files(&arguments.plugins_dir) {
        match describe(&looker, &file) {
            Ok(plugin) => plugins.push(plugin),
            // One bad file must not cost the editor all the others.
            Err(problem) => eprintln!("warning: left out {}: {problem}", file.display()),
        }
    }
    let schema = config::editor_schema(&plugins).map_err(|problem| Failed(format!("error: {problem}")))?;
    say!("{schema:#}");
    Ok(())
}

/// A file goes by its name, and by its name without `.wasm`.
fn describe(looker: &Looker, file: &Path) -> Result<Described, String> {
    let bytes = load::read(file).map_err(|error| error.to_string())?;
    let config_schema = looker.look(&bytes)?.descriptor.config_schema;
    let names = [file.file_name(), file.file_stem()].into_iter().flatten();
    let plugin = Described { names: names.map(|name| name.to_string_lossy().into_owned()).collect(), config_schema };
    // Tried by itself, so that what is wrong with it is told of this file.
    config::editor_schema(std::slice::from_ref(&plugin)).map(|_| plugin)
}
