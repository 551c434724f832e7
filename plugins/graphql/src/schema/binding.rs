//! The directives of each field, read.

use std::collections::HashMap;

use apollo_compiler::ast::{Directive, DirectiveList, Value};
use apollo_compiler::schema::{Component, ExtendedType, FieldDefinition, ObjectType};
use apollo_compiler::{Name, Node, Schema};

use super::problems::Problems;
use super::rest::Rest;
use super::template::Place;
use crate::json::Path;

/// What there is to know of a field of an object type.
#[derive(Debug)]
pub(crate) struct FieldInfo {
    pub(crate) source: Source,
    pub(crate) weight: u32,
    pub(crate) list_size: Option<ListSize>,
    /// All of them must let the request on.
    pub(crate) guards: Vec<Guard>,
}

/// Where a field's value comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A member of the parent.
    Member(Path),
    /// A call.
    Rest(Box<Rest>),
}

/// `@listSize`.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListSize {
    pub(crate) assumed: Option<u32>,
    pub(crate) slicing: Vec<String>,
}

/// Who may see a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Who is known.
    User,
    /// Who has all scopes of one of these lists.
    Scopes(Vec<Vec<String>>),
}

/// All fields of all object types.
pub(crate) fn read(
    schema: &Schema,
    bound: bool,
    problems: &mut Problems<'_>,
) -> HashMap<Name, HashMap<Name, FieldInfo>> {
    let subscription = schema.schema_definition.subscription.as_ref().filter(|_| bound);
    if let Some(object) = subscription.and_then(|root| schema.get_object(&root.name)) {
        let what = format!("`{}` has subscriptions, which are not supported", object.name);
        problems.add(object.name.location(), what);
    }
    let mut types = HashMap::new();
    for (name, ty) in &schema.types {
        match ty {
            ExtendedType::Object(object) if !ty.is_built_in() => {
                let is_root = schema.schema_definition.iter_root_operations().any(|(_, root)| root.name == *name);
                let fields = object.fields.iter().map(|(field_name, field)| {
                    let info = field_info(schema, object, field, is_root, bound, problems);
                    (field_name.clone(), info)
                });
                types.insert(name.clone(), fields.collect());
            }
            ExtendedType::Interface(interface) => {
                for field in interface.fields.values().filter(|_| bound) {
                    if let Some(directive) = field.directives.get("rest") {
                        problems
                            .add(directive.location(), "`@rest` has no effect in an interface: object types carry it");
                    }
                }
            }
            _ => {}
        }
    }
    types
}

fn field_info(
    schema: &Schema,
    object: &ObjectType,
    field: &Component<FieldDefinition>,
    is_root: bool,
    bound: bool,
    problems: &mut Problems<'_>,
) -> FieldInfo {
    let mut guards = Vec::new();
    let of_interfaces = object.implements_interfaces.iter().filter_map(|name| schema.get_interface(name));
    for interface in of_interfaces {
        push_guards(&mut guards, interface.directives.iter().map(|it| &it.node));
        if let Some(declared) = interface.fields.get(&field.name) {
            push_guards(&mut guards, declared.directives.iter());
        }
    }
    push_guards(&mut guards, object.directives.iter().map(|it| &it.node));
    push_guards(&mut guards, field.directives.iter());
    let inner = schema.types.get(field.ty.inner_named_type());
    if let Some(inner) = inner {
        push_guards(&mut guards, inner.directives().iter().map(|it| &it.node));
    }
    FieldInfo {
        source: source(object, field, is_root, bound, problems),
        weight: weight(&field.directives, inner, problems),
        list_size: list_size(field),
        guards,
    }
}

