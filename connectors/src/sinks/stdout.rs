//! The server's standard output, a line of JSON for each record.

use super::{file::line, outgoing::record};
use crate::sink::{Attempt, Outcome, Parcel, Sink};
use async_trait::async_trait;
use domain::Clock;
use std::{
    fmt,
    io::{self, Write as _},
    time::Duration,
};

pub(super) struct StdoutSink {
    clock: Clock,
}

impl fmt::Debug for StdoutSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StdoutSink")
    }
}

impl StdoutSink {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

#[async_trait]
impl Sink for StdoutSink {
    async fn deliver(&self, parcel: &Parcel) -> Attempt {
        let lines: Vec<_> = parcel.items.iter().map(|it| line(&record(it))).collect();
        let at = (self.clock)();
        let written = tokio::task::spawn_blocking(move || {
            let mut out = io::stdout().lock();
            out.write_all(lines.concat().as_bytes())?;
            out.flush()
        })
        .await;
        let failed = match written {
            Ok(written) => written.err().map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        Attempt {
            at,
            took: Duration::ZERO,
            status: None,
            body: String::new(),
            outcome: failed.map_or(Outcome::Delivered, |cause| Outcome::EndpointFailed {
                cause,
                retry_after: None,
            }),
        }
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(15)
    }
}
