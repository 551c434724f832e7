//! Path templates: `/users/{id}`, `/files/{*rest}`.

use crate::spelling;

/// Checks a template. The error is what is wrong with it, and what to do.
pub(super) fn check(path: &str) -> Result<(), (String, String)> {
    let refuse = |message: &str, help: &str| Err((message.to_owned(), help.to_owned()));
    let Some(segments) = path.strip_prefix('/') else {
        let help = if path.contains("://") {
            "a path is what follows the host; `host` of the route is for hosts".into()
        } else if path.contains(['~', '^', '*', '(', '[', '\\', ' ']) {
            "a path is a template and no regular expression: `/users/{id}`, `/files/{*rest}`".into()
        } else {
            format!("write `/{path}`")
        };
        return Err(("must start with `/`".into(), help));
    };
    if let Some(bad) = path
        .chars()
        .find(|c| !c.is_ascii_graphic() || matches!(c, '?' | '#' | '\\' | '"' | '<' | '>' | '^' | '`' | '|'))
    {
        let help = match bad {
            ' ' => "a space is written `%20`",
            '?' => "a path has no query; `query` of the route is for its parameters",
            '#' => "a path has no fragment, which clients keep to themselves",
            _ => "what is no letter, digit or `-._~` is percent-encoded",
        };
        return Err((format!("cannot have `{}` in it", bad.escape_debug()), help.into()));
    }
    check_parameters(segments)?;
    match spelling::plain(path, true) {
        Ok(plain) if plain == path => Ok(()),
        Ok(plain) => {
            Err(("matches no request, whose paths are spelled another way".into(), format!("write `{plain}`")))
        }
        Err(problem) => refuse("matches no request, as none like it is let in", problem),
    }
}

fn check_parameters(segments: &str) -> Result<(), (String, String)> {
    let refuse = |message: &str, help: &str| Err((message.to_owned(), help.to_owned()));
    let mut names = Vec::new();
    let mut segments = segments.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if segment == "." || segment == ".." {
            return refuse("cannot have `.` or `..` as a segment", "they are resolved before a route is looked for");
        }
        let Some(name) = parameter(segment)? else {
            continue;
        };
        if name.starts_with('*') && !is_last {
            return Err((
                format!("has `{{{name}}}` before its end"),
                "`{*rest}` takes all that follows, so it is last; `{name}` takes one segment".into(),
            ));
        }
        let name = name.trim_start_matches('*');
        if names.contains(&name) {
            return Err((format!("has `{name}` twice"), "each parameter needs a name of its own".into()));
        }
        names.push(name);
    }
    Ok(())
}

/// The template without the parameters' names: what it matches.
pub(super) fn shape(path: &str) -> String {
    let anonymous = |segment: &str| match segment.as_bytes() {
        [b'{', b'*', ..] => "{*}".to_owned(),
        [b'{', ..] => "{}".to_owned(),
        _ => segment.to_owned(),
    };
    path.split('/').map(anonymous).collect::<Vec<_>>().join("/")
}

/// Checks that a prefix can be taken off every path the template matches.
pub(super) fn check_prefix(prefix: &str, path: &str) -> Result<(), (String, String)> {
    let literal = path.find('{').map_or(path, |at| &path[..at]);
    let refuse = |message: &str, help: String| Err((message.to_owned(), help));
    if !prefix.starts_with('/') {
        return refuse("must start with `/`", format!("write `/{prefix}`"));
    }
    if prefix.ends_with('/') {
        return refuse("must not end with `/`", "the `/` stays: it starts the path the upstream sees".into());
    }
    if !literal.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        let literal = literal.trim_end_matches('/');
        let help = if literal.is_empty() {
            "there is nothing before the first parameter".to_owned()
        } else {
            format!("the part before the first parameter is `{literal}`")
        };
        return refuse("is not the start of the route's `path`", help);
    }
    Ok(())
}

/// The name of a segment that is a parameter, with its `*`; `None` for a literal.
fn parameter(segment: &str) -> Result<Option<&str>, (String, String)> {
    let error = |message: String, help: String| Err((message, help));
    if let Some(name) = segment.strip_prefix(':') {
        return error(format!("has `:{name}`"), format!("a parameter is written `{{{name}}}`"));
    }
    if matches!(segment, "*" | "**") {
        return error(
            format!("has `{segment}`"),
            "for one segment write `{name}`, for all that follow `{*rest}`".into(),
        );
    }
    if !segment.contains(['{', '}']) {
        return Ok(None);
    }
    let Some(name) =
        segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')).filter(|name| !name.contains(['{', '}']))
    else {
        return error(format!("has `{segment}`"), "a parameter is a whole segment: `/{name}/`".into());
    };
    let bare = name.strip_prefix('*').unwrap_or(name);
    let starts_well = bare.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return error(
            format!("has `{segment}`"),
            "a parameter's name is letters, digits and `_`, a letter first".into(),
        );
    }
    Ok(Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn templates_of_whole_segments_are_taken() {
        for path in [
            "/",
            "/users",
            "/users/",
            "/users/{id}",
            "/a/{b}/c/{d_2}",
            "/files/{*rest}",
            "/{*rest}",
            "/a%20b/c.d~e",
            "/%C3%A9",
        ] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn all_else_is_refused() {
        for path in [
            "", "users", "/a b", "/é", "/a?b", "/:id", "/a/*", "/a/**", "/{}", "/{*}", "/{1}", "/x{id}", "/{id}x",
            "/{a}{b}", "/{*r}/x", "/{a}/{a}", "/{a", "/a}", "/a/../b", "/{a-b}", "/a//b", "/%61", "/%c3%a9", "/%zz",
            "/%00",
        ] {
            assert!(check(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_prefix_ends_where_a_segment_ends() {
        for prefix in ["/api", "/api/v1"] {
            assert_eq!(check_prefix(prefix, "/api/v1/{id}"), Ok(()));
        }
        for prefix in ["", "/", "api", "/api/", "/ap", "/api/v1/7", "/x"] {
            assert!(check_prefix(prefix, "/api/v1/{id}").is_err(), "{prefix}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(path in "[/{}*:a-z.]*|\\PC*", prefix in "\\PC*") {
            let _ = (check(&path), check_prefix(&prefix, &path), shape(&path));
        }
    }
}
