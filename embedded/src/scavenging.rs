//! Scavenging: what no reader of a stream can see any more is freed. A client asks for it, or the
//! node does it by itself now and then.

use crate::{
    engine::{Failure, WriterHandle},
    model::Position,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long after its start a node scavenges for the first time, at the latest: one that is started
/// anew each day has its turn too.
const FIRST: Duration = Duration::from_secs(600);

/// Goes through the whole log, unless it is stopped; how many bytes that freed.
pub(crate) async fn scavenge(
    writer: &WriterHandle,
    stop: &CancellationToken,
) -> Result<u64, Failure> {
    let (mut from, mut freed) = (Some(Position::START), 0);
    while let Some(position) = from.filter(|_| !stop.is_cancelled()) {
        let scavenged = writer.scavenge(position).await?;
        from = scavenged.next;
        freed += scavenged.freed;
    }
    Ok(freed)
}

/// Scavenges each time that so long has passed, until it is stopped.
pub(crate) async fn now_and_then(writer: WriterHandle, every: Duration, stop: CancellationToken) {
    let mut pause = every.min(FIRST);
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        pause = every;
        match scavenge(&writer, &stop).await {
            Ok(freed) => tracing::info!(freed, "scavenged"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a scavenge failed");
            }
        }
    }
}
