//! Values and commands as a POSIX shell reads them.

use std::fmt::Display;

/// The value as one word that means itself, whatever is in it.
pub fn quoted(value: impl Display) -> String {
    format!("'{}'", value.to_string().replace('\'', r"'\''"))
}

/// A command with its options on lines of their own.
pub fn command(words: &str, options: &[(&str, String)]) -> String {
    let lines = options.iter().map(|(option, value)| {
        if value.is_empty() {
            format!("  {option}")
        } else {
            format!("  {option} {value}")
        }
    });
    std::iter::once(words.to_owned())
        .chain(lines)
        .collect::<Vec<_>>()
        .join(" \\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_inside_a_value_ends_no_word() {
        assert_eq!(quoted("pcx-1"), "'pcx-1'");
        assert_eq!(quoted("it's; rm -rf $HOME"), r"'it'\''s; rm -rf $HOME'");
    }

    #[test]
    fn a_command_is_one_line_to_the_shell() {
        let written = command(
            "aws ec2 wait",
            &[
                ("--region", quoted("eu-west-1")),
                ("--dry-run", String::new()),
            ],
        );
        assert_eq!(
            written,
            "aws ec2 wait \\\n  --region 'eu-west-1' \\\n  --dry-run"
        );
    }
}
