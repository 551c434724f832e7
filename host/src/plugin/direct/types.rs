//! The types of a component's functions, spelled as `build/abi.rs` spells those of the interface.

use wasmparser::component_types::{ComponentDefinedType, ComponentEntityType, ComponentFuncTypeId, ComponentValType};
use wasmparser::names::KebabString;
use wasmparser::types::TypesRef;

/// How deep types may be nested; those of the interface are at most 6 deep.
const DEPTH: u32 = 10;

/// What a function of an imported or exported interface is; none where there is no such function, or
/// it has types that the interface has not.
pub(super) fn function(types: TypesRef<'_>, interface: &ComponentEntityType, name: &str) -> Option<String> {
    let ComponentEntityType::Instance(instance) = interface else { return None };
    match types[*instance].exports.get(name)?.ty {
        ComponentEntityType::Func(id) => text_of(types, id),
        _ => None,
    }
}

/// The functions of an imported or exported interface.
pub(super) fn functions<'a>(types: TypesRef<'a>, interface: &ComponentEntityType) -> Vec<&'a str> {
    let ComponentEntityType::Instance(instance) = interface else { return Vec::new() };
    let exports = types.get(*instance).map(|instance| &instance.exports);
    let functions = exports.into_iter().flatten().filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)));
    functions.map(|(name, _)| name.as_str()).collect()
}

fn text_of(types: TypesRef<'_>, id: ComponentFuncTypeId) -> Option<String> {
    let ty = &types[id];
    if ty.async_ {
        return None;
    }
    let params = ty.params.iter().map(|(name, ty)| Some(format!("{name}:{}", text(types, *ty, DEPTH)?)));
    let params = params.collect::<Option<Vec<String>>>()?.join(",");
    Some(format!("({params})->{}", optional(types, ty.result, DEPTH)?))
}

fn optional(types: TypesRef<'_>, ty: Option<ComponentValType>, depth: u32) -> Option<String> {
    ty.map_or(Some("_".into()), |ty| text(types, ty, depth))
}

/// None also of what is nested deeper than anything in the interface.
fn text(types: TypesRef<'_>, ty: ComponentValType, depth: u32) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let id = match ty {
        ComponentValType::Primitive(primitive) => return Some(primitive.to_string()),
        ComponentValType::Type(id) => id,
    };
    Some(match &types[id] {
        ComponentDefinedType::Primitive(primitive) => primitive.to_string(),
        ComponentDefinedType::List { element, .. } => format!("list<{}>", text(types, *element, depth)?),
        ComponentDefinedType::Option { ty, .. } => format!("option<{}>", text(types, *ty, depth)?),
        ComponentDefinedType::Result { ok, err, .. } => {
            format!("result<{},{}>", optional(types, *ok, depth)?, optional(types, *err, depth)?)
        }
        ComponentDefinedType::Record(record) => {
            let fields = record.fields.iter().map(|(name, ty)| Some(format!("{name}:{}", text(types, *ty, depth)?)));
            format!("record{{{}}}", fields.collect::<Option<Vec<String>>>()?.join(","))
        }
        ComponentDefinedType::Variant(variant) => {
            let cases = variant.cases.iter().map(|(name, case)| match case.ty {
                Some(ty) => Some(format!("{name}({})", text(types, ty, depth)?)),
                None => Some(name.to_string()),
            });
            format!("variant{{{}}}", cases.collect::<Option<Vec<String>>>()?.join(","))
        }
        ComponentDefinedType::Enum(cases) => {
            let cases: Vec<&str> = cases.iter().map(KebabString::as_str).collect();
            format!("enum{{{}}}", cases.join(","))
        }
        _ => return None,
    })
}
