//! `DELETE /api/cache`: operators remove what is stored, by URL, prefix or tag.
//!
//! DELETE, because no page in an operator's browser can send one here without being asked first.

use std::sync::Arc;

use crate::cache::redis::{Namespace, Removed};
use crate::cache::{Purge, Store};
use crate::telemetry::metrics::Caches;

use super::Admin;

/// What is wrong with a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong(pub(super) &'static str);

const USAGE: Wrong =
    Wrong("Say what: one of ?url=URL, ?prefix=URL, ?tag=TAG and ?all=true; and &plugin=NAME for one plugin's only.\n");

/// How many keys are gone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Purged {
    /// From this gateway's memory.
    pub(super) here: u64,
    /// From what is shared, and with it from the others' memory; `None` where nothing is shared.
    pub(super) shared: Option<Removed>,
}

/// Removes what the query says, wherever it is.
pub(super) async fn purge(admin: &Admin, query: &str) -> Result<Purged, Wrong> {
    let Query { what, plugin } = Query::parse(query)?;
    let stores = stores(admin).into_iter().filter(|(name, _)| plugin.as_ref().is_none_or(|plugin| plugin == name));
    let stores: Vec<_> = stores.collect();
    if stores.is_empty() {
        return Err(Wrong("There is no plugin of that name.\n"));
    }
    let mut purged = Purged::default();
    for (_, store) in &stores {
        purged.here += store.purge(what.borrowed());
        if let Some(shared) = store.shared() {
            let removed = shared.purge(what.borrowed()).await;
            purged.shared = Some(purged.shared.map_or(removed, |before| before.and(removed)));
        }
    }
    Ok(purged)
}

/// The numbers of plugins that have stored something, or waited for it, and of what is shared.
pub(super) fn numbers(admin: &Admin) -> Caches {
    let stores = stores(admin);
    let redis = stores.iter().find_map(|(_, store)| store.shared()).map(Namespace::sums);
    let sums = stores.into_iter().map(|(name, store)| (name, store.numbers()));
    Caches { plugins: sums.filter(|(_, sums)| sums.is_used()).collect(), redis }
}

fn stores(admin: &Admin) -> Vec<(String, Arc<Store>)> {
    let snapshot = admin.status.current().snapshot;
    let plugins = snapshot.plugins.iter();
    plugins.map(|plugin| (plugin.name().to_string(), Arc::clone(&plugin.rights.stores.cache))).collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Query {
    what: What,
    plugin: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    Url(String),
    Prefix(String),
    Tag(String),
    All,
}

impl Query {
    fn parse(query: &str) -> Result<Self, Wrong> {
        let (mut what, mut plugin) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let one = match &*name {
                "url" => What::Url(lower_case_origin(&value)),
                "prefix" => What::Prefix(lower_case_origin(&value)),
                "tag" => What::Tag(value.into_owned()),
                "all" if value == "true" => What::All,
                "plugin" => {
                    plugin = Some(value.into_owned());
                    continue;
                }
                _ => return Err(USAGE),
            };
            if what.replace(one).is_some() {
                return Err(USAGE);
            }
        }
        Ok(Self { what: what.ok_or(USAGE)?, plugin })
    }
}

impl What {
    fn borrowed(&self) -> Purge<'_> {
        match self {
            Self::Url(url) => Purge::Url(url),
            Self::Prefix(prefix) => Purge::Prefix(prefix),
            Self::Tag(tag) => Purge::Tag(tag),
            Self::All => Purge::All,
        }
    }
}

/// Scheme and host have no case, and keys have them in lower case.
fn lower_case_origin(url: &str) -> String {
    let path = url.find("://").and_then(|at| url[at + 3..].find('/').map(|slash| at + 3 + slash)).unwrap_or(url.len());
    url[..path].to_ascii_lowercase() + &url[path..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_one_thing_to_remove_and_nothing_by_mistake() {
        let parse = |query| Query::parse(query);
        let url = Query { what: What::Url("http://a.example/X?y".into()), plugin: Some("c".into()) };
        assert_eq!(parse("url=HTTP%3A%2F%2FA.example%2FX%3Fy&plugin=c"), Ok(url));
        assert_eq!(parse("all=true").map(|query| query.what), Ok(What::All));
        for query in ["", "all", "url=a&tag=b", "urls=a", "plugin=c"] {
            assert_eq!(parse(query), Err(USAGE), "{query}");
        }
    }
}
