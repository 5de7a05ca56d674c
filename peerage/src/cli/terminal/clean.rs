//! Text from outside, made harmless: control characters move the cursor and colour the screen,
//! bidirectional and invisible ones make a line read as another.

use std::borrow::Cow;
use std::fmt::Write as _;
use unicode_general_category::{GeneralCategory, get_general_category};

/// What stands in the place of a character that is not shown.
const REPLACEMENT: char = '\u{fffd}';

/// The text as it may be printed. Line breaks and tabs stay; each other control, format or
/// invisible character is shown as `�`.
pub(in crate::cli) fn text(text: &str) -> Cow<'_, str> {
    let is_kept = |it: char| matches!(it, '\n' | '\t') || !is_harmful(it);
    if text.chars().all(is_kept) {
        return Cow::Borrowed(text);
    }
    let cleaned = text
        .chars()
        .map(|it| if is_kept(it) { it } else { REPLACEMENT });
    Cow::Owned(cleaned.collect())
}

/// A JSON document in which every such character is written as an escape: nothing is lost, and
/// nothing reaches the terminal raw. The layout of the document stays as it is.
pub(in crate::cli) fn json(document: String) -> String {
    let is_kept = |it: char| matches!(it, '\n' | '\t') || !is_harmful(it);
    if document.chars().all(is_kept) {
        return document;
    }
    let mut escaped = String::with_capacity(document.len());
    for character in document.chars() {
        if is_kept(character) {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

fn is_harmful(character: char) -> bool {
    use GeneralCategory as Is;
    matches!(
        get_general_category(character),
        Is::Control | Is::Format | Is::LineSeparator | Is::ParagraphSeparator
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_or_hide_is_shown_as_replaced() {
        for (raw, cleaned) in [
            (
                "plain, ünïcode and 日本 stay",
                "plain, ünïcode and 日本 stay",
            ),
            ("two\nlines\tand a tab", "two\nlines\tand a tab"),
            ("\u{1b}[2Jgone", "\u{fffd}[2Jgone"),
            (
                "\u{9b}31mred\u{7f}\r\u{7}",
                "\u{fffd}31mred\u{fffd}\u{fffd}\u{fffd}",
            ),
            ("ada\u{202e}nimda", "ada\u{fffd}nimda"),
            (
                "zero\u{200b}width\u{feff}\u{2066}",
                "zero\u{fffd}width\u{fffd}\u{fffd}",
            ),
            ("lines\u{2028}\u{2029}", "lines\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(text(raw), cleaned);
        }
    }

    #[test]
    fn json_keeps_every_character_as_an_escape() {
        let value = serde_json::json!({"actor": "a\u{202e}b\u{1b}\u{7f}\u{e0001}c", "x": "ü\n"});
        let raw = serde_json::to_string_pretty(&value).unwrap();
        let printed = json(raw);
        assert!(
            printed.chars().all(|it| it == '\n' || !is_harmful(it)),
            "{printed:?}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&printed).unwrap(),
            value
        );
    }
}
