//! What `configure` says of a config that cannot be.

use serde_json::{Value, json};

use super::configure;

/// Lines of what is wrong with these parts.
fn mistakes(config: &Value) -> Vec<String> {
    configure(config.clone()).unwrap_err().lines().map(str::to_owned).collect()
}

#[test]
fn all_mistakes_are_told_at_once_each_on_a_line_of_its_own_behind_its_key() {
    let config = json!({"timeout": "0s", "parts": [
        {"name": "a", "upstream": "a", "path": "/{part:c.id}", "timeout": "0s", "method": "get", "mode": "default"},
        {"name": "b", "path": "b\nc", "headers": {"host": "{x", "x-a": "{y"}, "forward_headers": ["range", "ok", "a b"]},
        {"name": "a", "upstream": "u", "path": "/", "when": [{"value": "x"}], "each": {"of": "x"}, "join": {"to": "", "key": "", "equals": "", "into": ""}},
        {"name": "d", "upstream": "u", "path": "/", "method": "POST", "body": {"x": ["{", "y"], "z": "}"}, "shape": {"select": "", "drop": ["a", ""], "rename": {"a": ""}, "move": {"a": "."}}},
        {"name": "e", "upstream": "u", "path": "/{part:f}"},
        {"name": "f", "upstream": "u", "path": "/{part:e}"},
    ]});
    assert_eq!(
        mistakes(&config),
        [
            "parts[2].name: `a` is there twice; give each part its own, and `at` for one place",
            "timeout: `0s` leaves no time for an answer",
            "parts[0].path: `{part:c.id}` names no part; there are `a`, `b`, `a`, `d`, `e`, `f` (in `/{part:c.id}`)",
            "parts[0].method: `get` is no method; write it in upper case",
            "parts[0].timeout: `0s` leaves no time for an answer",
            "parts[0].default: is missing, and `mode = \"default\"` needs it",
            "parts[1]: needs either `upstream` or `origin` or `route`",
            "parts[1].path: `b\\nc` does not start with `/`",
            "parts[1].forward_headers[0]: `range` cannot be sent along: the answer would have no whole body",
            "parts[1].forward_headers[2]: `a b` is no header name",
            "parts[1].headers.host: `host` cannot be sent along: it belongs to the gateway",
            "parts[1].headers.host: a `{` in `{x` is not closed",
            "parts[1].headers.x-a: a `{` in `{y` is not closed",
            "parts[2].when[0].value: `x` has no placeholder, so that it is always the same",
            "parts[2].when[0]: needs one of `is`, `is_not` and `exists`",
            "parts[2].each.of: `x` is not one `{part:name.path}` or `{body:path}`",
            "parts[2].join.to: `` is no path; write names of members with dots between: `user.address.city`",
            "parts[2].join.key: `` is no path; write names of members with dots between: `user.address.city`",
            "parts[2].join.equals: `` is no path; write names of members with dots between: `user.address.city`",
            "parts[2].join.into: `` is no path; write names of members with dots between: `user.address.city`",
            "parts[3].body.x[0]: a `{` in `{` is not closed",
            "parts[3].body.z: a `}` in `}` closes nothing",
            "parts[3].shape.select: `` is no path; write names of members with dots between: `user.address.city`",
            "parts[3].shape.drop[1]: `` is no path; write names of members with dots between: `user.address.city`",
            "parts[3].shape.rename.a: the new name is empty",
            "parts[3].shape.move.a: `.` is no path; write names of members with dots between: `user.address.city`",
            "parts: `e`, `f` wait for each other, so that none can begin",
        ]
    );
}

#[test]
fn a_member_that_lists_what_is_missing_is_no_parts_own() {
    let config = |member: &str, part: Value| {
        let mut whole = json!({"name": "a", "upstream": "a", "path": "/"});
        whole.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        json!({"partial_member": member, "parts": [whole]})
    };
    let says = |place: &str| vec![format!("partial_member: `{place}` is the member that parts[0] makes")];
    assert_eq!(mistakes(&config("a", json!({}))), says("a"));
    assert_eq!(mistakes(&config("x", json!({"at": "x.y"}))), says("x"));
    for (member, part) in [("b", json!({})), ("a", json!({"at": "x.a"})), ("a", json!({"hide": true}))] {
        assert!(configure(config(member, part.clone())).is_ok(), "{member} {part}");
    }
}

#[test]
fn only_objects_go_to_the_top() {
    let config = |more: Value| {
        let mut part = json!({"name": "a", "upstream": "a", "path": "/", "at": "."});
        part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"parts": [part]})
    };
    let says = "parts[0].at: only the members of an object can go to the top, and";
    for (more, why) in [
        (json!({"each": {"of": "{body:ids}"}}), "the answers of `each` are an array"),
        (json!({"format": "text"}), "the answer is a string"),
        (json!({"format": "base64"}), "the answer is a string"),
        (json!({"mode": "default", "default": [1]}), "`default` is none"),
    ] {
        assert_eq!(mistakes(&config(more)), [format!("{says} {why}")]);
    }
    assert!(configure(config(json!({"mode": "default", "default": {"a": 1}}))).is_ok());
}

