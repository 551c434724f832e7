//! Answers a worker gives again without asking the plugin: the `reuse` of the WIT's `hit`.
//!
//! What is popular is asked for many times within a moment, and the plugin's answer is the same each time. So it says for
//! how long that holds, and what it depends on. No answer outlives what it was made of: once the responses stored under
//! the key have changed, were removed or evicted, it is gone.
//!
//! Absent on purpose: an order of what was used last. An answer has one of two places; others that fall into them take
//! them, and what is popular has one back with the second request from then on.

use std::cell::RefCell;
use std::hash::BuildHasher as _;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use hashbrown::DefaultHashBuilder;
use http::header::{HOST, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Response, response};

use super::entry::{Entry, Head, Variants};
use super::serve::{Part, body_of};
use super::store::Store;
use crate::body::Body;
use crate::context::Context;

/// Answers of one plugin on one worker.
const PLACES: usize = 2048;
/// The longest time for which one is given again.
const LONGEST: Duration = Duration::from_secs(1);
/// Most bytes of what an answer depends on: host, target, fields.
const MAX_ASKED: usize = 4 << 10;

/// The answers of one plugin on one worker.
#[derive(Debug, Default)]
pub struct Answers {
    /// Made with the first: most plugins have none.
    places: RefCell<Box<[[Place; 2]]>>,
    hasher: DefaultHashBuilder,
}

#[derive(Debug, Default)]
struct Place {
    /// Of the request it is for: what is asked for once in a while is not worth keeping.
    hash: u64,
    answer: Option<Box<Answer>>,
}

/// What a plugin allows.
#[derive(Debug)]
pub struct Reuse {
    pub during: Duration,
    /// Fields of the request the answer depends on.
    pub vary: Vec<HeaderName>,
}

#[derive(Debug)]
struct Answer {
    asked: Asked,
    until: Instant,
    key: Box<str>,
    /// All that is stored under the key. Weak: it is the store's for as long as it is stored.
    stored: Weak<Variants>,
    /// Which of it.
    entry: u64,
    part: Option<Part>,
    /// Of the response as it was sent.
    head: Head,
    /// How often it was given again.
    given: u32,
}

/// What an answer depends on.
#[derive(Debug)]
struct Asked {
    method: Method,
    host: Box<[u8]>,
    target: Box<str>,
    route: Box<str>,
    vary: Box<[HeaderName]>,
    /// The lines of these fields, in the order they came in.
    lines: Lines,
    /// Those the gateway adds to a request.
    told: Lines,
}

type Lines = Box<[(HeaderName, Box<[u8]>)]>;

impl Answers {
    /// The answer to this request, if the plugin's would be the same as it was.
    pub fn find(&self, context: &Context, store: &Store) -> Option<(response::Parts, Body)> {
        let mut places = self.places.borrow_mut();
        if places.is_empty() {
            return None;
        }
        let place = Self::place(&mut places, self.hash(context)?)?;
        let answer = place.answer.as_mut().filter(|answer| answer.asked.is_by(context))?;
        let given = answer.give(store);
        if given.is_none() {
            place.answer = None;
        }
        given
    }

    /// Whether the same was asked for a moment ago; if not, it has a place from now on.
    pub fn are_worth_keeping_to(&self, context: &Context) -> bool {
        let Some(hash) = self.hash(context) else { return false };
        let mut places = self.places.borrow_mut();
        if places.is_empty() {
            *places = (0..PLACES / 2).map(|_| Default::default()).collect();
        }
        let is_known = Self::place(&mut places, hash).is_some();
        if let (false, Some(two)) = (is_known, places.get_mut(index(hash))) {
            // The one that came before keeps the other place.
            two.swap(0, 1);
            two[0] = Place { hash, answer: None };
        }
        is_known
    }

    /// Keeps what a plugin has just answered to this request: this entry, one of `stored`, with this head.
    pub fn keep(
        &self,
        context: &Context,
        reuse: Reuse,
        (key, stored, entry): (&str, &Arc<Variants>, &Entry),
        (head, part): (&response::Parts, Option<Part>),
    ) {
        let mut places = self.places.borrow_mut();
        let Some(place) = self.hash(context).and_then(|hash| Self::place(&mut places, hash)) else { return };
        place.answer = Asked::by(context, reuse.vary).map(|asked| {
            let until = Instant::now() + reuse.during.min(LONGEST);
            let head = Head { status: head.status, headers: head.headers.clone() };
            let (key, stored, entry) = (key.into(), Arc::downgrade(stored), entry.id);
            Box::new(Answer { asked, until, key, stored, entry, part, head, given: 0 })
        });
    }

