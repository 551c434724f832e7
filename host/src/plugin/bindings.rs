//! The host's side of `wit/`, generated.
//!
//! Only `http-client` and `files` can wait, and hashing much lets others go on; so only they are async: a sync
//! import costs less for each call. All imports may end the hook ("trappable"): calling a function of the wrong hook does.

#![allow(missing_debug_implementations, clippy::pedantic, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "tollgate:plugin/every-hook",
    imports: {
        "tollgate:plugin/http-client@0.1.0.wait-any": async | trappable,
        "tollgate:plugin/http-client@0.1.0.take": async | trappable,
        "tollgate:plugin/http-client@0.1.0.take-content": async | trappable,
        "tollgate:plugin/files@0.1.0.read": async | trappable,
        "tollgate:plugin/crypto@0.1.0.hash": async | trappable,
        default: trappable,
    },
    exports: { default: async },
});
