//! What of a part's answer goes into the whole, and by which names.
//!
//! The steps come in one order, whatever the order in the config: select, drop, pick, flatten,
//! rename, move. Where the value is an array, they are done in each of its items.

use tollgate_plugin_sdk::mistakes::{At, all};

use std::collections::BTreeMap;

use crate::config::ShapeConfig;
use crate::json::Json;
use crate::path::Path;

/// The steps. Empty, the answer stays as it came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    select: Option<Path>,
    drop: Vec<Path>,
    pick: Vec<Path>,
    flatten: Vec<Path>,
    /// A member, and its new name.
    rename: Vec<(Path, String)>,
    moves: Vec<(Path, Path)>,
}

impl Shape {
    pub(crate) fn new(config: &ShapeConfig, mistakes: &At<'_>) -> Option<Self> {
        let select = match &config.select {
            Some(path) => mistakes.of("select").take(Path::parse(path)).map(Some),
            None => Some(None),
        };
        let drop = paths(&config.drop, &mistakes.of("drop"));
        let pick = paths(&config.pick, &mistakes.of("pick"));
        let flatten = paths(&config.flatten, &mistakes.of("flatten"));
        let rename = renames(&config.rename, &mistakes.of("rename"));
        let moves = moves(&config.r#move, &mistakes.of("move"));
        Some(Self { select: select?, drop: drop?, pick: pick?, flatten: flatten?, rename: rename?, moves: moves? })
    }

    /// `None` where there is nothing of what was to be selected.
    pub(crate) fn apply(&self, mut json: Json) -> Option<Json> {
        if let Some(path) = &self.select {
            json = path.of(&json)?;
        }
        if self.changes_objects() {
            if json.is_array() {
                json.items_mut().into_iter().flatten().for_each(|item| self.change(item));
            } else {
                self.change(&mut json);
            }
        }
        Some(json)
    }

    fn changes_objects(&self) -> bool {
        !(self.drop.is_empty()
            && self.pick.is_empty()
            && self.flatten.is_empty()
            && self.rename.is_empty()
            && self.moves.is_empty())
    }

    /// What is not there is passed over: services leave members out.
    fn change(&self, json: &mut Json) {
        if !json.is_object() {
            return;
        }
        for path in &self.drop {
            path.take(json);
        }
        if !self.pick.is_empty() {
            let mut picked = Json::Object(Vec::new());
            for path in &self.pick {
                if let Some(value) = path.of(json) {
                    path.put(&mut picked, value);
                }
            }
            *json = picked;
        }
        for path in &self.flatten {
            flatten(json, path);
        }
        for (path, name) in &self.rename {
            rename(json, path, name);
        }
        for (from, to) in &self.moves {
            if let Some(value) = from.take(json) {
                to.put(json, value);
            }
        }
    }
}

/// Puts the members of an object in its own place.
fn flatten(json: &mut Json, path: &Path) {
    let Some((way, last)) = path.split_last() else { return };
    let Some(outer) = way.iter().try_fold(json, |value, step| value.child_mut(step)).and_then(Json::members_mut) else {
        return;
    };
    let Some(place) = outer.iter().rposition(|(name, _)| name == last) else { return };
    let Some(inner) = outer.get_mut(place).and_then(|(_, value)| value.members_mut()).map(std::mem::take) else {
        return;
    };
    // A member that is there already, under the same name, gives way.
    outer.remove(place);
    let before =
        place - outer.iter().take(place).filter(|(name, _)| inner.iter().any(|(other, _)| other == name)).count();
    outer.retain(|(name, _)| !inner.iter().any(|(other, _)| other == name));
    outer.splice(before..before, inner);
}

fn rename(json: &mut Json, path: &Path, to: &str) {
    let Some((way, last)) = path.split_last() else { return };
    let Some(members) = way.iter().try_fold(json, |value, step| value.child_mut(step)).and_then(Json::members_mut)
    else {
        return;
    };
    if !members.iter().any(|(name, _)| name == last) {
        return;
    }
    members.retain(|(name, _)| name != to);
    if let Some((name, _)) = members.iter_mut().rev().find(|(name, _)| name == last) {
        to.clone_into(name);
    }
}

fn paths(config: &[String], mistakes: &At<'_>) -> Option<Vec<Path>> {
    all(config.iter().enumerate().map(|(index, path)| mistakes.at(index).take(Path::parse(path))))
}

fn renames(config: &BTreeMap<String, String>, mistakes: &At<'_>) -> Option<Vec<(Path, String)>> {
    let one = |(from, to): (&String, &String)| {
        let mistakes = mistakes.of(from);
        let path = mistakes.take(Path::parse(from));
        if to.is_empty() {
            mistakes.add("the new name is empty");
            return None;
        }
        Some((path?, to.clone()))
    };
    all(config.iter().map(one))
}

fn moves(config: &BTreeMap<String, String>, mistakes: &At<'_>) -> Option<Vec<(Path, Path)>> {
    let one = |(from, to): (&String, &String)| {
        let mistakes = mistakes.of(from);
        mistakes.take(Path::parse(from)).zip(mistakes.take(Path::parse(to)))
    };
    all(config.iter().map(one))
}

#[cfg(test)]
mod tests {
    use tollgate_plugin_sdk::mistakes::Mistakes;