    /// The place a request has.
    fn place(places: &mut [[Place; 2]], hash: u64) -> Option<&mut Place> {
        places.get_mut(index(hash))?.iter_mut().find(|place| place.hash == hash)
    }

    /// `None` for a request whose answers are not kept.
    fn hash(&self, context: &Context) -> Option<u64> {
        // Nobody has said what a body has to do with the answer.
        let has_body = context.has_body || context.replaced_body.is_some();
        (!has_body).then(|| self.hasher.hash_one((host(context), target(context))))
    }
}

/// Which two places those of this hash have.
#[allow(clippy::cast_possible_truncation, reason = "only the low bits choose the places")]
fn index(hash: u64) -> usize {
    hash as usize % (PLACES / 2)
}

impl Answer {
    /// `None` once it is too old, or what it was made of is stored no more.
    fn give(&mut self, store: &Store) -> Option<(response::Parts, Body)> {
        let now = Instant::now();
        let stored = self.stored.upgrade().filter(|_| now < self.until)?;
        let entry = stored.entries.iter().find(|entry| entry.id == self.entry && entry.is_kept(now))?;
        let body = body_of(entry, self.head.status, self.part).ok()?;
        // The store keeps what is used. It counts to two, and down while other responses are stored.
        self.given = self.given.wrapping_add(1);
        if self.given <= 2 || self.given.is_multiple_of(16) {
            store.touch(&self.key);
        }
        let mut head = Response::new(()).into_parts().0;
        head.status = self.head.status;
        head.headers = self.head.headers.clone();
        Some((head, body))
    }
}

impl Asked {
    /// `None` if that is more than is worth keeping.
    fn by(context: &Context, vary: Vec<HeaderName>) -> Option<Self> {
        let owned = |(name, value): (&HeaderName, &[u8])| (name.clone(), value.into());
        let told = vary.iter().filter_map(|name| Some((name, context.told(name.as_str())?)));
        let (lines, told): (Lines, Lines) = (lines(context, &vary).map(owned).collect(), told.map(owned).collect());
        let (host, target) = (host(context), target(context));
        let bytes: usize = lines.iter().map(|(_, value)| value.len()).sum();
        (host.len() + target.len() + bytes <= MAX_ASKED).then(|| Self {
            method: context.request.method.clone(),
            host: host.into(),
            target: target.into(),
            route: context.route.name().into(),
            lines,
            told,
            vary: vary.into(),
        })
    }

    fn is_by(&self, context: &Context) -> bool {
        let known = self.lines.iter().map(|(name, value)| (name, &**value));
        *self.target == *target(context)
            && *self.host == *host(context)
            && self.method == context.request.method
            && *self.route == *context.route.name()
            && self.told.iter().all(|(name, value)| context.told(name.as_str()) == Some(value))
            && lines(context, &self.vary).eq(known)
    }
}

/// Path and query.
fn target(context: &Context) -> &str {
    context.request.uri.path_and_query().map_or("", PathAndQuery::as_str)
}

/// The absolute target goes before the field (RFC 9112 section 3.2.2).
fn host(context: &Context) -> &[u8] {
    let authority = context.request.uri.authority().map(|authority| authority.as_str().as_bytes());
    authority.or_else(|| context.request.headers.get(HOST).map(HeaderValue::as_bytes)).unwrap_or_default()
}

