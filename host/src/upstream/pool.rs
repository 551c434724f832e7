//! The idle keep-alive connections of one target: a stack, so that the warmest is used next and
//! those at the bottom grow old and are closed.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until};

use super::h1::Connection;
use super::target::Target;

/// How long a connection the target has closed is kept at the most. Nobody reads one that is idle.
const SWEEP: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: RefCell<Vec<Idle>>,
    /// A task waits for the next connection to grow old.
    swept: Cell<bool>,
}

#[derive(Debug)]
struct Idle {
    connection: Box<Connection>,
    expires: Instant,
}

impl Pool {
    /// The connection used last. Those too old, or not `usable`, are let go on the way.
    pub(super) fn take(&self, now: Instant, usable: fn(&Connection) -> bool) -> Option<Box<Connection>> {
        let mut idle = self.idle.borrow_mut();
        while let Some(next) = idle.pop() {
            if now < next.expires && usable(&next.connection) {
                return Some(next.connection);
            }
        }
        None
    }

    pub(super) fn len(&self) -> usize {
        self.idle.borrow().len()
    }

    /// Lets go what is too old or closed, and says when to look again.
    fn sweep(&self, now: Instant) -> Option<Instant> {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|idle| now < idle.expires && idle.connection.is_idle());
        let next = idle.iter().map(|idle| idle.expires).min();
        self.swept.set(next.is_some());
        next.map(|next| next.min(now + SWEEP))
    }
}

/// Puts a connection back that is ready for another request. With `cap` idle ones there it is closed.
pub(super) fn put(target: &Rc<Target>, connection: Box<Connection>, expires: Instant, cap: usize) {
    let pool = &target.pool;
    if pool.len() >= cap {
        return;
    }
    pool.idle.borrow_mut().push(Idle { connection, expires });
    if !pool.swept.replace(true) {
        spawn_local(sweep_until_empty(Rc::downgrade(target)));
    }
}

/// Runs while there are idle connections. Holds no target: when nobody else does, they are closed.
async fn sweep_until_empty(target: Weak<Target>) {
    while let Some(next) = target.upgrade().and_then(|target| target.pool.sweep(Instant::now())) {
        sleep_until(next).await;
    }
}
