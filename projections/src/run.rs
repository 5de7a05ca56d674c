//! Following the log and writing what it says, for as long as the process lives.
//!
//! Whatever is there is written in one transaction with its position: many events while catching
//! up, one or two when live. A full or absent disk is waited for. Rows that are damaged, or that
//! belong to another log, are built again; which log it is shows in the last event that the rows
//! know: the log must still have it at its place.

use crate::{
    Projections, RunError, models, rows,
    store::{self, Interrupted},
};
use domain::EventId;
use journal::{FollowError, Followed, Follower, Journal, Position, Recorded, Signal};
use rusqlite::Connection;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::task;
use tokio_util::sync::CancellationToken;

/// The most signals that one transaction takes.
const BATCH: usize = 512;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

const DAMAGED: &str = "they are damaged";

/// Where signals come from.
pub(crate) trait Signals: Send {
    /// The next one. Loses nothing when it is dropped.
    fn next(&mut self) -> impl Future<Output = Result<Signal, FollowError>> + Send;
}

impl Signals for Follower {
    fn next(&mut self) -> impl Future<Output = Result<Signal, FollowError>> + Send {
        self.next()
    }
}

/// Opens followers of every network's stream.
pub(crate) fn following(journal: Journal) -> impl FnMut(Option<Position>) -> Follower + Send {
    move |from| journal.follow(from, Followed::Networks)
}

/// Why following does not go on.
enum Broken {
    /// The rows are of no use; begin anew.
    Unusable(&'static str),
    Stop(RunError),
}

/// Where to go on, and how to know that it is the same log.
struct Resume {
    from: Option<Position>,
    last: Option<LastEvent>,
}

/// The last event that the rows know, and the position before it.
struct LastEvent {
    id: EventId,
    before: Option<Position>,
}

/// What is written at once.
#[derive(Default)]
struct Batch {
    events: Vec<Recorded>,
    checkpoint: Option<Position>,
    caught_up: bool,
    then: Option<FollowError>,
}

impl Projections {
    pub(crate) async fn run_over<S: Signals>(
        &self,
        mut follow: impl FnMut(Option<Position>) -> S + Send,
        cancel: CancellationToken,
    ) -> Result<(), RunError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let broken = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = self.store.damaged() => Broken::Unusable(DAMAGED),
                broken = self.follow_on(&mut follow, &mut pause) => broken,
            };
            match broken {
                Broken::Stop(error) => return Err(error),
                Broken::Unusable(why) => {
                    tracing::warn!(why, "the read models are built again from the log")
                }
            }
            if cancel.run_until_cancelled(rest(&mut pause)).await.is_none() {
                return Ok(());
            }
            self.rebuild().await?;
        }
    }

    async fn follow_on<S: Signals>(
        &self,
        follow: &mut (impl FnMut(Option<Position>) -> S + Send),
        pause: &mut Duration,
    ) -> Broken {
        match self.try_follow_on(follow, pause).await {
            Ok(never) => match never {},
            Err(broken) => broken,
        }
    }

    async fn try_follow_on<S: Signals>(
        &self,
        follow: &mut (impl FnMut(Option<Position>) -> S + Send),
        pause: &mut Duration,
    ) -> Result<std::convert::Infallible, Broken> {
        let Resume { from, last } = self.patiently(pause, resume).await?;
        if let Some(last) = last {
            is_same_log(&mut follow(last.before), last.id).await?;
        }
        let mut signals = follow(from);
        loop {
            let Batch {
                events,
                checkpoint,
                caught_up,
                then,
            } = next_batch(&mut signals).await;
            let events = Arc::new(events);
            let position = self
                .patiently(pause, move |rows| models::apply(rows, &events, checkpoint))
                .await?;
            *pause = FIRST_PAUSE;
            self.progress
                .position
                .send_if_modified(|at| std::mem::replace(at, position) != position);
            if caught_up {
                self.progress
                    .caught_up
                    .send_if_modified(|it| !std::mem::replace(it, true));
            }
            if let Some(error) = then {
                return Err(error.into());
            }
        }
    }

    /// Runs a transaction, again and again while only time or room is missing.
    async fn patiently<T: Send + 'static>(
        &self,
        pause: &mut Duration,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Clone + Send + 'static,
    ) -> Result<T, Broken> {
        loop {
            let work = work.clone();
            match self.store.write(move |rows| work(rows)).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(error)) if store::is_damage(&error) => {
                    return Err(Broken::Unusable(DAMAGED));
                }
                Ok(Err(error)) if store::may_pass(&error) => {
                    tracing::warn!(%error, retry_in = ?pause, "the read models cannot be written for now");
                    rest(pause).await;
                }
                Ok(Err(error)) => return Err(Broken::Stop(RunError::Write(error))),
                Err(Interrupted) => return Err(Broken::Stop(RunError::Interrupted)),
            }
        }
    }

    async fn rebuild(&self) -> Result<(), RunError> {
        self.progress.caught_up.send_replace(false);
        self.store
            .rebuild()
            .await
            .map_err(|Interrupted| RunError::Interrupted)?
            .map_err(RunError::Rebuild)?;
        self.progress.position.send_replace(Position::START);
        Ok(())
    }
}

