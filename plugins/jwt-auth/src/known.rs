//! Tokens that proved good a moment ago, so that the next request with one need not prove it again.
//!
//! A client shows the same token for minutes. What is kept of it is what does not change: that the
//! signature and the claims are good, and what the others get of the claims. When it may be used is
//! asked anew each time. The keys and the rules cannot change under a token that is kept: with other
//! ones there is a new instance of the plugin. A token is looked up by its whole text, and only good
//! ones are kept, so nobody can fill this who has none.

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

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Box<str>, Rc<Good>>,
    old: HashMap<Box<str>, Rc<Good>>,
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
        if let Some(good) = generations.young.get(token) {
            return Some(Rc::clone(good));
        }
        let (token, good) = generations.old.remove_entry(token)?;
        generations.put(self.most, token, Rc::clone(&good));
        Some(good)
    }

    /// Keeps a token that is good.
    pub(crate) fn keep(&self, token: &str, good: &Rc<Good>) {
        if self.most > 0 && token.len() <= MAX_BYTES {
            self.generations.borrow_mut().put(self.most, token.into(), Rc::clone(good));
        }
    }
}

impl Generations {
    fn put(&mut self, most: usize, token: Box<str>, good: Rc<Good>) {
        if self.young.len() >= most {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token, good);
    }
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
        known.keep("mine", &good());
        for n in 0..100 {
            known.keep(&n.to_string(), &good());
            assert!(known.get("mine").is_some(), "after {n} others");
        }
        let kept = (0..100).filter(|n| known.get(&n.to_string()).is_some()).count();
        assert!((1..=10).contains(&kept), "{kept}");
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
