//! `Vary` (RFC 9111 section 4.1): which requests a stored response is an answer to.

/// Names of the fields a response varies by, in lower case, each once; `None` for `*`.
pub(crate) fn names<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for name in lines.into_iter().flat_map(|line| line.split(',')).map(str::trim) {
        if name == "*" {
            return None;
        }
        if !name.is_empty() && !names.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            names.push(name.to_ascii_lowercase());
        }
    }
    names.sort();
    Some(names)
}

/// A value, such that values that mean the same are equal. `lines` are all lines of the field, joined
/// with commas.
pub(crate) fn normal(name: &str, lines: &str) -> String {
    // What is in quotes may have commas of its own, which mean something.
    if lines.contains('"') {
        return lines.trim().to_owned();
    }
    let parts: Vec<&str> = lines.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if !matches!(name, "accept-language" | "accept-encoding") {
        return parts.join(",");
    }
    // Their case means nothing, nor does white space. Their order may: to some recipients the first of those with
    // the same weight is wanted most (RFC 9110 section 12.5.4).
    parts.join(",").to_ascii_lowercase().replace([' ', '\t'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_anywhere_matches_no_request() {
        assert_eq!(names(["Foo, bar,, FOO"]), Some(vec!["bar".to_owned(), "foo".to_owned()]));
        for lines in [vec!["*"], vec!["foo, *"], vec![", *"], vec!["a", "*"]] {
            assert_eq!(names(lines), None);
        }
    }

    #[test]
    fn values_that_mean_the_same_are_equal() {
        assert_eq!(normal("foo", " 1,  2 "), normal("foo", "1,2"));
        assert_ne!(normal("foo", "1,2"), normal("foo", "2,1"));
        assert_ne!(normal("foo", "a"), normal("foo", "A"));
        assert_ne!(normal("foo", "\"a, b\""), normal("foo", "\"a,b\""));
        assert_eq!(normal("accept-language", "eN , de;q=0.5"), normal("accept-language", "en,DE; q=0.5"));
        assert_ne!(normal("accept-language", "en, de"), normal("accept-language", "de, en"));
        assert_ne!(normal("accept-language", "en, de;q=0.5"), normal("accept-language", "en;q=0.5, de"));
    }
}
