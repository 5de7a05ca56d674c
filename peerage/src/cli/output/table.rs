//! Tables that fit: the terminal's width, or 100 columns where there is none.
//!
//! Names and ids that are copied stay whole as long as there is room for them; everything else
//! wraps. A text that would fill a screen is cut to one line, and is whole under `--output json`
//! and in the server's log.

use crate::cli::terminal;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

/// A column: its heading, and what happens to cells that are too wide for it.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) enum Column {
    /// Broken only where the terminal has no room for it: what is copied, or read as one word.
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
    bordered(columns, &rows, terminal::width())
}

fn bordered<const N: usize>(columns: [Column; N], rows: &[[String; N]], width: u16) -> String {
    let mut table = arranged(presets::UTF8_BORDERS_ONLY, &columns, rows, width);
    table.set_header(columns.map(Column::heading));
    table.to_string()
}

/// The same without borders and headings.
pub(super) fn plain<const N: usize>(columns: [Column; N], rows: &[[String; N]]) -> String {
    let mut table = arranged(presets::NOTHING, &columns, rows, terminal::width());
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

fn arranged<const N: usize>(
    preset: &str,
    columns: &[Column; N],
    rows: &[[String; N]],
    width: u16,
) -> Table {
    let mut table = Table::new();
    table
        .load_preset(preset)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .add_rows(
            rows.iter()
                .map(|row| row.each_ref().map(|cell| terminal::text(cell))),
        );
    let whole = unbroken(columns, rows, usize::from(width));
    for (column, is_whole) in table.column_iter_mut().zip(whole) {
        if is_whole {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
}

/// The least that a column takes that is broken, and what stands between two columns.
const NARROW: usize = 8;
const BETWEEN: usize = 3;

/// Which columns are never broken: those that are to stay whole, but for the widest of them where
/// all together would make the table wider than this.
fn unbroken<const N: usize>(
    columns: &[Column; N],
    rows: &[[String; N]],
    width: usize,
) -> [bool; N] {
    let mut whole = columns.map(|it| matches!(it, Whole(_)));
    let wide: [usize; N] = std::array::from_fn(|at| {
        let cells = rows.iter().map(|row| row[at].as_str());
        let all = cells.chain([columns[at].heading()]);
        let lines = all.flat_map(|text| text.lines().map(|line| line.chars().count()));
        lines.max().unwrap_or_default()
    });
    loop {
        let taken: usize = (0..N)
            .map(|at| if whole[at] { wide[at] } else { wide[at].min(NARROW) } + BETWEEN)
            .sum();
        let widest = (0..N).filter(|at| whole[*at]).max_by_key(|at| wide[*at]);
        match widest {
            Some(widest) if taken + 1 > width => whole[widest] = false,
            Some(_) | None => return whole,
        }
    }
}

/// A text over several lines of the terminal's width, each this far in.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let lines: Vec<_> = lines_of(text, indent)
        .into_iter()
        .map(|it| format!("{:indent$}{it}", ""))
        .collect();
    lines.join("\n")
}

/// A text over several lines of the terminal's width, those behind the first a little further in.
pub(in crate::cli) fn hanging(text: &str) -> String {
    lines_of(text, 4).join("\n    ")
}

/// A text behind what it is called, its further lines under its first.
pub(in crate::cli) fn behind(name: &str, text: &str) -> String {
    let before = name.chars().count();
    let lines = lines_of(text, before).join(&format!("\n{}", " ".repeat(before)));
    format!("{name}{lines}")
}

/// A text in lines that leave room for so many characters before each.
pub(super) fn lines_of(text: &str, before: usize) -> Vec<String> {
    let most = usize::from(terminal::width())
        .saturating_sub(before)
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
    lines
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

/// Where the rest of a text is, if it is cut.
pub(super) fn rest_of(text: &str) -> &'static str {
    match cause(text).ends_with('…') {
        true => "the whole of it is under --output json, and in the server's log",
        false => "",
    }
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
    fn no_table_is_wider_than_the_terminal_and_ids_stay_whole_while_there_is_room() {
        let id = "0f9a6a52-2c39-4a7e-9a52-5b7c0a1d6f11";
        let link = "pcx-0a1b2c3d4e5f60718";
        let row = [
            id.to_owned(),
            "blocked ".repeat(60),
            link.to_owned(),
            "x".repeat(400),
        ];
        let columns = [
            Whole("id"),
            Wrapped("state"),
            Whole("link"),
            Wrapped("more"),
        ];
        for width in [40, 60, 80, 100, 120, 200] {
            let text = bordered(columns, std::slice::from_ref(&row), width);
            let widest = text.lines().map(|it| it.chars().count()).max();
            assert!(widest <= Some(usize::from(width)), "{width}:\n{text}");
            assert_eq!(text.contains(link), width > 40, "{width}:\n{text}");
            assert_eq!(text.contains(id), width >= 100, "{width}:\n{text}");
        }
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
    fn what_is_long_goes_on_under_its_beginning_behind_what_it_is_called() {
        let told = behind("complete   ", &"one two three ".repeat(20));
        let lines: Vec<_> = told.lines().collect();
        assert!(lines.len() > 2 && lines[0].starts_with("complete   one two"));
        for line in &lines[1..] {
            assert!(line.starts_with(&" ".repeat(11)) && line.chars().count() <= 100);
        }
        assert_eq!(told.matches("three").count(), 20);
        assert_eq!(behind("root  ", "abc"), "root  abc");
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
        assert_eq!((cause("short").as_str(), rest_of("short")), ("short", ""));
        assert!(rest_of(&message).contains("--output json"));
    }
}
