//! New read models, built beside those that serve until both are at the same position.
//!
//! They never go beyond those that serve, so that both can be compared at one position and the
//! switch loses nothing. What stops them, an outage or a full disk, stops them alone: they go on
//! where they stood.

use crate::{
    OpenError, Projections, QueryError, RunError, checkpoint,
    fold::{self, Known},
    rebuild::{Comparison, Stage, compare},
    run::{Batch, Broken, FIRST_PAUSE, Source, is_same_log, next_batch, rest, resume, why},
    store::{self, Interrupted, Store},
};
use chrono::{DateTime, Utc};
use journal::{Position, Recorded};
use rusqlite::Connection;
use std::{sync::Arc, time::Duration};
use tokio::{sync::oneshot, task};
use tokio_util::sync::CancellationToken;

/// How often a log is followed anew to its end that does not show the last event that is known.
const ASKED: usize = 5;

/// How long it is waited for more once the log's end was seen, before it is followed anew.
const PATIENCE: Duration = Duration::from_millis(200);

/// What is built, and the log that it is built from.
struct Build<'a, S: Source> {
    projections: &'a Projections,
    source: &'a S,
    beside: Arc<Store>,
    signals: S::Signals,
    /// What came and lies beyond those that serve.
    held: Option<Batch>,
    /// Whether the log's end has been seen since it was last followed anew.
    is_at_end: bool,
    position: Position,
    /// The last event that it holds.
    last: Position,
}

impl Projections {
    /// Builds new rows beside those that serve, up to where those are; for ever if none are wanted.
    /// What is in the way of that is no obstacle to those that serve.
    pub(crate) async fn build_beside(&self, source: &impl Source, after: Duration) -> Broken {
        let asked_at = self.rebuilds.wanted().await;
        tokio::time::sleep(after).await;
        match self.try_build_beside(source, asked_at).await {
            Ok(built) => Broken::Built(built),
            Err(broken) => broken,
        }
    }

    async fn try_build_beside(
        &self,
        source: &impl Source,
        asked_at: Option<DateTime<Utc>>,
    ) -> Result<Arc<Store>, Broken> {
        let served = self.progress.position.subscribe();
        let level = || *served.borrow();
        let mut build = Build::begin(self, source, asked_at).await?;
        while build.position < level() {
            build.up_to(level()).await?;
        }
        if !self.store.is_stale() {
            self.compare(&mut build).await?;
        }
        // Those that serve have gone on meanwhile.
        while build.position < level() {
            build.up_to(level()).await?;
        }
        Ok(build.beside)
    }

    /// Compares what serves with what was built, at the position at which those are that serve.
    async fn compare(&self, build: &mut Build<'_, impl Source>) -> Result<(), Broken> {
        self.rebuilds.comparing();
        let (at, served_at) = oneshot::channel();
        let (met, is_met) = oneshot::channel::<()>();
        let given_up = CancellationToken::new();
        let _until_dropped = given_up.clone().drop_guard();
        let built = Arc::clone(&build.beside);
        let compared = self.store.read("compare", move |served| {
            let position = checkpoint::position(served)?;
            if at.send(position).is_err() || is_met.blocking_recv().is_err() {
                return Ok(None);
            }
            let found = built.with(|built| compare::files(served, built, &given_up))?;
            Ok(found.map(|found| Comparison { position, ..found }))
        });
        let meet = async {
            if let Ok(position) = served_at.await {
                build.up_to(position).await?;
                // Who asked may be gone.
                let _ = met.send(());
            }
            Ok::<_, Broken>(())
        };
        let (compared, meeting) = tokio::join!(compared, meet);
        meeting?;
        let compared = compared.map_err(|error| match error {
            QueryError::Interrupted { .. } => Broken::Stop(RunError::Interrupted),
            error @ (QueryError::Store { .. }
            | QueryError::PageToken
            | QueryError::Busy { .. }
            | QueryError::Building { .. }) => Broken::Beside(error.into()),
        })?;
        if let Some(comparison) = compared {
            told(&comparison);
            self.rebuilds.compared(comparison);
        }
        Ok(())
    }