fn source(
    object: &ObjectType,
    field: &Component<FieldDefinition>,
    is_root: bool,
    bound: bool,
    problems: &mut Problems<'_>,
) -> Source {
    let own_name = || Source::Member(Path::member(&field.name));
    if !bound {
        return own_name();
    }
    if let Some(directive) = field.directives.get("rest") {
        return match Rest::parse(directive) {
            Ok(rest) => {
                for place in rest.places() {
                    if let Err(error) = check_place(place, object, field, is_root) {
                        problems.add(directive.location(), format!("@rest: {error}"));
                    }
                }
                Source::Rest(Box::new(rest))
            }
            Err(errors) => {
                for error in errors {
                    problems.add(directive.location(), format!("@rest: {error}"));
                }
                own_name()
            }
        };
    }
    if is_root {
        let place = field.location();
        problems
            .add(place, format!("`{}.{}` has no `@rest`: where does its value come from?", object.name, field.name));
    }
    let Some(directive) = field.directives.get("from") else { return own_name() };
    let path = directive.specified_argument_by_name("path").and_then(|value| value.as_str()).unwrap_or_default();
    match Path::parse(path) {
        Ok(path) if !path.names().is_empty() => Source::Member(path),
        Ok(_) => {
            problems.add(directive.location(), "@from: path: is empty");
            own_name()
        }
        Err(error) => {
            problems.add(directive.location(), format!("@from: path: {error}"));
            own_name()
        }
    }
}

/// A place must be able to have a value.
fn check_place(place: &Place, object: &ObjectType, field: &FieldDefinition, is_root: bool) -> Result<(), String> {
    match place {
        Place::Args(path) => {
            let name = path.names().first().map_or("", String::as_str);
            if field.argument_by_name(name).is_none() {
                return Err(format!("`{}` has no argument `{name}`", field.name));
            }
        }
        Place::Parent(_) if is_root => {
            return Err(format!("`{}` is a field of `{}`, which has no parent", field.name, object.name));
        }
        // A member of what the service sends, which the schema need not have.
        Place::Parent(_) | Place::Attribute(_) | Place::Header(_) | Place::Param(_) | Place::Keys => {}
    }
    Ok(())
}

fn push_guards<'d>(guards: &mut Vec<Guard>, directives: impl Iterator<Item = &'d Node<Directive>>) {
    for directive in directives {
        let guard = match directive.name.as_str() {
            "authenticated" => Guard::User,
            "requiresScopes" => {
                Guard::Scopes(scopes(directive.specified_argument_by_name("scopes").map(AsRef::as_ref)))
            }
            _ => continue,
        };
        if !guards.contains(&guard) {
            guards.push(guard);
        }
    }
}

/// A list of lists; a single value may stand for a list of it.
fn scopes(value: Option<&Value>) -> Vec<Vec<String>> {
    let Some(value) = value else { return Vec::new() };
    let all = |value: &Value| match value {
        Value::List(names) => names.iter().filter_map(|name| name.as_str()).map(str::to_owned).collect(),
        other => other.as_str().map(str::to_owned).into_iter().collect::<Vec<_>>(),
    };
    match value {
        Value::List(lists) => lists.iter().map(|list| all(list)).collect(),
        other => vec![all(other)],
    }
}

fn weight(directives: &DirectiveList, inner: Option<&ExtendedType>, problems: &mut Problems<'_>) -> u32 {
    let of_type = || inner.and_then(|inner| inner.directives().get("cost").map(|directive| &directive.node));
    let Some(directive) = directives.get("cost").or_else(of_type) else { return 1 };
    // A service's own `@cost` may say it otherwise.
    let Some(value) = directive.specified_argument_by_name("weight") else { return 1 };
    // The cost specification has a string, so that a fraction may be written.
    let number = value.as_str().map_or_else(|| value.to_f64(), |text| text.parse().ok());
    match number {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "just compared")]
        Some(weight) if (0.0..=1_000_000.0).contains(&weight) => weight.ceil() as u32,
        _ => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            problems.add(directive.location(), format!("@cost: weight: `{text}` is no number from 0 to 1000000"));
            1
        }
    }
}

fn list_size(field: &FieldDefinition) -> Option<ListSize> {
    let directive = field.directives.get("listSize")?;
    let slicing = directive.specified_argument_by_name("slicingArguments").and_then(|value| value.as_list());
    let assumed = directive.specified_argument_by_name("assumedSize").and_then(|value| value.to_i32());
    Some(ListSize {
        assumed: assumed.and_then(|size| u32::try_from(size).ok()),
        slicing: slicing.unwrap_or_default().iter().filter_map(|name| name.as_str()).map(str::to_owned).collect(),
    })
}
