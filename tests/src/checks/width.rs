//! How wide what people read may be: rustfmt keeps code at its width, and leaves comments and
//! documents alone.

/// Comments in Rust, as wide as the code around them.
const COMMENT: usize = 100;

/// Prose in documents, and whatever else is written by hand.
const PROSE: usize = 140;

/// One complaint per line that is too wide. What is made by a program, tables, code, and what
/// cannot be broken (an address) are as wide as they are.
#[must_use]
pub fn complaints(path: &str, text: &str) -> Vec<String> {
    let (most, lines) = if path.ends_with(".rs") && !path.contains("generated") {
        (COMMENT, comments(text))
    } else if path.ends_with(".md") && !is_made(text) {
        (PROSE, prose(text))
    } else if path.ends_with(".proto") {
        (PROSE, comments(text))
    } else {
        return Vec::new();
    };
    let width = |line: &str| line.chars().count();
    let wide = lines
        .into_iter()
        .filter(|(_, line)| width(line) > most && !line.contains("://"));
    wide.map(|(at, line)| format!("{path}:{at} is {} wide, the most is {most}", width(line)))
        .collect()
}

/// Whether a document says in its first lines that a program made it.
fn is_made(text: &str) -> bool {
    text.lines()
        .take(4)
        .any(|line| line.contains("Made from the program"))
}

type Numbered<'a> = Vec<(usize, &'a str)>;

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

/// The comments of a source, without what stands in them as code or in a table.
fn comments(text: &str) -> Numbered<'_> {
    let comments = numbered(text).filter_map(|(at, line)| {
        let said = line.trim_start().strip_prefix("//")?;
        Some((at, line, said.trim_start_matches(['/', '!']).trim_start()))
    });
    read_as_text(comments)
}

fn prose(text: &str) -> Numbered<'_> {
    let headings = numbered(text).filter(|(_, line)| !line.starts_with('#'));
    read_as_text(headings.map(|(at, line)| (at, line, line.trim_start())))
}

/// Those lines that are neither code nor of a table.
fn read_as_text<'a>(lines: impl Iterator<Item = (usize, &'a str, &'a str)>) -> Numbered<'a> {
    let mut is_code = false;
    let mut found = Vec::new();
    for (at, line, said) in lines {
        if said.starts_with("```") {
            is_code = !is_code;
        }
        if !is_code && !said.starts_with('|') {
            found.push((at, line));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(by: usize) -> String {
        "ä".repeat(by)
    }

    #[test]
    fn a_diagram_and_a_table_are_as_wide_as_they_are() {
        let text = format!("//! ```text\n//! {0}\n//! ```\n//! | {0} |\n", wide(150));
        assert_eq!(complaints("a/src/lib.rs", &text), Vec::<String>::new());
    }

    #[test]
    fn a_wide_comment_and_wide_prose_are_found_and_nothing_else() {
        let comment = format!(
            "//! {}\n    /// {}\nlet it = \"{}\";",
            wide(96),
            wide(96),
            wide(200)
        );
        assert_eq!(
            complaints("a/src/lib.rs", &comment),
            ["a/src/lib.rs:2 is 104 wide, the most is 100"]
        );
        let document = format!(
            "# {0}\n| {0} |\n```\n{0}\n```\n{0}\nhttps://example.com/{0}\n{1}\n",
            wide(150),
            wide(140)
        );
        assert_eq!(
            complaints("docs/a.md", &document),
            ["docs/a.md:6 is 150 wide, the most is 140"]
        );
        assert_eq!(complaints("a.toml", &wide(300)), Vec::<String>::new());
    }
}
