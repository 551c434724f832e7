//! Plugins the tests bring along: `tests/guests`, compiled when first asked for.

use std::sync::OnceLock;

use tollgate_plugin_builder::{Toolchain, build_crates};

use crate::binary;

/// Does what its configuration says: `tests/guests/scripted`.
pub fn scripted() -> &'static [u8] {
    &rust()[0]
}

/// Has no hook but `on-response`.
pub fn response_only() -> &'static [u8] {
    &rust()[1]
}

/// Both with one run of cargo, which knows whether they have changed; in the folder where the built-in
/// plugins are compiled, for the standard library is there already.
fn rust() -> &'static [Vec<u8>] {
    static COMPONENTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    COMPONENTS.get_or_init(|| {
        let toolchain = Toolchain::find().unwrap_or_else(|error| panic!("{error}"));
        let packages = ["guest-scripted", "guest-response-only"].map(str::to_owned);
        let folder = binary::target_folder().join("plugins");
        let built = build_crates(&toolchain, binary::workspace(), &packages, &folder, "plugin");
        built.unwrap_or_else(|error| panic!("{error}")).into_iter().map(|plugin| plugin.wasm).collect()
    })
}
