//! A plan: what an operation wants, by the schema, with fragments and conditions gone.
//!
//! A plan is made once for a document, an operation in it and the values of the variables in its
//! `@skip` and `@include`. What remains to be done for each request is in `execute/`.

mod arguments;
mod build;
mod cost;

use std::cell::OnceCell;
use std::rc::Rc;

use apollo_compiler::ast::{OperationType, Type};
use apollo_compiler::executable::Argument;
use apollo_compiler::response::JsonMap;
use apollo_compiler::schema::FieldDefinition;
use apollo_compiler::{Name, Node, Schema};

pub(crate) use arguments::{coerce, complete};
pub(crate) use build::{build, conditions};

use crate::json::Path;
use crate::kept::Kept;
use crate::schema::{Guard, ListSize};

/// A whole operation.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) kind: OperationType,
    pub(crate) fields: Vec<PlanField>,
    /// How many fields have a call: each has a number below this.
    pub(crate) calls: usize,
    /// Whether it asks for the schema.
    pub(crate) introspects: bool,
    /// Whether it has fields that are not for everyone.
    pub(crate) is_guarded: bool,
    /// What its answer is made of.
    pub(crate) kept: Kept,
    /// Whether an argument says how long a list is.
    is_sliced: bool,
    /// What it costs, once that is known, where no argument makes a difference.
    cost: OnceCell<u64>,
}

impl Plan {
    /// What it costs with these variables.
    pub(crate) fn cost(&self, schema: &Schema, variables: &JsonMap, list_size: u32) -> u64 {
        let count = || cost::cost(schema, &self.fields, variables, list_size);
        if self.is_sliced { count() } else { *self.cost.get_or_init(count) }
    }
}

/// One field of an object.
#[derive(Debug)]
pub(crate) struct PlanField {
    /// The name it has in the answer.
    pub(crate) key: String,
    /// Its line and column in the document.
    pub(crate) location: Option<(usize, usize)>,
    pub(crate) parent_type: Name,
    pub(crate) definition: Node<FieldDefinition>,
    pub(crate) source: PlanSource,
    pub(crate) guards: Vec<Guard>,
    pub(crate) weight: u32,
    pub(crate) list_size: Option<ListSize>,
    pub(crate) arguments: Vec<Node<Argument>>,
    pub(crate) children: Children,
}

impl PlanField {
    /// `User.name`, for people.
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}", self.parent_type, self.definition.name)
    }

    pub(crate) fn ty(&self) -> &Type {
        &self.definition.ty
    }
}

/// Where a field's value comes from.
#[derive(Debug)]
pub(crate) enum PlanSource {
    /// `__typename`.
    Typename,
    /// `__schema` and `__type`.
    Introspection,
    /// A member of the parent.
    Member(Path),
    /// A call; the number tells the fields with calls apart.
    Call(usize),
}

/// What is wanted of a field's value.
#[derive(Debug)]
pub(crate) enum Children {
    /// The value itself.
    Leaf(Leaf),
    /// Fields of an object, for each type it may have. One entry for a type that is no other.
    Objects(Vec<(Name, Rc<Vec<PlanField>>)>),
}

/// How a value is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leaf {
    Int,
    Float,
    String,
    Boolean,
    Id,
    Enum(Rc<[Name]>),
    /// Whatever JSON it is.
    Custom,
}
