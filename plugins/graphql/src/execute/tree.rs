//! The answer in the making: a tree whose leaves point into what services answered.
//!
//! An error in a field that must not be null takes away the nearest object or list around it that
//! may be (section 6.4.4 of the specification).

use std::ops::Range;

use crate::error::{self, GraphqlError, Segment};
use crate::plan::PlanField;

/// Most values of one answer.
pub(crate) const MOST_VALUES: usize = 200_000;

/// A value's place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(usize);

/// The root: `data`.
pub(crate) const ROOT: Id = Id(0);

#[derive(Debug)]
pub(crate) struct Tree<'a> {
    values: Vec<Node<'a>>,
    pub(crate) errors: Vec<GraphqlError>,
}

#[derive(Debug)]
struct Node<'a> {
    parent: Id,
    key: Key<'a>,
    non_null: bool,
    value: Value<'a>,
}

/// Where a value is in its parent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key<'a> {
    Field(&'a PlanField),
    Index(usize),
}

#[derive(Debug)]
pub(crate) enum Value<'a> {
    /// Not known yet.
    Pending,
    Null,
    /// JSON as it is.
    Json(&'a str),
    /// Text that is JSON once it stands in quotes.
    Quoted(&'a str),
    /// JSON that was made.
    Made(String),
    List(Children),
    Object(Children),
}

/// The values within a value: they were added one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Children(Range<usize>);

impl Iterator for Children {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        self.0.next().map(Id)
    }
}

/// Values there is room for at once: more than most answers have.
const USUAL: usize = 64;

impl<'a> Tree<'a> {
    pub(crate) fn new() -> Self {
        let mut values = Vec::with_capacity(USUAL);
        values.push(Node { parent: ROOT, key: Key::Index(0), non_null: false, value: Value::Pending });
        Self { values, errors: Vec::new() }
    }

    /// The fields of an object, whose values are not known yet.
    pub(crate) fn add_fields(&mut self, parent: Id, fields: &'a [PlanField]) -> Children {
        let children = self.add(fields.iter().map(|field| Node {
            parent,
            key: Key::Field(field),
            non_null: field.ty().is_non_null(),
            value: Value::Pending,
        }));
        self.set(parent, Value::Object(children.clone()));
        children
    }

    /// The items of a list, which are not known yet.
    pub(crate) fn add_items(&mut self, parent: Id, count: usize, non_null: bool) -> Children {
        let children =
            self.add((0..count).map(|index| Node { parent, key: Key::Index(index), non_null, value: Value::Pending }));
        self.set(parent, Value::List(children.clone()));
        children
    }

    fn add(&mut self, nodes: impl Iterator<Item = Node<'a>>) -> Children {
        let first = self.values.len();
        self.values.extend(nodes);
        Children(first..self.values.len())
    }

    /// Whether so many more would be too many.
    pub(crate) fn is_full(&self, more: usize) -> bool {
        self.values.len().saturating_add(more) > MOST_VALUES
    }

    /// A value that turned out to be null on the way stays so.
    pub(crate) fn set(&mut self, id: Id, value: Value<'a>) {
        if let Some(node) = self.values.get_mut(id.0)
            && !matches!(node.value, Value::Null)
        {
            node.value = value;
        }
    }

    /// An error takes the place of a value.
    pub(crate) fn fail(&mut self, id: Id, code: &'static str, message: impl Into<String>) {
        if self.errors.len() < error::MOST {
            let (path, field) = self.path(id);
            let locations = field.and_then(|field| field.location).into_iter().collect();
            self.errors.push(GraphqlError { message: message.into(), locations, path, code });
        }
        let mut id = id;
        while let Some(node) = self.values.get_mut(id.0) {
            node.value = Value::Null;
            if !node.non_null {
                break;
            }
            id = node.parent;
        }
    }

    /// Whether nobody will see what becomes of a value, because something around it is null.
    pub(crate) fn is_lost(&self, id: Id) -> bool {
        let mut id = id;
        while let Some(node) = self.values.get(id.0) {
            if matches!(node.value, Value::Null) {
                return true;
            }
            if id == ROOT {
                return false;
            }
            id = node.parent;
        }
        true
    }

    /// `{"errors": [...], "data": ...}`.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        if !self.errors.is_empty() {
            out.extend_from_slice(b"\"errors\":");
            error::write_all(&self.errors, out);
            out.push(b',');
        }
        out.extend_from_slice(b"\"data\":");
        self.write_value(ROOT, out);
        out.push(b'}');
    }

    fn write_value(&self, id: Id, out: &mut Vec<u8>) {
        let Some(node) = self.values.get(id.0) else { return };
        match &node.value {
            Value::Pending | Value::Null => out.extend_from_slice(b"null"),
            Value::Json(text) => out.extend_from_slice(text.as_bytes()),
            Value::Made(text) => out.extend_from_slice(text.as_bytes()),
            Value::Quoted(text) => {
                out.push(b'"');
                out.extend_from_slice(text.as_bytes());
                out.push(b'"');
            }
            Value::List(items) => {
                out.push(b'[');
                for (index, item) in items.clone().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    self.write_value(item, out);
                }
                out.push(b']');
            }
            Value::Object(fields) => {
                out.push(b'{');
                for (index, field) in fields.clone().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    if let Some(Key::Field(field)) = self.values.get(field.0).map(|node| node.key) {
                        // A name of GraphQL: there is nothing to escape in it.
                        out.push(b'"');
                        out.extend_from_slice(field.key.as_bytes());
                        out.extend_from_slice(b"\":");
                    }
                    self.write_value(field, out);
                }
                out.push(b'}');
            }
        }
    }

    /// The way to a value, and the field it is of.
    fn path(&self, id: Id) -> (Vec<Segment>, Option<&'a PlanField>) {
        let (mut path, mut nearest, mut id) = (Vec::new(), None, id);
        while id != ROOT {
            let Some(node) = self.values.get(id.0) else { break };
            match node.key {
                Key::Field(field) => {
                    path.push(Segment::Key(field.key.clone()));
                    nearest = nearest.or(Some(field));
                }
                Key::Index(index) => path.push(Segment::Index(index)),
            }
            id = node.parent;
        }
        path.reverse();
        (path, nearest)
    }
}
