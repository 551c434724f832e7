//! The macro that turns a plugin into the exports of a component.

/// Makes a plugin the component's: `export!(MyPlugin: request)`, or any of `request`, `response`, `body`,
/// `completion` and `background` with commas between.
///
/// The gateway calls exactly the hooks named here, so name those the plugin has. The plugin
/// implements [`Plugin`](crate::Plugin), and [`RequestFilter`](crate::RequestFilter),
/// [`ResponseFilter`](crate::ResponseFilter), [`BodyFilter`](crate::BodyFilter),
/// [`Completion`](crate::Completion) and [`Background`](crate::Background) as named. Natively nothing is
/// exported, so that the
/// crate can be tested and checked as any other.
#[macro_export]
macro_rules! export {
    ($plugin:ident : $($hook:ident),+ $(,)?) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, unreachable_pub, missing_debug_implementations, clippy::pedantic, reason = "the exports of a component are generated")]
        const _: () = {
            ::std::thread_local! {
                // A component has one thread: this is a plain static.
                static PLUGIN: ::std::cell::OnceCell<$plugin> = const { ::std::cell::OnceCell::new() };
            }

            struct Exports;

            impl $crate::bindings::lifecycle_world::exports::tollgate::plugin::lifecycle::Guest for Exports {
                fn describe() -> $crate::bindings::lifecycle_world::exports::tollgate::plugin::lifecycle::Descriptor {
                    $crate::glue::describe::<$plugin>()
                }
                fn configure(config: ::std::string::String) -> ::std::result::Result<(), ::std::string::String> {
                    PLUGIN.with(|cell| $crate::glue::configure(cell, &config))
                }
            }
            $crate::bindings::lifecycle_world::export_lifecycle!(Exports with_types_in $crate::bindings::lifecycle_world);

            fn with_plugin<T>(hook: impl FnOnce(&$plugin) -> T) -> T {
                PLUGIN.with(|cell| hook(cell.get().expect("`configure` comes before any other hook")))
            }

            $($crate::__export_hook!($plugin $hook);)+
        };
        // Natively only the promise is checked: the traits of the hooks named are there.
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            $($crate::__check_hook!($plugin $hook);)+
        };
    };
}

/// One hook of [`export!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __export_hook {
    ($plugin:ident request) => {
        impl $crate::bindings::request_world::exports::tollgate::plugin::request_filter::Guest for Exports {
            fn on_request() -> $crate::Verdict {
                with_plugin(|plugin| <$plugin as $crate::RequestFilter>::on_request(plugin))
            }
            fn on_request_body(body: ::std::vec::Vec<u8>) -> $crate::BodyVerdict {
                with_plugin(|plugin| <$plugin as $crate::RequestFilter>::on_request_body(plugin, body))
            }
        }
        $crate::bindings::request_world::export_request!(Exports with_types_in $crate::bindings::request_world);
    };
    ($plugin:ident response) => {
        impl $crate::bindings::response_world::exports::tollgate::plugin::response_filter::Guest for Exports {
            fn on_response() -> $crate::ResponseVerdict {
                with_plugin(|plugin| <$plugin as $crate::ResponseFilter>::on_response(plugin))
            }
            fn on_response_body(body: ::std::vec::Vec<u8>) -> $crate::ResponseBodyVerdict {
                with_plugin(|plugin| <$plugin as $crate::ResponseFilter>::on_response_body(plugin, body))
            }
        }
        $crate::bindings::response_world::export_response!(Exports with_types_in $crate::bindings::response_world);
    };
    ($plugin:ident body) => {
        impl $crate::bindings::body_world::exports::tollgate::plugin::body_filter::Guest for Exports {
            fn on_request_chunk(chunk: ::std::vec::Vec<u8>, last: bool) -> $crate::ChunkVerdict {
                with_plugin(|plugin| <$plugin as $crate::BodyFilter>::on_request_chunk(plugin, chunk, last))
            }
            fn on_response_chunk(chunk: ::std::vec::Vec<u8>, last: bool) -> $crate::ChunkVerdict {
                with_plugin(|plugin| <$plugin as $crate::BodyFilter>::on_response_chunk(plugin, chunk, last))
            }
        }
        $crate::bindings::body_world::export_body!(Exports with_types_in $crate::bindings::body_world);
    };
    ($plugin:ident completion) => {
        impl $crate::bindings::completion_world::exports::tollgate::plugin::completion::Guest for Exports {
            fn on_complete(completed: $crate::completion::Completed) {
                with_plugin(|plugin| <$plugin as $crate::Completion>::on_complete(plugin, completed))
            }
        }
        $crate::bindings::completion_world::export_completion!(Exports with_types_in $crate::bindings::completion_world);
    };
    ($plugin:ident background) => {
        impl $crate::bindings::background_world::exports::tollgate::plugin::background::Guest for Exports {
            fn on_interval() {
                with_plugin(|plugin| <$plugin as $crate::Background>::on_interval(plugin))
            }
        }
        $crate::bindings::background_world::export_background!(Exports with_types_in $crate::bindings::background_world);
    };
}

/// One hook of [`export!`], natively.
#[doc(hidden)]
#[macro_export]
macro_rules! __check_hook {
    ($plugin:ident request) => {
        const _: fn(&$plugin) -> $crate::Verdict = <$plugin as $crate::RequestFilter>::on_request;
    };
    ($plugin:ident response) => {
        const _: fn(&$plugin) -> $crate::ResponseVerdict = <$plugin as $crate::ResponseFilter>::on_response;
    };
    ($plugin:ident body) => {
        const _: fn(&$plugin, ::std::vec::Vec<u8>, bool) -> $crate::ChunkVerdict =
            <$plugin as $crate::BodyFilter>::on_response_chunk;
    };
    ($plugin:ident completion) => {
        const _: fn(&$plugin, $crate::completion::Completed) = <$plugin as $crate::Completion>::on_complete;
    };
    ($plugin:ident background) => {
        const _: fn(&$plugin) = <$plugin as $crate::Background>::on_interval;
    };
}
