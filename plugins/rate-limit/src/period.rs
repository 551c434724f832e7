//! Periods as they are written in the config.

/// A whole number and a unit, in milliseconds: `500ms`, `1s`, `1m`, `1h`.
///
/// The gateway counts a period in 32 bits, which is 49 days.
pub(crate) fn parse(text: &str) -> Result<u32, String> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let factor: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("per: `{text}` is no period; write a whole number and a unit: `1s`, `1m` or `1h`")),
    };
    let number: u64 = number.parse().map_err(|_| format!("per: `{text}` has no number that could be read"))?;
    match number.checked_mul(factor).map(u32::try_from) {
        Some(Ok(0)) => Err("per: must be more than zero".to_owned()),
        Some(Ok(millis)) => Ok(millis),
        _ => Err(format!("per: `{text}` is more than 49 days (`1176h`)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_number_and_a_unit() {
        assert_eq!(parse("500ms"), Ok(500));
        assert_eq!(parse("1s"), Ok(1000));
        assert_eq!(parse("5m"), Ok(300_000));
        assert_eq!(parse("1176h"), Ok(4_233_600_000));
    }

    #[test]
    fn what_is_no_period_is_refused_with_the_text_that_was_written() {
        for text in ["", "10", "s", "1 s", "-1s", "1.5s", "1d", "0s", "1200h", "99999999999999999999h"] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with("per: "), "{text}: {error}");
        }
    }
}
