//! A hook that a tick found computing: its turns, one after the other, and its place if it is long.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::{Kind, LONG, Place, TooMany, Turn, Turns};
use crate::plugin::ticker::{QUICKENING, Quicker};

/// One hook's part in this, from its first tick to its end.
#[derive(Debug)]
pub(in crate::plugin) struct Seat {
    turns: Rc<Turns>,
    plugin: Arc<str>,
    turn: Option<Turn>,
    place: Option<Place>,
    quicker: Option<Quicker>,
    /// Whether it waits for a place.
    pub(in crate::plugin) is_kept_out: bool,
}

impl Seat {
    pub(in crate::plugin) fn new(plugin: &Arc<str>) -> Self {
        Self {
            turns: Turns::here(),
            plugin: Arc::clone(plugin),
            turn: None,
            place: None,
            quicker: None,
            is_kept_out: false,
        }
    }

    /// Resolves when the hook, which has used so much CPU time, may compute again: how long, if not
    /// until the next tick.
    pub(in crate::plugin) async fn next_turn(&mut self, used: Duration) -> Result<Duration, TooMany> {
        self.turn = None;
        let is_long = used >= LONG;
        if used >= QUICKENING {
            self.quicker.get_or_insert_with(Quicker::until_dropped);
        }
        if is_long && self.place.is_none() {
            self.is_kept_out = true;
            self.place = Some(self.turns.place(&self.plugin).await?);
            self.is_kept_out = false;
        }
        let turn = self.turns.begin(if is_long { Kind::Long } else { Kind::Short }).await;
        Ok(self.turn.insert(turn).length)
    }

    /// The hook waits in the host: it does not compute.
    pub(in crate::plugin) fn leave(&mut self) {
        self.turn = None;
        self.place = None;
        self.quicker = None;
    }
}
