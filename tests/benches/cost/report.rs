//! The figures as a table and as JSON.

use serde_json::{Value, json};

/// What was measured, in the order it was, in sections.
#[derive(Default)]
pub(crate) struct Report(Vec<Section>);

struct Section {
    title: String,
    rows: Vec<Row>,
}

/// One figure.
pub(crate) struct Row {
    what: String,
    shown: String,
    value: Value,
    /// Why it is what it is, or what it was to be and whether it is.
    note: String,
    met: Option<bool>,
}

impl Row {
    pub(crate) fn count(what: impl Into<String>, count: u64, note: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            shown: count.to_string(),
            value: json!(count),
            note: note.into(),
            met: None,
        }
    }

    /// One figure for each side.
    pub(crate) fn sides(
        what: impl Into<String>,
        local: u64,
        remote: u64,
        note: impl Into<String>,
    ) -> Self {
        let (shown, value) = (
            format!("{local:>3} {remote:>3}"),
            json!({"local": local, "remote": remote}),
        );
        Self {
            what: what.into(),
            shown,
            value,
            note: note.into(),
            met: None,
        }
    }

    pub(crate) fn amount(
        what: impl Into<String>,
        amount: f64,
        unit: &str,
        note: impl Into<String>,
    ) -> Self {
        let (shown, value) = (
            format!("{amount:.2} {unit}"),
            json!({"value": amount, "unit": unit}),
        );
        Self {
            what: what.into(),
            shown,
            value,
            note: note.into(),
            met: None,
        }
    }

    /// With a target in words, and whether it was met.
    pub(crate) fn target(self, words: &str, met: bool) -> Self {
        let verdict = format!("{words}: {}", if met { "met" } else { "MISSED" });
        Self {
            note: [self.note, verdict]
                .into_iter()
                .filter(|it| !it.is_empty())
                .collect::<Vec<_>>()
                .join("; "),
            met: Some(met),
            ..self
        }
    }
}

impl Report {
    pub(crate) fn section(&mut self, title: impl Into<String>) {
        let title = title.into();
        eprintln!("{title} …");
        self.0.push(Section {
            title,
            rows: Vec::new(),
        });
    }

    pub(crate) fn row(&mut self, row: Row) {
        self.0
            .last_mut()
            .expect("a section comes first")
            .rows
            .push(row);
    }

    pub(crate) fn print(&self) {
        let rows = || self.0.iter().flat_map(|section| &section.rows);
        let width = rows()
            .map(|row| row.what.chars().count())
            .max()
            .unwrap_or(0);
        let shown = rows()
            .map(|row| row.shown.chars().count())
            .max()
            .unwrap_or(0);
        for Section { title, rows } in &self.0 {
            println!("\n{title}");
            for Row {
                what,
                shown: figure,
                note,
                ..
            } in rows
            {
                println!("  {what:width$}  {figure:>shown$}  {note}");
            }
        }
    }

    pub(crate) fn json(&self) -> Value {
        let row = |row: &Row| json!({"what": row.what.trim(), "value": row.value, "note": row.note, "met": row.met});
        let section = |it: &Section| json!({"section": it.title, "figures": it.rows.iter().map(row).collect::<Vec<_>>()});
        Value::from(self.0.iter().map(section).collect::<Vec<_>>())
    }
}
