//! Reading `/metrics` (Prometheus text format 0.0.4).

/// All samples of one scrape.
#[derive(Debug, Clone)]
pub struct Metrics(Vec<Sample>);

#[derive(Debug, Clone)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Metrics {
    /// Fails on a line that is no comment and no sample.
    pub fn parse(text: &str) -> Self {
        Self(text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(sample).collect())
    }

    /// The sum of the samples of this name that have these labels; 0 if there are none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.matching(name, labels).map(|sample| sample.value).sum()
    }

    /// Whether there is such a sample at all.
    pub fn has(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        self.matching(name, labels).next().is_some()
    }

    fn matching(&self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = &Sample> {
        self.0.iter().filter(move |sample| sample.name == name && labels.iter().all(|label| sample.has(label)))
    }
}

impl Sample {
    fn has(&self, (name, value): &(&str, &str)) -> bool {
        self.labels.iter().any(|(n, v)| n == name && v == value)
    }
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("not a sample: {line}"));
    let value = value.parse().unwrap_or_else(|_| panic!("not a number: {line}"));
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    Sample { name: name.into(), labels: labels_of(labels.strip_suffix('}').unwrap()), value }
}

/// `a="b",c="d"`, with `\"`, `\\` and `\n` inside the quotes.
fn labels_of(text: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().expect("a quote at the end of a label") {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next().expect("a character behind a backslash").1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((name.trim_start_matches(',').into(), value));
        rest = &after[end + 1..];
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_over_the_labels_not_asked_for() {
        let metrics =
            Metrics::parse("# HELP a b\na{x=\"1\",y=\"p\\\"q\"} 2\na{x=\"1\",y=\"r\"} 3\na{x=\"2\"} 7\nb 1.5\n");
        assert!((metrics.sum("a", &[("x", "1")]) - 5.0).abs() < f64::EPSILON);
        assert!((metrics.sum("a", &[("y", "p\"q")]) - 2.0).abs() < f64::EPSILON);
        assert!(metrics.has("b", &[]) && !metrics.has("b", &[("x", "1")]));
    }
}
