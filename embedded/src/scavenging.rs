//! Scavenging: what no reader of a stream can see any more is freed. A client asks for it, or the
//! node does it by itself now and then.
//!
//! While the log is read for a backup nothing is freed: what is freed later than the backup's end
//! may still be seen as of that end.

use crate::{
    engine::{Failure, WriterHandle},
    model::Position,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

/// How long after its start a node scavenges for the first time, at the latest: one that is started
/// anew each day has its turn too.
const FIRST: Duration = Duration::from_secs(600);

/// Keeps scavenges from freeing anything for as long as it is held. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quiet(Arc<Mutex<()>>);

impl Quiet {
    /// Waits for what is being freed now: a few records.
    pub(crate) async fn hold(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.0).lock_owned().await
    }
}

/// Goes through the whole log, unless it is stopped; how many bytes that freed.
pub(crate) async fn scavenge(
    writer: &WriterHandle,
    quiet: &Quiet,
    stop: &CancellationToken,
) -> Result<u64, Failure> {
    let (mut from, mut freed) = (Some(Position::START), 0);
    while let Some(position) = from {
        let Some(_held) = stop.run_until_cancelled(quiet.hold()).await else {
            break;
        };
        if stop.is_cancelled() {
            break;
        }
        let scavenged = writer.scavenge(position).await?;
        from = scavenged.next;
        freed += scavenged.freed;
    }
    Ok(freed)
}

/// Scavenges each time that so long has passed, until it is stopped.
pub(crate) async fn now_and_then(
    writer: WriterHandle,
    quiet: Quiet,
    every: Duration,
    stop: CancellationToken,
) {
    let mut pause = every.min(FIRST);
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        pause = every;
        match scavenge(&writer, &quiet, &stop).await {
            Ok(freed) => tracing::info!(freed, "scavenged"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a scavenge failed");
            }
        }
    }
}
