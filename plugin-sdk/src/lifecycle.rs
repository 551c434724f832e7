//! What a plugin is, and how it gets its configuration.

use std::any::TypeId;
use std::cell::OnceCell;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::bindings::lifecycle_world::exports::tollgate::plugin::lifecycle as wit;
use crate::misplaced;

/// A plugin: its description, and how it is made from its configuration.
pub trait Plugin: Sized + 'static {
    /// The plugin's `config` table. Its JSON schema is what the gateway checks the table against;
    /// doc comments of fields become descriptions in it. [`NoConfig`] for none.
    type Config: DeserializeOwned + JsonSchema + 'static;
    /// Lower case letters, digits and `-`, at most 64 characters.
    const NAME: &'static str;
    /// The plugin's version, by semver: `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// One line saying what it does.
    const SUMMARY: &'static str;
    /// What the plugin needs granted to be useful.
    const WANTS: &'static [Want] = &[];

    /// Makes the plugin: called once for each instance, before any hook. Parse and compile here
    /// what hooks need. An error is shown to the operator, and the configuration is not taken; each line of it
    /// is one mistake ([`Mistakes`](crate::mistakes::Mistakes)).
    fn configure(config: Self::Config) -> Result<Self, String>;
}

/// Something a plugin cannot do unless the operator grants it.
#[derive(Debug, Clone, Copy)]
pub struct Want {
    /// The interface the grant is for: `http-client`, `crypto`, `secrets`, `metrics`, `shared-kv` or `files`;
    /// `forward` for [`request::set_upstream`](crate::request::set_upstream).
    pub capability: &'static str,
    /// One sentence for the operator: what it is used for.
    pub reason: &'static str,
}

/// The [`Plugin::Config`] of a plugin without configuration.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// `lifecycle.describe` of a plugin.
pub fn describe<P: Plugin>() -> wit::Descriptor {
    install_panic_hook();
    wit::Descriptor {
        name: P::NAME.to_owned(),
        version: P::VERSION.to_owned(),
        summary: P::SUMMARY.to_owned(),
        config_schema: config_schema::<P::Config>(),
        wants: P::WANTS
            .iter()
            .map(|want| wit::Want { capability: want.capability.to_owned(), reason: want.reason.to_owned() })
            .collect(),
    }
}

/// `lifecycle.configure` of a plugin, which is kept in `cell`.
pub fn configure<P: Plugin>(cell: &OnceCell<P>, config: &str) -> Result<(), String> {
    install_panic_hook();
    let config = serde_json::from_str(config).map_err(|error| misplaced::by_key(config, &error))?;
    cell.set(P::configure(config)?).map_err(|_| "this instance has its configuration already".to_owned())
}

/// The schema as JSON text; empty for [`NoConfig`], by `lifecycle.descriptor.config-schema`.
fn config_schema<C: JsonSchema + 'static>() -> String {
    if TypeId::of::<C>() == TypeId::of::<NoConfig>() {
        return String::new();
    }
    let generator = SchemaSettings::draft2020_12().into_generator();
    serde_json::Value::from(generator.into_root_schema_for::<C>()).to_string()
}

/// A trap alone does not say why. This puts a panic's message and place into the gateway's log.
fn install_panic_hook() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| crate::log::error(&panic.to_string())));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A config with one field.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Greeting {
        /// What to say.
        text: String,
    }

    struct Greeter(String);

    impl Plugin for Greeter {
        type Config = Greeting;
        const NAME: &'static str = "greeter";
        const VERSION: &'static str = "1.2.3";
        const SUMMARY: &'static str = "Greets";
        const WANTS: &'static [Want] = &[Want { capability: "crypto", reason: "Signs greetings." }];

        fn configure(config: Greeting) -> Result<Self, String> {
            if config.text.is_empty() { Err("text: is empty".to_owned()) } else { Ok(Self(config.text)) }
        }
    }

    struct Bare;

    impl Plugin for Bare {
        type Config = NoConfig;
        const NAME: &'static str = "bare";
        const VERSION: &'static str = "0.0.1";
        const SUMMARY: &'static str = "Has no config";

        fn configure(_: NoConfig) -> Result<Self, String> {
            Ok(Self)
        }
    }

    #[test]
    fn the_schema_carries_the_docs_of_fields_and_refuses_unknown_ones() {
        let schema: serde_json::Value = serde_json::from_str(&describe::<Greeter>().config_schema).unwrap();
        assert_eq!(schema["properties"]["text"]["description"], "What to say.");
        assert_eq!(schema["required"][0], "text");
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }

    #[test]
    fn a_plugin_without_config_has_the_empty_schema() {
        assert_eq!(describe::<Bare>().config_schema, "");
        assert_eq!(configure::<Bare>(&OnceCell::new(), "{}"), Ok(()));
    }

    #[test]
    fn wants_are_described() {
        let wants = describe::<Greeter>().wants;
        assert_eq!(wants.len(), 1);
        assert_eq!(wants[0].capability, "crypto");
    }

    #[test]
    fn a_config_that_does_not_decode_says_what_and_where() {
        let error = configure::<Greeter>(&OnceCell::new(), r#"{"txt": "hi"}"#).unwrap_err();
        assert!(error.contains("unknown field `txt`"), "{error}");
    }

    #[test]
    fn what_the_plugin_refuses_reaches_the_operator_as_it_is() {
        assert_eq!(configure::<Greeter>(&OnceCell::new(), r#"{"text": ""}"#), Err("text: is empty".to_owned()));
    }

    #[test]
    fn an_instance_is_configured_once() {
        let cell = OnceCell::new();
        assert_eq!(configure::<Greeter>(&cell, r#"{"text": "hi"}"#), Ok(()));
        assert_eq!(cell.get().map(|greeter| greeter.0.as_str()), Some("hi"));
        assert!(configure::<Greeter>(&cell, r#"{"text": "ho"}"#).is_err());
    }
}
