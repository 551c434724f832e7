//! The parts of a component and how they are wired.

use std::collections::BTreeMap;

use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::Types;
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentInstance, ExternalKind,
    Instance, Parser, Payload, TypeRef, ValidPayload, Validator, WasmFeatures,
};

use super::shape::Shape;
use super::types;
use crate::plugin::abi::bindings::{IMPORTS, Signature};

/// The component's parts, by the indices of its sections.
#[derive(Default)]
pub(super) struct Parts<'a> {
    pub(super) modules: Vec<&'a [u8]>,
    core_instances: Vec<Instance<'a>>,
    pub(super) core_functions: Vec<CoreFunction<'a>>,
    /// Instance and name of each.
    core_memories: Vec<(u32, &'a str)>,
    pub(super) instances: Vec<Made<'a>>,
    pub(super) functions: Vec<Function<'a>>,
    pub(super) imported: Vec<&'a str>,
    pub(super) exported: Vec<(&'a str, u32)>,
}

#[derive(Clone)]
pub(super) enum CoreFunction<'a> {
    Lowered { function: u32, options: Box<[CanonicalOption]> },
    Exported { instance: u32, name: &'a str },
}

#[derive(Clone)]
pub(super) enum Function<'a> {
    Imported { interface: &'a str, name: &'a str },
    Lifted { core: u32, options: Box<[CanonicalOption]> },
}

