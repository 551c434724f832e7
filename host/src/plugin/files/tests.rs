//! What can be read through grants, on a real disk.

use std::fs;
use std::os::unix::fs::symlink;

use proptest::prelude::*;

use super::*;

/// `config/` with some files, and `outside` beside it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    fs::create_dir_all(config.join("geo/eu")).unwrap();
    fs::create_dir_all(folder.path().join("outside")).unwrap();
    for (file, content) in [
        ("list.txt", "list"),
        ("geo/a.csv", "a"),
        ("geo/.hidden.csv", "h"),
        ("geo/eu/b.csv", "b"),
        ("tollgate.toml", "t"),
    ] {
        fs::write(config.join(file), content).unwrap();
    }
    fs::write(folder.path().join("outside/secret.csv"), "secret").unwrap();
    folder
}

fn files(folder: &tempfile::TempDir, grants: &[&str]) -> Files {
    let config = folder.path().join("config");
    Files::new(grants.iter().map(|text| FileGrant::parse(text, &config).unwrap()).collect(), config)
}

fn denied(result: &Result<Vec<u8>, FileError>) -> bool {
    matches!(result, Err(FileError::Denied(_)))
}

#[test]
fn what_a_pattern_matches_is_read_and_nothing_else() {
    let folder = folder();
    let files = files(&folder, &["list.txt", "geo/*.csv"]);
    assert_eq!(files.read("list.txt", 100), Ok(b"list".to_vec()));
    assert_eq!(files.read("geo/a.csv", 100), Ok(b"a".to_vec()));
    assert_eq!(files.read("geo/none.csv", 100), Err(FileError::NotFound));
    for name in [
        "tollgate.toml",
        "geo/eu/b.csv",
        "geo/.hidden.csv",
        "geo/../tollgate.toml",
        "geo/../../outside/secret.csv",
        "./list.txt",
        "geo//a.csv",
        "/etc/passwd",
        "geo/..\\x.csv",
        "geo/a.csv\0.csv",
        "",
    ] {
        assert!(denied(&files.read(name, 100)), "{name}");
    }
    let nested =
        super::Files::new(vec![FileGrant::parse("geo/**/*.csv", &files.folder).unwrap()], files.folder.clone());
    assert_eq!(nested.read("geo/eu/b.csv", 100), Ok(b"b".to_vec()));
}

#[test]
fn a_link_is_followed_within_its_folder_and_never_out_of_it() {
    let folder = folder();
    let config = folder.path().join("config");
    symlink("a.csv", config.join("geo/inside.csv")).unwrap();
    symlink("../../outside/secret.csv", config.join("geo/outside.csv")).unwrap();
    symlink("../tollgate.toml", config.join("geo/config.csv")).unwrap();
    symlink("../../outside", config.join("geo/folder")).unwrap();
    symlink(folder.path().join("outside"), config.join("linked")).unwrap();
    let files = files(&folder, &["geo/**/*.csv", "geo/*.csv", "linked/*.csv"]);
    assert_eq!(files.read("geo/inside.csv", 100), Ok(b"a".to_vec()));
    for name in ["geo/outside.csv", "geo/config.csv", "geo/folder/secret.csv"] {
        assert!(denied(&files.read(name, 100)), "{name}");
    }
    // The operator named this folder, wherever it is.
    assert_eq!(files.read("linked/secret.csv", 100), Ok(b"secret".to_vec()));
}

#[test]
fn what_is_too_large_or_no_file_is_an_error() {
    let folder = folder();
    let files = files(&folder, &["list.txt", "geo/*"]);
    assert_eq!(files.read("list.txt", 4), Ok(b"list".to_vec()));
    assert_eq!(files.read("list.txt", 3), Err(FileError::TooLarge));
    assert_eq!(files.read("geo/eu", 100), Err(FileError::Unreadable("it is not a file".into())));
}

#[test]
fn a_grant_that_is_no_pattern_or_leads_upwards_is_refused() {
    for text in ["", "/etc/*", "../x", "geo/../x", "a//b", "geo/", "[a", "a/**b"] {
        assert!(FileGrant::parse(text, Path::new("/config")).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_name_gets_out(name in "(geo|outside|\\.\\.|\\.|/|\\*|secret\\.csv|\\PC){0,12}") {
        let folder = folder();
        let files = files(&folder, &["**/*", "*"]);
        prop_assert_ne!(files.read(&name, 100), Ok(b"secret".to_vec()));
    }
}
