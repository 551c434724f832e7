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

const NO_URL: Wrong = Wrong(
    "A URL begins with its scheme: ?url=http://shop.example/a, ?prefix=http://shop.example/. To remove everything: ?all=true\n",
);
const NO_TAG: Wrong = Wrong("No tag is empty: ?tag=TAG. To remove everything: ?all=true\n");

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
                "url" | "prefix" if !value.contains("://") => return Err(NO_URL),
                "url" => What::Url(usual_origin(&value)),
                "prefix" => What::Prefix(usual_origin(&value)),
                "tag" if value.is_empty() => return Err(NO_TAG),
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

/// Scheme and host have no case, and keys have them in lower case; nor do they have the scheme's own port.
fn usual_origin(url: &str) -> String {
    let path = url.find("://").and_then(|at| url[at + 3..].find('/').map(|slash| at + 3 + slash)).unwrap_or(url.len());
    let (origin, path) = url.split_at(path);
    let mut usual = origin.to_ascii_lowercase();
    // Of a prefix that ends in its host this may be the beginning of another port.
    let port = if usual.starts_with("https:") { ":443" } else { ":80" };
    if !path.is_empty() && usual.ends_with(port) {
        usual.truncate(usual.len() - port.len());
    }
    usual + path
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
        for query in ["", "all", "url=http://a/&tag=b", "urls=a", "plugin=c"] {
            assert_eq!(parse(query), Err(USAGE), "{query}");
        }
        for query in ["prefix=", "url=", "url=foo", "prefix=shop.example/"] {
            assert_eq!(parse(query), Err(NO_URL), "{query}");
        }
        assert_eq!(parse("tag="), Err(NO_TAG));
    }

    #[test]
    fn an_origin_is_as_keys_have_it() {
        for (url, usual) in [
            ("HTTP://Shop.Example:80/A", "http://shop.example/A"),
            ("https://shop.example:443/", "https://shop.example/"),
            ("https://shop.example:80/", "https://shop.example:80/"),
            ("http://shop.example:8080/:80", "http://shop.example:8080/:80"),
            ("http://shop.example:80", "http://shop.example:80"),
        ] {
            assert_eq!(usual_origin(url), usual);
        }
    }
}
