//! The figures as a table and as JSON.

use crate::real::Both;
use serde_json::{Value, json};
use std::time::Duration;

/// What was measured, in the order it was.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    beside: Vec<Beside>,
}

/// A figure of ours beside those of a real server.
struct Beside {
    what: String,
    shown: [String; 3],
    ours: f64,
    real: Both,
    /// How many times better ours is than the better of theirs.
    times: f64,
    wanted: f64,
    /// What the same client does against a stub, where that was measured.
    client: Option<f64>,
}

struct Row {
    what: String,
    shown: String,
    value: Value,
    target: Option<(&'static str, bool)>,
}

/// A target in words, and whether it was met.
pub(crate) type Target = Option<(&'static str, bool)>;

impl Beside {
    fn verdict(&self) -> String {
        let of_client = |client: f64| (client / self.real[0].max(self.real[1]), client);
        match self.client.map(of_client) {
            _ if self.times >= self.wanted => "met".to_owned(),
            Some((times, client)) if times < self.wanted => {
                format!("the client is the limit, {client:.0} /s against a stub")
            }
            Some((times, client)) => {
                format!("MISSED; the client alone {times:.1} times, {client:.0} /s against a stub")
            }
            None => "MISSED".to_owned(),
        }
    }
}

impl Report {
    pub(crate) fn time(&mut self, what: &str, time: Duration, target: Target) {
        let milliseconds = time.as_secs_f64() * 1_000.0;
        self.row(
            what,
            format!("{milliseconds:.3} ms"),
            json!({"ms": milliseconds}),
            target,
        );
    }

    pub(crate) fn rate(&mut self, what: &str, per_second: f64, target: Target) {
        self.row(
            what,
            format!("{per_second:.0} /s"),
            json!({"per_second": per_second}),
            target,
        );
    }

    pub(crate) fn ratio(&mut self, what: &str, ratio: f64, target: Target) {
        self.row(what, format!("{ratio:.2}"), json!({"ratio": ratio}), target);
    }

    pub(crate) fn megabytes(&mut self, what: &str, megabytes: f64, target: Target) {
        self.row(
            what,
            format!("{megabytes:.0} MB"),
            json!({"mb": megabytes}),
            target,
        );
    }

    /// A rate beside a real server's: at least twice the better of them.
    pub(crate) fn beside(&mut self, what: &str, ours: f64, real: Both) {
        eprintln!("{what}: {ours:.0} /s");
        self.rate_beside(what, ours, real, None);
    }

    /// The same, and what the client does against a stub: more is not to be had from it on this
    /// machine.
    pub(crate) fn beside_client(&mut self, what: &str, ours: f64, real: Both, client: f64) {
        self.rate_beside(what, ours, real, Some(client));
    }

    fn rate_beside(&mut self, what: &str, ours: f64, real: Both, client: Option<f64>) {
        let shown = [ours, real[0], real[1]].map(|rate| format!("{rate:.0} /s"));
        self.beside.push(Beside {
            what: what.to_owned(),
            shown,
            ours,
            real,
            times: ours / real[0].max(real[1]),
            wanted: 2.0,
            client,
        });
    }

    /// Memory beside a real server's: at most a tenth of the better of them.
    pub(crate) fn memory_beside(&mut self, what: &str, ours: f64, real: Both) {
        let shown = [ours, real[0], real[1]].map(|megabytes| format!("{megabytes:.0} MB"));
        let times = real[0].min(real[1]) / ours;
        self.beside.push(Beside {
            what: what.to_owned(),
            shown,
            ours,
            real,
            times,
            wanted: 10.0,
            client: None,
        });
    }

    fn row(&mut self, what: &str, shown: String, value: Value, target: Target) {
        eprintln!("{what}: {shown}");
        self.rows.push(Row {
            what: what.to_owned(),
            shown,
            value,
            target,
        });
    }

    pub(crate) fn print(&self) {
        let width = self
            .rows
            .iter()
            .map(|row| row.what.len())
            .max()
            .unwrap_or(0);
        println!();
        for Row {
            what,
            shown,
            target,
            ..
        } in &self.rows
        {
            let verdict = target.map_or(String::new(), |(words, met)| {
                format!("{words}: {}", if met { "met" } else { "MISSED" })
            });
            println!("{what:width$}  {shown:>14}  {verdict}");
        }
        let row = |row: &Row| {
            let target = row
                .target
                .map(|(words, met)| json!({"is": words, "met": met}));
            json!({"what": row.what.trim(), "value": row.value, "target": target})
        };
        self.print_beside();
        let beside = |it: &Beside| json!({"what": it.what, "ours": it.ours, "25.0.0": it.real[0], "24.10.0": it.real[1], "times": it.times, "client_on_a_stub": it.client});
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        println!(
            "\n{}",
            json!({"measured": rows, "beside_a_real_server": self.beside.iter().map(beside).collect::<Vec<_>>()})
        );
    }

    fn print_beside(&self) {
        let width = self
            .beside
            .iter()
            .map(|row| row.what.len())
            .max()
            .unwrap_or(0);
        println!(
            "\n{:width$}  {:>14}  {:>14}  {:>14}",
            "beside a real server", "ours", "25.0.0", "24.10.0"
        );
        for row in &self.beside {
            let Beside {
                what,
                shown: [ours, newer, older],
                times,
                wanted,
                ..
            } = row;
            println!(
                "{what:width$}  {ours:>14}  {newer:>14}  {older:>14}  {times:.1} times, at least {wanted}: {}",
                row.verdict()
            );
        }
    }
}
