//! Leaf values as services send them, against what the schema promises (section 3.5 of the
//! specification).

use super::tree::Value;
use crate::json;
use crate::plan::Leaf;

/// The value for the answer; none if it is no value of the type.
pub(crate) fn coerce<'a>(leaf: &Leaf, value: &'a str) -> Option<Value<'a>> {
    let kind = value.as_bytes().first()?;
    let is_number = *kind == b'-' || kind.is_ascii_digit();
    let as_it_is = |fits: bool| fits.then_some(Value::Json(value));
    // A number or a word: there is nothing to escape in it.
    let quoted = |fits: bool| fits.then_some(Value::Quoted(value));
    match leaf {
        Leaf::Custom => as_it_is(true),
        Leaf::Boolean => as_it_is(matches!(kind, b't' | b'f')),
        // JSON can write numbers that no `Float` is.
        Leaf::Float => as_it_is(is_number && value.parse().is_ok_and(f64::is_finite)),
        Leaf::Int if value.parse::<i32>().is_ok() => as_it_is(true),
        // `7.0` and `7e2` are whole numbers too.
        Leaf::Int => {
            let number = if is_number { value.parse::<f64>().ok()? } else { return None };
            let fits = number.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&number);
            fits.then(|| Value::Made(format!("{number}")))
        }
        // And escape half a character, which is in no text.
        Leaf::String | Leaf::Id if *kind == b'"' => as_it_is(!value.contains("\\u") || json::text(value).is_some()),
        Leaf::Id => quoted(is_number),
        Leaf::String => quoted(is_number || matches!(kind, b't' | b'f')),
        Leaf::Enum(values) => {
            let text = json::text(value)?;
            as_it_is(values.iter().any(|one| one.as_str() == text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apollo_compiler::name;

    fn written(value: Value<'_>) -> String {
        match value {
            Value::Json(json) => json.to_owned(),
            Value::Quoted(text) => format!("\"{text}\""),
            Value::Made(json) => json,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_are_taken_as_the_specification_says() {
        let colours = Leaf::Enum([name!("RED"), name!("BLUE")].into());
        for (leaf, value, expected) in [
            (Leaf::Int, "7", Some("7")),
            (Leaf::Int, "7.0", Some("7")),
            (Leaf::Int, "-0", Some("-0")),
            (Leaf::Int, "7.5", None),
            (Leaf::Int, "2147483648", None),
            (Leaf::Int, "\"7\"", None),
            (Leaf::Float, "1.10", Some("1.10")),
            (Leaf::Float, "1", Some("1")),
            (Leaf::Float, "true", None),
            (Leaf::Float, "1e308", Some("1e308")),
            (Leaf::Float, "-1e400", None),
            (Leaf::String, "\"a\\u00e9\"", Some("\"a\\u00e9\"")),
            (Leaf::String, r#""\ud83d\ude00""#, Some(r#""\ud83d\ude00""#)),
            (Leaf::String, r#""a\ud800""#, None),
            (Leaf::Id, r#""\udc00\ud800""#, None),
            (Leaf::String, "1.50", Some("\"1.50\"")),
            (Leaf::String, "true", Some("\"true\"")),
            (Leaf::String, "[]", None),
            (Leaf::Boolean, "true", Some("true")),
            (Leaf::Boolean, "1", None),
            (Leaf::Id, "12345678901234567890", Some("\"12345678901234567890\"")),
            (Leaf::Id, "\"x\"", Some("\"x\"")),
            (Leaf::Id, "true", None),
            (colours.clone(), "\"RED\"", Some("\"RED\"")),
            (colours.clone(), "\"GREEN\"", None),
            (colours, "1", None),
            (Leaf::Custom, "{\"a\":[1]}", Some("{\"a\":[1]}")),
        ] {
            assert_eq!(coerce(&leaf, value).map(written).as_deref(), expected, "{leaf:?} {value}");
        }
    }
}
