//! Waiting with an end.

use std::future::Future;
use std::time::{Duration, Instant};

/// The longest any wait takes before the test has failed. Long, because the machine may be busy:
/// a Python engine compiles for half of it, and nothing else waits long unless something is wrong.
pub const LONG: Duration = Duration::from_secs(60);

/// How often a condition that cannot be awaited is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What the future gives, or a failure that says what was waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let Ok(value) = tokio::time::timeout(LONG, future).await else { panic!("waited {LONG:?} in vain for {what}") };
    value
}

/// Looks until the condition gives a value.
pub async fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    until_async(what, async || condition()).await
}

/// As [`until`], for a condition that has to ask somebody.
pub async fn until_async<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + LONG;
    loop {
        if let Some(value) = within(what, condition()).await {
            return value;
        }
        assert!(Instant::now() < end, "waited {LONG:?} in vain for {what}");
        tokio::time::sleep(LOOK).await;
    }
}
