//! Durations as the configuration writes them: `250ms`, `30s`, `5m`, `1h`.

/// The longest time-out, in milliseconds: one hour.
const MAX_MS: u32 = 60 * 60 * 1000;

/// Milliseconds of a time-out: more than none, at most an hour.
pub(crate) fn parse_timeout(text: &str) -> Result<u32, String> {
    let milliseconds = parse(text)
        .ok_or_else(|| format!("`{text}` is no duration; write a whole number and a unit: `500ms`, `2s`, `1m`"))?;
    match milliseconds {
        0 => Err(format!("`{text}` leaves no time for an answer")),
        1..=MAX_MS => Ok(milliseconds),
        _ => Err(format!("`{text}` is more than `1h`")),
    }
}

fn parse(text: &str) -> Option<u32> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return None,
    };
    number.parse::<u32>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_has_a_number_and_a_unit() {
        assert_eq!(parse_timeout("250ms"), Ok(250));
        assert_eq!(parse_timeout("2s"), Ok(2000));
        assert_eq!(parse_timeout("1h"), Ok(3_600_000));
        for wrong in ["", "30", "s", "-1s", "1.5s", "1 s", "1d", "0s", "61m", "4294967295h", "99999999999s"] {
            assert!(parse_timeout(wrong).is_err(), "{wrong}");
        }
    }
}
