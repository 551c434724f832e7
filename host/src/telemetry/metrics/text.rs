//! Prometheus' text format, version 0.0.4.
//!
//! A writer of its own because `prometheus-client` writes `OpenMetrics`, whose names and ending
//! differ, and wants its own kinds of numbers.

use std::fmt::{self, Write};

use super::value::{BOUNDS, Histogram};

/// The `content-type` of the text.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A text under construction.
#[derive(Debug, Default)]
pub(super) struct Text {
    out: String,
    /// The family samples belong to.
    name: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

type Labels<'a> = [(&'a str, &'a str)];

impl Text {
    /// Begins a family; the samples that follow belong to it.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &'static str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.name = name;
        self.push(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    pub(super) fn sample(&mut self, labels: &Labels<'_>, value: impl fmt::Display) {
        self.line("", labels, None, value);
    }

    pub(super) fn histogram(&mut self, labels: &Labels<'_>, histogram: &Histogram) {
        let counts = histogram.cumulative();
        let bounds = BOUNDS.iter().map(|(_, text)| *text).chain(["+Inf"]);
        for (bound, count) in bounds.zip(counts) {
            self.line("_bucket", labels, Some(("le", bound)), count);
        }
        self.line("_sum", labels, None, histogram.sum().as_secs_f64());
        self.line("_count", labels, None, counts.last().copied().unwrap_or_default());
    }

    /// Whole lines from elsewhere.
    pub(super) fn append(&mut self, lines: &str) {
        self.out.push_str(lines);
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    fn line(&mut self, suffix: &str, labels: &Labels<'_>, last: Option<(&str, &str)>, value: impl fmt::Display) {
        let name = self.name;
        self.push(format_args!("{name}{suffix}"));
        let mut before = '{';
        for (label, value) in labels.iter().copied().chain(last) {
            self.push(format_args!("{before}{label}=\"{}\"", Escaped(value)));
            before = ',';
        }
        if before == ',' {
            self.out.push('}');
        }
        self.push(format_args!(" {value}\n"));
    }

    fn push(&mut self, arguments: fmt::Arguments<'_>) {
        // Writing to a String does not fail.
        let _ = self.out.write_fmt(arguments);
    }
}

/// A label's value: backslash, quote and line feed are escaped.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['\\', '"', '\n']) {
            let (plain, special) = rest.split_at(at);
            f.write_str(plain)?;
            f.write_str(match special.as_bytes().first() {
                Some(b'\\') => r"\\",
                Some(b'"') => r#"\""#,
                _ => r"\n",
            })?;
            rest = special.get(1..).unwrap_or_default();
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn label_values_are_escaped() {
        let mut text = Text::default();
        text.family("n", Kind::Gauge, "Help.");
        text.sample(&[("route", "a\\b\"c\nd é"), ("x", "")], 1);
        let written = text.finish();
        assert_eq!(written, "# HELP n Help.\n# TYPE n gauge\nn{route=\"a\\\\b\\\"c\\nd é\",x=\"\"} 1\n");
    }

    #[test]
    fn a_histogram_is_cumulative_and_ends_with_its_count() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_millis(2));
        histogram.observe(Duration::from_secs(20));
        let mut text = Text::default();
        text.family("d_seconds", Kind::Histogram, "Help.");
        text.histogram(&[("route", "r")], &histogram);
        let written = text.finish();
        for line in [
            "d_seconds_bucket{route=\"r\",le=\"0.001\"} 0",
            "d_seconds_bucket{route=\"r\",le=\"0.0025\"} 1",
            "d_seconds_bucket{route=\"r\",le=\"10\"} 1",
            "d_seconds_bucket{route=\"r\",le=\"+Inf\"} 2",
            "d_seconds_sum{route=\"r\"} 20.002",
            "d_seconds_count{route=\"r\"} 2",
        ] {
            assert!(written.lines().any(|l| l == line), "{line} is missing in\n{written}");
        }
    }
}
