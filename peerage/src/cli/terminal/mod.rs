//! What reaches the terminal, or the pipe in its place.
//!
//! Everything that the command line prints passes here: text that came from outside is cleaned of
//! what a terminal would obey, and a reader who closes the pipe is no error. `println!` would panic
//! there.

mod clean;

pub(super) use clean::{json, text};

use super::CliError;
use std::io::{ErrorKind, IsTerminal, Write};

/// How wide output is where no terminal says otherwise.
pub(super) const WIDTH: u16 = 100;

/// The columns that a table may take.
pub(super) fn width() -> u16 {
    match terminal_size::terminal_size_of(std::io::stdout()) {
        Some((terminal_size::Width(columns), _)) if columns >= 20 => columns,
        Some(_) | None => WIDTH,
    }
}

/// Prints an answer. Where the reader has closed the pipe there is nothing left to do, and that is
/// no failure: the answer was there to be read.
pub(super) fn answer(text: &str) -> Result<(), CliError> {
    match line(text) {
        Err(error) if error.is_closed() => Ok(()),
        done => done,
    }
}

/// Prints a line of something that goes on. A reader who has closed the pipe ends it.
pub(super) fn line(text: &str) -> Result<(), CliError> {
    put(&mut std::io::stdout().lock(), text).map_err(|error| {
        if error.kind() == ErrorKind::BrokenPipe {
            CliError::closed()
        } else {
            CliError::failed(format!("the output cannot be written: {error}"))
        }
    })
}

/// Tells the person something beside the answer, on standard error. Where that is closed there is
/// nobody to tell.
pub(super) fn note(text: &str) {
    let _ = put(&mut std::io::stderr(), text);
}

/// The one way out: a cleaned line.
fn put(out: &mut impl Write, text: &str) -> std::io::Result<()> {
    writeln!(out, "{}", self::text(text))?;
    out.flush()
}

/// Asks the person in front of the terminal; where there is none, the call has to say `--yes`.
pub(super) fn confirm(question: &str) -> Result<(), CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::usage(
            "there is no terminal to ask at; say --yes to go on without being asked",
        ));
    }
    let mut stderr = std::io::stderr();
    write!(stderr, "{} [y/N] ", self::text(question))
        .and_then(|()| stderr.flush())
        .map_err(CliError::failed)?;
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(CliError::failed)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(CliError::failed("nothing was done")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_out_is_cleaned_on_its_way() {
        let mut out = Vec::new();
        put(&mut out, "a\u{1b}[31m\u{202e}b").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\u{fffd}[31m\u{fffd}b\n");
    }
}