    /// What was being built is gone, or at least of no use to anybody.
    pub(crate) fn given_up(&self, discarded: Result<(), OpenError>) {
        match discarded {
            Ok(()) => self.rebuilds.ended(Stage::Cancelled, String::new()),
            Err(error) => {
                tracing::warn!(
                    cause = &error as &dyn std::error::Error,
                    "what was built of new read models cannot be deleted"
                );
                self.rebuilds
                    .ended(Stage::Failed, domain::error_chain(&error));
            }
        }
    }
}

impl<'a, S: Source> Build<'a, S> {
    /// Begins, or goes on where an earlier build stood.
    async fn begin(
        projections: &'a Projections,
        source: &'a S,
        asked_at: Option<DateTime<Utc>>,
    ) -> Result<Self, Broken> {
        let store = Arc::clone(&projections.store);
        let beside = task::spawn_blocking(move || store.beside(asked_at));
        let beside = beside
            .await
            .map_err(|_| Broken::Stop(RunError::Interrupted))?;
        let beside = Arc::new(beside.map_err(|error| Broken::Beside(error.into()))?);
        let known = write(&beside, resume).await?;
        is_same_log(source, &known).await.map_err(beside_broken)?;
        let events = write(&beside, |rows| {
            rows.query_row("SELECT count(*) FROM timeline", [], |row| row.get(0))
        });
        let events = events.await?;
        let position = known.from.unwrap_or(Position::START);
        let end = source.end().await.ok().flatten();
        projections.rebuilds.begun(position, events, end);
        tracing::info!(%position, events, "new read models are built beside those that serve");
        Ok(Self {
            projections,
            source,
            beside,
            signals: source.follow(known.from),
            held: None,
            is_at_end: false,
            position,
            last: known.newest,
        })
    }

    /// Follows the log up to this position, at which those are that serve, and no further.
    async fn up_to(&mut self, to: Position) -> Result<(), Broken> {
        let mut asked = 0;
        while self.position < to {
            let Some(batch) = self.next().await else {
                self.look_again(to, &mut asked).await?;
                continue;
            };
            let (now, mut later) = batch.split(to);
            self.is_at_end |= later.caught_up;
            // Whatever is held lies beyond, so nothing is missing up to there.
            let is_level = !later.events.is_empty() || later.checkpoint.is_some();
            let checkpoint = if is_level { Some(to) } else { now.checkpoint };
            self.write(now.events, checkpoint).await?;
            if let Some(error) = later.then.take() {
                return Err(beside_broken(error.into()));
            }
            if std::mem::take(&mut later.resumed) {
                let known = write(&self.beside, resume).await?;
                is_same_log(self.source, &known)
                    .await
                    .map_err(beside_broken)?;
            }
            if is_level {
                self.held = Some(later);
            } else if later.caught_up && self.position < to {
                self.look_again(to, &mut asked).await?;
            }
        }
        Ok(())
    }

    /// What comes next; `None` if nothing more seems to come.
    async fn next(&mut self) -> Option<Batch> {
        if let Some(held) = self.held.take() {
            return Some(held);
        }
        let batch = next_batch(&mut self.signals);
        if self.is_at_end {
            tokio::time::timeout(PATIENCE, batch).await.ok()
        } else {
            Some(batch.await)
        }
    }

    /// The end came before those that serve were reached: either nothing more is of networks up to
    /// there, or it came later than this follower's end. One that follows from here knows.
    async fn look_again(&mut self, to: Position, asked: &mut usize) -> Result<(), Broken> {
        let served = self
            .projections
            .store
            .read("compare", |rows| resume(rows))
            .await;
        let served = served.map_err(|error| Broken::Beside(error.into()))?;
        let holds_all = *asked > 0 && self.last >= served.newest.min(to);
        if holds_all || *asked >= ASKED {
            return self.write(Vec::new(), Some(to)).await;
        }
        if *asked > 1 {
            rest(&mut FIRST_PAUSE.mul_f64(*asked as f64)).await;
        }
        *asked += 1;
        let from = (self.position != Position::START).then_some(self.position);
        (self.signals, self.is_at_end) = (self.source.follow(from), false);
        Ok(())
    }

