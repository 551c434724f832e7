//! Putting the answer together.
//!
//! Parts are put in their places in the order of the config, whichever was there first, so that what
//! two parts make of one place is always the same.

use std::collections::HashMap;

use tollgate_plugin_sdk::size::Size;
use tollgate_plugin_sdk::{Answer, log};

use crate::config::Combine;
use crate::failure::Failure;
use crate::json::Json;
use crate::kept::Kept;
use crate::part::{Part, Place};
use crate::run::{Answers, Stop};

/// How the answer is put together, beside what the parts say.
#[derive(Debug)]
pub(crate) struct Composing<'a> {
    pub(crate) parts: &'a [Part],
    pub(crate) max_size: Size,
    pub(crate) partial_member: Option<&'a str>,
    pub(crate) kept: &'a Kept,
}

impl<'a> Composing<'a> {
    /// The answer of the whole.
    pub(crate) fn compose(&self, mut answers: Answers) -> Result<Answer, Stop<'a>> {
        let values = std::mem::take(&mut answers.values);
        let mut whole = Whole::new(self, answers);
        let mut joins = Vec::new();
        for (index, (part, value)) in self.parts.iter().zip(values).enumerate() {
            match value {
                Some(value) if matches!(part.place, Place::Joined(_)) => joins.push((index, part, value)),
                Some(value) => whole.add(index, part, value)?,
                None => {}
            }
        }
        // Last, so that it does not matter whether the array's part stands before or behind.
        for (index, part, value) in joins {
            whole.add(index, part, value)?;
        }
        Ok(self.answer(whole))
    }

    fn answer(&self, whole: Whole) -> Answer {
        let Whole { mut json, answers: Answers { missing, has_defaults, .. }, .. } = whole;
        let missing = self.parts.iter().zip(missing).filter(|(_, missing)| *missing);
        let missing: Vec<&str> = missing.map(|(part, _)| part.name.as_str()).collect();
        if let (Some(member), false, Some(members)) = (self.partial_member, missing.is_empty(), json.members_mut()) {
            members.retain(|(name, _)| name != member);
            members.push((member.to_owned(), Json::Array(missing.iter().map(|name| Json::string(name)).collect())));
        }
        let mut body = Vec::with_capacity(json.length());
        json.write(&mut body);
        let answer = Answer::new(200).header("content-type", "application/json").body(body);
        let answer = if missing.is_empty() { answer } else { answer.header("x-tollgate-partial", missing.join(",")) };
        self.kept.tell(answer, missing.is_empty() && !has_defaults)
    }
}

/// What there is of the answer so far.
struct Whole {
    json: Json,
    answers: Answers,
    max_size: Size,
    /// Bytes it may still become longer. What gives way to a later part is counted as well.
    room: usize,
}

impl Whole {
    fn new(composing: &Composing<'_>, answers: Answers) -> Self {
        let max_size = composing.max_size;
        // The first brace; the last one stands where between members there is a comma.
        let room = usize::try_from(max_size.as_bytes()).unwrap_or(usize::MAX).saturating_sub(1);
        Self { json: Json::Object(Vec::with_capacity(composing.parts.len())), answers, max_size, room }
    }

    /// Puts a value in the part's place; where there is no room for it the part has failed.
    fn add<'a>(&mut self, index: usize, part: &'a Part, value: Json) -> Result<(), Stop<'a>> {
        if self.put(index, part, value) {
            return Ok(());
        }
        let failure =
            Failure::Upstream(format!("with it the answer would be longer than `max_size`, {}", self.max_size));
        let default = self.answers.instead(index, part, failure.clone())?;
        let fits = default.is_none_or(|default| self.put(index, part, default));
        if fits { Ok(()) } else { Err(Stop { part, failure }) }
    }

    /// Whether there is room for it.
    fn put(&mut self, index: usize, part: &Part, value: Json) -> bool {
        let (path, combine) = match &part.place {
            Place::At { path, combine } => (path, *combine),
            Place::Joined(join) => return join.apply(&mut self.json, value, &mut self.room),
            Place::Hidden => return true,
        };
        let Some(left) = self.room.checked_sub(path.length() + value.length()) else { return false };
        self.room = left;
        if let Some(place) = path.make(&mut self.json) {
            put_together(place, value, combine);
        } else {
            log::warn(&format!("part `{}` has no place: something around `{path}` is no object", part.name));
            self.answers.missing[index] = true;
        }
        true
    }
}

fn put_together(place: &mut Json, mut answer: Json, combine: Combine) {
    if let (Combine::Append, true, true) = (combine, place.is_array(), answer.is_array()) {
        if let (Some(items), Some(more)) = (place.items_mut(), answer.items_mut()) {
            items.append(more);
        }
    } else if let (true, true) = (place.is_object(), answer.is_object()) {
        merge(place, answer);
    } else {
        *place = answer;
    }
}

/// One level deep: what is inside the members is not merged.
fn merge(place: &mut Json, mut answer: Json) {
    let (Some(members), Some(more)) = (place.members_mut(), answer.members_mut()) else { return };
    // Into nothing, nothing needs to be compared.
    if members.is_empty() {
        std::mem::swap(members, more);
        return;
    }
    let known: HashMap<String, usize> = members.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
    for (name, value) in more.drain(..) {
        match known.get(&name).and_then(|at| members.get_mut(*at)) {
            Some((_, old)) => *old = value,
            None => members.push((name, value)),
        }
    }
}