impl From<FollowError> for Broken {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::PositionRefused { from: Some(_), .. } => {
                Self::Unusable("their position is no place in this log")
            }
            FollowError::PositionRefused { from: None, .. }
            | FollowError::AccessDenied { .. }
            | FollowError::StreamDeleted { .. }
            | FollowError::Ended { .. } => Self::Stop(error.into()),
        }
    }
}

fn resume(rows: &Connection) -> rusqlite::Result<Resume> {
    let mut select = rows.prepare_cached(
        "SELECT * FROM timeline ORDER BY commit_position DESC, prepare_position DESC LIMIT 2",
    )?;
    let known = select.query_map([], |row| {
        Ok((
            rows::position(row)?,
            rows::text::<EventId>(row, "event_id")?,
        ))
    })?;
    let known = known.collect::<rusqlite::Result<Vec<_>>>()?;
    let before = known.get(1).map(|(position, _)| *position);
    let last = known.first().map(|(_, id)| LastEvent { id: *id, before });
    let from = store::position(rows)?;
    Ok(Resume {
        from: (from != Position::START).then_some(from),
        last,
    })
}

/// Whether the first event from here is the one that the rows know.
async fn is_same_log(signals: &mut impl Signals, known: EventId) -> Result<(), Broken> {
    loop {
        match signals.next().await? {
            Signal::Event(event) if event.event_id == known => return Ok(()),
            Signal::Event(_) | Signal::CaughtUp => {
                return Err(Broken::Unusable("they were made from another log"));
            }
            Signal::Checkpoint(_) => {}
        }
    }
}

/// Waits for one signal, and takes what else is there.
async fn next_batch(signals: &mut impl Signals) -> Batch {
    let mut batch = Batch::default();
    batch.take(signals.next().await);
    let more = async {
        for _ in 1..BATCH {
            if batch.then.is_some() {
                break;
            }
            tokio::select! {
                biased;
                signal = signals.next() => batch.take(signal),
                () = std::future::ready(()) => break,
            }
        }
    };
    // Tokio would make a channel look empty once a task has taken its share of turns.
    task::unconstrained(more).await;
    batch
}

impl Batch {
    fn take(&mut self, signal: Result<Signal, FollowError>) {
        match signal {
            Ok(Signal::Event(event)) => {
                self.caught_up = false;
                self.events.push(event);
            }
            Ok(Signal::Checkpoint(position)) => {
                self.checkpoint = self.checkpoint.max(Some(position))
            }
            Ok(Signal::CaughtUp) => self.caught_up = true,
            Err(error) => self.then = Some(error),
        }
    }
}

async fn rest(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LONGEST_PAUSE);
}
