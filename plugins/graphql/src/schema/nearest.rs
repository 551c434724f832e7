//! Which directive a misspelled one was meant to be.

use super::OWN_DIRECTIVES;

/// Most letters to be put in, taken out or changed.
const MOST_CHANGES: usize = 2;

/// The directive of this plugin whose name is nearly this one.
pub(super) fn directive(written: &str) -> Option<&'static str> {
    let distances = OWN_DIRECTIVES.iter().map(|name| (strsim::osa_distance(written, name), *name));
    let (changes, name) = distances.min()?;
    // A short name with more changed is another word.
    (changes <= MOST_CHANGES && changes * 3 <= name.len()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_fingers_is_seen_and_another_word_is_not() {
        for (written, meant) in
            [("rset", Some("rest")), ("Rest", Some("rest")), ("lst", None), ("authenticate", Some("authenticated"))]
        {
            assert_eq!(directive(written), meant, "{written}");
        }
    }
}
