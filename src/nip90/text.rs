//! Strangers' text made safe to show, and ours made safe to send.
//!
//! A terminal obeys control characters and a reader believes bidirectional ones, so neither passes in either direction.

/// The longest reason on the wire or on screen, in characters.
pub const MAX_REASON_CHARS: usize = 280;

/// One line of at most [`MAX_REASON_CHARS`] characters: line breaks become spaces, what cannot be seen is gone, and a cut is marked.
pub fn reason(text: &str) -> String {
    line(text, MAX_REASON_CHARS)
}

/// One line of at most `max_chars` (1 or more) characters, cleaned as in [`reason`].
pub fn line(text: &str, max_chars: usize) -> String {
    let breaks_to_spaces = text.chars().map(|c| if is_break(c) || c == '\t' { ' ' } else { c });
    let clean: String = breaks_to_spaces.filter(|c| !is_hostile(*c)).collect();
    let clean = clean.trim();
    match clean.char_indices().nth(max_chars) {
        None => clean.to_owned(),
        Some(_) => clean.chars().take(max_chars.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A whole answer: line breaks (as `\n`) and tabs stay, control and bidirectional characters go.
pub fn answer(text: &str) -> String {
    let unix = text.replace("\r\n", "\n");
    unix.chars().map(|c| if is_break(c) { '\n' } else { c }).filter(|c| matches!(c, '\n' | '\t') || !is_hostile(*c)).collect()
}

/// The longest beginning of `text` of at most `max_bytes` bytes that ends between characters.
pub fn clip(text: &str, max_bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(max_bytes)).unwrap_or_default()
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Control characters, and those that reorder or hide the text around them.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_visible_line() {
        assert_eq!(reason("pay\u{1b}[31m \u{202e}live\u{202c}\r\nnow\0 "), "pay[31m live  now");
        assert_eq!(reason(&"é".repeat(280)).chars().count(), 280);
        let cut = reason(&"é".repeat(281));
        assert_eq!((cut.chars().count(), cut.ends_with('…')), (280, true));
    }

    #[test]
    fn an_answer_keeps_its_lines_and_nothing_that_acts() {
        assert_eq!(answer("a\r\n\tb\u{2028}c\u{7}\u{2066}d"), "a\n\tb\ncd");
        assert_eq!(answer("naïve 👩‍🚀 عربى"), "naïve 👩‍🚀 عربى");
    }

    #[test]
    fn a_cut_falls_between_characters() {
        assert_eq!(clip("aé", 2), "a");
        assert_eq!(clip("aé", 3), "aé");
        assert_eq!(clip("aé", 99), "aé");
    }
}
