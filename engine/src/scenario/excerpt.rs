//! Short, printable pieces of what a user wrote, for error messages.

/// Characters shown of a value.
const SHOWN: usize = 60;

/// At most one line of at most 60 characters, control characters escaped.
pub(super) fn shorten(text: &str) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN {
            shown.push('…');
            break;
        }
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn excerpts_are_short_and_printable() {
        assert_eq!(shorten("1ms"), "1ms");
        assert_eq!(shorten("a\n\u{1b}[31m"), "a\\n\\u{1b}[31m");
        assert_eq!(shorten(&"é".repeat(1_000_000)).chars().count(), 61);
    }
}
