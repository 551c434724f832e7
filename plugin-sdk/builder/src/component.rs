//! From a core module to a component.

use wit_component::ComponentEncoder;

/// Makes a component of a core module whose custom sections say what it imports and exports, as
/// wit-bindgen writes them. Imports the module does not use vanish. The component is validated.
///
/// The error says what does not fit, over several lines.
pub fn componentize(core: &[u8]) -> Result<Vec<u8>, String> {
    ComponentEncoder::default()
        .validate(true)
        .module(core)
        .and_then(ComponentEncoder::encode)
        .map_err(|error| format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wasm_is_refused_with_a_reason() {
        let error = componentize(b"not wasm").unwrap_err();
        assert!(error.contains("magic"), "{error}");
    }
}
