//! Putting the answer together.
//!
//! Parts are put in their places in the order of the config, whichever was there first, so that what
//! two parts make of one place is always the same.

use std::collections::HashMap;

use tollgate_plugin_sdk::{Answer, log};

use crate::config::Combine;
use crate::json::Json;
use crate::kept::Kept;
use crate::part::{Part, Place};
use crate::run::Answers;

/// The answer of the whole.
pub(crate) fn compose(parts: &[Part], answers: Answers, partial_member: Option<&str>, kept: &Kept) -> Answer {
    let Answers { values, mut missing, has_defaults } = answers;
    let mut whole = Json::Object(Vec::with_capacity(parts.len()));
    let mut joins = Vec::new();
    for ((part, value), missing) in parts.iter().zip(values).zip(&mut missing) {
        match (&part.place, value) {
            (Place::At { path, combine }, Some(value)) => {
                if let Some(place) = path.make(&mut whole) {
                    put_together(place, value, *combine);
                } else {
                    log::warn(&format!("part `{}` has no place: something around `{path}` is no object", part.name));
                    *missing = true;
                }
            }
            (Place::Joined(join), Some(value)) => joins.push((join, value)),
            (Place::Hidden, _) | (_, None) => {}
        }
    }
    // Last, so that it does not matter whether the array's part stands before or behind.
    for (join, value) in joins {
        join.apply(&mut whole, value);
    }
    let missing: Vec<&str> =
        parts.iter().zip(missing).filter(|(_, missing)| *missing).map(|(part, _)| part.name.as_str()).collect();
    if let (Some(member), false, Some(members)) = (partial_member, missing.is_empty(), whole.members_mut()) {
        members.retain(|(name, _)| name != member);
        members.push((member.to_owned(), Json::Array(missing.iter().map(|name| Json::string(name)).collect())));
    }
    let mut body = Vec::with_capacity(whole.length());
    whole.write(&mut body);
    let answer = Answer::new(200).header("content-type", "application/json").body(body);
    let answer = if missing.is_empty() { answer } else { answer.header("x-tollgate-partial", missing.join(",")) };
    kept.tell(answer, missing.is_empty() && !has_defaults)
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
