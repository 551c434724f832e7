//! Tokens that proved good a moment ago, so that the next request with one need not prove it again.
//!
//! A client shows the same token for minutes. What is kept of it is what does not change: that the
//! signature and the claims are good, and what the others get of the claims. When it may be used is
//! asked anew each time. The keys and the rules cannot change under a token that is kept: with other
//! ones there is a new instance of the plugin. A token is known by its whole text, and only good
//! ones are kept, so nobody can fill this who has none.
//!
//! A look-up reads the text once, a word at a time: by bytes, as `HashMap<str>` hashes and `==` compares in
//! a component, it took half of what the plugin computes.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::forward::Told;
use crate::rules::Times;

/// The longest token that is kept, in bytes: with the most that may be kept, a few MiB.
const MAX_BYTES: usize = 4 * 1024;

/// What a good token says.
#[derive(Debug)]
pub(crate) struct Good {
    pub(crate) times: Times,
    pub(crate) told: Told,
}

/// The good tokens of late: in two generations, of which the older is forgotten when the younger one
/// is full.
#[derive(Debug)]
pub(crate) struct Known {
    /// Of each generation; 0 keeps nothing.
    most: usize,
    generations: RefCell<Generations>,
}

/// By the tokens' [`end`]s. Of two with the same one, the later is kept.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<u64, Entry>,
    old: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    token: Box<str>,
    good: Rc<Good>,
}

impl Known {
    /// Keeps `most` tokens, or a few less.
    pub(crate) fn new(most: usize) -> Self {
        Self { most: most.div_ceil(2), generations: RefCell::default() }
    }

    pub(crate) fn get(&self, token: &str) -> Option<Rc<Good>> {
        if self.most == 0 {
            return None;
        }
        let mut generations = self.generations.borrow_mut();
        let end = end(token);
        let entry = match generations.young.get(&end) {
            Some(entry) => entry,
            None => generations.renew(self.most, end)?,
        };
        is_same(&entry.token, token).then(|| Rc::clone(&entry.good))
    }

    /// Keeps a token that is good.
    pub(crate) fn keep(&self, token: &str, good: &Rc<Good>) {
        if self.most > 0 && token.len() <= MAX_BYTES {
            let entry = Entry { token: token.into(), good: Rc::clone(good) };
            self.generations.borrow_mut().put(self.most, end(token), entry);
        }
    }
}

impl Generations {
    /// Takes what is old into the younger generation.
    fn renew(&mut self, most: usize, end: u64) -> Option<&Entry> {
        let entry = self.old.remove(&end)?;
        self.put(most, end, entry);
        self.young.get(&end)
    }

    fn put(&mut self, most: usize, end: u64, entry: Entry) {
        if self.young.len() >= most {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(end, entry);
    }
}

/// The last eight bytes, 0 of a shorter text. A good token ends in its signature, so they are as good as random.
fn end(token: &str) -> u64 {
    token.as_bytes().last_chunk().map_or(0, |end| u64::from_le_bytes(*end))
}

/// `==`, a word at a time.
fn is_same(one: &str, other: &str) -> bool {
    let ((ones, one_rest), (others, other_rest)) = (one.as_bytes().as_chunks::<8>(), other.as_bytes().as_chunks());
    one.len() == other.len() && ones.iter().zip(others).all(|(one, other)| one == other) && one_rest == other_rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Rc<Good> {
        Rc::new(Good { times: Times::default(), told: Told::default() })
    }

    #[test]
    fn a_token_in_use_stays_and_the_number_is_bounded() {
        let known = Known::new(10);
        known.keep("my signature", &good());
        let other = |n| format!("signature {n:02}");
        for n in 0..100 {
            known.keep(&other(n), &good());
            assert!(known.get("my signature").is_some(), "after {n} others");
        }
        let kept = (0..100).filter(|n| known.get(&other(*n)).is_some()).count();
        assert!((1..=10).contains(&kept), "{kept}");
    }

    #[test]
    fn a_token_is_known_by_all_of_it() {
        let known = Known::new(10);
        known.keep("header.payload.signature", &good());
        known.keep("short", &good());
        for other in ["Header.payload.signature", "header.pAyload.signature", "payload.signature", "other", "", "Short"]
        {
            assert!(known.get(other).is_none(), "{other}");
        }
        assert!(known.get("header.payload.signature").is_some());
        // Old by now, and in the younger generation there is another one with the same end.
        for n in 0..5 {
            known.keep(&format!("signature {n:02}"), &good());
        }
        known.keep("another.signature", &good());
        assert!(known.get("header.payload.signature").is_none() && known.get("another.signature").is_some());
    }

    #[test]
    fn nothing_is_kept_where_that_is_asked_for_nor_a_long_token() {
        let (none, some) = (Known::new(0), Known::new(10));
        none.keep("a", &good());
        let long = "a".repeat(MAX_BYTES + 1);
        some.keep(&long, &good());
        assert!(none.get("a").is_none() && some.get(&long).is_none());
    }
}
