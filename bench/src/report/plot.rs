//! A scenario's plot: a bar for each contender's median, with a line from the smallest to the largest.

use crate::results::Measured;
use crate::scenario::Scenario;
use crate::stats::Spread;

// All in pixels.
const LABELS: f64 = 170.0;
const BARS: f64 = 480.0;
const VALUES: f64 = 90.0;
const ROW: f64 = 26.0;
const HEAD: f64 = 44.0;

/// An SVG that reads on light and dark pages: it has its own background.
pub(super) fn bars(scenario: &Scenario, measured: &Measured) -> String {
    let rows: Vec<(&str, Spread)> = measured
        .contenders
        .iter()
        .filter_map(|row| Some((row.label.as_str(), measured.value(&row.label, scenario.primary)?)))
        .collect();
    let most = rows.iter().map(|(_, spread)| spread.max).fold(f64::MIN_POSITIVE, f64::max);
    let mut drawn = String::new();
    let mut top = HEAD;
    for (label, spread) in &rows {
        drawn.push_str(&bar(label, *spread, most, top, scenario.primary.decimals()));
        top += ROW;
    }
    let (width, height) = (LABELS + BARS + VALUES, top + 12.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"12\" y=\"24\" font-weight=\"bold\">{}: {} (less is better)</text>\n{drawn}</svg>\n",
        escaped(scenario.title),
        escaped(scenario.primary.title())
    )
}

fn bar(label: &str, spread: Spread, most: f64, top: f64, decimals: usize) -> String {
    let at = |value: f64| LABELS + value / most * BARS;
    let fill = if label.starts_with("tollgate") { "#2563a8" } else { "#a8b3c2" };
    let (middle, text) = (top + ROW / 2.0 - 2.0, top + ROW / 2.0 + 3.0);
    let (min, median, max) = (at(spread.min), at(spread.median), at(spread.max));
    format!(
        "<text x=\"{:.1}\" y=\"{text:.1}\" text-anchor=\"end\">{}</text>\
         <rect x=\"{LABELS:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\"/>\
         <line x1=\"{min:.1}\" x2=\"{max:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\" stroke=\"#222222\"/>\
         <text x=\"{:.1}\" y=\"{text:.1}\">{:.decimals$}</text>\n",
        LABELS - 8.0,
        escaped(label),
        median - LABELS,
        ROW - 6.0,
        max + 6.0,
        spread.median,
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::measured;
    use crate::scenario;

    #[test]
    fn each_contender_with_numbers_has_a_bar() {
        let svg = bars(&scenario::all()[0], &measured());
        assert_eq!(svg.matches("<line").count(), 2, "{svg}");
        // The longest line ends where the bars do: nginx's largest, 20.
        assert!(svg.contains("x2=\"650.0\""), "{svg}");
        assert!(svg.contains(">tollgate</text>") && !svg.contains("caddy"), "{svg}");
    }

    #[test]
    fn text_cannot_end_an_element() {
        assert_eq!(escaped("a<b>&c"), "a&lt;b&gt;&amp;c");
    }
}
