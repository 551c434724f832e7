//! A new plugin's folder, from the template.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

const CARGO_TOML: &str = include_str!("../../templates/rust/Cargo.toml");
const LIB_RS: &str = include_str!("../../templates/rust/src/lib.rs");
const GITIGNORE: &str = include_str!("../../templates/rust/gitignore");

/// The names the template stands under, so that it compiles where it is.
const TEMPLATE_NAME: &str = "my-plugin";
const TEMPLATE_SDK: &str = "\"../..\"";

/// By `lifecycle.descriptor.name`.
const MAX_NAME: usize = 64;

/// Makes a folder with a plugin that compiles, named like the folder, using the SDK in folder `sdk`.
///
/// The folder must not exist, or be empty. Its name must be a plugin's: lower case letters, digits
/// and `-`, a letter first, at most 64 characters.
pub fn new_crate(folder: &Path, sdk: &Path) -> Result<()> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if !is_plugin_name(name) {
        let text = format!(
            "`{name}` is no plugin's name: lower case letters, digits and `-`, a letter first, at most {MAX_NAME}"
        );
        return Err(Error::new(ErrorKind::InvalidInput, text));
    }
    let taken = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if taken {
        let text = format!("{} is there already and not empty", folder.display());
        return Err(Error::new(ErrorKind::AlreadyExists, text));
    }
    let sdk = format!("{:?}", sdk.display().to_string());
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), CARGO_TOML.replace(TEMPLATE_NAME, name).replace(TEMPLATE_SDK, &sdk))?;
    fs::write(folder.join("src/lib.rs"), LIB_RS.replace(TEMPLATE_NAME, name))?;
    fs::write(folder.join(".gitignore"), GITIGNORE)
}

fn is_plugin_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_a_plugin_may_have() {
        assert!(is_plugin_name("rate-limit2"));
        for name in ["", "Rate", "2fast", "a_b", "-a", &"a".repeat(65)] {
            assert!(!is_plugin_name(name), "{name}");
        }
    }

    #[test]
    fn the_new_crate_has_its_own_name_and_the_sdk_it_was_given() {
        let folder =
            std::env::temp_dir().join(format!("tollgate-new-crate-{}", std::process::id())).join("tenant-check");
        new_crate(&folder, Path::new("/sdk")).unwrap();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"tenant-check\""), "{manifest}");
        assert!(manifest.contains("tollgate-plugin-sdk = { path = \"/sdk\" }"), "{manifest}");
        let again = new_crate(&folder, Path::new("/sdk")).unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    }
}
