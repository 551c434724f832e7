//! Words of a plugin's, fit for an operator's terminal and log: without what would move the cursor, colour what
//! follows, turn its direction, or begin a line that looks like the gateway's own.

use std::borrow::Cow;

/// Whether it may be shown as it is, in one line.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.contains(moves)
}

/// On one line: what ends lines is escaped as well.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, moves)
}

/// With its lines, each of its own. Who shows them sees to it that none looks like another one's.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| moves(c) && c != '\n')
}

/// Controls, and those of Unicode that turn the direction of text.
fn moves(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escaped(text: &str, is_meant: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_meant) {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_meant(c) { plain.extend(c.escape_default()) } else { plain.push(c) }
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_or_turns_text_is_escaped_and_all_else_stays() {
        assert_eq!(
            line("a\x1b[31m\x07\r\nb\u{9b}c\u{202e}d\u{2066}"),
            r"a\u{1b}[31m\u{7}\r\nb\u{9b}c\u{202e}d\u{2066}"
        );
        assert_eq!(lines("a\n\tb"), "a\n\\tb");
        for text in ["", "plain", "Grüße \u{1f980}", "\u{5d0}\u{200f}"] {
            assert!(is_plain(text) && matches!(line(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
