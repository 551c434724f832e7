//! What durations and sizes have in common: a whole number and a unit, as text.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::Deserializer;
use serde::de::Visitor;

/// Names of units and what they are worth, the largest first.
pub(crate) type Units = [(&'static str, u32)];

/// Why a text is none.
pub(crate) enum Problem {
    /// It is no number with one of the units.
    Form,
    /// It is more than fits.
    TooMuch,
}

/// What the text is worth.
pub(crate) fn parse(text: &str, units: &Units) -> Result<u32, Problem> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = units.iter().find(|(name, _)| *name == unit).filter(|_| !number.is_empty());
    let (_, factor) = unit.ok_or(Problem::Form)?;
    number.parse::<u32>().ok().and_then(|number| number.checked_mul(*factor)).ok_or(Problem::TooMuch)
}

/// Writes a value in the largest of the units that leaves no fraction; nothing at all in `smallest`.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, value: u32, units: &Units, smallest: (&str, u32)) -> fmt::Result {
    let fits = |(_, factor): &&(&str, u32)| value > 0 && value.is_multiple_of(*factor);
    let (unit, factor) = units.iter().find(fits).copied().unwrap_or(smallest);
    write!(f, "{}{unit}", value / factor)
}

/// From a string; `expected` says what else would have been right.
pub(crate) fn deserialize<'de, T, D>(deserializer: D, expected: &'static str) -> Result<T, D::Error>
where
    T: FromStr<Err = String>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(Text { expected, what: PhantomData })
}

struct Text<T> {
    expected: &'static str,
    what: PhantomData<T>,
}

impl<T: FromStr<Err = String>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}
