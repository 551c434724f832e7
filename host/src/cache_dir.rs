//! Where compiled plugins are kept between runs.
//!
//! What is in there is executed, so it must be writable by nobody else: the folder is made with
//! mode 700, and one that others could write to is not used.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// `$TOLLGATE_CACHE_DIR`, or `tollgate` in the user's cache folder. `None` where there is none that
/// is safe: the gateway then compiles plugins by itself, at each start.
pub fn find() -> Option<PathBuf> {
    let folder = candidate()?;
    match prepare(&folder) {
        Ok(()) => Some(folder),
        Err(problem) => {
            tracing::warn!(folder = %folder.display(), "no code cache, so the gateway compiles plugins by itself at each start: {problem}");
            None
        }
    }
}

fn candidate() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("TOLLGATE_CACHE_DIR")
        .or_else(|| named("XDG_CACHE_HOME").map(|folder| folder.join("tollgate")))
        .or_else(|| named("HOME").map(|folder| folder.join(".cache/tollgate")))
        .filter(|folder| folder.is_absolute())
}

fn prepare(folder: &Path) -> Result<(), String> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| error.to_string())?;
    let found = std::fs::metadata(folder).map_err(|error| error.to_string())?;
    let own = std::fs::metadata("/proc/self").map_err(|error| error.to_string())?.uid();
    if found.uid() != own {
        return Err("it belongs to another user".into());
    }
    if found.permissions().mode() & 0o022 != 0 {
        return Err("others may write to it; `chmod go-w` it".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_others_may_write_to_is_not_used() {
        let folder = std::env::temp_dir().join(format!("tollgate-cache-test-{}", std::process::id()));
        prepare(&folder).unwrap();
        assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(prepare(&folder).unwrap_err().contains("others may write"));
        std::fs::remove_dir(&folder).unwrap();
    }
}
