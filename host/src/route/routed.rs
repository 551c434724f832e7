//! A request's route, as everything behind the look-up knows it.

use std::fmt;
use std::sync::Arc;

use super::RouteId;

/// What a route calls itself and the `{name}`s of its path.
#[derive(Debug, Clone)]
pub struct Names {
    pub route: Arc<str>,
    /// In the order of the path; the last is `{*name}`'s.
    params: Arc<[String]>,
}

/// The route of a request, and what its path's `{name}`s matched.
///
/// Each request holds the names of all routes of its worker. Were each route's name counted by itself, a request
/// would write into it, and with thousands of routes wait for memory to do so; here it is read when someone asks.
#[derive(Debug, Clone)]
pub struct Routed {
    names: Arc<[Names]>,
    id: RouteId,
    /// Percent-decoded.
    values: Vec<String>,
}

impl Names {
    pub(super) fn new(route: &str, path: &str) -> Self {
        let params = path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let params = params.map(|name| name.strip_prefix('*').unwrap_or(name).to_owned()).collect();
        Self { route: route.into(), params }
    }

    /// Each `{name}` with what it matched.
    pub fn params<'a>(&'a self, values: &'a [String]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.params.iter().map(String::as_str).zip(values.iter().map(String::as_str))
    }
}

impl Routed {
    pub fn new(names: &Arc<[Names]>, id: RouteId, values: Vec<String>) -> Self {
        Self { names: Arc::clone(names), id, values }
    }

    pub fn name(&self) -> &str {
        self.names.get(self.id).map_or("", |names| &names.route)
    }

    /// What this `{name}` of the path matched.
    pub fn param(&self, name: &str) -> Option<&str> {
        let mut params = self.names.get(self.id)?.params(&self.values);
        params.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The route alone.
    #[must_use]
    pub fn without_params(&self) -> Self {
        Self::new(&self.names, self.id, Vec::new())
    }
}

impl fmt::Display for Routed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The only route there is, for tests and measurements of what comes behind the look-up.
impl From<&str> for Routed {
    fn from(name: &str) -> Self {
        Self::new(&[Names::new(name, "/")].into(), 0, Vec::new())
    }
}
