//! Tables that fit: the terminal's width, or 100 columns where there is none.
//!
//! Names and ids that are copied stay whole; everything else wraps. A text that would fill a screen
//! is cut to one line, and is whole under `--output json`.

use crate::cli::terminal;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

/// A column: its heading, and what happens to cells that are too wide for it.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) enum Column {
    /// Never broken: what is copied, or read as one word.
    Whole(&'static str),
    /// Broken between words.
    Wrapped(&'static str),
}

use Column::{Whole, Wrapped};

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Whole(heading) | Wrapped(heading) => heading,
        }
    }
}

/// A table of these rows, or `(none)`.
pub(in crate::cli) fn table<const N: usize>(
    columns: [Column; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    if rows.is_empty() {
        return "(none)".to_owned();
    }
    let mut table = arranged(presets::UTF8_BORDERS_ONLY, &columns, &rows);
    table.set_header(columns.map(Column::heading));
    table.to_string()
}

/// The same without borders and headings.
pub(super) fn plain<const N: usize>(columns: [Column; N], rows: &[[String; N]]) -> String {
    let mut table = arranged(presets::NOTHING, &columns, rows);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table.trim_fmt()
}

/// Facts one under the other; those that are empty are left out.
pub(in crate::cli) fn facts<const N: usize>(rows: [(&str, String); N]) -> String {
    let shown = rows.into_iter().filter(|(_, value)| !value.is_empty());
    let rows: Vec<_> = shown
        .map(|(name, value)| [name.to_owned(), value])
        .collect();
    plain([Whole(""), Wrapped("")], &rows)
}

fn arranged<const N: usize>(preset: &str, columns: &[Column; N], rows: &[[String; N]]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(preset)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(terminal::width())
        .add_rows(
            rows.iter()
                .map(|row| row.each_ref().map(|cell| terminal::text(cell))),
        );
    for (column, kind) in table.column_iter_mut().zip(columns) {
        match kind {
            Whole(_) => {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            Wrapped(_) => {}
        }
    }
    table
}

/// A text over several lines of the terminal's width, each this far in.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let most = usize::from(terminal::width())
        .saturating_sub(indent)
        .max(20);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().map(|it| (it.chars().count(), it));
        match line {
            Some((0, line)) => line.push_str(word),
            Some((length, line)) if length + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    let lines: Vec<_> = lines
        .into_iter()
        .map(|it| format!("{:indent$}{it}", ""))
        .collect();
    lines.join("\n")
}

/// A text cut to one line of the terminal's width.
pub(in crate::cli) fn one_line(text: &str) -> String {
    let most = usize::from(terminal::width());
    let text = terminal::text(text).replace(['\n', '\t'], " ");
    match text.char_indices().nth(most) {
        None => text.trim_end().to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(most.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

/// The longest text that stands in one cell or one line of a list.
const CAUSE: usize = 160;

/// A text on one line, cut where it gets too long for people. The cloud's own messages run to
/// kilobytes.
pub(in crate::cli) fn cause(text: &str) -> String {
    shortened(text, CAUSE)
}

/// A text on one line of so many characters at most.
fn shortened(text: &str, most: usize) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(most) {
        None => line,
        Some(_) => {
            let kept: String = line.chars().take(most.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_its_width_and_breaks_no_id() {
        let id = "0f9a6a52-2c39-4a7e-9a52-5b7c0a1d6f11";
        let long = "a word ".repeat(80);
        let text = table(
            [Whole("id"), Wrapped("why"), Wrapped("more")],
            [[id.to_owned(), long.clone(), "x".repeat(300)]],
        );
        assert!(text.contains(id), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
    }

    #[test]
    fn facts_stand_under_each_other_and_empty_ones_not_at_all() {
        let rows = [
            ("link", "pcx-1".to_owned()),
            ("failure", String::new()),
            ("id", "7".to_owned()),
        ];
        assert_eq!(facts(rows), "link  pcx-1\nid    7");
    }

    #[test]
    fn a_long_fact_wraps_beside_its_name() {
        let text = facts([("the cloud says", "one two three ".repeat(20))]);
        assert!(text.lines().count() > 1, "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{text}"
        );
        assert!(
            text.lines().skip(1).all(|line| line.starts_with("      ")),
            "{text}"
        );
    }

    #[test]
    fn a_long_line_wraps_far_in_or_is_cut() {
        let text = "one two three ".repeat(20);
        let told = wrapped(&text, 12);
        assert!(
            told.lines()
                .all(|it| it.starts_with("            ") && it.len() <= 100),
            "{told}"
        );
        assert_eq!(told.split_whitespace().count(), 60);
        assert_eq!(one_line(&text).chars().count(), 100, "99 and an ellipsis");
        assert_eq!(one_line("a\nb  "), "a b");
    }

    #[test]
    fn a_message_of_kilobytes_is_one_line_of_cause() {
        let message = format!("UnauthorizedOperation:\n{}", "encoded ".repeat(400));
        let told = cause(&message);
        assert!(told.starts_with("UnauthorizedOperation: encoded"), "{told}");
        assert!(
            told.ends_with('…') && told.chars().count() <= CAUSE,
            "{told}"
        );
        assert_eq!(cause("short"), "short");
    }
}
