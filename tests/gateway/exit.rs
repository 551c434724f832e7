//! What a command's exit code says: 0, it did its work; 1, it did not; 2, it was not understood.

use std::process::{Command, Output};

use tokio::net::TcpListener;
use tollgate_tests::{Gateway, binary, config};

const ROUTE_TO_NOWHERE: &str = "[[routes]]\npath = \"/\"\nupstream = \"wbe\"\n";

/// Runs the gateway's binary beside a config that has an error.
fn run(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tollgate.toml"), ROUTE_TO_NOWHERE).unwrap();
    Command::new(binary::path()).current_dir(folder.path()).args(arguments).output().unwrap()
}

#[test]
fn a_command_line_that_is_wrong_is_2_and_standard_error_says_what_is() {
    for (arguments, named) in [
        (&["run", "--fast"][..], "--fast"),
        (&["walk"], "walk"),
        (&["check", "--config"], "--config"),
        (&["run", "tollgate.toml"], "tollgate.toml"),
    ] {
        let output = run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
    }
}

#[test]
fn a_config_with_an_error_is_1_whatever_is_to_be_done_with_it() {
    for command in ["run", "check", "lock"] {
        let output = run(&[command]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains("wbe"), "{command}: {said}");
    }
}

#[test]
fn a_built_in_that_is_misspelled_is_1_and_guessed() {
    let output = run(&["plugin", "inspect", "jwt-aut"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("did you mean the built-in `jwt-auth`?"), "{said}");
}

#[test]
fn what_only_asks_for_help_is_0() {
    for arguments in [&["--help"][..], &["run", "-h"], &["--version"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_1_and_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let config = config().listen(address.port()).upstream("web", ["http://127.0.0.1:1"]).route("/", "web");
    let said = Gateway::with(&config).start_fails().await;
    assert!(said.contains(&format!("{address} (`server.listen`)")), "{said}");
    assert!(said.contains("stop what has it, or choose another port"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_printed_is_1_and_standard_error_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[upstreams.web]\ntargets = [\"http://127.0.0.1:1\"]\n[[routes]]\npath = \"/\"\nupstream = \"web\"\n";
    std::fs::write(folder.path().join("tollgate.toml"), config).unwrap();
    for arguments in [&["schema"][..], &["check"], &["explain", "GET", "http://a/"], &["plugin", "inspect", "cache"]] {
        let run = |stdout: std::process::Stdio| {
            Command::new(binary::path()).current_dir(folder.path()).args(arguments).stdout(stdout).output().unwrap()
        };
        let full = run(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into());
        let said = String::from_utf8_lossy(&full.stderr);
        assert_eq!(full.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("standard output") && said.contains("No space left"), "{arguments:?}: {said}");
        // A reader that has gone knows.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let gone = run(writer.into());
        assert_eq!((gone.status.code(), &*gone.stderr), (Some(0), &b""[..]), "{arguments:?}");
    }
}
