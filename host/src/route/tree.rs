//! Paths, one segment a level.
//!
//! A tree of segments, because two things are wanted at once: a look-up whose cost does not grow
//! with the number of routes, and falling through to the next best path where a condition does
//! not hold. (A radix tree such as matchit's returns one match only.)

use std::borrow::Cow;
use std::hash::BuildHasher as _;

use ecow::EcoString;
use hashbrown::{DefaultHashBuilder, HashTable};
use http::request;
use percent_encoding::percent_decode_str;

use super::conditions::Conditions;
use super::{Allowed, RouteId};

/// Segments looked at; what a longer path has more is matched by `{*rest}` only.
const MAX_DEPTH: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Tree {
    root: Node,
}

/// What is below a segment: nearly always one route, whose path is done and which asks for nothing else.
#[derive(Debug, Default)]
struct Node {
    plain: Option<Leaf>,
    more: Option<Box<More>>,
}

#[derive(Debug, Default)]
struct More {
    literals: HashTable<Branch>,
    hasher: DefaultHashBuilder,
    param: Option<Node>,
    /// Other routes that end here, those with more conditions first.
    leaves: Vec<(Leaf, Option<Conditions>)>,
}

/// A segment, and what is below it. Small, and in one line of the processor's cache: with many routes each look-up
/// finds another one, and nothing of it there.
#[derive(Debug)]
#[repr(align(32))]
struct Branch {
    segment: EcoString,
    node: Node,
}

const _: () = assert!(size_of::<Branch>() == 32, "two branches are one line");

#[derive(Debug, Clone, Copy)]
struct Leaf {
    route: u32,
    /// Whether it takes the rest of the path, whatever it is.
    takes_rest: bool,
}

impl Tree {
    pub(super) fn add(&mut self, path: &str, route: RouteId, conditions: Option<Conditions>) {
        let mut node = &mut self.root;
        // No config has as many.
        let route = u32::try_from(route).unwrap_or(u32::MAX);
        let mut leaf = Leaf { route, takes_rest: false };
        for segment in segments(path) {
            if segment.starts_with("{*") {
                leaf.takes_rest = true;
                break;
            }
            let more = node.more.get_or_insert_default();
            node = if segment.starts_with('{') {
                more.param.get_or_insert_default()
            } else {
                more.literal(&decode(segment))
            };
        }
        node.insert(leaf, conditions);
    }

    /// The route, and what the `{name}`s of its path matched, percent-decoded.
    pub(super) fn find(&self, head: &request::Parts, allowed: &mut Allowed) -> Option<(RouteId, Vec<String>)> {
        let path = head.uri.path();
        let mut search = Search { head, allowed, values: Vec::new() };
        let leaf = search.walk(&self.root, Some(path.strip_prefix('/').unwrap_or(path)), 0)?;
        let values = search.values.iter().map(|value| decode(value).into_owned()).collect();
        Some((leaf.route as RouteId, values))
    }
}

impl Node {
    fn insert(&mut self, leaf: Leaf, conditions: Option<Conditions>) {
        match self.plain {
            None if conditions.is_none() => self.plain = Some(leaf),
            // Of two that ask for the same the one written first is taken.
            Some(plain) if conditions.is_none() && plain.takes_rest == leaf.takes_rest => {}
            _ => self.more.get_or_insert_default().insert(leaf, conditions),
        }
    }
}

impl More {
    fn find(&self, segment: &str) -> Option<&Node> {
        if self.literals.is_empty() {
            return None;
        }
        let branch = self.literals.find(self.hasher.hash_one(segment), |branch| branch.segment == segment);
        branch.map(|branch| &branch.node)
    }

    fn literal(&mut self, segment: &str) -> &mut Node {
        let Self { literals, hasher, .. } = self;
        let hash = |segment: &str| hasher.hash_one(segment);
        let known = literals.entry(hash(segment), |other| other.segment == segment, |other| hash(&other.segment));
        let branch = known.or_insert_with(|| Branch { segment: segment.into(), node: Node::default() });
        &mut branch.into_mut().node
    }

    fn insert(&mut self, leaf: Leaf, conditions: Option<Conditions>) {
        let weight = |conditions: &Option<Conditions>| conditions.as_ref().map_or(0, Conditions::weight);
        let at = self.leaves.partition_point(|(_, known)| weight(known) >= weight(&conditions));
        self.leaves.insert(at, (leaf, conditions));
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
    fn walk(&mut self, node: &Node, rest: Option<&'a str>, depth: usize) -> Option<Leaf> {
        let Some(rest) = rest else { return self.first(node, false) };
        if let (Some(more), true) = (&node.more, depth < MAX_DEPTH) {
            let (segment, behind) = match rest.bytes().position(|byte| byte == b'/') {
                Some(at) => (&rest[..at], Some(&rest[at + 1..])),
                None => (rest, None),
            };
            let literal = more.find(&decode(segment));
            if let Some(leaf) = literal.and_then(|next| self.walk(next, behind, depth + 1)) {
                return Some(leaf);
            }
            if let (Some(next), false) = (&more.param, segment.is_empty()) {
                self.values.push(segment);
                if let Some(leaf) = self.walk(next, behind, depth + 1) {
                    return Some(leaf);
                }
                self.values.pop();
            }
        }
        let leaf = self.first(node, true)?;
        self.values.push(rest);
        Some(leaf)
    }

    /// The first route of a node that takes the request: the one without conditions comes last.
    fn first(&mut self, node: &Node, takes_rest: bool) -> Option<Leaf> {
        let mut fits = |conditions: &Option<Conditions>| match conditions {
            Some(conditions) => conditions.hold(self.head, self.allowed),
            None => true,
        };
        let mut others = node.more.iter().flat_map(|more| &more.leaves);
        let found = others.find(|(leaf, conditions)| leaf.takes_rest == takes_rest && fits(conditions));
        found.map(|(leaf, _)| *leaf).or_else(|| node.plain.filter(|leaf| leaf.takes_rest == takes_rest))
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// `/a%62` is the same path as `/ab` (RFC 3986 section 6.2.2.2), so both sides are decoded; but
/// segment by segment, so that `%2F` never becomes a separator.
fn decode(segment: &str) -> Cow<'_, str> {
    if !segment.as_bytes().contains(&b'%') {
        return Cow::Borrowed(segment);
    }
    percent_decode_str(segment).decode_utf8_lossy()
}
