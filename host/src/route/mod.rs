//! From a request's head to its route.
//!
//! Hosts first, then the path, then what else a route asks for. Precedence is written down and
//! does not depend on the order of the file: an exact host beats `*.example.com` beats none; in a
//! path a literal beats `{name}` beats `{*rest}`; of routes with one path the one with more
//! conditions wins, then the one written first. Unlike a router that returns one match, this one
//! falls through: where a method or header does not fit, the next best path is tried.

use std::collections::HashMap;

use http::header::HeaderValue;
use http::{Method, request};

use crate::config::model::{Host, Match, Route};
use crate::respond::Failure;

mod conditions;
mod routed;
mod tree;

pub use routed::{Names, Routed};

use conditions::Conditions;
use tree::Tree;

/// Index into the config's routes.
pub type RouteId = usize;

/// The path of one route, for requests that are its own whatever else it asks for.
#[derive(Debug)]
pub struct Template(Tree);

impl Template {
    pub fn new(route: &Route) -> Self {
        let mut tree = Tree::default();
        tree.add(&route.matches.path, 0, None);
        Self(tree)
    }

    /// What the path's `{name}`s match; nothing where the path is another.
    pub fn params(&self, head: &request::Parts) -> Vec<String> {
        self.0.find(head, &mut Allowed::default()).map(|(_, params)| params).unwrap_or_default()
    }
}

/// All routes of a config, made for look-up.
#[derive(Debug, Default)]
pub struct Table {
    exact: HashMap<String, Tree>,
    /// `.example.com` and its routes, longest suffix first.
    suffixes: Vec<(String, Tree)>,
    any: Tree,
    names: Vec<Names>,
}

impl Table {
    pub fn new(routes: &[Route]) -> Self {
        let mut table = Self::default();
        for (id, route) in routes.iter().enumerate() {
            table.add(id, &route.matches);
            table.names.push(Names::new(&route.name, &route.matches.path));
        }
        table.suffixes.sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
        table
    }

    /// What the routes are called, in their order.
    pub fn names(&self) -> &[Names] {
        &self.names
    }

    /// The route of a request, and what the `{name}`s of its path matched, percent-decoded. `host` is lower case
    /// and without port.
    pub fn find(&self, host: &str, head: &request::Parts) -> Result<(RouteId, Vec<String>), Failure> {
        let mut allowed = Allowed::default();
        let suffixes = self.suffixes.iter().filter(|(suffix, _)| host.ends_with(suffix.as_str()));
        let trees = self.exact.get(host).into_iter().chain(suffixes.map(|(_, tree)| tree)).chain([&self.any]);
        for tree in trees {
            if let Some(found) = tree.find(head, &mut allowed) {
                return Ok(found);
            }
        }
        Err(allowed.failure())
    }

    fn add(&mut self, id: RouteId, matches: &Match) {
        let conditions = Conditions::of(matches);
        for host in &matches.hosts {
            self.tree(host).add(&matches.path, id, conditions.clone());
        }
        if matches.hosts.is_empty() {
            self.any.add(&matches.path, id, conditions);
        }
    }

    fn tree(&mut self, host: &Host) -> &mut Tree {
        match host {
            Host::Exact(name) => self.exact.entry(name.clone()).or_default(),
            Host::Suffix(suffix) => {
                let at = self.suffixes.iter().position(|(known, _)| known == suffix).unwrap_or_else(|| {
                    self.suffixes.push((suffix.clone(), Tree::default()));
                    self.suffixes.len() - 1
                });
                &mut self.suffixes[at].1
            }
        }
    }
}

/// Methods of routes that would have matched: RFC 9110 section 15.5.6 asks to name them.
#[derive(Debug, Default)]
struct Allowed(Vec<Method>);

impl Allowed {
    fn add(&mut self, methods: &[Method]) {
        for method in methods {
            if !self.0.contains(method) {
                self.0.push(method.clone());
            }
        }
    }

    fn failure(self) -> Failure {
        if self.0.is_empty() {
            return Failure::NoRoute;
        }
        let names: Vec<&str> = self.0.iter().map(Method::as_str).collect();
        match HeaderValue::from_str(&names.join(", ")) {
            Ok(allow) => Failure::MethodNotAllowed { allow },
            Err(_) => Failure::NoRoute,
        }
    }
}

#[cfg(test)]
mod tests;
