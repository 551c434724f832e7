//! Paths, one segment a level.
//!
//! A tree of segments, because two things are wanted at once: a look-up whose cost does not grow
//! with the number of routes, and falling through to the next best path where a condition does
//! not hold. (A radix tree such as matchit's returns one match only.)

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use http::request;
use percent_encoding::percent_decode_str;

use super::conditions::Conditions;
use super::{Allowed, Params, RouteId};

/// Segments looked at; what a longer path has more is matched by `{*rest}` only.
const MAX_DEPTH: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Tree {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, Node>,
    param: Option<Box<Node>>,
    /// Routes that end here, those with more conditions first.
    here: Vec<Leaf>,
    /// Routes that take the rest, whatever it is.
    rest: Vec<Leaf>,
}

/// Small, and without what most routes have not: with many routes each look-up finds another leaf, and
/// nothing of it in the processor's cache.
#[derive(Debug)]
struct Leaf {
    route: RouteId,
    /// Names of the `{name}`s on the way, in order; the last is `{*name}`'s for a rest. None without any.
    names: Option<Arc<[String]>>,
    conditions: Option<Box<Conditions>>,
}

impl Tree {
    pub(super) fn add(&mut self, path: &str, route: RouteId, conditions: Option<Conditions>) {
        let mut node = &mut self.root;
        let mut names = Vec::new();
        for segment in segments(path) {
            if let Some(name) = inner(segment, "{*") {
                names.push(name.to_owned());
                insert(&mut node.rest, Leaf::new(route, names, conditions));
                return;
            }
            if let Some(name) = inner(segment, "{") {
                names.push(name.to_owned());
                node = node.param.get_or_insert_default();
            } else {
                node = node.literals.entry(decode(segment).into_owned()).or_default();
            }
        }
        insert(&mut node.here, Leaf::new(route, names, conditions));
    }

    pub(super) fn find(&self, head: &request::Parts, allowed: &mut Allowed) -> Option<(RouteId, Params)> {
        let path = head.uri.path();
        let mut search = Search { head, allowed, values: Vec::new() };
        let leaf = search.walk(&self.root, Some(path.strip_prefix('/').unwrap_or(path)), 0)?;
        let values = search.values.iter().map(|value| decode(value).into_owned()).collect();
        Some((leaf.route, Params { names: leaf.names.clone(), values }))
    }
}

impl Leaf {
    fn new(route: RouteId, names: Vec<String>, conditions: Option<Conditions>) -> Self {
        let names = (!names.is_empty()).then(|| names.into());
        Self { route, names, conditions: conditions.map(Box::new) }
    }

    fn weight(&self) -> usize {
        self.conditions.as_ref().map_or(0, |conditions| conditions.weight())
    }
}

struct Search<'a> {
    head: &'a request::Parts,
    allowed: &'a mut Allowed,
    /// What the `{name}`s on the way matched, still encoded.
    values: Vec<&'a str>,
}

impl<'a> Search<'a> {
    /// `rest` is the path behind the segments matched so far; `None` at its end.
    fn walk<'n>(&mut self, node: &'n Node, rest: Option<&'a str>, depth: usize) -> Option<&'n Leaf> {
        let Some(rest) = rest else { return self.first(&node.here) };
        if depth < MAX_DEPTH {
            let (segment, behind) = match rest.split_once('/') {
                Some((segment, behind)) => (segment, Some(behind)),
                None => (rest, None),
            };
            let literal = node.literals.get(&*decode(segment));
            if let Some(leaf) = literal.and_then(|next| self.walk(next, behind, depth + 1)) {
                return Some(leaf);
            }
            if let (Some(next), false) = (&node.param, segment.is_empty()) {
                self.values.push(segment);
                if let Some(leaf) = self.walk(next, behind, depth + 1) {
                    return Some(leaf);
                }
                self.values.pop();
            }
        }
        let leaf = self.first(&node.rest)?;
        self.values.push(rest);
        Some(leaf)
    }

    fn first<'n>(&mut self, leaves: &'n [Leaf]) -> Option<&'n Leaf> {
        let mut fits = |leaf: &Leaf| match &leaf.conditions {
            Some(conditions) => conditions.hold(self.head, self.allowed),
            None => true,
        };
        leaves.iter().find(|leaf| fits(leaf))
    }
}

fn insert(leaves: &mut Vec<Leaf>, leaf: Leaf) {
    let at = leaves.partition_point(|known| known.weight() >= leaf.weight());
    leaves.insert(at, leaf);
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// `{name}` and `{*name}`: the name.
fn inner<'a>(segment: &'a str, open: &str) -> Option<&'a str> {
    segment.strip_prefix(open)?.strip_suffix('}')
}

/// `/a%62` is the same path as `/ab` (RFC 3986 section 6.2.2.2), so both sides are decoded; but
/// segment by segment, so that `%2F` never becomes a separator.
fn decode(segment: &str) -> Cow<'_, str> {
    percent_decode_str(segment).decode_utf8_lossy()
}
