use std::cell::RefCell;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::{LocalSet, spawn_local, yield_now};

use crate::give_way::give_way;

use super::{Begins, Kind, LONG, LONGEST, REST, Seat, TooMany, Turns, turn_to_begin};

type Record = Rc<RefCell<Vec<String>>>;

/// A hook that computes for so many ticks, each of which it records.
async fn computes(plugin: &str, used: Duration, ticks: usize, record: Record) -> Result<(), TooMany> {
    let mut seat = Seat::new(&plugin.into());
    for _ in 0..ticks {
        seat.next_turn(used).await?;
        record.borrow_mut().push(plugin.to_owned());
    }
    Ok(())
}

/// On a thread with these limits, and to the end of what was spawned.
fn with_limits(running: usize, waiting: usize, test: impl AsyncFnOnce(Record)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let record = Record::default();
    LocalSet::new().block_on(&runtime, async {
        Turns::here().limit(running, waiting);
        test(record).await;
        assert_eq!(Turns::here().line(Kind::Long).taken.get(), 0, "the turn was given back");
        assert_eq!(Turns::here().counts(), (0, 0), "the places were given back");
    });
}

#[test]
fn long_hooks_take_turns_of_one_tick() {
    with_limits(9, 9, async |record| {
        let hooks = ["a", "b", "c"].map(|plugin| spawn_local(computes(plugin, LONG, 3, Rc::clone(&record))));
        for hook in hooks {
            assert_eq!(hook.await.unwrap(), Ok(()));
        }
        assert_eq!(record.borrow().concat(), "abcabcabc");
    });
}

#[test]
fn short_hooks_have_turns_together_where_there_is_much_between_two_looks() {
    with_limits(9, 9, async |record| {
        let others = Rc::clone(&record);
        let other = spawn_local(async move {
            loop {
                give_way().await;
                std::thread::sleep(Duration::from_millis(8));
                others.borrow_mut().push(".".to_owned());
            }
        });
        let hooks: Vec<_> =
            (0..40).map(|_| spawn_local(computes("a", Duration::ZERO, 1, Rc::clone(&record)))).collect();
        for hook in hooks {
            assert_eq!(hook.await.unwrap(), Ok(()));
        }
        other.abort();
        let seen = record.borrow().concat();
        assert!(seen.matches('.').count() < 12, "{seen}");
    });
    with_limits(9, 9, async |_| {
        computes("a", Duration::ZERO, 2, Record::default()).await.unwrap();
        let turns = Turns::here();
        assert_eq!((turns.at_once(Kind::Short), turns.line(Kind::Short).taken.get()), (1, 0), "nothing is in between");
    });
}

#[test]
fn a_hook_does_not_begin_because_its_task_asks_more_than_once() {
    with_limits(9, 9, async |_| {
        let mut turn = pin!(turn_to_begin(Begins::Heavy));
        // As hyper does with the body of an answer.
        let asked = poll_fn(|cx| Poll::Ready([(); 3].map(|()| turn.as_mut().poll(cx).is_ready()))).await;
        assert_eq!(asked, [false; 3], "the worker has not looked at its sockets");
        turn.await;
    });
}

#[test]
fn between_two_turns_the_rest_of_the_worker_has_many() {
    with_limits(9, 9, async |record| {
        let others = Rc::clone(&record);
        let other = spawn_local(async move {
            for _ in 0..100 {
                yield_now().await;
                others.borrow_mut().push(".".to_owned());
            }
        });
        let hooks = ["a", "b"].map(|plugin| spawn_local(computes(plugin, LONG, 3, Rc::clone(&record))));
        for hook in hooks {
            assert_eq!(hook.await.unwrap(), Ok(()));
        }
        let seen = record.borrow().concat();
        // Fewer where the machine put the thread aside in between.
        let gaps = seen.split(['a', 'b']).skip(1).take(5).filter(|between| between.len() >= super::ROUNDS);
        assert!(gaps.count() >= 2, "{seen}");
        other.abort();
    });
}

#[test]
fn a_long_hooks_turn_is_longer_where_it_had_to_wait_for_it() {
    with_limits(9, 9, async |_| {
        let mut seat = Seat::new(&"a".into());
        let mut shortest = LONGEST;
        for _ in 0..50 {
            shortest = shortest.min(seat.next_turn(LONG).await.unwrap());
        }
        assert_eq!(shortest, Duration::ZERO, "nothing is in between");
        let other = spawn_local(async {
            loop {
                give_way().await;
                std::thread::sleep(Duration::from_millis(8));
            }
        });
        assert_eq!(seat.next_turn(LONG).await, Ok(LONGEST));
        assert_eq!(seat.next_turn(Duration::ZERO).await, Ok(Duration::ZERO), "one that is nearly over");
        other.abort();
    });
}

#[test]
fn after_a_piece_that_took_many_ticks_all_but_short_hooks_rest() {
    with_limits(9, 9, async |_| {
        for (used, rests) in [(LONG, true), (Duration::ZERO, false)] {
            let mut seat = Seat::new(&"fills".into());
            seat.next_turn(used).await.unwrap();
            std::thread::sleep(Duration::from_millis(30));
            let began = std::time::Instant::now();
            seat.next_turn(used).await.unwrap();
            assert_eq!(began.elapsed() >= Duration::from_millis(30) * REST, rests, "{:?}", began.elapsed());
        }
    });
}

