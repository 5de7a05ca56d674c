//! Names out of credentials: bounded, and of characters that look like what they are.

use domain::text::ActorName;
use unicode_general_category::{GeneralCategory, get_general_category};

/// The name, unless it is empty, too long, or has characters that cannot be seen: two names that
/// look alike would be one to whoever reads the audit.
pub(crate) fn name(text: &str) -> Option<ActorName> {
    let is_seen = |it: char| {
        !matches!(
            get_general_category(it),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::PrivateUse
                | GeneralCategory::Surrogate
                | GeneralCategory::Unassigned
        )
    };
    let is_plain = text.trim() == text && text.chars().all(is_seen);
    is_plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_name_is_bounded_and_every_character_of_it_is_seen() {
        for good in [
            "ada",
            "Ada Lovelace",
            "ada@example.com",
            "spiffe://example.org/ns/a",
            "Ådå",
        ] {
            assert!(name(good).is_some(), "{good}");
        }
        for bad in [
            "",
            " ada",
            "ada ",
            "a\nb",
            "a\u{1b}[31m",
            "a\u{202e}b",
            "a\u{200b}b",
            "a\u{feff}",
        ] {
            assert!(name(bad).is_none(), "{bad:?}");
        }
        assert!(name(&"a".repeat(257)).is_none());
    }
}
