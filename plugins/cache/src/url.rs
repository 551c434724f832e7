//! URLs a response names, in the form of the cache's keys.

/// The absolute form of a reference, if it is of the same origin as `base` (RFC 9111 section 4.4: others
/// must not be invalidated). Dot segments are taken for what they are: a path with them is no key.
pub(crate) fn resolve(base: &str, reference: &str) -> Option<String> {
    let reference = reference.split('#').next().unwrap_or_default().trim();
    let origin_end = base.find("://")? + 3;
    let path_start = base.get(origin_end..)?.find('/').map_or(base.len(), |at| origin_end + at);
    let (origin, target) = base.split_at(path_start);
    let path = target.split('?').next().unwrap_or_default();
    if reference.is_empty() {
        return Some(base.to_owned());
    }
    if let Some(rest) = reference.strip_prefix("//") {
        let scheme = origin.split("//").next()?;
        return same_origin(origin, &format!("{scheme}//{rest}"));
    }
    if reference.starts_with('/') {
        return Some(format!("{origin}{reference}"));
    }
    if reference.starts_with('?') {
        return Some(format!("{origin}{path}{reference}"));
    }
    if reference.split(['/', '?']).next().is_some_and(|first| first.contains(':')) {
        return same_origin(origin, reference);
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{origin}{folder}/{reference}"))
}

/// A host without the port its scheme has anyway: both are one origin (RFC 9110 section 4.2.3).
pub(crate) fn without_default_port<'a>(scheme: &str, host: &'a str) -> &'a str {
    let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    host.strip_suffix(port).unwrap_or(host)
}

fn same_origin(origin: &str, url: &str) -> Option<String> {
    let end = url.find("://")? + 3;
    let path_start = url.get(end..)?.find('/').map_or(url.len(), |at| end + at);
    let (other, target) = url.split_at(path_start);
    let (scheme, _) = other.split_once("://")?;
    let other = without_default_port(scheme, other);
    other.eq_ignore_ascii_case(origin).then(|| format!("{origin}{}", if target.is_empty() { "/" } else { target }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_taken_against_the_url_and_only_of_the_same_origin() {
        let resolved = |reference| resolve("http://a:1/x/y?q", reference);
        for (reference, expected) in [
            ("", "http://a:1/x/y?q"),
            ("z", "http://a:1/x/z"),
            ("z?r", "http://a:1/x/z?r"),
            ("?r", "http://a:1/x/y?r"),
            ("/z#f", "http://a:1/z"),
            ("//a:1/z", "http://a:1/z"),
            ("HTTP://A:1/z", "http://a:1/z"),
            ("http://a:1", "http://a:1/"),
        ] {
            assert_eq!(resolved(reference).as_deref(), Some(expected), "{reference}");
        }
        for reference in ["http://a:80/z", "//A:80/z", "http://a/z"] {
            assert_eq!(resolve("http://a/", reference).as_deref(), Some("http://a/z"), "{reference}");
        }
        assert_eq!(resolve("https://a/", "https://a:443/z").as_deref(), Some("https://a/z"));
        assert_eq!(resolve("https://a/", "https://a:80/z"), None);
        assert_eq!((resolved("http://b/z"), resolved("//b/z"), resolved("https://a:1/z")), (None, None, None));
    }
}
