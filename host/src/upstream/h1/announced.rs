//! What a head announces: how the body behind it ends, and that the connection does (RFC 9112 sections
//! 6.3 and 9.6). Looked for among the fields as they came, whether or not somebody makes a map of them.

use super::Broken;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Announced {
    /// The one length all lines and members of `content-length` agree on.
    pub(super) length: Option<u64>,
    /// No other coding is asked for (`te`), so none is understood.
    pub(super) is_chunked: bool,
    /// `connection` has the option `close`.
    pub(super) closes: bool,
}

impl Announced {
    /// Strict: what two readers could understand in two ways is refused.
    pub(super) fn by<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Result<Self, Broken> {
        let mut announced = Self::default();
        for (name, value) in fields {
            // Most fields differ in the length of their name already.
            match name.len() {
                10 if name.eq_ignore_ascii_case(b"connection") => announced.closes |= has_close(value),
                14 if name.eq_ignore_ascii_case(b"content-length") => announced.add_length(value)?,
                17 if name.eq_ignore_ascii_case(b"transfer-encoding") => announced.add_coding(value)?,
                _ => {}
            }
        }
        Ok(announced)
    }

    fn add_length(&mut self, value: &[u8]) -> Result<(), Broken> {
        for member in value.split(|byte| *byte == b',') {
            let found = number(member.trim_ascii()).ok_or(Broken::Framing("content-length is not a number"))?;
            if self.length.replace(found).is_some_and(|before| before != found) {
                return Err(Broken::Framing("two different content-lengths"));
            }
        }
        Ok(())
    }

    fn add_coding(&mut self, value: &[u8]) -> Result<(), Broken> {
        if self.is_chunked || !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
            return Err(Broken::Framing("a transfer-encoding other than chunked"));
        }
        self.is_chunked = true;
        Ok(())
    }
}

fn has_close(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// Digits only: `parse` would take a sign.
fn number(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(fields: &[(&str, &str)]) -> Result<Announced, Broken> {
        Announced::by(fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    #[test]
    fn names_and_options_are_the_same_in_any_case() {
        let all = [("Content-Length", "5"), ("CONNECTION", "x, Close"), ("x", "chunked")];
        assert_eq!(announced(&all).unwrap(), Announced { length: Some(5), is_chunked: false, closes: true });
        let chunked = [("Transfer-Encoding", " CHUNKED "), ("connection", "closed")];
        assert_eq!(announced(&chunked).unwrap(), Announced { length: None, is_chunked: true, closes: false });
        let two = [("connection", "close"), ("connection", "keep-alive")];
        assert!(announced(&two).unwrap().closes);
    }

    #[test]
    fn what_can_be_understood_in_two_ways_is_refused() {
        for fields in [
            &[("content-length", "5"), ("Content-Length", "6")][..],
            &[("content-length", "5, 6")],
            &[("content-length", "+5")],
            &[("content-length", "")],
            &[("content-length", "5,")],
            &[("content-length", "18446744073709551616")],
            &[("transfer-encoding", "")],
            &[("transfer-encoding", "gzip, chunked")],
            &[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")],
        ] {
            assert!(matches!(announced(fields), Err(Broken::Framing(_))), "{fields:?}");
        }
    }
}
