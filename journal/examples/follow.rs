//! Follows the log: prints every event of every network, those that are there and those that come.
//!
//! ```text
//! cargo run -p peerage-journal --example follow -- 'kurrentdb://127.0.0.1:2113?tls=false' [--once]
//! ```
//!
//! With `--once` it ends when there is nothing more for now. A program of your own would keep the
//! position of each [`Signal::Checkpoint`] and hand it to `follow` when it starts again.

use peerage_journal::{Body, Followed, Journal, JournalSettings, Signal};
use std::error::Error;
use std::io::{self, Write};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    #[allow(clippy::disallowed_methods, reason = "an example is a program")]
    let mut arguments = std::env::args().skip(1);
    let store = arguments
        .next()
        .ok_or("say where the log is: kurrentdb://…")?;
    let once = arguments.any(|it| it == "--once");
    follow(&store, once, &mut io::stdout()).await
}

/// Prints until the log cannot be followed any more, or with `once` until there is nothing more.
pub(crate) async fn follow(
    store: &str,
    once: bool,
    to: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let journal = Journal::open(JournalSettings::new(store))?;
    let mut follower = journal.follow(None, Followed::Networks);
    loop {
        match follower.next().await? {
            Signal::Event(event) => {
                let (time, stream, revision) = (event.time(), &event.stream, event.revision);
                match &event.body {
                    Body::Event(said) => {
                        writeln!(to, "{time} {stream} {revision} {}", said.name())?;
                    }
                    Body::Undecodable {
                        event_type,
                        problem,
                    } => writeln!(to, "{time} {stream} {revision} {event_type}: {problem}")?,
                }
            }
            Signal::CaughtUp if once => return Ok(()),
            Signal::Checkpoint(_) | Signal::CaughtUp | Signal::Resumed => {}
        }
    }
}
