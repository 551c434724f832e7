//! Responses kept for plugins: what the `cache` interface of the WIT promises.
//!
//! [`Store`] keeps them, [`Notes`] is what one request has to do with them, [`fill`] stores a body
//! as it comes, [`serve`] makes a stored response the answer, [`Answers`] are given again. Which
//! responses are stored and when they are good enough to be served is the plugin's to decide; that
//! the bytes are bounded, that a fetch is made once and that nobody waits for ever is decided here.
//!
//! Several gateways share what they store through [`redis`], behind their memory. Absent on purpose:
//! disk, followers that read along with a body that is still being stored, and a sweep (what has
//! expired is dropped when it is looked up, or evicted).

mod entry;
pub mod fill;
mod flight;
mod notes;
mod numbers;
mod purge;
pub mod redis;
mod reuse;
mod serve;
mod store;

pub use entry::{Entry, Head, Kept};
pub use flight::{Joined, Landed, Leading};
pub use notes::{Fetching, Notes, Patience, Refresh, Storing};
pub use numbers::{Numbers, Sums};
pub use purge::Purge;
pub use reuse::{Answers, Reuse};
pub use serve::{Hit, Part, serve};
pub use store::Store;
