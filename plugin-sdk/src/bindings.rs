//! What wit-bindgen makes of `wit/`.
//!
//! Every import is generated once. Each exported interface is a world of its own here, because a
//! component must export exactly the hooks its plugin has: `pub_export_macro` puts a world's
//! component type into the expansion of its macro, so only the worlds a plugin's `export!` names
//! reach its component, where wit-component merges them.

#![allow(warnings, clippy::all, clippy::pedantic, reason = "generated code is not ours to tidy")]

wit_bindgen::generate!({
    path: "../wit",
    world: "tollgate:plugin/imports",
    generate_unused_types: true,
    additional_derives: [PartialEq, Eq],
});

/// Exports `lifecycle`.
pub mod lifecycle_world {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package tollgate:sdk-lifecycle;
            world exports-lifecycle { export tollgate:plugin/lifecycle@0.1.0; }
        ",
        pub_export_macro: true,
        export_macro_name: "export_lifecycle",
        additional_derives: [PartialEq, Eq],
        generate_all,
    });
}

/// Exports `request-filter`.
pub mod request_world {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package tollgate:sdk-request;
            world exports-request { export tollgate:plugin/request-filter@0.1.0; }
        ",
        pub_export_macro: true,
        export_macro_name: "export_request",
        additional_derives: [PartialEq, Eq],
        with: { "tollgate:plugin/types@0.1.0": crate::bindings::tollgate::plugin::types },
        generate_all,
    });
}

/// Exports `body-filter`.
pub mod body_world {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package tollgate:sdk-body;
            world exports-body { export tollgate:plugin/body-filter@0.1.0; }
        ",
        pub_export_macro: true,
        export_macro_name: "export_body",
        additional_derives: [PartialEq, Eq],
        generate_all,
    });
}

/// Exports `response-filter`.
pub mod response_world {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package tollgate:sdk-response;
            world exports-response { export tollgate:plugin/response-filter@0.1.0; }
        ",
        pub_export_macro: true,
        export_macro_name: "export_response",
        additional_derives: [PartialEq, Eq],
        with: { "tollgate:plugin/types@0.1.0": crate::bindings::tollgate::plugin::types },
        generate_all,
    });
}

/// Exports `completion`.
pub mod completion_world {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package tollgate:sdk-completion;
            world exports-completion { export tollgate:plugin/completion@0.1.0; }
        ",
        pub_export_macro: true,
        export_macro_name: "export_completion",
        additional_derives: [PartialEq, Eq],
        with: {
            "tollgate:plugin/types@0.1.0": crate::bindings::tollgate::plugin::types,
            "tollgate:plugin/response@0.1.0": crate::bindings::tollgate::plugin::response,
        },
        generate_all,
    });
}

/// Exports `background`.
pub mod background_world {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "
            package tollgate:sdk-background;
            world exports-background { export tollgate:plugin/background@0.1.0; }
        ",
        pub_export_macro: true,
        export_macro_name: "export_background",
        additional_derives: [PartialEq, Eq],
        generate_all,
    });
}
