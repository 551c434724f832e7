//! The guard's output.

use super::record::{Change, Records, TOLERANCE};

/// A line for each value, and what to make of those that changed much.
pub(super) fn of(recorded: &Records, now: &Records) -> String {
    let mut text = line("case", "for one request", "recorded", "now", "change", "");
    let mut less = false;
    for (case, what, value, change) in now.changes(recorded) {
        let (before, percent) = match change {
            Change::New => ("-".to_owned(), "-".to_owned()),
            Change::By(percent) => (number(value / (1.0 + percent / 100.0)), format!("{percent:+.1} %")),
        };
        less |= change.is_much_less();
        let mark = match () {
            () if change == Change::New => "<- no record",
            () if change.is_too_much() => "<- more",
            () if change.is_much_less() => "<- less",
            () => "",
        };
        text.push_str(&line(case, what, &before, &number(value), &percent, mark));
    }
    if less {
        text.push_str(&format!(
            "A value is more than {TOLERANCE} % below its record: record it, or what was gained may be lost unseen \
             (`make guard ARGS=--record`).\n"
        ));
    }
    if let (Some(before), Some(here)) = (&recorded.versions, &now.versions)
        && before != here
    {
        text.push_str(&format!("Recorded with {before}; this is {here}: some of a change may be theirs.\n"));
    }
    text
}

fn line(case: &str, what: &str, before: &str, now: &str, change: &str, mark: &str) -> String {
    format!("{case:12} {what:16} {before:>10} {now:>10} {change:>9} {mark}").trim_end().to_owned() + "\n"
}

/// Large ones without a fraction.
fn number(value: f64) -> String {
    if value < 999.5 { format!("{value:.2}") } else { format!("{value:.0}") }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::records;
    use super::*;

    #[test]
    fn a_line_says_what_was_recorded_and_what_is_now() {
        let text = of(&records(1000.0, 20.0), &records(1100.0, 20.0));
        assert!(text.contains("plain        instructions           1000       1100   +10.0 % <- more\n"), "{text}");
        assert!(text.contains("plain        allocations           20.00      20.00    +0.0 %\n"), "{text}");
        assert!(!text.contains("record it"), "{text}");
    }

    #[test]
    fn a_value_far_below_its_record_is_to_be_recorded() {
        let text = of(&records(1000.0, 20.0), &records(900.0, 20.0));
        assert!(text.contains("-10.0 % <- less\n") && text.contains("record it"), "{text}");
    }
}
