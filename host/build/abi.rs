//! Writes, from `wit/`, what the host needs to call a plugin's module without wasmtime's component layer: how
//! each type lies in a guest's memory, and the host functions with their core types. `src/plugin/abi` has
//! the traits it is written in terms of.
//!
//! Absent on purpose: what the interface does not use (resources, flags, tuples, async functions). A WIT that
//! begins to fails the build here.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, Interface, Resolve, SizeAlign, Type, TypeDefKind, TypeId, WorldItem};

/// The world with everything in it.
const WORLD: &str = "every-hook";
/// Functions that may wait; `src/plugin/bindings.rs` has the same list, and the compiler sees to it.
const WAITING: [&str; 5] =
    ["http-client.wait-any", "http-client.take", "http-client.take-content", "files.read", "crypto.hash"];

/// Those among them that are mostly ready when they are called, and do nothing for good before they are.
const OFTEN_READY: [&str; 3] = ["http-client.wait-any", "http-client.take", "http-client.take-content"];
/// Functions of one or two texts that are called for nearly every request, and are lent them from the guest's
/// memory: of the same name in `src/plugin/host_api`.
const LENT: [&str; 4] = ["request.header", "request.set-header", "response.header", "response.set-header"];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The Rust text, to be included by `src/plugin/abi/bindings.rs`.
pub(crate) fn bindings(wit: &Path) -> Result<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit)?;
    let world = &resolve.worlds[resolve.select_world(&[package], Some(WORLD))?];
    let interfaces = |items: &mut dyn Iterator<Item = &WorldItem>| -> Vec<_> {
        items.filter_map(|item| if let WorldItem::Interface { id, .. } = item { Some(*id) } else { None }).collect()
    };
    let imports = interfaces(&mut world.imports.values());
    let exports = interfaces(&mut world.exports.values());
    let mut sizes = SizeAlign::default();
    sizes.fill(&resolve);
    let of = Names {
        resolve: &resolve,
        sizes,
        exported: exports.iter().filter_map(|id| resolve.interfaces[*id].name.clone()).collect(),
    };

    let mut out = String::new();
    for id in imports.iter().chain(&exports) {
        for ty in resolve.interfaces[*id].types.values() {
            out += &of.layout(*ty)?;
        }
    }
    out += "pub(crate) fn add_imports(imports: &mut Imports<'_>) -> wasmtime::Result<()> {\n";
    for id in &imports {
        let interface = &resolve.interfaces[*id];
        for function in interface.functions.values() {
            out += &of.import(interface, function)?;
        }
    }
    out += "    Ok(())\n}\n";
    out += &of.signatures("IMPORTS", &imports, AbiVariant::GuestImport)?;
    out += &of.signatures("EXPORTS", &exports, AbiVariant::GuestExport)?;
    Ok(out)
}

struct Names<'a> {
    resolve: &'a Resolve,
    sizes: SizeAlign,
    /// Interfaces a plugin exports.
    exported: Vec<String>,
}

