//! Sizes in a plugin's `config`, written as in the gateway's own: a whole number and a unit.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::quantity::{self, Problem};

/// What a size looks like: the `pattern` in the schema of a [`Size`].
pub const PATTERN: &str = "^[0-9]{1,16}(B|KB|MB|GB|KiB|MiB|GiB)$";

/// [`PATTERN`] without zero, for a field that makes no sense with it:
/// `#[schemars(regex(pattern = tollgate_plugin_sdk::size::MORE_THAN_ZERO))]`.
pub const MORE_THAN_ZERO: &str = "^0*[1-9][0-9]{0,15}(B|KB|MB|GB|KiB|MiB|GiB)$";

/// A number of bytes, less than 4 GiB: `512B`, `64KiB`, `8MiB`, `10MB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u32);

impl Size {
    /// So many bytes.
    pub const fn from_bytes(bytes: u32) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(self) -> u32 {
        self.0
    }

    /// Whether it is nothing at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

const UNITS: [(&str, u32); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1000),
    ("B", 1),
];

impl FromStr for Size {
    type Err = String;

    /// The error is about the text, and quotes it.
    fn from_str(text: &str) -> Result<Self, String> {
        quantity::parse(text, &UNITS).map(Self).map_err(|problem| match problem {
            Problem::Form => format!(
                "`{}` is no size; write a whole number and a unit: `512B`, `64KiB`, `8MiB` or `10MB`",
                text.escape_debug()
            ),
            Problem::TooMuch => format!("`{text}` is not less than `4GiB`"),
        })
    }
}

/// In the largest binary unit that leaves no fraction.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (binary, _) = UNITS.split_at(3);
        quantity::write(f, self.0, binary, ("B", 1))
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        quantity::deserialize(deserializer, "a size: a string with a unit, such as `64KiB`")
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
        json_schema!({ "type": "string", "pattern": PATTERN, "examples": ["64KiB", "8MiB", "512B", "10MB"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::string::string_regex;

    #[test]
    fn every_unit_has_its_bytes() {
        for (text, bytes) in [
            ("0B", 0),
            ("512B", 512),
            ("64KiB", 65_536),
            ("8MiB", 8 << 20),
            ("3GiB", 3 << 30),
            ("1KB", 1000),
            ("10MB", 10_000_000),
            ("4GB", 4_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Size::from_bytes(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_number_and_a_unit_or_too_much_is_refused_with_the_text() {
        for text in ["", "10", "KiB", "1.5MiB", "-1B", "10 B", "10kib", "10M", "1B "] {
            let error = text.parse::<Size>().unwrap_err();
            assert!(error.starts_with(&format!("`{text}` is no size")), "{error}");
        }
        for text in ["4GiB", "5GB", "4294967296B", "99999999999999999999KB"] {
            assert_eq!(text.parse::<Size>().unwrap_err(), format!("`{text}` is not less than `4GiB`"));
        }
        let error = serde_json::from_str::<Size>("30").unwrap_err().to_string();
        assert!(error.contains("a string with a unit"), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes: u32) {
            prop_assert_eq!(Size(bytes).to_string().parse(), Ok(Size(bytes)));
        }

        #[test]
        fn the_pattern_and_the_parser_agree(text in string_regex(PATTERN.trim_matches(['^', '$'])).unwrap()) {
            let read = text.parse::<Size>();
            prop_assert!(read.is_ok() || read.unwrap_err().contains("4GiB"));
        }
    }
}
