//! Shows how far something long is: a bar on a terminal, a line now and then elsewhere. On standard
//! error, as the log.

use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(in crate::cli) struct Meter {
    what: String,
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Meter {
    pub(in crate::cli) fn new(what: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template(
                "{msg} [{bar:30}] {percent:>3} %  {elapsed}, {eta} left",
            ) {
                bar.set_style(style);
            }
            bar
        });
        Self {
            what: what.to_owned(),
            bar,
            told: Instant::now(),
        }
    }

    /// So much of it is done, `note` in words. An unknown whole is 0.
    pub(in crate::cli) fn at(&mut self, done: u64, of: u64, note: impl FnOnce() -> String) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(of);
                bar.set_position(done.min(of));
                bar.set_message(format!("{}: {}", self.what, note()));
            }
            None if self.told.elapsed() >= EVERY => {
                self.told = Instant::now();
                let part = (100 * done.min(of))
                    .checked_div(of)
                    .map(|percent| format!(", {percent} %"))
                    .unwrap_or_default();
                eprintln!("{}: {}{part}", self.what, note());
            }
            None => {}
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A number that people can read.
pub(in crate::cli) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345_678, "12,345,678"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
