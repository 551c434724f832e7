//! What a chain does for the verdicts `fetch` and `serve`: lead a fetch or wait for it, answer with a
//! stored response, store what was fetched.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderName, header, response};

use crate::body::Body;
use crate::cache::{self, Entry, Fetching, Hit, Joined, Landed, Notes, Part, Patience, Refresh, fill};
use crate::context::{Context, Source};
use crate::plugin::bindings::tollgate::plugin::types::{Fetch, Header, Hit as Served, Reuse};
use crate::plugin::host_api::{MAX_NAMES, build_headers, final_status};
use crate::plugin::link::Link;

/// Longest key of a fetch, in bytes.
const MAX_KEY: usize = 8 << 10;
/// Fetches of others a request waits for that are given up, before it goes on by itself.
const MAX_GIVEN_UP: u32 = 2;
/// Fetches of others a request waits for that bring another variant, before it goes on by itself: more would be
/// waited for one after the other.
const MAX_ROUNDS: u32 = 1;

/// How a request with the verdict `fetch` goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// With the chain.
    Go,
    /// With the same hook: somebody else has stored what it wants.
    Again,
}

/// Leads the fetch, or waits for who does, and asks for what other gateways have stored: no instance is
/// held meanwhile.
pub(super) async fn fetch(link: &Link, context: &mut Context, fetch: Fetch) -> Result<Next, String> {
    let (mut fetching, wait) = begin(link, context, &fetch)?;
    let Notes { patience, found, waited, .. } = &mut **context.cache.get_or_insert_default();
    let patience = patience.restarted(wait, context.deadline);
    while !wait.is_zero() {
        match fetching.store.join(&fetching.key) {
            Joined::Alone => break,
            Joined::Leader(leading) => {
                fetching.leading = Some(leading);
                // Who led before may have landed since the plugin looked.
                if patience.rounds < MAX_ROUNDS && fetching.store.has_more_than(found, &fetching.key) {
                    patience.rounds += 1;
                    fetching.tell(Landed::Stored);
                    return Ok(Next::Again);
                }
                break;
            }
            Joined::Follower(_) if patience.given_up >= MAX_GIVEN_UP || patience.rounds >= MAX_ROUNDS => break,
            Joined::Follower(mut following) => {
                let until = patience.until.unwrap_or(context.deadline);
                match tokio::time::timeout_at(until.into(), following.landed()).await {
                    Ok(Some(Landed::Stored)) => {
                        patience.rounds += 1;
                        fetching.store.count_coalesced();
                        *waited = Some((fetching.plugin, fetching.note));
                        return Ok(Next::Again);
                    }
                    Ok(Some(Landed::NotStored)) => break,
                    Ok(None) => patience.given_up += 1,
                    Err(_) => {
                        fetching.store.count_gave_up_waiting();
                        break;
                    }
                }
            }
        }
    }
    // Another gateway may have it: nobody's upstream is asked twice.
    if !wait.is_zero() && !std::mem::replace(&mut patience.has_asked, true) {
        let until = patience.until.unwrap_or(context.deadline).min(context.deadline);
        if fetching.store.bring(&fetching.key, until).await {
            fetching.tell(Landed::Stored);
            return Ok(Next::Again);
        }
    }
    // Of this moment, not of when it began to wait: what was removed before is not what it brings.
    fetching.began = fetching.store.moment();
    let (set, remove) = changes(fetch.set, &fetch.remove)?;
    apply(&mut context.all_asked().headers, &set, &remove);
    context.cache.get_or_insert_default().fetching.push(fetching);
    Ok(Next::Go)
}

/// The answer the plugin gave to the same request a moment ago, where it said that it would be the same.
pub(super) fn reuse(link: &Link, context: &mut Context) -> Option<Body> {
    let (head, body) = link.pool.answers.find(context, &link.plugin.rights.stores.cache)?;
    answer(link, context, head);
    Some(body)
}

/// Makes a stored response the answer, and has it fetched anew if the plugin asks for it. `position` is
/// the plugin's, on the way in.
pub(super) fn serve(
    link: &Link,
    context: &mut Context,
    served: Served,
    position: Option<usize>,
) -> Result<Body, String> {
    let notes = context.cache.as_ref();
    let entry = notes.and_then(|notes| notes.entry(served.entry)).cloned();
    let entry = entry.ok_or_else(|| format!("`serve` of entry {}, which was not looked up", served.entry))?;
    let refreshes = served.refresh.is_some();
    if let Some(wanted) = served.refresh {
        let position = position.ok_or("`serve` with `refresh` in `on-response`, where nothing is refreshed")?;
        refresh(link, context, wanted, position)?;
    }
    let hit = Hit {
        status: served.status.map(final_status).transpose()?,
        part: served.part.map(|part| (part.first, part.last)),
        set: build_headers(served.set)?,
    };
    let part = hit.part;
    let (head, body) = cache::serve(&entry, hit)?;
    if let Some(wanted) = served.reuse
        && position.is_some()
        && !refreshes
        && link.pool.answers.are_worth_keeping_to(context)
    {
        keep(link, context, &wanted, &entry, (&head, part))?;
    }
    answer(link, context, head);
    Ok(body)
}

