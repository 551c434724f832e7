//! Durations in a plugin's `config`, written as in the gateway's own: a whole number and a unit.
//!
//! A bare number is refused on purpose: half of all readers take `30` for seconds, the other half
//! for milliseconds.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::quantity::{self, Problem};

/// What a duration looks like: the `pattern` in the schema of a [`Duration`].
pub const PATTERN: &str = "^[0-9]{1,16}(ms|s|m|h)$";

/// [`PATTERN`] without zero, for a field that makes no sense with it:
/// `#[schemars(regex(pattern = tollgate_plugin_sdk::duration::MORE_THAN_ZERO))]`. A schema is
/// checked with file, line and column; check in `configure` as well, where tests come along.
pub const MORE_THAN_ZERO: &str = "^0*[1-9][0-9]{0,15}(ms|s|m|h)$";

/// A duration of whole milliseconds, at most [`Duration::MAX`]: `250ms`, `10s`, `1m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(u32);

impl Duration {
    /// 49 days: the interface counts milliseconds in 32 bits.
    pub const MAX: Self = Self(49 * 24 * 3_600_000);

    /// So many milliseconds, at most [`Duration::MAX`].
    pub const fn from_millis(milliseconds: u32) -> Self {
        if milliseconds < Self::MAX.0 { Self(milliseconds) } else { Self::MAX }
    }

    /// So many seconds, at most [`Duration::MAX`].
    pub const fn from_secs(seconds: u32) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// So many minutes, at most [`Duration::MAX`].
    pub const fn from_mins(minutes: u32) -> Self {
        Self::from_millis(minutes.saturating_mul(60_000))
    }

    /// Its milliseconds: what the functions of the interface take.
    pub const fn as_millis(self) -> u32 {
        self.0
    }

    /// Whether it is nothing at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

const UNITS: [(&str, u32); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl FromStr for Duration {
    type Err = String;

    /// The error is about the text, and quotes it.
    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = quantity::parse(text, &UNITS).and_then(|milliseconds| {
            if milliseconds <= Self::MAX.0 { Ok(Self(milliseconds)) } else { Err(Problem::TooMuch) }
        });
        parsed.map_err(|problem| match problem {
            Problem::Form => format!(
                "`{}` is no duration; write a whole number and a unit: `250ms`, `10s`, `1m` or `1h`",
                text.escape_debug()
            ),
            Problem::TooMuch => format!("`{text}` is more than 49 days (`{}`)", Self::MAX),
        })
    }
}

/// As it is written, in the largest unit that leaves no fraction.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        quantity::write(f, self.0, &UNITS, ("s", 1000))
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        Self::from_millis(duration.0.into())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        quantity::deserialize(deserializer, "a duration: a string with a unit, such as `10s`")
    }
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": PATTERN, "examples": ["10s", "250ms", "1m", "1h"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::string::string_regex;

    fn millis(text: &str) -> Option<u32> {
        text.parse().ok().map(Duration::as_millis)
    }

    #[test]
    fn every_unit_has_its_length() {
        assert_eq!(millis("250ms"), Some(250));
        assert_eq!(millis("30s"), Some(30_000));
        assert_eq!(millis("5m"), Some(300_000));
        assert_eq!(millis("1h"), Some(3_600_000));
        assert_eq!(millis("0s"), Some(0));
        assert_eq!(millis("1176h"), Some(Duration::MAX.as_millis()));
    }

    #[test]
    fn what_is_no_whole_number_and_a_unit_is_refused_with_the_text_that_was_written() {
        for text in ["", "10", "s", "-1s", "+1s", "1.5s", "10 s", " 1s", "1s ", "1S", "1d", "1sec", "١s", "1\u{0}s"] {
            let error = text.parse::<Duration>().unwrap_err();
            assert!(error.starts_with(&format!("`{}` is no duration", text.escape_debug())), "{error}");
        }
    }

    #[test]
    fn more_than_49_days_are_refused() {
        for text in ["1177h", "4233600001ms", "4294967296ms", "18446744073709551615h", "99999999999999999999ms"] {
            assert_eq!(text.parse::<Duration>().unwrap_err(), format!("`{text}` is more than 49 days (`1176h`)"));
        }
    }

    #[test]
    fn a_number_in_the_config_is_told_that_it_lacks_a_unit() {
        let error = serde_json::from_str::<Duration>("30").unwrap_err().to_string();
        assert!(error.contains("a string with a unit"), "{error}");
    }

    #[test]
    fn the_schema_has_the_pattern_and_a_field_can_forbid_zero() {
        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "only its schema is looked at")]
        struct Config {
            /// May be nothing.
            leeway: Duration,
            /// May not.
            #[schemars(regex(pattern = MORE_THAN_ZERO))]
            timeout: Duration,
        }
        let schema = schemars::schema_for!(Config).to_value();
        assert_eq!(schema["properties"]["leeway"]["pattern"], PATTERN);
        assert_eq!(schema["properties"]["leeway"]["description"], "May be nothing.");
        assert_eq!(schema["properties"]["timeout"]["pattern"], MORE_THAN_ZERO);
    }

    /// A pattern as a strategy: proptest wants it without its anchors.
    fn matching(pattern: &str) -> impl Strategy<Value = String> + use<> {
        string_regex(pattern.trim_matches(['^', '$'])).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(milliseconds in 0..=Duration::MAX.as_millis()) {
            let duration = Duration::from_millis(milliseconds);
            prop_assert_eq!(duration.to_string().parse(), Ok(duration));
            let json = serde_json::to_string(&duration).unwrap();
            prop_assert_eq!(serde_json::from_str::<Duration>(&json).unwrap(), duration);
        }

        #[test]
        fn what_the_pattern_lets_pass_is_a_duration_or_too_long(text in matching(PATTERN)) {
            if let Err(error) = text.parse::<Duration>() {
                prop_assert!(error.contains("more than 49 days"), "{}", error);
            }
        }

        #[test]
        fn what_the_stricter_pattern_lets_pass_is_not_zero(text in matching(MORE_THAN_ZERO)) {
            prop_assert!(!text.parse::<Duration>().is_ok_and(Duration::is_zero));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = text.parse::<Duration>();
        }
    }
}