/// An instance of the component.
pub(super) enum Made<'a> {
    Imported(&'a str),
    /// Functions by name.
    Of(BTreeMap<&'a str, u32>),
}

pub(super) fn signature(among: &'static [Signature], interface: &str, function: &str) -> Option<&'static Signature> {
    among.iter().find(|signature| signature.interface == interface && signature.function == function)
}

impl<'a> Parts<'a> {
    pub(super) fn read(component: &'a [u8]) -> Option<(Self, Types)> {
        let mut parts = Self::default();
        let mut validator = Validator::new_with_features(WasmFeatures::default());
        // How deep in modules and components inside of the component the parser is.
        let mut depth = 0_u32;
        for payload in Parser::new(0).parse_all(component) {
            let payload = payload.ok()?;
            if let ValidPayload::End(types) = validator.payload(&payload).ok()? {
                match depth.checked_sub(1) {
                    Some(outside) => depth = outside,
                    None => return Some((parts, types)),
                }
                continue;
            }
            match payload {
                Payload::ModuleSection { unchecked_range, .. } => {
                    if depth == 0 {
                        parts.modules.push(component.get(unchecked_range)?);
                    }
                    depth += 1;
                }
                Payload::ComponentSection { .. } => depth += 1,
                payload if depth == 0 => parts.add(payload)?,
                _ => {}
            }
        }
        None
    }

    /// None where it is something a plain component has not.
    fn add(&mut self, payload: Payload<'a>) -> Option<()> {
        match payload {
            Payload::Version { .. }
            | Payload::CustomSection(_)
            | Payload::ComponentTypeSection(_)
            | Payload::CoreTypeSection(_)
            | Payload::End(_) => {}
            Payload::InstanceSection(section) => {
                for instance in section {
                    self.core_instances.push(instance.ok()?);
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.ok()?;
                    let wasmparser::ComponentTypeRef::Instance(_) = import.ty else { return None };
                    self.imported.push(import.name.name);
                    self.instances.push(Made::Imported(import.name.name));
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(&alias.ok()?)?;
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    match function.ok()? {
                        CanonicalFunction::Lift { core_func_index: core, options, .. } => {
                            self.functions.push(Function::Lifted { core, options });
                        }
                        CanonicalFunction::Lower { func_index: function, options } => {
                            self.core_functions.push(CoreFunction::Lowered { function, options });
                        }
                        _ => return None,
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    let made = made(instance.ok()?);
                    self.instances.push(made);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.ok()?;
                    if export.kind != ComponentExternalKind::Instance {
                        return None;
                    }
                    self.exported.push((export.name.name, export.index));
                    // An export is an instance again, with an index of its own.
                    let again = match self.instances.get(export.index as usize)? {
                        Made::Imported(name) => Made::Imported(name),
                        Made::Of(functions) => Made::Of(functions.clone()),
                    };
                    self.instances.push(again);
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'a>) -> Option<()> {
        match *alias {
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. }
            | ComponentAlias::CoreInstanceExport { kind: ExternalKind::Table, .. } => {}
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Func, instance_index, name } => {
                let function = match self.instances.get(instance_index as usize)? {
                    Made::Imported(interface) => Function::Imported { interface, name },
                    Made::Of(functions) => self.functions.get(*functions.get(name)? as usize)?.clone(),
                };
                self.functions.push(function);
            }
            ComponentAlias::CoreInstanceExport { kind: ExternalKind::Func, instance_index: instance, name } => {
                self.core_functions.push(CoreFunction::Exported { instance, name });
            }
            ComponentAlias::CoreInstanceExport { kind: ExternalKind::Memory, instance_index, name } => {
                self.core_memories.push((instance_index, name));
            }
            _ => return None,
        }
        Some(())
    }

    /// Whether the functions the component imports are the interface's.
    pub(super) fn check_imports(&self, types: &Types) -> Option<()> {
        for interface in &self.imported {
            let entity: ComponentEntityType = types.as_ref().component_item_for_import(interface)?.ty;
            for name in types::functions(types.as_ref(), &entity) {
                let signature = signature(IMPORTS, interface, name)?;
                if types::function(types.as_ref(), &entity, name)? != signature.text {
                    return None;
                }
            }
        }
        Some(())
    }

    /// The instance of the first module, whose imports are seen to be wired as they are named.
    pub(super) fn main(&self) -> Option<u32> {
        let is_main = |instance: &Instance<'_>| matches!(instance, Instance::Instantiate { module_index: 0, .. });
        let mut mains = self.core_instances.iter().enumerate().filter(|(_, instance)| is_main(instance));
        let (main, Instance::Instantiate { args, .. }) = mains.next()? else { return None };
        if mains.next().is_some() {
            return None;
        }
        let mut imports = Vec::new();
        for payload in Parser::new(0).parse_all(self.modules.first()?) {
            if let Payload::ImportSection(section) = payload.ok()? {
                for import in section.into_imports() {
                    imports.push(import.ok()?);
                }
            }
        }
        for import in imports {
            let TypeRef::Func(_) = import.ty else { return None };
            let from = args.iter().find(|arg| arg.name == import.module)?.index;
            let (interface, name) = self.imported_as(self.exported_by(from, import.name)?)?;
            if (interface, name) != (import.module, import.name) {
                return None;
            }
        }
        u32::try_from(main).ok()
    }

    /// The core function that an instance made of exports has by this name.
    fn exported_by(&self, instance: u32, name: &str) -> Option<u32> {
        let Instance::FromExports(exports) = self.core_instances.get(instance as usize)? else { return None };
        let export = exports.iter().find(|export| export.name == name)?;
        (export.kind == ExternalKind::Func).then_some(export.index)
    }

    /// The imported function that a core function is, by itself or through the shim.
    fn imported_as(&self, core: u32) -> Option<(&'a str, &'a str)> {
        let core = match self.core_functions.get(core as usize)? {
            CoreFunction::Lowered { function, .. } => return self.lowered(*function),
            CoreFunction::Exported { instance, name } => self.fixed_up(*instance, name)?,
        };
        match self.core_functions.get(core as usize)? {
            CoreFunction::Lowered { function, .. } => self.lowered(*function),
            CoreFunction::Exported { .. } => None,
        }
    }

    fn lowered(&self, function: u32) -> Option<(&'a str, &'a str)> {
        match self.functions.get(function as usize)? {
            Function::Imported { interface, name } => Some((interface, name)),
            Function::Lifted { .. } => None,
        }
    }

    /// What the fixup puts into the shim's table under this name: it gets it from an instance that is made of
    /// nothing but exports.
    fn fixed_up(&self, shim: u32, name: &str) -> Option<u32> {
        match self.core_instances.get(shim as usize)? {
            Instance::Instantiate { module_index, args } if *module_index != 0 && args.is_empty() => {}
            _ => return None,
        }
        self.core_instances.iter().find_map(|instance| match instance {
            Instance::Instantiate { module_index, args } if *module_index != 0 => {
                args.iter().find_map(|arg| self.exported_by(arg.index, name))
            }
            _ => None,
        })
    }

    /// What the main module calls a core function.
    pub(super) fn of_main(&self, main: u32, core: u32) -> Option<&'a str> {
        match self.core_functions.get(core as usize)? {
            CoreFunction::Exported { instance, name } if *instance == main => Some(name),
            _ => None,
        }
    }

    /// Sees that values cross through the main module's memory, and notes what to call after a hook.
    pub(super) fn options(
        &self,
        main: u32,
        options: &[CanonicalOption],
        shape: &mut Shape<'a>,
        post_return: &mut Option<String>,
    ) -> Option<()> {
        for option in options {
            match option {
                CanonicalOption::UTF8 => {}
                CanonicalOption::Memory(memory) => {
                    let (instance, name) = *self.core_memories.get(*memory as usize)?;
                    if instance != main || (!shape.memory.is_empty() && shape.memory != name) {
                        return None;
                    }
                    name.clone_into(&mut shape.memory);
                }
                CanonicalOption::Realloc(function) => {
                    let name = self.of_main(main, *function)?;
                    if *shape.realloc.get_or_insert_with(|| name.to_owned()) != name {
                        return None;
                    }
                }
                CanonicalOption::PostReturn(function) => *post_return = Some(self.of_main(main, *function)?.to_owned()),
                _ => return None,
            }
        }
        Some(())
    }
}

/// `wit-component` makes what it exports by a component of its own, which gets each function as
/// `import-func-NAME` and gives it a type with names.
fn made(instance: ComponentInstance<'_>) -> Made<'_> {
    let functions = match instance {
        ComponentInstance::Instantiate { args, .. } => {
            let functions = args.iter().filter(|arg| arg.kind == ComponentExternalKind::Func);
            functions.filter_map(|arg| Some((arg.name.strip_prefix("import-func-")?, arg.index))).collect()
        }
        ComponentInstance::FromExports(exports) => {
            let functions = exports.iter().filter(|export| export.kind == ComponentExternalKind::Func);
            functions.map(|export| (export.name.name, export.index)).collect()
        }
    };
    Made::Of(functions)
}
