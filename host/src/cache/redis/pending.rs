//! Removals Redis has not heard of yet.

use std::collections::VecDeque;

use super::removal::Removal;

/// Most of them. One more, and everything is removed instead.
const MAX_PENDING: usize = 10_000;

/// In the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Pending {
    removals: VecDeque<Removal>,
}

impl Pending {
    pub(super) fn add(&mut self, removal: Removal) {
        if self.removals.len() >= MAX_PENDING {
            self.removals.clear();
            self.removals.push_back(Removal::everything());
        } else if !self.has_everything() {
            self.removals.push_back(removal);
        }
    }

    pub(super) fn take(&mut self) -> Option<Removal> {
        self.removals.pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.removals.len()
    }

    fn has_everything(&self) -> bool {
        self.removals.front().is_some_and(|first| *first == Removal::everything())
    }
}

#[cfg(test)]
mod tests {
    use super::super::removal::What;
    use super::*;

    #[test]
    fn too_many_removals_become_one_of_everything() {
        let mut pending = Pending::default();
        let one = |n: usize| Removal::of(&"kept".into(), What::Key(n.to_string()));
        for n in 0..MAX_PENDING {
            pending.add(one(n));
        }
        assert_eq!(pending.len(), MAX_PENDING);
        pending.add(one(MAX_PENDING));
        pending.add(one(0));
        assert_eq!((pending.take(), pending.take()), (Some(Removal::everything()), None));
        pending.add(one(1));
        assert_eq!(pending.take(), Some(one(1)));
    }
}
