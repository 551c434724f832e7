//! The labels of a series: checked, put in order, and written as the text format has them.
//!
//! That text is also the key the series is found by: equal labels in another order are one series.

use std::fmt::Write as _;

use super::super::text::Escaped;

/// Most labels of a series.
const MAX_LABELS: usize = 8;
/// Most bytes of a label's name.
const MAX_NAME: usize = 64;
/// Most bytes of a label's value.
const MAX_VALUE: usize = 256;

/// `a="1",b="2"`; what is wrong with the labels, for the plugin's author.
pub fn render(mut labels: Vec<(&str, &str)>) -> Result<String, String> {
    if labels.len() > MAX_LABELS {
        return Err(format!("{} labels, and at most {MAX_LABELS} are allowed", labels.len()));
    }
    labels.sort_unstable();
    let mut text = String::new();
    let mut before = None;
    for (name, value) in labels {
        check_name(name)?;
        if value.len() > MAX_VALUE {
            return Err(format!(
                "the value of label `{name}` has {} bytes, and at most {MAX_VALUE} are allowed",
                value.len()
            ));
        }
        if before == Some(name) {
            return Err(format!("label `{name}` is given twice"));
        }
        let comma = if before.is_some() { "," } else { "" };
        before = Some(name);
        // Writing to a String does not fail.
        let _ = write!(text, "{comma}{name}=\"{}\"", Escaped(value));
    }
    Ok(text)
}

fn check_name(name: &str) -> Result<(), String> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let legal = name.len() <= MAX_NAME
        && name.bytes().all(good)
        && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        && !name.starts_with("__");
    if !legal {
        return Err(format!("`{}` cannot be the name of a label", name.escape_debug()));
    }
    // The one is the gateway's, the other the histogram's.
    if matches!(name, "plugin" | "le") {
        return Err(format!("the label `{name}` is not the plugin's to set"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_order_of_labels_makes_no_difference() {
        assert_eq!(render(vec![("b", "2"), ("a", "1")]), render(vec![("a", "1"), ("b", "2")]));
        assert_eq!(render(vec![("b", "x\"y\n"), ("a", "")]).unwrap(), r#"a="",b="x\"y\n""#);
        assert_eq!(render(vec![]).unwrap(), "");
    }

    #[test]
    fn what_would_break_the_page_or_hide_a_label_is_refused() {
        let long = "v".repeat(MAX_VALUE + 1);
        for labels in [
            vec![("", "v")],
            vec![("a-b", "v")],
            vec![("1a", "v")],
            vec![("__name__", "v")],
            vec![("a\n", "v")],
            vec![("plugin", "other")],
            vec![("le", "1")],
            vec![("a", "1"), ("a", "2")],
            vec![("a", &long)],
            vec![("a", "v"); MAX_LABELS + 1],
        ] {
            assert!(render(labels.clone()).is_err(), "{labels:?}");
        }
    }

    proptest! {
        #[test]
        fn no_value_leaves_its_quotes(value in "\\PC{0,40}|[\"\\\\\n,=}{]{0,10}") {
            let text = render(vec![("a", &value)]).unwrap();
            let inner = text.strip_prefix("a=\"").unwrap().strip_suffix('"').unwrap();
            prop_assert!(!inner.contains('\n'));
            let unescaped = inner.replace("\\\\", "\u{1}").replace("\\\"", "").replace("\\n", "");
            prop_assert!(!unescaped.contains(['"', '\\']), "{}", text);
        }
    }
}