#[test]
fn what_follows_a_fault_rests_after_a_piece_of_a_long_hook() {
    with_limits(9, 9, async |_| {
        let mut seat = Seat::new(&"fills".into());
        seat.next_turn(LONG).await.unwrap();
        std::thread::sleep(Duration::from_millis(30));
        seat.leave();
        let began = std::time::Instant::now();
        drop(turn_to_begin(Begins::AfterFault).await);
        assert!(began.elapsed() >= Duration::from_millis(30) * REST, "{:?}", began.elapsed());
    });
}

#[test]
fn a_hook_that_is_not_long_does_not_wait_for_those_that_are() {
    with_limits(9, 9, async |record| {
        let long = ["a", "b", "c"].map(|plugin| spawn_local(computes(plugin, LONG, 4, Rc::clone(&record))));
        while record.borrow().len() < 2 {
            yield_now().await;
        }
        computes("s", Duration::ZERO, 1, Rc::clone(&record)).await.unwrap();
        let at = record.borrow().iter().position(|plugin| plugin == "s").unwrap();
        assert_eq!(at, 2, "{:?}", record.borrow());
        for hook in long {
            assert_eq!(hook.await.unwrap(), Ok(()));
        }
    });
}

#[test]
fn more_than_may_take_turns_wait_and_more_than_may_wait_are_refused() {
    with_limits(1, 1, async |record| {
        let hooks = ["a", "b", "c"].map(|plugin| spawn_local(computes(plugin, LONG, 3, Rc::clone(&record))));
        let mut ended = Vec::new();
        for hook in hooks {
            ended.push(hook.await.unwrap());
        }
        assert_eq!(ended, [Ok(()), Ok(()), Err(TooMany)]);
        assert_eq!(record.borrow().concat(), "aaabbb", "b waited until a was over");
    });
}

#[test]
fn a_place_goes_to_the_plugin_that_has_the_fewest() {
    with_limits(2, 9, async |record| {
        let hooks = ["a", "a", "a", "a", "b"].map(|plugin| spawn_local(computes(plugin, LONG, 2, Rc::clone(&record))));
        for hook in hooks {
            assert_eq!(hook.await.unwrap(), Ok(()));
        }
        let first_b = record.borrow().iter().position(|plugin| plugin == "b").unwrap();
        assert!(first_b <= 5, "before the third and the fourth of a: {:?}", record.borrow());
    });
}

#[test]
fn a_hook_that_is_given_up_while_it_waits_takes_nothing_with_it() {
    with_limits(2, 9, async |record| {
        let mut hooks = vec![];
        for plugin in ["a", "b", "c", "d"] {
            hooks.push(spawn_local(computes(plugin, LONG, 50, Rc::clone(&record))));
        }
        while record.borrow().len() < 3 {
            yield_now().await;
        }
        // One in line for its turn or with it, one that waits for a place.
        hooks[0].abort();
        hooks[2].abort();
        for (hook, ended) in hooks.into_iter().zip([false, true, false, true]) {
            assert_eq!(hook.await.is_ok(), ended);
        }
    });
}

#[test]
fn a_hook_that_waits_in_the_host_takes_no_place() {
    with_limits(1, 0, async |record| {
        let mut waits = Seat::new(&"waits".into());
        waits.next_turn(LONG).await.unwrap();
        assert_eq!(Turns::here().counts(), (1, 0));
        waits.leave();
        computes("computes", LONG, 3, record).await.unwrap();
    });
}

#[test]
fn hooks_after_a_fault_run_one_at_a_time_and_the_rest_of_the_worker_between_them() {
    with_limits(9, 9, async |record| {
        let after_fault = |record: Record| async move {
            let _turn = turn_to_begin(Begins::AfterFault).await;
            record.borrow_mut().push("F".into());
        };
        let rest = |record: Record| async move {
            for _ in 0..40 {
                record.borrow_mut().push(".".into());
                yield_now().await;
            }
        };
        let hooks: Vec<_> = (0..3).map(|_| spawn_local(after_fault(Rc::clone(&record)))).collect();
        let rest = spawn_local(rest(Rc::clone(&record)));
        for hook in hooks {
            hook.await.unwrap();
        }
        rest.await.unwrap();
        let record = record.borrow().concat();
        let between: Vec<&str> = record.trim_end_matches('.').split('F').collect();
        assert!(between[1..3].iter().all(|dots| dots.len() >= 4), "{record}");
        assert_eq!(Turns::here().line(Kind::AfterFault).taken.get(), 0);
    });
}

#[test]
fn a_heavy_hook_that_has_its_turn_to_begin_may_be_put_aside_meanwhile() {
    with_limits(9, 9, async |record| {
        let turn = turn_to_begin(Begins::Heavy).await;
        let other = spawn_local(computes("o", Duration::ZERO, 2, Rc::clone(&record)));
        computes("p", Duration::ZERO, 2, Rc::clone(&record)).await.unwrap();
        other.await.unwrap().unwrap();
        let next = spawn_local(turn_to_begin(Begins::Heavy));
        yield_now().await;
        assert!(!next.is_finished(), "two begin at a time");
        drop(turn);
        drop(next.await.unwrap());
    });
}

#[test]
fn heavy_hooks_do_not_rest() {
    with_limits(9, 9, async |_| {
        let turn = turn_to_begin(Begins::Heavy).await;
        std::thread::sleep(Duration::from_millis(30));
        drop(turn);
        let began = std::time::Instant::now();
        drop(turn_to_begin(Begins::Heavy).await);
        assert!(began.elapsed() < Duration::from_millis(30) * REST, "{:?}", began.elapsed());
    });
}
