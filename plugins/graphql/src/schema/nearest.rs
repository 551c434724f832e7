//! Which directive a misspelled one was meant to be.

use super::OWN_DIRECTIVES;

/// Most letters to be put in, taken out or changed.
const MOST_CHANGES: usize = 2;

/// The directive of this plugin whose name is nearly this one.
pub(super) fn directive(written: &str) -> Option<&'static str> {
    let distances = OWN_DIRECTIVES.iter().map(|name| (distance(written, name), *name));
    let (changes, name) = distances.min()?;
    // Half of a short name changed makes another word of it.
    (changes <= MOST_CHANGES && changes * 2 <= name.len()).then_some(name)
}

/// How many letters have to be put in, taken out or changed to make one word of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(other.bytes()) {
            let changed = diagonal + usize::from(a != b);
            diagonal = *cell;
            left = changed.min(*cell + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_the_least_number_of_changes() {
        for (one, other, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("rset", "rest", 2), ("kitten", "sitting", 3)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (expected, expected), "{one} {other}");
        }
    }
}
