//! "Did you mean": the nearest of the names that would have been right.

/// The candidate that `written` is most likely a misspelling of, if it is near enough.
pub(crate) fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(written);
    // A third of the letters may differ; more would be guessing.
    let most = (folded.chars().count() / 3).max(1);
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let close = candidates
        .iter()
        .map(|&candidate| (strsim::osa_distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= most && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate);
    close.or_else(|| candidates.into_iter().find(|candidate| is_longer_or_shorter(&folded, &fold(candidate))))
}

/// `warning` for `warn`, `jwt` for `jwt-auth`.
fn is_longer_or_shorter(a: &str, b: &str) -> bool {
    a.len().min(b.len()) >= 3 && (a.starts_with(b) || b.starts_with(a))
}

/// Names as an English list: `a`, `b` or `c`.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "none".into(),
        [one] => one.clone(),
        [most @ .., last] if most.len() < 20 => format!("{} or {last}", most.join(", ")),
        [first @ .., _] => format!("{} and {} more", first[..10].join(", "), quoted.len() - 10),
    }
}

/// The help line for a name that does not exist: the nearest one, or what there is.
pub(super) fn help(written: &str, candidates: &[&str], what: &str) -> String {
    match nearest(written, candidates.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if candidates.is_empty() => format!("there are no {what}"),
        None => format!("{what}: {}", list(candidates.iter().copied())),
    }
}

/// Case and the two dashes are what people mix up without noticing.
fn fold(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_fingers_is_seen() {
        let keys = ["plugins", "path", "upstream"];
        assert_eq!(nearest("plugin", keys), Some("plugins"));
        assert_eq!(nearest("Upstreams", keys), Some("upstream"));
        assert_eq!(nearest("warning", ["error", "warn"]), Some("warn"));
        assert_eq!(nearest("least_request", ["round-robin", "least-request"]), Some("least-request"));
    }

    #[test]
    fn what_is_far_from_everything_gets_no_guess() {
        assert_eq!(nearest("timeout", ["plugins", "path"]), None);
        assert_eq!(nearest("x", ["y"]), None);
    }
}
