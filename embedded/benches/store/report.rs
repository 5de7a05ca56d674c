//! The figures as a table and as JSON.

use serde_json::{Value, json};
use std::time::Duration;

/// What was measured, in the order it was.
#[derive(Default)]
pub(crate) struct Report(Vec<Row>);

struct Row {
    what: String,
    shown: String,
    value: Value,
    target: Option<(&'static str, bool)>,
}

/// A target in words, and whether it was met.
pub(crate) type Target = Option<(&'static str, bool)>;

impl Report {
    pub(crate) fn time(&mut self, what: &str, time: Duration, target: Target) {
        let milliseconds = time.as_secs_f64() * 1_000.0;
        self.row(what, format!("{milliseconds:.3} ms"), json!({"ms": milliseconds}), target);
    }

    pub(crate) fn rate(&mut self, what: &str, per_second: f64, target: Target) {
        self.row(what, format!("{per_second:.0} /s"), json!({"per_second": per_second}), target);
    }

    pub(crate) fn ratio(&mut self, what: &str, ratio: f64, target: Target) {
        self.row(what, format!("{ratio:.2}"), json!({"ratio": ratio}), target);
    }

    pub(crate) fn megabytes(&mut self, what: &str, megabytes: f64, target: Target) {
        self.row(what, format!("{megabytes:.0} MB"), json!({"mb": megabytes}), target);
    }

    fn row(&mut self, what: &str, shown: String, value: Value, target: Target) {
        eprintln!("{what}: {shown}");
        self.0.push(Row { what: what.to_owned(), shown, value, target });
    }

    pub(crate) fn print(&self) {
        let width = self.0.iter().map(|row| row.what.len()).max().unwrap_or(0);
        println!();
        for Row { what, shown, target, .. } in &self.0 {
            let verdict = target.map_or(String::new(), |(words, met)| format!("{words}: {}", if met { "met" } else { "MISSED" }));
            println!("{what:width$}  {shown:>14}  {verdict}");
        }
        let row = |row: &Row| {
            let target = row.target.map(|(words, met)| json!({"is": words, "met": met}));
            json!({"what": row.what.trim(), "value": row.value, "target": target})
        };
        println!("\n{}", Value::from(self.0.iter().map(row).collect::<Vec<_>>()));
    }
}
