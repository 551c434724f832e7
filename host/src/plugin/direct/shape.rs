//! What a component is made of, where that is one module and a wrapping around it.
//!
//! The wrapping is followed from both ends: every function the module imports must be the interface's of the
//! same name, lowered, and every hook must be one of the module's functions, lifted. `wit-component` puts two
//! small modules of its own between ("shim" and "fixup"), because a module's memory is not there before the
//! module is; what they do is taken from how they are wired, not from their code. A component that was made
//! to deceive here deceives itself: the host functions are the same, and so are the rights.

use super::parts::{CoreFunction, Function, Made, Parts, signature};
use super::types;
use crate::plugin::abi::bindings::{EXPORTS, Signature};

/// A component that is plain.
#[derive(Debug)]
pub(crate) struct Shape<'a> {
    /// The module's bytes.
    pub(crate) module: &'a [u8],
    /// What it calls its memory.
    pub(crate) memory: String,
    /// What it calls `realloc`.
    pub(crate) realloc: Option<String>,
    pub(crate) exports: Vec<Export>,
    /// Interfaces, as the component names them.
    pub(crate) imported: Vec<String>,
    pub(crate) exported: Vec<String>,
}

/// One hook.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) signature: &'static Signature,
    /// What the module calls it.
    pub(crate) name: String,
    pub(crate) post_return: Option<String>,
}

impl<'a> Shape<'a> {
    /// None of what is not plain, be it valid or not.
    pub(crate) fn of(component: &'a [u8]) -> Option<Self> {
        let (parts, types) = Parts::read(component)?;
        parts.check_imports(&types)?;
        let main = parts.main()?;
        let mut shape = Self {
            module: parts.modules.first()?,
            memory: String::new(),
            realloc: None,
            exports: Vec::new(),
            imported: parts.imported.iter().map(|&name| name.to_owned()).collect(),
            exported: parts.exported.iter().map(|&(name, _)| name.to_owned()).collect(),
        };
        for (interface, instance) in &parts.exported {
            let Made::Of(functions) = parts.instances.get(*instance as usize)? else { return None };
            let entity = types.as_ref().component_item_for_export(interface)?.ty;
            for name in types::functions(types.as_ref(), &entity) {
                let signature = signature(EXPORTS, interface, name)?;
                if types::function(types.as_ref(), &entity, name)? != signature.text {
                    return None;
                }
                let Function::Lifted { core, options } = parts.functions.get(*functions.get(name)? as usize)? else {
                    return None;
                };
                let mut post_return = None;
                parts.options(main, options, &mut shape, &mut post_return)?;
                shape.exports.push(Export { signature, name: parts.of_main(main, *core)?.to_owned(), post_return });
            }
        }
        if !shape.is_whole() {
            return None;
        }
        for function in &parts.core_functions {
            if let CoreFunction::Lowered { options, .. } = function {
                parts.options(main, options, &mut shape, &mut None)?;
            }
        }
        (!shape.memory.is_empty()).then_some(shape)
    }

    /// Whether it can describe itself, and has all of each interface it exports. What has not is told so by
    /// the general way, whose errors name what is missing.
    fn is_whole(&self) -> bool {
        let has = |function: &str| self.exports.iter().any(|export| export.signature.function == function);
        let mut needed = EXPORTS.iter().filter(|signature| {
            self.exported.iter().any(|interface| interface == signature.interface) || signature.function == "describe"
        });
        needed.all(|signature| has(signature.function))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_built_in_plugin_is_plain() {
        for name in crate::gateway::built_ins() {
            let shape = Shape::of(crate::gateway::built_in(name).unwrap()).unwrap_or_else(|| panic!("{name} is not"));
            assert_eq!((shape.memory.as_str(), shape.realloc.as_deref()), ("memory", Some("cabi_realloc")), "{name}");
            assert!(shape.exports.iter().all(|export| export.name.ends_with(export.signature.function)), "{name}");
        }
    }

    #[test]
    fn a_function_of_other_types_is_not_the_interfaces() {
        let headers = crate::gateway::built_in("headers").unwrap();
        // The name of a field of a record: the type is another one, as wide as before.
        let at = headers.windows(14).position(|bytes| bytes == b"config-schema\x73").unwrap();
        let mut other = headers.to_vec();
        other[at..at + 13].copy_from_slice(b"config-scheme");
        assert!(Shape::of(&other).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_damaged_component_is_read_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut component = crate::gateway::built_in("headers").unwrap().to_vec();
            let at = at.index(component.len());
            component[at] = byte;
            let _ = Shape::of(&component);
            component.truncate(cut.index(component.len()));
            // What is cut off may be no more than sections that say nothing of functions.
            let is_valid = wasmparser::Validator::new().validate_all(&component).is_ok();
            prop_assert!(is_valid || Shape::of(&component).is_none());
        }
    }
}
