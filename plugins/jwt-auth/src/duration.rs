//! Durations as the configuration writes them: `250ms`, `30s`, `5m`, `1h`.

/// The longest leeway that makes sense: RFC 7519 section 4.1.4 speaks of "a few minutes".
pub(crate) const MAX_LEEWAY_MS: u64 = 10 * 60 * 1000;

/// Milliseconds of a duration of at most [`MAX_LEEWAY_MS`].
pub(crate) fn parse_leeway(text: &str) -> Result<u64, String> {
    let milliseconds = parse(text).ok_or_else(|| {
        format!("leeway: `{text}` is no duration; write a whole number and a unit: `500ms`, `30s`, `5m`")
    })?;
    if milliseconds > MAX_LEEWAY_MS {
        return Err(format!("leeway: `{text}` is more than `10m`; a leeway is for clocks that differ a little"));
    }
    Ok(milliseconds)
}

fn parse(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leeway_has_a_number_and_a_unit() {
        assert_eq!(parse_leeway("250ms"), Ok(250));
        assert_eq!(parse_leeway("30s"), Ok(30_000));
        assert_eq!(parse_leeway("5m"), Ok(300_000));
        for wrong in ["", "30", "s", "-1s", "1.5s", "30 s", "1d", "99999999999999999999s"] {
            assert!(parse_leeway(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_leeway_of_more_than_ten_minutes_is_refused() {
        assert_eq!(parse_leeway("10m"), Ok(600_000));
        assert!(parse_leeway("11m").is_err());
        assert!(parse_leeway("18446744073709551615h").is_err());
    }
}