    async fn write(
        &mut self,
        events: Vec<Recorded>,
        checkpoint: Option<Position>,
    ) -> Result<(), Broken> {
        let many = events.len() as u64;
        self.last = events
            .last()
            .map_or(self.last, |it| it.position.max(self.last));
        let apply =
            move |rows: &Connection| fold::apply(rows, &events, checkpoint, Known::WhatIsThere);
        self.position = write(&self.beside, apply).await?;
        let served = *self.projections.progress.position.borrow();
        self.projections.rebuilds.at(self.position, many, served);
        Ok(())
    }
}

impl Batch {
    /// What lies up to there, and what beyond. How it ended goes with the second.
    fn split(self, to: Position) -> (Self, Self) {
        let (now, later) = self.events.into_iter().partition(|it| it.position <= to);
        let is_beyond = self.checkpoint > Some(to);
        let now = Self {
            events: now,
            checkpoint: self.checkpoint.filter(|_| !is_beyond),
            ..Self::default()
        };
        let later = Self {
            events: later,
            checkpoint: self.checkpoint.filter(|_| is_beyond),
            caught_up: self.caught_up,
            resumed: self.resumed,
            then: self.then,
            ..Self::default()
        };
        (now, later)
    }
}

/// Runs a transaction on what is being built. What is in its way is told, and tried again by
/// whoever builds.
async fn write<T: Send + 'static>(
    beside: &Store,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, Broken> {
    let written = beside
        .write(beside.generation(), move |rows| work(rows))
        .await;
    match written.map_err(|Interrupted| Broken::Stop(RunError::Interrupted))? {
        Ok(done) => Ok(done),
        Err(error) if store::is_damage(&error) => Err(Broken::BesideUnusable(why(&error))),
        Err(error) => Err(Broken::Beside(error.into())),
    }
}

/// What makes rows useless makes these useless, and no others.
fn beside_broken(broken: Broken) -> Broken {
    match broken {
        Broken::Unusable(why) | Broken::AnotherLog(why) => Broken::BesideUnusable(why),
        other @ (Broken::Beside(_)
        | Broken::BesideUnusable(_)
        | Broken::Built(_)
        | Broken::GivenUp
        | Broken::Stop(_)) => other,
    }
}

fn told(comparison: &Comparison) {
    let Comparison {
        position,
        rows,
        differences,
        first,
        ..
    } = comparison;
    if *differences == 0 {
        tracing::info!(%position, rows, "the new read models are the same as those that serve, row for row");
        return;
    }
    let examples = first
        .iter()
        .take(10)
        .map(|it| format!("{}: {}", it.table, it.key));
    let examples = examples.collect::<Vec<_>>().join("; ");
    tracing::warn!(
        %position, rows, differences, examples,
        "rows of the read models were not what the log makes of them; the new ones take over"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::story;

    #[test]
    fn what_lies_beyond_those_that_serve_is_held_with_the_checkpoint_that_came_with_it() {
        let events = story().events;
        let (to, end) = (events[4].position, events[9].position);
        let batch = |checkpoint| Batch {
            events: events[..10].to_vec(),
            checkpoint: Some(checkpoint),
            caught_up: true,
            ..Batch::default()
        };
        let (now, later) = batch(end).split(to);
        assert_eq!((now.events.len(), later.events.len()), (5, 5));
        // With that checkpoint, what is held would be taken for known.
        assert_eq!((now.checkpoint, later.checkpoint), (None, Some(end)));
        assert!(later.caught_up && !now.caught_up);
        let (now, later) = batch(to).split(to);
        assert_eq!((now.checkpoint, later.checkpoint), (Some(to), None));
    }
}
