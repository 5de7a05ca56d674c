//! Whether the engine's own connectors are stopped at this server, for those that it concerns: the
//! provisioner, and what writes the read models.

use super::clock;
use async_trait::async_trait;
use connectors::BuiltIns;
use domain::{
    Clock,
    connector::built_in::{BuiltIn, Stop},
    text::ActorName,
};
use journal::Journal;
use projections::{Projections, RunError};
use std::{fmt, time::Duration};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use workers::Rest;

/// Writes the read models whenever they are not stopped, until the engine stops. While they are
/// stopped they stay as they are, and do not pass for whole.
pub(super) async fn project(
    projections: &Projections,
    journal: &Journal,
    mut rest: Stopped,
    stopping: CancellationToken,
) -> Result<(), RunError> {
    loop {
        if stopping
            .run_until_cancelled(rest.until(false))
            .await
            .is_none()
        {
            return Ok(());
        }
        let running = stopping.child_token();
        let run = projections.run(journal, running.clone());
        tokio::pin!(run);
        tokio::select! {
            ended = &mut run => return ended,
            () = rest.until(true) => {
                running.cancel();
                run.await?;
                projections.rest();
            }
        }
    }
}

/// One of the engine's own connectors at this server.
pub(super) struct Stopped {
    which: BuiltIn,
    host: String,
    built_in: BuiltIns,
    changes: watch::Receiver<u64>,
    clock: Clock,
    /// Whether it was told last that it is stopped.
    told: bool,
}

impl fmt::Debug for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Stopped");
        shown.field("which", &self.which).finish_non_exhaustive()
    }
}

/// What is known of it.
enum State {
    /// Nothing yet: its stream was not read.
    Unknown,
    Runs,
    Stops(Stop),
}

impl Stopped {
    pub(super) fn of(which: BuiltIn, built_in: &BuiltIns, host: &ActorName) -> Self {
        Self {
            which,
            host: host.to_string(),
            built_in: built_in.clone(),
            changes: built_in.changes(),
            clock: clock(),
            told: false,
        }
    }

    /// Tells it when it stops and when it goes on; not while nothing is known of it.
    fn tell(&mut self, is_stopped: bool) {
        if std::mem::replace(&mut self.told, is_stopped) == is_stopped {
            return;
        }
        let connector = self.which.to_string();
        if is_stopped {
            tracing::warn!(connector, "stopped by command until its time is over");
        } else {
            tracing::info!(connector, "goes on");
        }
    }

    fn state(&self) -> State {
        match self.built_in.stops(self.which) {
            None => State::Unknown,
            Some(stops) => match stops.at(&self.host, (self.clock)()) {
                None => State::Runs,
                Some(stop) => State::Stops(stop),
            },
        }
    }

    /// Returns once it is stopped, or runs.
    pub(super) async fn until(&mut self, is_stopped: bool) {
        while self.is_stopped() != is_stopped {
            self.changed().await;
        }
    }
}

#[async_trait]
impl Rest for Stopped {
    fn is_stopped(&mut self) -> bool {
        self.changes.mark_unchanged();
        let is_known = match self.state() {
            State::Runs => Some(false),
            State::Stops(_) => Some(true),
            State::Unknown => None,
        };
        if let Some(is_stopped) = is_known {
            self.tell(is_stopped);
        }
        is_known.unwrap_or(true)
    }

    async fn changed(&mut self) {
        let left = match self.state() {
            State::Stops(stop) => stop.left((self.clock)()),
            State::Unknown | State::Runs => None,
        };
        let over = async {
            match left {
                Some(left) => sleep(left.to_std().unwrap_or(Duration::ZERO)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = self.changes.changed() => if changed.is_err() {
                std::future::pending().await
            },
            () = over => {}
        }
    }
}
