//! From a valid document to a plan: fields are collected (section 6.3.2 of the specification), for
//! each type an object may have.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::rc::Rc;

use apollo_compiler::ast::{DirectiveList, Value};
use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet};
use apollo_compiler::response::JsonMap;
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{ExecutableDocument, Name, Node};

use super::{Children, Leaf, Plan, PlanField, PlanSource};
use crate::kept::Kept;
use crate::schema::{Service, Source};

/// Most fields of a plan, of all types an object may have together.
const MOST_FIELDS: usize = 20_000;

/// A plan would have too many fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// The plan of an operation. `variables` are coerced, and asked only for what [`conditions`] names.
pub(crate) fn build(
    service: &Service,
    document: &ExecutableDocument,
    operation: &Operation,
    variables: &JsonMap,
) -> Result<Plan, TooLarge> {
    let mut builder = Builder {
        service,
        document,
        variables,
        calls: 0,
        fields: 0,
        introspects: false,
        is_guarded: false,
        kept: Kept::default(),
        is_sliced: false,
    };
    let root = operation.object_type().clone();
    let fields = builder.object(&root, &[&operation.selection_set])?;
    let Builder { calls, introspects, is_guarded, mut kept, is_sliced, .. } = builder;
    kept.is_private |= is_guarded;
    Ok(Plan {
        kind: operation.operation_type,
        fields,
        calls,
        introspects,
        is_guarded,
        kept,
        is_sliced,
        cost: OnceCell::new(),
    })
}

/// The variables of `@skip` and `@include` anywhere in a document: with other values of these a
/// plan is another.
pub(crate) fn conditions(document: &ExecutableDocument) -> Vec<Name> {
    let mut names = Vec::new();
    for operation in document.operations.iter() {
        collect_conditions(&operation.selection_set, &mut names);
    }
    for fragment in document.fragments.values() {
        collect_conditions(&fragment.selection_set, &mut names);
    }
    names
}

fn collect_conditions(set: &SelectionSet, names: &mut Vec<Name>) {
    for selection in &set.selections {
        for directive in selection.directives().iter().filter(|it| it.name == "skip" || it.name == "include") {
            if let Some(Value::Variable(name)) = directive.specified_argument_by_name("if").map(AsRef::as_ref)
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
        match selection {
            Selection::Field(field) => collect_conditions(&field.selection_set, names),
            Selection::InlineFragment(fragment) => collect_conditions(&fragment.selection_set, names),
            Selection::FragmentSpread(_) => {}
        }
    }
}

struct Builder<'d> {
    service: &'d Service,
    document: &'d ExecutableDocument,
    variables: &'d JsonMap,
    calls: usize,
    fields: usize,
    introspects: bool,
    is_guarded: bool,
    kept: Kept,
    is_sliced: bool,
}

/// Fields of one name in the answer: they are one.
type Group<'d> = (&'d Name, Vec<&'d Node<Field>>);

