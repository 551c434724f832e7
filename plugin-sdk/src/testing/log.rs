//! The fake of `log`.

use super::state::with;
use crate::log::Level;

pub(crate) fn write(level: Level, message: &str) {
    with(|state| state.logs.push((level, message.to_owned())));
}
