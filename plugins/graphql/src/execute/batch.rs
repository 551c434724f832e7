//! One call for many parents: N + 1 calls become two.

use std::borrow::Cow;
use std::collections::HashMap;

use apollo_compiler::response::JsonMap;
use tollgate_plugin_sdk::log;

use super::calls::Failure;
use super::{Execution, Waiter, Wanted};
use crate::json;
use crate::schema::{Batch, Rest, Values};

/// Those who wait for one call, by their keys.
#[derive(Debug)]
pub(crate) struct Many<'e> {
    rest: &'e Rest,
    batch: &'e Batch,
    /// The key as JSON, and who has it.
    keys: Vec<(&'e str, Vec<Wanted<'e>>)>,
}

impl<'e> Many<'e> {
    pub(super) fn wanted(&self) -> impl Iterator<Item = &Wanted<'e>> {
        self.keys.iter().flat_map(|(_, wanted)| wanted)
    }
}

impl<'e> Execution<'e> {
    pub(super) fn make_batches(&mut self, rest: &'e Rest, batch: &'e Batch, group: &[Wanted<'e>], arguments: &JsonMap) {
        let mut places: HashMap<&'e str, usize> = HashMap::new();
        let mut keys: Vec<(&'e str, Vec<Wanted<'e>>)> = Vec::new();
        for wanted in group {
            if self.tree.is_lost(wanted.id) {
                continue;
            }
            match batch.key_of(wanted.parent) {
                Some(key) => {
                    let place = *places.entry(key).or_insert_with(|| {
                        keys.push((key, Vec::new()));
                        keys.len() - 1
                    });
                    if let Some((_, all)) = keys.get_mut(place) {
                        all.push(*wanted);
                    }
                }
                None => self.bring(*wanted, Ok("null")),
            }
        }
        while !keys.is_empty() {
            let rest_of_keys = keys.split_off(batch.max.min(keys.len()));
            let chunk = std::mem::replace(&mut keys, rest_of_keys);
            let texts: Vec<&str> = chunk.iter().map(|(key, _)| *key).collect();
            // Places of the parent are the same for all, or the operator's mistake.
            let values = Values { args: arguments, parent: None, keys: None };
            let call = rest.batch_call(batch, &texts, values, self.within_ms());
            self.make(rest, call, Waiter::Many(Many { rest, batch, keys: chunk }));
        }
    }

    /// Gives each parent its items: all for a list, the first otherwise.
    pub(super) fn deliver_batch(&mut self, many: &Many<'e>, outcome: Result<&'e str, Failure>) {
        let items = outcome.and_then(|json| match many.rest.select(json) {
            None | Some("null") => Ok(Vec::new()),
            Some(list) => json::items(list).ok_or_else(|| {
                log::warn(&format!("the answer of {} to a batch is no list", many.rest.target_name()));
                Failure::Upstream
            }),
        });
        let mut by_key: HashMap<Cow<'e, str>, Vec<&'e str>> = HashMap::new();
        for item in items.iter().flatten().copied() {
            if let Some(key) = many.batch.matching.find(item) {
                by_key.entry(bare(key)).or_default().push(item);
            }
        }
        for (key, all) in &many.keys {
            let found = by_key.get(&bare(key)).map(Vec::as_slice).unwrap_or_default();
            for wanted in all {
                let value = match &items {
                    Err(failure) => Err(*failure),
                    Ok(_) if wanted.field.ty().is_list() => {
                        let list = format!("[{}]", found.join(","));
                        Ok(self.keep(list))
                    }
                    Ok(_) => Ok(found.first().copied().unwrap_or("null")),
                };
                self.bring(*wanted, value);
            }
        }
    }

    /// Text that lasts as long as the answers.
    fn keep(&self, text: String) -> &'e str {
        std::str::from_utf8(self.bodies.alloc(text.into_bytes())).unwrap_or_default()
    }
}

/// The number 7 and the text "7" are one key: services are not of one mind.
fn bare(key: &str) -> Cow<'_, str> {
    json::text(key).unwrap_or(Cow::Borrowed(key))
}