impl Names<'_> {
    /// How a record or variant lies in memory; nothing for a name of another type.
    fn layout(&self, id: TypeId) -> Result<String> {
        let mut out = String::new();
        match &self.resolve.types[id].kind {
            TypeDefKind::Record(record) => {
                write!(out, "record!({} {{ ", self.path(id)?)?;
                for field in &record.fields {
                    write!(out, "{}: {}, ", field.name.to_snake_case(), self.rust(&field.ty)?)?;
                }
            }
            TypeDefKind::Variant(variant) => {
                write!(out, "variant!({} {{ ", self.path(id)?)?;
                for (number, case) in variant.cases.iter().enumerate() {
                    match &case.ty {
                        Some(ty) => write!(out, "{number} {}({}), ", case.name.to_upper_camel_case(), self.rust(ty)?)?,
                        None => write!(out, "{number} {}, ", case.name.to_upper_camel_case())?,
                    }
                }
            }
            TypeDefKind::Enum(cases) => {
                write!(out, "variant!({} {{ ", self.path(id)?)?;
                for (number, case) in cases.cases.iter().enumerate() {
                    write!(out, "{number} {}, ", case.name.to_upper_camel_case())?;
                }
            }
            _ => return Ok(out),
        }
        out += "});\n";
        // wit-parser knows the layout as well: should the two differ, nothing is built.
        let (size, align) =
            (self.sizes.size(&Type::Id(id)).size_wasm32(), self.sizes.align(&Type::Id(id)).align_wasm32());
        let path = self.path(id)?;
        writeln!(out, "const _: () = assert!(<{path}>::SIZE == {size} && <{path}>::ALIGN == {align});")?;
        Ok(out)
    }

    fn import(&self, interface: &Interface, function: &Function) -> Result<String> {
        let short = interface.name.as_deref().ok_or("an interface without a name")?;
        let dotted = format!("{short}.{}", function.name);
        let core = self.core(function, AbiVariant::GuestImport)?;
        if LENT.contains(&dotted.as_str()) {
            let (full, count) = (self.full(interface)?, function.params.len());
            let path = format!("host_api::{}::{}", short.to_snake_case(), function.name.to_snake_case());
            return Ok(format!("    imports.lent_{count}({full:?}, {:?}, &{core}, {path})?;\n", function.name));
        }
        let (waits, is_often_ready) = (WAITING.contains(&dotted.as_str()), OFTEN_READY.contains(&dotted.as_str()));
        let names: Vec<String> = (0..function.params.len()).map(|number| format!("a{number}")).collect();
        let types = function.params.iter().map(|param| self.rust(&param.ty)).collect::<Result<Vec<_>>>()?;
        let list = |of: &[String]| of.iter().map(|one| format!("{one}, ")).collect::<String>();
        let call =
            format!("wit::{}::Host::{}(state, {})", short.to_snake_case(), function.name.to_snake_case(), list(&names));
        let (add, call) = match (waits, is_often_ready) {
            (true, true) => ("waiting", format!("Box::pin({call})")),
            (true, false) => ("slow", format!("Box::pin({call})")),
            (false, _) => ("plain", call),
        };
        Ok(format!(
            "    imports.{add}({:?}, {:?}, &{core}, |state, ({}): ({})| {call})?;\n",
            self.full(interface)?,
            function.name,
            list(&names),
            list(&types),
        ))
    }

    fn signatures(&self, name: &str, interfaces: &[wit_parser::InterfaceId], variant: AbiVariant) -> Result<String> {
        let mut out = format!("pub(crate) const {name}: &[Signature] = &[\n");
        for id in interfaces {
            let interface = &self.resolve.interfaces[*id];
            for function in interface.functions.values() {
                writeln!(
                    out,
                    "    Signature {{ interface: {:?}, function: {:?}, text: {:?}, core: {} }},",
                    self.full(interface)?,
                    function.name,
                    self.text_of(function)?,
                    self.core(function, variant)?
                )?;
            }
        }
        out += "];\n";
        Ok(out)
    }

    /// The core type: parameters and results.
    fn core(&self, function: &Function, variant: AbiVariant) -> Result<String> {
        let signature = self.resolve.wasm_signature(variant, function);
        let types = |of: &[WasmType]| -> Result<String> {
            let names = of.iter().map(|ty| match ty {
                WasmType::I32 | WasmType::Pointer | WasmType::Length => Ok("ValType::I32, "),
                WasmType::I64 | WasmType::PointerOrI64 => Ok("ValType::I64, "),
                WasmType::F64 => Ok("ValType::F64, "),
                WasmType::F32 => Err(format!("`{}` has an f32", function.name)),
            });
            Ok(names.collect::<std::result::Result<String, String>>()?)
        };
        Ok(format!("Core {{ params: &[{}], results: &[{}] }}", types(&signature.params)?, types(&signature.results)?))
    }

    /// `package:name/interface@version`.
    fn full(&self, interface: &Interface) -> Result<String> {
        let package = interface.package.ok_or("an interface of no package")?;
        let name = interface.name.as_deref().ok_or("an interface without a name")?;
        Ok(self.resolve.packages[package].name.interface_id(name))
    }

    /// Where `bindgen!` puts a type.
    fn path(&self, id: TypeId) -> Result<String> {
        let ty = &self.resolve.types[id];
        let wit_parser::TypeOwner::Interface(owner) = ty.owner else {
            return Err("a type outside of interfaces".into());
        };
        let interface = self.resolve.interfaces[owner].name.as_deref().ok_or("an interface without a name")?;
        let root = if self.exported.iter().any(|exported| exported == interface) { "exports" } else { "wit" };
        let name = ty.name.as_deref().ok_or("a type without a name")?;
        Ok(format!("{root}::{}::{}", interface.to_snake_case(), name.to_upper_camel_case()))
    }

    /// The type in Rust.
    fn rust(&self, ty: &Type) -> Result<String> {
        Ok(match ty {
            Type::Bool => "bool".into(),
            Type::U8 => "u8".into(),
            Type::U16 => "u16".into(),
            Type::U32 => "u32".into(),
            Type::U64 => "u64".into(),
            Type::S64 => "i64".into(),
            Type::F64 => "f64".into(),
            Type::String => "String".into(),
            Type::Id(id) => match &self.resolve.types[*id].kind {
                TypeDefKind::Type(ty) => self.rust(ty)?,
                TypeDefKind::Option(ty) => format!("Option<{}>", self.rust(ty)?),
                TypeDefKind::List(ty) => format!("Vec<{}>", self.rust(ty)?),
                TypeDefKind::Result(result) => {
                    let side = |ty: &Option<Type>| ty.as_ref().map_or(Ok("()".into()), |ty| self.rust(ty));
                    format!("std::result::Result<{}, {}>", side(&result.ok)?, side(&result.err)?)
                }
                TypeDefKind::Record(_) | TypeDefKind::Variant(_) | TypeDefKind::Enum(_) => self.path(*id)?,
                other => return Err(format!("the interface has a {}, which is new here", other.as_str()).into()),
            },
            other => return Err(format!("the interface has a {other:?}, which is new here").into()),
        })
    }

    fn text_of(&self, function: &Function) -> Result<String> {
        let params = function.params.iter().map(|param| Ok(format!("{}:{}", param.name, self.text(&param.ty)?)));
        let params = params.collect::<Result<Vec<String>>>()?.join(",");
        let result = function.result.as_ref().map_or(Ok("_".to_owned()), |ty| self.text(ty))?;
        Ok(format!("({params})->{result}"))
    }

    /// The type as `src/plugin/direct/types.rs` spells that of a component: by structure, as components
    /// compare types.
    fn text(&self, ty: &Type) -> Result<String> {
        let Type::Id(id) = ty else {
            return Ok(if matches!(ty, Type::S64) { "s64".into() } else { self.primitive(ty)? });
        };
        Ok(match &self.resolve.types[*id].kind {
            TypeDefKind::Type(ty) => self.text(ty)?,
            TypeDefKind::Option(ty) => format!("option<{}>", self.text(ty)?),
            TypeDefKind::List(ty) => format!("list<{}>", self.text(ty)?),
            TypeDefKind::Result(result) => {
                let side = |ty: &Option<Type>| ty.as_ref().map_or(Ok("_".into()), |ty| self.text(ty));
                format!("result<{},{}>", side(&result.ok)?, side(&result.err)?)
            }
            TypeDefKind::Record(record) => {
                let fields = record.fields.iter().map(|field| Ok(format!("{}:{}", field.name, self.text(&field.ty)?)));
                format!("record{{{}}}", fields.collect::<Result<Vec<String>>>()?.join(","))
            }
            TypeDefKind::Variant(variant) => {
                let cases = variant.cases.iter().map(|case| match &case.ty {
                    Some(ty) => Ok(format!("{}({})", case.name, self.text(ty)?)),
                    None => Ok(case.name.clone()),
                });
                format!("variant{{{}}}", cases.collect::<Result<Vec<String>>>()?.join(","))
            }
            TypeDefKind::Enum(cases) => {
                let cases: Vec<&str> = cases.cases.iter().map(|case| case.name.as_str()).collect();
                format!("enum{{{}}}", cases.join(","))
            }
            other => return Err(format!("the interface has a {}, which is new here", other.as_str()).into()),
        })
    }

    /// A primitive has the same name in Rust, but for the signed ones.
    fn primitive(&self, ty: &Type) -> Result<String> {
        Ok(self.rust(ty)?.to_lowercase())
    }
}