fn answer(link: &Link, context: &mut Context, head: response::Parts) {
    context.response = Some(head);
    context.made_by = Source::Plugin(Arc::clone(link.plugin.name()));
}

/// Keeps an answer to be given again.
fn keep(
    link: &Link,
    context: &Context,
    wanted: &Reuse,
    entry: &Entry,
    given: (&response::Parts, Option<Part>),
) -> Result<(), String> {
    let vary: Vec<_> = wanted.vary.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let reuse = cache::Reuse { during: Duration::from_millis(wanted.during_ms.into()), vary: names(&vary)? };
    let key = context.cache.as_ref().map_or("", |notes| &notes.key);
    if let Some(stored) = link.plugin.rights.stores.cache.variants(key) {
        link.pool.answers.keep(context, reuse, (key, &stored, entry), given);
    }
    Ok(())
}

/// The plugin's `on-response` is over: its fetch lands. `body` is what goes to the client.
pub(super) fn land(link: &Link, context: &mut Context, body: Body, passed_on: bool) -> Body {
    let Some(notes) = context.cache.as_deref_mut() else { return body };
    let Some(mut fetching) = notes.take_fetching_of(link.plugin.name()) else { return body };
    if passed_on
        && fetching.again
        && let Some(target) = fetching.target.take()
    {
        (notes.again, notes.was_made_again) = (true, true);
        (context.request.uri, context.request.headers) = (target, std::mem::take(&mut fetching.asked));
        (context.response, context.failure, context.made_by) = (None, None, Source::Gateway);
        return Body::empty();
    }
    match fetching.storing.take() {
        Some(storing) if passed_on => fill::tee(fetching, storing, body),
        // It was answered, and there is nothing for others: what they get each asks for itself, at once.
        _ => {
            fetching.land(Landed::NotStored);
            body
        }
    }
}

fn begin(link: &Link, context: &mut Context, fetch: &Fetch) -> Result<(Fetching, Duration), String> {
    if fetch.key.len() > MAX_KEY {
        return Err(format!("`fetch` of a key that has {} bytes; at most {MAX_KEY} are allowed", fetch.key.len()));
    }
    let store = Arc::clone(&link.plugin.rights.stores.cache);
    let was_made_again = context.cache.as_ref().is_some_and(|notes| notes.was_made_again);
    let is_repeatable = !was_made_again && !context.has_body && context.replaced_body.is_none();
    let fetching = Fetching {
        plugin: Arc::clone(link.plugin.name()),
        key: fetch.key.as_str().into(),
        note: fetch.note.clone(),
        asked: context.all_asked().headers.clone(),
        target: is_repeatable.then(|| context.request.uri.clone()),
        again: false,
        began: store.moment(),
        leading: None,
        storing: None,
        store,
    };
    Ok((fetching, Duration::from_millis(fetch.wait_ms.into())))
}

/// Only where nobody fetches the key already.
fn refresh(link: &Link, context: &mut Context, wanted: Fetch, position: usize) -> Result<(), String> {
    let (mut fetching, _) = begin(link, context, &wanted)?;
    fetching.target = None;
    let (set, remove) = changes(wanted.set, &wanted.remove)?;
    if let Joined::Leader(leading) = fetching.store.join(&fetching.key) {
        fetching.leading = Some(leading);
        let notes = context.cache.get_or_insert_default();
        // Who led before may have landed since the plugin looked.
        if fetching.store.has_more_than(&notes.found, &fetching.key) {
            fetching.tell(Landed::Stored);
            return Ok(());
        }
        notes.refresh = Some(Refresh { position, fetching, set, remove });
    }
    Ok(())
}

type Changes = (http::HeaderMap, Vec<HeaderName>);

fn changes(set: Vec<Header>, remove: &[String]) -> Result<Changes, String> {
    Ok((build_headers(set)?, names(remove)?))
}

fn names(names: &[impl AsRef<[u8]>]) -> Result<Vec<HeaderName>, String> {
    if names.len() > MAX_NAMES {
        return Err(format!("{} names of fields; at most {MAX_NAMES} are allowed", names.len()));
    }
    let name = |name: &_| HeaderName::from_bytes(AsRef::as_ref(name)).map_err(|error| error.to_string());
    names.iter().map(name).collect()
}

/// Takes fields off a request and puts others on.
pub(super) fn apply(headers: &mut http::HeaderMap, set: &http::HeaderMap, remove: &[HeaderName]) {
    for name in remove.iter().filter(|&name| *name != header::HOST) {
        headers.remove(name);
    }
    for (name, value) in set {
        headers.insert(name, value.clone());
    }
}

impl Patience {
    /// The wait begins with the first fetch of a request, and is not begun again.
    fn restarted(&mut self, wait: Duration, deadline: Instant) -> &mut Self {
        let until = || Instant::now().checked_add(wait).map_or(deadline, |until| until.min(deadline));
        self.until.get_or_insert_with(until);
        self
    }
}
