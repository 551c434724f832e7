//! Text that is ASCII, told at once.
//!
//! The standard library looks at a short text byte by byte: for what plugins hand over and read (names and values of
//! fields, keys) that was 2,000 instructions of a request with a token and a rate limit. Whether bytes are ASCII it
//! tells from whole words, and then they are UTF-8; but no safe function of it makes a text of that.

use std::str::Utf8Error;

/// As `std::str::from_utf8`.
///
/// # Errors
///
/// Bytes that are no UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, Utf8Error> {
    if bytes.is_ascii() {
        // SAFETY: each byte is below 0x80, so each is a character of its own in UTF-8 (RFC 3629 section 3).
        return Ok(unsafe { std::str::from_utf8_unchecked(bytes) });
    }
    std::str::from_utf8(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn what_is_text_is_as_the_standard_library_says(mut bytes in proptest::collection::vec(0u8..0x80, 0..80), odd in 0u8.., at in 0usize..80) {
            proptest::prop_assert_eq!(utf8(&bytes), std::str::from_utf8(&bytes));
            if let Some(byte) = bytes.get_mut(at) {
                *byte = odd;
            }
            proptest::prop_assert_eq!(utf8(&bytes), std::str::from_utf8(&bytes));
            let text = String::from_utf8_lossy(&bytes).into_owned();
            proptest::prop_assert_eq!(utf8(text.as_bytes()), Ok(text.as_str()));
        }
    }
}