/// The lines of these fields. A request has few fields, and few of these.
fn lines<'a>(context: &'a Context, names: &'a [HeaderName]) -> impl Iterator<Item = (&'a HeaderName, &'a [u8])> {
    let all = context.request.headers.iter();
    all.filter(|(name, _)| names.contains(name)).map(|(name, value)| (name, value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::cache::Kept;
    use crate::config::model::PluginLimits;
    use crate::context::RequestId;

    const KEY: &str = "http://a/x";

    fn asked(target: &str, fields: &[(&'static str, &'static str)]) -> Context {
        let mut head = http::Request::get(target).body(()).unwrap().into_parts().0;
        head.headers.insert(HOST, HeaderValue::from_static("a"));
        head.headers.extend(
            fields.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))),
        );
        Context::new(RequestId::new(1, 1), Ipv4Addr::LOCALHOST.into(), "r".into(), head, Instant::now(), false)
    }

    /// A store with one response.
    fn storing() -> Store {
        let store = Store::default();
        store.set_limits(&PluginLimits::default());
        store_one(&store);
        store
    }

    fn store_one(store: &Store) {
        let head = Head { status: StatusCode::OK, headers: HeaderMap::new() };
        let kept = Kept { meta: vec![], selector: String::new(), tags: vec![], keep: Duration::from_secs(100) };
        let entry = Arc::new(Entry::new(head, Bytes::from_static(b"body"), kept));
        assert!(store.insert(&KEY.into(), store.moment(), &entry));
    }

    /// Answers this as a plugin does: with what is stored, and a field of its own.
    fn answer(answers: &Answers, store: &Store, context: &Context, during: Duration) {
        if answers.are_worth_keeping_to(context) {
            let stored = store.variants(KEY).unwrap();
            let mut head = Response::new(()).into_parts().0;
            head.headers.insert("age", HeaderValue::from_static("7"));
            let vary = ["range", "accept"].map(HeaderName::from_static).into();
            answers.keep(context, Reuse { during, vary }, (KEY, &stored, &stored.entries[0]), (&head, None));
        }
    }

    fn popular(store: &Store, context: &Context, during: Duration) -> Answers {
        let answers = Answers::default();
        for _ in 0..2 {
            assert!(answers.find(context, store).is_none());
            answer(&answers, store, context, during);
        }
        answers
    }

    #[test]
    fn the_same_request_has_the_same_answer_from_the_third_time_on() {
        let (store, context) = (storing(), asked("/x?y", &[("accept", "b"), ("x-other", "1")]));
        let answers = popular(&store, &context, LONGEST);
        let (head, body) = answers.find(&asked("/x?y", &[("accept", "b"), ("x-other", "2")]), &store).unwrap();
        assert_eq!((head.status, &head.headers["age"]), (StatusCode::OK, &HeaderValue::from_static("7")));
        assert_eq!(http_body::Body::size_hint(&body).exact(), Some(4));
    }

    #[test]
    fn another_request_has_not() {
        let store = storing();
        let answers = popular(&store, &asked("/x", &[("accept", "b")]), LONGEST);
        let others = [
            asked("/y", &[("accept", "b")]),
            asked("/x?", &[("accept", "b")]),
            asked("http://b/x", &[("accept", "b")]),
            asked("/x", &[]),
            asked("/x", &[("accept", "c")]),
            asked("/x", &[("accept", "b"), ("accept", "c")]),
            asked("/x", &[("accept", "b"), ("range", "bytes=0-0")]),
        ];
        for other in others {
            assert!(answers.find(&other, &store).is_none(), "{:?}", other.request);
        }
        let mut other = asked("/x", &[("accept", "b")]);
        other.request.method = Method::HEAD;
        assert!(answers.find(&other, &store).is_none());
        let mut other = asked("/x", &[("accept", "b")]);
        other.has_body = true;
        assert!(answers.find(&other, &store).is_none());
        assert!(answers.find(&asked("/x", &[("accept", "b")]), &store).is_some());
    }

    #[test]
    fn an_answer_goes_with_what_it_was_made_of_and_with_its_time() {
        let (store, context) = (storing(), asked("/x", &[]));
        let answers = popular(&store, &context, LONGEST);
        store.remove(KEY);
        assert!(answers.find(&context, &store).is_none(), "it was removed");

        store_one(&store);
        let answers = popular(&store, &context, LONGEST);
        store_one(&store);
        assert!(answers.find(&context, &store).is_none(), "there is a newer one");

        let answers = popular(&store, &context, Duration::ZERO);
        assert!(answers.find(&context, &store).is_none(), "its time is over");
    }

    #[test]
    fn two_that_fall_into_the_same_places_are_both_kept_and_of_three_in_turns_none() {
        let (store, answers) = (storing(), Answers::default());
        let place = |target: &str| index(answers.hash(&asked(target, &[])).unwrap());
        let others = (0..PLACES * 100).map(|number| format!("/{number}"));
        let all: Vec<_> = others.filter(|other| place(other) == place("/x")).take(3).collect();
        let given_again = |targets: &[String]| {
            let mut given = 0;
            answers.places.take();
            for target in targets.iter().cycle().take(targets.len() * 3) {
                let context = asked(target, &[]);
                match answers.find(&context, &store) {
                    Some(_) => given += 1,
                    None => answer(&answers, &store, &context, LONGEST),
                }
            }
            given
        };
        assert_eq!((given_again(&all[..2]), given_again(&all)), (2, 0));
    }
}
