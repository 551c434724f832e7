//! A scenario's numbers in Markdown.

use crate::metric::Metric;
use crate::results::Measured;
use crate::scenario::{Formula, Scenario};
use crate::stats::Spread;

/// The median of each contender's numbers; of the primary one with the smallest and the largest.
pub(crate) fn table(scenario: &Scenario, measured: &Measured) -> String {
    let titles: Vec<&str> = scenario.columns.iter().map(|metric| metric.title()).collect();
    let mut text = format!("| | {} |\n|---|{}\n", titles.join(" | "), "---:|".repeat(titles.len()));
    for row in measured.contenders.iter().filter(|row| row.rounds.iter().any(Option::is_some)) {
        let cells = scenario.columns.iter().map(|metric| cell(scenario, measured, &row.label, *metric));
        text.push_str(&format!("| {} | {} |\n", row.label, cells.collect::<Vec<_>>().join(" | ")));
    }
    text
}

/// The figures to quote.
pub(super) fn comparisons(scenario: &Scenario, measured: &Measured) -> String {
    let mut rows = String::new();
    for comparison in &scenario.comparisons {
        if let Some(spread) = measured.compare(comparison) {
            rows.push_str(&format!("| {} | {} |\n", comparison.title, wide(spread, 2, "")));
        }
    }
    if rows.is_empty() {
        return rows;
    }
    let ratios = scenario.comparisons.iter().all(|comparison| comparison.formula == Formula::Ratio);
    let what = if ratios { "ratio" } else { "ratio or difference" };
    format!("| {what}, within a round | median (min – max) |\n|---|---:|\n{rows}\n")
}

/// Who has no numbers, or not all of them.
pub(super) fn reasons(measured: &Measured) -> String {
    let mut text = String::new();
    for row in &measured.contenders {
        if let Some(reason) = &row.reason {
            let what = if row.rounds.iter().any(Option::is_some) { "a round failed" } else { "not measured" };
            // A reason may come from a program: one line, and nothing that Markdown would take for its own.
            let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ").replace(['|', '<', '`'], "'");
            text.push_str(&format!("- {}: {what}: {reason}.\n", row.label));
        }
    }
    if text.is_empty() { text } else { text + "\n" }
}

fn cell(scenario: &Scenario, measured: &Measured, label: &str, metric: Metric) -> String {
    let Some(spread) = measured.value(label, metric) else { return "–".to_owned() };
    if metric == scenario.primary {
        return wide(spread, metric.decimals(), "");
    }
    // Of errors the median would hide those of a single round.
    number(if metric == Metric::Errors { spread.max } else { spread.median }, metric.decimals())
}

/// `9.3 (9.1 – 9.6)`
pub(super) fn wide(spread: Spread, decimals: usize, unit: &str) -> String {
    let [median, min, max] = [spread.median, spread.min, spread.max].map(|value| number(value, decimals));
    format!("{median}{unit} ({min} – {max})")
}

/// With commas between thousands.
fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    fraction.map_or_else(|| format!("{sign}{grouped}"), |fraction| format!("{sign}{grouped}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::measured;
    use crate::scenario;

    #[test]
    fn a_table_has_a_row_for_each_contender_with_numbers() {
        let plain = &scenario::all()[0];
        let text = table(plain, &measured());
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("| | CPU per request, µs | requests/s |"), "{text}");
        assert!(lines[2].starts_with("| tollgate | 13.5 (9.0 – 18.0) | – |"), "{text}");
        assert_eq!(lines.len(), 4, "{text}");
        let columns = lines[0].matches('|').count();
        assert!(lines.iter().all(|line| line.matches('|').count() == columns), "{text}");
    }

    #[test]
    fn who_is_missing_is_said_with_its_reason() {
        let mut measured = measured();
        assert_eq!(reasons(&measured), "- caddy: not measured: not installed.\n\n");
        measured.contenders[0].reason = Some("broke\noff | <b>".to_owned());
        assert!(reasons(&measured).starts_with("- tollgate: a round failed: broke off ' 'b>.\n"));
    }

    #[test]
    fn only_comparisons_with_both_sides_are_shown() {
        let text = comparisons(&scenario::all()[0], &measured());
        assert!(text.contains("| tollgate / nginx | 0.90 (0.90 – 0.90) |"), "{text}");
        assert!(!text.contains("haproxy"), "{text}");
    }

    #[test]
    fn thousands_have_commas() {
        assert_eq!(number(1_234_567.0, 0), "1,234,567");
        assert_eq!(number(-1234.56, 1), "-1,234.6");
        assert_eq!(number(123.0, 0), "123");
    }
}
