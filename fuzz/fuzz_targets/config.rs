//! A config of any text: it loads, or every error says where; and saying so never fails.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tollgate::config;

const BUILT_INS: &[&str] = &["aggregate", "headers", "jwt-auth", "rate-limit"];

fuzz_target!(|text: &str| {
    // What a path leads to is this machine's business, and not the same twice.
    if text.contains("${") || text.contains("file") {
        return;
    }
    match config::load_str(text, Path::new("nowhere/tollgate.toml"), BUILT_INS) {
        Ok(loaded) => {
            for plugin in &loaded.config.plugins {
                let _ = loaded.document.check_plugin_config(&plugin.name, "");
            }
        }
        Err(errors) => {
            assert!(!errors.all.is_empty());
            for error in &errors.all {
                assert!(error.place.is_some(), "no place: {error}");
                let place = error.place.as_ref().unwrap();
                assert!(place.line <= text.split('\n').count() && place.column >= 1, "{error}");
            }
            let _ = errors.to_string();
        }
    }
});