impl<'d> Builder<'d> {
    /// What is wanted of an object of this type by all these selections together.
    fn object(&mut self, ty: &Name, sets: &[&'d SelectionSet]) -> Result<Vec<PlanField>, TooLarge> {
        let mut groups: Vec<Group<'d>> = Vec::new();
        let mut seen = HashSet::new();
        for set in sets {
            self.collect(ty, set, &mut seen, &mut groups);
        }
        groups.into_iter().map(|(key, fields)| self.field(ty, key, &fields)).collect()
    }

    fn collect(&self, ty: &Name, set: &'d SelectionSet, seen: &mut HashSet<&'d Name>, groups: &mut Vec<Group<'d>>) {
        for selection in &set.selections {
            if !self.is_included(selection.directives()) {
                continue;
            }
            match selection {
                Selection::Field(field) => {
                    let key = field.response_key();
                    match groups.iter_mut().find(|(other, _)| *other == key) {
                        Some((_, fields)) => fields.push(field),
                        None => groups.push((key, vec![field])),
                    }
                }
                Selection::InlineFragment(fragment) => {
                    if fragment.type_condition.as_ref().is_none_or(|condition| self.applies(condition, ty)) {
                        self.collect(ty, &fragment.selection_set, seen, groups);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.document.fragments.get(&spread.fragment_name) else { continue };
                    if seen.insert(&spread.fragment_name) && self.applies(fragment.type_condition(), ty) {
                        self.collect(ty, &fragment.selection_set, seen, groups);
                    }
                }
            }
        }
    }

    fn field(&mut self, ty: &Name, key: &Name, fields: &[&'d Node<Field>]) -> Result<PlanField, TooLarge> {
        self.fields += 1;
        if self.fields > MOST_FIELDS {
            return Err(TooLarge);
        }
        let first = fields.first().ok_or(TooLarge)?;
        let info = self.service.field(ty, &first.name);
        let list_size = info.and_then(|info| info.list_size.clone());
        self.is_guarded |= info.is_some_and(|info| !info.guards.is_empty());
        self.is_sliced |= list_size.as_ref().is_some_and(|size| !size.slicing.is_empty());
        let source = match first.name.as_str() {
            "__typename" => PlanSource::Typename,
            "__schema" | "__type" => {
                self.introspects = true;
                PlanSource::Introspection
            }
            name => match info.map(|info| &info.source) {
                Some(Source::Rest(rest)) => {
                    self.kept.add_call(rest);
                    self.calls += 1;
                    PlanSource::Call(self.calls - 1)
                }
                Some(Source::Member(path)) => PlanSource::Member(path.clone()),
                None => PlanSource::Member(crate::json::Path::member(name)),
            },
        };
        let children = match source {
            // The library answers these with all that is in them.
            PlanSource::Introspection => Children::Leaf(Leaf::Custom),
            _ => self.children(first.ty().inner_named_type(), fields)?,
        };
        // The definition of the object's own type: an interface's may lack arguments and be nullable.
        let own = self.service.schema.type_field(ty, &first.name).map(|field| field.node.clone());
        let place = first.name.location().and_then(|span| span.line_column(&self.document.sources));
        Ok(PlanField {
            key: key.as_str().to_owned(),
            location: place.map(|place| (place.line, place.column)),
            parent_type: ty.clone(),
            definition: own.unwrap_or_else(|_| first.definition.clone()),
            source,
            guards: info.map(|info| info.guards.clone()).unwrap_or_default(),
            weight: info.map_or(1, |info| info.weight),
            list_size,
            arguments: first.arguments.clone(),
            children,
        })
    }

    fn children(&mut self, ty: &Name, fields: &[&'d Node<Field>]) -> Result<Children, TooLarge> {
        match self.service.schema.types.get(ty) {
            Some(ExtendedType::Scalar(_)) | None => Ok(Children::Leaf(match ty.as_str() {
                "Int" => Leaf::Int,
                "Float" => Leaf::Float,
                "String" => Leaf::String,
                "Boolean" => Leaf::Boolean,
                "ID" => Leaf::Id,
                _ => Leaf::Custom,
            })),
            Some(ExtendedType::Enum(it)) => Ok(Children::Leaf(Leaf::Enum(it.values.keys().cloned().collect()))),
            Some(_) => {
                let sets: Vec<&SelectionSet> = fields.iter().map(|field| &field.selection_set).collect();
                let types = self.service.possible_types(ty);
                let types = types.into_iter().map(|ty| {
                    let fields = self.object(&ty, &sets)?;
                    Ok((ty, Rc::new(fields)))
                });
                Ok(Children::Objects(types.collect::<Result<_, _>>()?))
            }
        }
    }

    fn applies(&self, condition: &Name, ty: &Name) -> bool {
        condition == ty || self.service.schema.is_subtype(condition, ty)
    }

    fn is_included(&self, directives: &DirectiveList) -> bool {
        let is_true = |name: &str| {
            let value = directives.get(name)?.specified_argument_by_name("if")?;
            match value.as_ref() {
                Value::Boolean(value) => Some(*value),
                Value::Variable(name) => self.variables.get(name.as_str())?.as_bool(),
                _ => None,
            }
        };
        is_true("skip") != Some(true) && is_true("include") != Some(false)
    }
}