#[test]
fn items_are_joined_only_to_what_a_part_makes() {
    let config = |to: &str, at: &str| {
        let join = json!({"to": to, "key": "k", "equals": "k", "into": "i"});
        json!({"parts": [
            {"name": "a", "upstream": "a", "path": "/", "at": at},
            {"name": "b", "upstream": "b", "path": "/", "join": join},
        ]})
    };
    for (to, at) in [("x", "x"), ("x.y", "x"), ("anything", "."), ("x.0.y", "x")] {
        assert!(configure(config(to, at)).is_ok(), "{to} {at}");
    }
    for (to, at) in [("y", "x"), ("x", "x.y"), ("x.z", "x.y"), ("b", "x")] {
        assert_eq!(
            mistakes(&config(to, at)),
            [format!("parts[1].join.to: no part makes `{to}`, or what it is in")],
            "{at}"
        );
    }
}

#[test]
fn mistakes_in_the_config_are_named() {
    let part = |change: Value| {
        let mut part = json!({"name": "a", "upstream": "users", "path": "/"});
        for (key, value) in change.as_object().unwrap() {
            part[key] = value.clone();
        }
        json!({"parts": [part]})
    };
    for (config, says) in [
        (json!({"parts": []}), "parts: is empty"),
        (
            json!({"parts": [{"name": "a", "upstream": "a", "path": "/"}, {"name": "a", "upstream": "b", "path": "/"}]}),
            "parts[1].name: `a` is there twice",
        ),
        (part(json!({"name": "a,b"})), "parts[0].name: `a,b` is not"),
        (part(json!({"name": ""})), "parts[0].name: `` is not"),
        (part(json!({"path": "/{id"})), "parts[0].path: a `{`"),
        (part(json!({"upstream": null})), "parts[0]: needs either `upstream` or `origin`"),
        (part(json!({"origin": "http://x"})), "either `upstream` or `origin`"),
        (part(json!({"upstream": null, "origin": "http://x/y"})), "parts[0].origin: `http://x/y` is not"),
        (part(json!({"route": "x"})), "either `upstream` or `origin`"),
        (part(json!({"timeout": "0ms"})), "parts[0].timeout: `0s` leaves no time"),
        (part(json!({"timeout": "61m"})), "parts[0].timeout: `61m` is more than the whole may take: `timeout`, 1h"),
        (part(json!({"timeout": "9999h"})), "`9999h` is more than 49 days"),
        (part(json!({"method": "HEAD"})), "parts[0].method: the answer to HEAD"),
        (part(json!({"method": "get"})), "parts[0].method: `get` is no method"),
        (part(json!({"mode": "default"})), "parts[0].default: is missing"),
        (part(json!({"default": 1})), "parts[0].default: is only used"),
        (
            part(json!({"forward_headers": ["Accept-Encoding"]})),
            "parts[0].forward_headers[0]: `Accept-Encoding` cannot",
        ),
        (part(json!({"forward_headers": ["a b"]})), "no header name"),
        (part(json!({"forward_headers": ["host"]})), "belongs to the gateway"),
        (part(json!({"optional": true})), "unknown field `optional`"),
        (part(json!({"path": "/{part:b.id}"})), "`{part:b.id}` names no part; there are `a`"),
        (part(json!({"path": "/{part:a.id}"})), "parts: `a` wait for each other"),
        (part(json!({"body": {"a": 1}})), "parts[0].method: a GET has no body"),
        (
            part(json!({"method": "POST", "body": 1, "forward_body": true})),
            "parts[0].body: the part sends either `body` or",
        ),
        (
            part(json!({"headers": {"x-a": "{item}", "host": "b"}})),
            "parts[0].headers.host: `host` cannot be sent along",
        ),
        (
            part(json!({"headers": {"x-a": "{item.a}"}})),
            "parts[0].headers.x-a: `{item.a}` stands in a part without `each`",
        ),
        (part(json!({"when": [{"value": "{query:a}"}]})), "parts[0].when[0]: needs one of"),
        (part(json!({"each": {"of": "users"}})), "parts[0].each.of: `users` is not one"),
        (part(json!({"at": "a..b"})), "parts[0].at: `a..b` is no path"),
        (part(json!({"hide": true, "at": "b"})), "parts[0]: has one place only"),
        (part(json!({"shape": {"pick": [""]}})), "parts[0].shape.pick[0]: `` is no path"),
    ] {
        let error = configure(config.clone()).unwrap_err();
        assert!(error.contains(says), "{config}: {error}");
    }
}
