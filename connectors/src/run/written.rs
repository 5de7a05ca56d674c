//! How far a run has got, as it is written down.

use super::{LANES_KEPT, QUIET, RunError, Running};
use crate::{
    checkpoint::{Checkpoint, CheckpointError, told},
    series::{Of, SinkKind},
};
use domain::connector::LogPosition;
use std::collections::HashSet;
use tokio::time::Instant;

impl Running {
    pub(super) async fn write_if_due(&mut self) -> Result<(), RunError> {
        self.note_settled();
        let is_news = self.unwritten > 0 || self.beyond_moved();
        let is_quiet = self.written_at.elapsed() >= QUIET;
        if is_news || (is_quiet && self.settled.position != self.written.position) {
            self.write().await?;
        }
        Ok(())
    }

    /// What is dealt with beyond the contiguous part, also by an earlier run and not met again yet.
    fn beyond(&self) -> Vec<LogPosition> {
        let earlier = self.beyond.iter().copied();
        let mut all: Vec<_> = self.tracker.beyond().map(told).chain(earlier).collect();
        all.sort_unstable();
        all
    }

    pub(super) fn beyond_moved(&self) -> bool {
        self.beyond().len() != self.written.beyond.len()
    }

    pub(super) async fn write(&mut self) -> Result<(), RunError> {
        if self.settled.lanes.len() > LANES_KEPT {
            let mut used: Vec<_> = self.settled.lanes.keys().collect();
            used.sort_by_key(|key| std::cmp::Reverse(self.lanes.get(*key).map_or(0, |it| it.used)));
            let kept: HashSet<_> = used.into_iter().take(LANES_KEPT).cloned().collect();
            self.settled.lanes.retain(|key, _| kept.contains(key));
        }
        let checkpoint = Checkpoint {
            beyond: self.beyond(),
            ..self.settled.clone()
        };
        if checkpoint == self.written {
            return Ok(());
        }
        let begun = Instant::now();
        let written = self
            .checkpoints
            .write(&checkpoint, (self.run.clock)())
            .await;
        let of = Of::new(&self.run.id, SinkKind::of(&self.run.defined.settings.sink));
        let took = begun.elapsed().as_secs_f64();
        self.run.times.commit.get_or_create(&of).observe(took);
        match written {
            Ok(()) => {
                (self.written, self.written_at, self.unwritten) = (checkpoint, Instant::now(), 0);
                Ok(())
            }
            Err(CheckpointError::Fenced) => Err(CheckpointError::Fenced.into()),
            Err(error @ (CheckpointError::Encoding(_) | CheckpointError::Journal(_))) => {
                // What is dealt with stays so in memory; the next one says it.
                let error = domain::error_chain(&error);
                tracing::warn!(connector = %self.run.id, error, "the checkpoint was not written");
                Ok(())
            }
        }
    }
}