    use super::*;
    use serde_json::{Value, json};

    fn shaped(shape: Value, answer: &str) -> Option<String> {
        let shape = Shape::new(&serde_json::from_value(shape).unwrap(), &Mistakes::default().whole()).unwrap();
        let mut out = Vec::new();
        shape.apply(Json::parse(answer.into()).unwrap())?.write(&mut out);
        String::from_utf8(out).ok()
    }

    #[test]
    fn each_step_does_what_it_says() {
        let user = r#"{"id":7,"name":"Zoe","address":{"city":"Bern","zip":3000,"geo":{"lat":1}},"secret":1}"#;
        for (shape, expected) in [
            (json!({}), user),
            (json!({"select": "address.city"}), r#""Bern""#),
            (json!({"pick": ["name", "address.zip", "none"]}), r#"{"name":"Zoe","address":{"zip":3000}}"#),
            (json!({"drop": ["secret", "address", "none.x"]}), r#"{"id":7,"name":"Zoe"}"#),
            (
                json!({"pick": ["id", "name"], "rename": {"id": "user_id", "none": "x"}}),
                r#"{"user_id":7,"name":"Zoe"}"#,
            ),
            (json!({"pick": ["id", "name"], "rename": {"id": "name"}}), r#"{"name":7}"#),
            (
                json!({"drop": ["secret", "address.geo"], "flatten": ["address"]}),
                r#"{"id":7,"name":"Zoe","city":"Bern","zip":3000}"#,
            ),
            (
                json!({"pick": ["id", "address.geo.lat"], "flatten": ["address.geo"], "move": {"address.lat": "where.lat"}}),
                r#"{"id":7,"address":{},"where":{"lat":1}}"#,
            ),
        ] {
            assert_eq!(shaped(shape.clone(), user).as_deref(), Some(expected), "{shape}");
        }
    }

    #[test]
    fn a_member_that_is_flattened_takes_the_place_of_one_of_its_name() {
        let shape = json!({"flatten": ["b"]});
        assert_eq!(
            shaped(shape, r#"{"a":1,"x":2,"b":{"x":3,"y":4},"c":5}"#).as_deref(),
            Some(r#"{"a":1,"x":3,"y":4,"c":5}"#)
        );
    }

    #[test]
    fn what_is_dropped_is_gone_whatever_the_other_names_are_and_however_often_it_is_there() {
        for (answer, expected) in [
            (r#"{"secret":1,"\ud800":2,"id":7}"#, "{\"\u{fffd}\":2,\"id\":7}"),
            (r#"{"id":7,"address":{"geo":1,"\udc00":2}}"#, "{\"id\":7,\"address\":{\"\u{fffd}\":2}}"),
            (r#"{"secret":1,"id":7,"secret":2,"s\u0065cret":3}"#, r#"{"id":7}"#),
            (r#"{"address":{"geo":1},"id":7,"address":{"geo":2,"zip":3}}"#, r#"{"address":{"zip":3},"id":7}"#),
            (r#"{"address":{"geo":1},"address":7}"#, r#"{"address":7}"#),
        ] {
            let shape = json!({"drop": ["secret", "address.geo"]});
            assert_eq!(shaped(shape, answer).as_deref(), Some(expected), "{answer}");
        }
    }

    #[test]
    fn what_is_picked_or_taken_elsewhere_is_the_last_of_its_name() {
        let twice = r#"{"\ud800":0,"id":1,"id":2}"#;
        assert_eq!(shaped(json!({"pick": ["id"]}), twice).as_deref(), Some(r#"{"id":2}"#));
        for step in ["rename", "move"] {
            let shape = json!({"drop": ["\u{fffd}"], step: {"id": "key"}});
            assert_eq!(shaped(shape, twice).as_deref(), Some(r#"{"key":2}"#), "{step}");
        }
    }

    #[test]
    fn the_items_of_an_array_are_shaped_one_by_one() {
        let shape = json!({"select": "items", "pick": ["id"], "rename": {"id": "key"}});
        assert_eq!(
            shaped(shape, r#"{"items":[{"id":1,"x":2},3,{"id":4}]}"#).as_deref(),
            Some(r#"[{"key":1},3,{"key":4}]"#)
        );
    }

    #[test]
    fn nothing_is_left_where_nothing_can_be_selected() {
        assert_eq!(shaped(json!({"select": "data.items"}), r#"{"data":[]}"#), None);
    }

    #[test]
    fn what_is_no_object_stays_as_it_is() {
        assert_eq!(shaped(json!({"pick": ["a"]}), "7").as_deref(), Some("7"));
    }
}
