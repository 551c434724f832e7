//! Durations and sizes as they are written in the config: a whole number and a unit.
//!
//! A bare number is refused on purpose: `timeout = 30` has been read as milliseconds by one half
//! of all teams and as seconds by the other.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A duration, at least 1 ms and at most [`MAX_DURATION`]: `"250ms"`, `"10s"`, `"1m"`, `"1h"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub Duration);

/// A number of bytes: `"512B"`, `"64KiB"`, `"8MiB"`, `"1GiB"`, `"10MB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub u64);

/// The longest duration that is taken: a year. Longer ones are typing errors, and sums with the
/// clock must not overflow.
const MAX_DURATION: Duration = Duration::from_hours(365 * 24);

/// What a duration looks like, for editors; [`parse_duration`] has the last word.
pub(super) const DURATION_PATTERN: &str = "^0*[1-9][0-9]{0,15}(ms|s|m|h)$";

/// [`DURATION_PATTERN`] with zero. Plugins' schemas have it too, and are told about in the same words.
pub(super) const DURATION_OR_ZERO_PATTERN: &str = "^[0-9]{1,16}(ms|s|m|h)$";

/// What a size looks like, for editors; [`parse_size`] has the last word.
pub(super) const SIZE_PATTERN: &str = "^[0-9]{1,16}(B|KB|MB|GB|KiB|MiB|GiB)$";

const DURATION_UNITS: &[(&str, u64)] = &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Reads a duration. The error is a whole sentence without the text itself.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let millis = parse(text, DURATION_UNITS, "a duration is a whole number and a unit: `250ms`, `10s`, `1m` or `1h`")?;
    let duration = Duration::from_millis(millis);
    if duration.is_zero() {
        return Err("a duration must be more than zero".into());
    }
    if duration > MAX_DURATION {
        return Err("a duration can be a year (`8760h`) at most".into());
    }
    Ok(duration)
}

/// Reads a size. The error is a whole sentence without the text itself.
pub fn parse_size(text: &str) -> Result<u64, String> {
    parse(text, SIZE_UNITS, "a size is a whole number and a unit: `512B`, `64KiB`, `8MiB`, `1GiB` or `10MB`")
}

fn parse(text: &str, units: &[(&str, u64)], form: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(form.into());
    }
    if unit.is_empty() {
        return Err(format!("the unit is missing; {form}"));
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        return Err(form.into());
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(*factor)).ok_or_else(|| "the number is too large".into())
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.as_millis();
        let (unit, factor) =
            DURATION_UNITS.iter().rev().find(|(_, f)| millis.is_multiple_of(u128::from(*f))).unwrap_or(&("ms", 1));
        serializer.collect_str(&format_args!("{}{unit}", millis / u128::from(*factor)))
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let binary = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
        let fits = |&&(_, factor): &&(&str, u64)| self.0 > 0 && self.0.is_multiple_of(factor);
        let (unit, factor) = binary.iter().find(fits).unwrap_or(&("B", 1));
        serializer.collect_str(&format_args!("{}{unit}", self.0 / factor))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_size(&text).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Time {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": DURATION_PATTERN, "examples": ["10s", "250ms", "1m", "1h"] })
    }
}

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": SIZE_PATTERN, "examples": ["8MiB", "64KiB", "512B", "10MB"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_unit_has_its_length() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_duration("1m"), Ok(Duration::from_mins(1)));
        assert_eq!(parse_duration("1h"), Ok(Duration::from_hours(1)));
        assert_eq!(parse_size("512B"), Ok(512));
        assert_eq!(parse_size("64KiB"), Ok(65_536));
        assert_eq!(parse_size("10MB"), Ok(10_000_000));
        assert_eq!(parse_size("1GiB"), Ok(1 << 30));
    }

    #[test]
    fn what_is_not_a_whole_number_and_a_unit_is_refused() {
        for text in
            ["", "10", "s", "1.5s", "-1s", "10 s", "10S", "10sec", "0s", "0ms", "9000h", "99999999999999999999s", "١s"]
        {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
        for text in ["", "10", "KiB", "1.5MiB", "-1B", "10 B", "10kib", "10M", "99999999999999999999GiB"] {
            assert!(parse_size(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_duration_that_is_written_is_read_back(millis in 1_u64..31_536_000_000) {
            let time = Time(Duration::from_millis(millis));
            let json = serde_json::to_value(time).unwrap();
            prop_assert_eq!(serde_json::from_value::<Time>(json).unwrap(), time);
        }

        #[test]
        fn a_size_that_is_written_is_read_back(bytes in any::<u64>()) {
            let json = serde_json::to_value(Size(bytes)).unwrap();
            prop_assert_eq!(serde_json::from_value::<Size>(json).unwrap(), Size(bytes));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = (parse_duration(&text), parse_size(&text));
        }
    }
}
