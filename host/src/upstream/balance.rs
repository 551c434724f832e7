//! Which target gets the next request.

use std::cell::Cell;
use std::rc::Rc;

use tokio::time::Instant;

use super::target::Target;
use crate::config::model::Balance;

#[derive(Debug)]
pub(super) struct Picker {
    balance: Balance,
    turn: Cell<usize>,
}

impl Picker {
    /// `start` differs from worker to worker, or all would begin with the first target.
    pub(super) fn new(balance: Balance, start: usize) -> Self {
        Self { balance, turn: Cell::new(start) }
    }

    /// An index into `targets`, never one of `tried`. Ejected targets are left out unless no other
    /// is left: a request that may fail is better than one refused for sure.
    pub(super) fn pick(&self, targets: &[Rc<Target>], tried: &[usize], now: Instant) -> Option<usize> {
        let turn = self.turn.get();
        self.turn.set(turn.wrapping_add(1));
        let untried = |index: usize| !tried.contains(&index);
        let available = |index: usize| untried(index) && targets.get(index).is_some_and(|t| t.health.is_available(now));
        self.choose(targets, turn, available).or_else(|| self.choose(targets, turn, untried))
    }

    fn choose(&self, targets: &[Rc<Target>], turn: usize, usable: impl Fn(usize) -> bool) -> Option<usize> {
        let count = targets.len();
        let first = turn.checked_rem(count)?;
        match self.balance {
            Balance::RoundRobin if usable(first) => Some(first),
            // The turns of targets left out are spread over all others, not given to a neighbour.
            Balance::RoundRobin => {
                let usable: Vec<usize> = (0..count).filter(|index| usable(*index)).collect();
                usable.get((turn / count).checked_rem(usable.len())?).copied()
            }
            // All are looked at, from another one each time: ties do not all go to the first.
            Balance::LeastRequest => (0..count)
                .map(|step| (first + step) % count)
                .filter(|index| usable(*index))
                .min_by_key(|index| targets.get(*index).map(|target| target.in_flight.get())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::model::{self, Ejection};
    use crate::upstream::Reach;

    const ONCE: Ejection = Ejection { failures: 1, duration: Duration::from_secs(10) };

    fn targets(count: u16) -> Vec<Rc<Target>> {
        (0..count)
            .map(|port| {
                Target::new(
                    &model::Target { scheme: model::Scheme::Http, host: "127.0.0.1".into(), port },
                    Reach::Any,
                    None,
                )
            })
            .collect()
    }

    fn picks(picker: &Picker, targets: &[Rc<Target>], times: usize) -> Vec<usize> {
        let now = Instant::now();
        let mut counts = vec![0; targets.len()];
        for _ in 0..times {
            counts[picker.pick(targets, &[], now).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn round_robin_gives_each_the_same_and_starts_where_the_worker_does() {
        let targets = targets(3);
        let picker = Picker::new(Balance::RoundRobin, 2);
        assert_eq!(picker.pick(&targets, &[], Instant::now()), Some(2));
        assert_eq!(picks(&picker, &targets, 300), [100, 100, 100]);
    }

    #[test]
    fn the_turns_of_an_ejected_target_are_spread_over_the_others() {
        let targets = targets(3);
        targets[1].health.failed(&ONCE, Instant::now());
        assert_eq!(picks(&Picker::new(Balance::RoundRobin, 0), &targets, 300), [150, 0, 150]);
    }

    #[test]
    fn least_request_takes_the_idlest_and_turns_among_equals() {
        let targets = targets(3);
        targets[0].in_flight.set(1);
        let counts = picks(&Picker::new(Balance::LeastRequest, 0), &targets, 30);
        assert!(counts[0] == 0 && counts[1] >= 10 && counts[2] >= 10, "{counts:?}");
    }

    #[test]
    fn with_all_ejected_all_are_used() {
        let targets = targets(2);
        for target in &targets {
            target.health.failed(&ONCE, Instant::now());
        }
        assert_eq!(picks(&Picker::new(Balance::RoundRobin, 0), &targets, 10), [5, 5]);
        assert_eq!(picks(&Picker::new(Balance::LeastRequest, 0), &targets, 10), [5, 5]);
    }

    #[test]
    fn what_was_tried_is_not_picked_again() {
        let targets = targets(2);
        let picker = Picker::new(Balance::RoundRobin, 0);
        assert_eq!(picker.pick(&targets, &[0], Instant::now()), Some(1));
        assert_eq!(picker.pick(&targets, &[0, 1], Instant::now()), None);
        assert_eq!(picker.pick(&[], &[], Instant::now()), None);
    }
}
