//! Following the log and writing what it says, for as long as the process lives.
//!
//! Whatever is there is written in one transaction with its position: many events while catching
//! up, and when live those of a few milliseconds, unless somebody waits for them. A full or absent
//! disk is waited for. Rows that are damaged, or that belong to another log, are built again in
//! their place, and meanwhile do not pass for whole. Rows of another form, or that are to be built
//! anew for any other reason, serve on and are followed on, while new ones are built beside them;
//! what is in the way of those only delays the switch.
//!
//! Which log it is shows in the last event that the rows know: at the start and after each break
//! the log must still have it at its place, and what comes must follow what the rows know of its
//! stream. A log that ends before the rows' position is another one too: what it has lost may have
//! held no network's event.

use crate::{
    OpenError, Projections, RunError, checkpoint,
    fold::{self, AnotherLog, Known},
    rebuild::Stage,
    rows,
    schema::{READ_LAST, READ_NEWEST},
    store::{self, Interrupted, Store},
};
use domain::EventId;
use journal::{FollowError, Followed, Follower, Journal, JournalError, Position, Recorded, Signal};
use rusqlite::{Connection, OptionalExtension};
use std::{convert::Infallible, future::Future, ops::ControlFlow, sync::Arc, time::Duration};
use tokio::task;
use tokio_util::sync::CancellationToken;

/// The most signals that one transaction takes.
const BATCH: usize = 2_048;

/// How long events wait for others while nobody waits for their rows: a transaction costs as much
/// as several events in it.
const COMPANY: Duration = Duration::from_millis(5);

/// The same while events crowd in: those of one network, and those whose rows are neighbours, are
/// written to the same pages.
const CROWD: usize = 16;
const CROWDED: Duration = Duration::from_millis(20);

pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

const ANOTHER_LOG: &str = "they were made from another log: events that they know are gone from it";
const SHORTER_LOG: &str = "they were made from another log: this one ends before their position";

/// How often a log is asked again whether it really ends before the rows: a node may lag behind its
/// cluster for a moment.
const ENDS_ASKED: usize = 5;

/// How often it is asked for the last known event, where it shows none at all.
const EVENT_ASKED: usize = 3;

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

/// The log that rows are made from.
pub(crate) trait Source: Send + Sync {
    type Signals: Signals;

    /// Follows every stream that is audited from behind this position.
    fn follow(&self, from: Option<Position>) -> Self::Signals;

    /// Where the log ends; `None` if nothing is in it.
    fn end(&self) -> impl Future<Output = Result<Option<Position>, JournalError>> + Send;
}

impl Source for Journal {
    type Signals = Follower;

    fn follow(&self, from: Option<Position>) -> Follower {
        Journal::follow(self, from, Followed::Audited)
    }

    fn end(&self) -> impl Future<Output = Result<Option<Position>, JournalError>> + Send {
        Journal::end(self)
    }
}

pub(crate) type Reason = Box<dyn std::error::Error + Send + Sync>;

/// Why following does not go on.
pub(crate) enum Broken {
    /// The rows are of no use; begin anew.
    Unusable(String),
    /// So are they, since this is another log than the one that they were made from.
    AnotherLog(String),
    /// The rows that are being built beside these cannot go on for now.
    Beside(Reason),
    /// They are of no use.
    BesideUnusable(String),
    /// New rows have been built.
    Built(Arc<Store>),
    /// They are not wanted any more.
    GivenUp,
    Stop(RunError),
}

/// Where to go on, and how to know that it is the same log.
pub(crate) struct Resume {
    pub(crate) from: Option<Position>,
    last: Option<LastEvent>,
    /// Where the newest event of all is that the rows know.
    pub(crate) newest: Position,
}

/// The last event of a network that the rows know, where it is, and the position before it.
pub(crate) struct LastEvent {
    id: EventId,
    before: Option<Position>,
}

/// What is written at once.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) events: Vec<Recorded>,
    /// How many signals it is made of.
    pub(crate) signals: usize,
    pub(crate) checkpoint: Option<Position>,
    /// The end of the log is in it; what stands behind that came later.
    pub(crate) caught_up: bool,
    /// It ends where following was broken off.
    pub(crate) resumed: bool,
    pub(crate) then: Option<FollowError>,
}

impl Projections {
    pub(crate) async fn run_over(
        &self,
        source: &impl Source,
        cancel: CancellationToken,
    ) -> Result<(), RunError> {
        let mut pause = FIRST_PAUSE;
        // How long to wait before rows that are wanted beside these are gone on with.
        let mut beside = Duration::ZERO;
        loop {
            let broken = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = self.store.damaged() => Broken::Unusable("they are damaged".to_owned()),
                () = self.rebuilds.cancelling() => Broken::GivenUp,
                broken = self.build_beside(source, beside) => broken,
                broken = self.follow_on(source, &mut pause) => broken,
            };
            match broken {
                Broken::Stop(error) => return Err(error),
                Broken::Beside(why) => {
                    beside = self.rebuilds.again("the read models", beside, &*why)
                }
                Broken::BesideUnusable(why) => {
                    let discarded = self.store.discard_beside().await?;
                    let why = discarded.map_or_else(Reason::from, |()| why.into());
                    beside = self.rebuilds.again("the read models", beside, &*why);
                }
                Broken::Built(built) => match self.switch(built).await? {
                    Ok(()) => beside = Duration::ZERO,
                    Err(error) => beside = self.rebuilds.again("the read models", beside, &error),
                },
                Broken::GivenUp => {
                    let discarded = self.store.discard_beside().await?;
                    self.given_up(discarded);
                    beside = Duration::ZERO;
                }
                Broken::AnotherLog(why) => {
                    self.progress.logs.send_modify(|it| *it += 1);
                    beside = Duration::ZERO;
                    match self.begin_anew(why, &mut pause, &cancel).await? {
                        ControlFlow::Continue(()) => {}
                        ControlFlow::Break(()) => return Ok(()),
                    }
                }
                Broken::Unusable(why) => {
                    beside = Duration::ZERO;
                    match self.begin_anew(why, &mut pause, &cancel).await? {
                        ControlFlow::Continue(()) => {}
                        ControlFlow::Break(()) => return Ok(()),
                    }
                }
            }
        }
    }

    /// Builds the rows again in their place; breaks off when cancelled.
    async fn begin_anew(
        &self,
        why: String,
        pause: &mut Duration,
        cancel: &CancellationToken,
    ) -> Result<ControlFlow<()>, RunError> {
        tracing::warn!(why, "the read models are built again from the log");
        let cause = format!("all were built again in their place: {why}");
        self.rebuilds.ended(Stage::Failed, cause);
        self.progress.caught_up.send_replace(false);
        if cancel.run_until_cancelled(rest(pause)).await.is_none() {
            return Ok(ControlFlow::Break(()));
        }
        let rebuilt = self.rebuild_in_place(pause);
        match cancel.run_until_cancelled(rebuilt).await {
            Some(rebuilt) => rebuilt.map(ControlFlow::Continue),
            None => Ok(ControlFlow::Break(())),
        }
    }

    async fn follow_on(&self, source: &impl Source, pause: &mut Duration) -> Broken {
        match self.try_follow_on(source, pause).await {
            Ok(never) => match never {},
            Err(broken) => broken,
        }
    }

    async fn try_follow_on(
        &self,
        source: &impl Source,
        pause: &mut Duration,
    ) -> Result<Infallible, Broken> {
        let store = &self.store;
        let known = patiently(store, pause, resume).await?;
        is_same_log(source, &known).await?;
        let from = known.from;
        let mut known = match from {
            Some(_) => Known::Everything,
            None => Known::WhatIsThere,
        };
        let mut signals = source.follow(from);
        let mut last = 0;
        loop {
            let mut batch = next_batch(&mut signals).await;
            if batch.can_wait() && *self.progress.caught_up.borrow() {
                let somebody = self.progress.awaited.somebody();
                // Whichever comes first.
                let _ = tokio::time::timeout(company(last), somebody).await;
                batch.take_what_is_there(&mut signals).await;
            }
            last = batch.events.len();
            let (caught_up, resumed) = (batch.caught_up, batch.resumed);
            let (position, ended) = batch.write(store, pause, known).await?;
            *pause = FIRST_PAUSE;
            self.progress
                .position
                .send_if_modified(|at| std::mem::replace(at, position) != position);
            if caught_up {
                known = Known::Everything;
                self.progress
                    .caught_up
                    .send_if_modified(|it| !std::mem::replace(it, true));
            }
            if let Some(error) = ended {
                return Err(error.into());
            }
            if resumed {
                is_same_log(source, &patiently(store, pause, resume).await?).await?;
            }
        }
    }

    async fn switch(&self, built: Arc<Store>) -> Result<Result<(), OpenError>, RunError> {
        let position = match built.position() {
            Ok(position) => position,
            Err(error) => return Ok(Err(error)),
        };
        let switched = self.store.switch_to(built).await;
        let switched = switched.map_err(|Interrupted| RunError::Interrupted)?;
        if switched.is_ok() {
            self.progress.position.send_replace(position);
            self.rebuilds.ended(Stage::Switched, String::new());
            tracing::info!(%position, "the new read models serve");
        }
        Ok(switched)
    }

    /// Begins anew in the same place. What is in the way of that is waited for, unless it is
    /// somebody else's file.
    async fn rebuild_in_place(&self, pause: &mut Duration) -> Result<(), RunError> {
        loop {
            let rebuilt = self
                .store
                .rebuild()
                .await
                .map_err(|Interrupted| RunError::Interrupted)?;
            match rebuilt {
                Ok(()) => break,
                Err(error @ OpenError::Foreign { .. }) => return Err(RunError::Rebuild(error)),
                Err(
                    error @ (OpenError::File { .. }
                    | OpenError::Delete { .. }
                    | OpenError::Switch { .. }
                    | OpenError::Memory(_)),
                ) => {
                    tracing::warn!(
                        cause = &error as &dyn std::error::Error,
                        retry_in = ?pause,
                        "the read models cannot be made for now"
                    );
                    rest(pause).await;
                }
            }
        }
        self.progress.position.send_replace(Position::START);
        Ok(())
    }
}

/// Runs a transaction, again and again while only time or room is missing.
pub(crate) async fn patiently<T: Send + 'static>(
    store: &Store,
    pause: &mut Duration,
    work: impl Fn(&Connection) -> rusqlite::Result<T> + Clone + Send + 'static,
) -> Result<T, Broken> {
    let generation = store.generation();
    loop {
        let work = work.clone();
        match store.write(generation, move |rows| work(rows)).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) if store::is_damage(&error) => {
                return Err(unusable(&error));
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, retry_in = ?pause, "the read models cannot be written for now");
                rest(pause).await;
            }
            Err(Interrupted) => return Err(Broken::Stop(RunError::Interrupted)),
        }
    }
}

pub(crate) fn why(error: &rusqlite::Error) -> String {
    match another_log(error) {
        Some(source) => format!("{ANOTHER_LOG}: {source}"),
        None => format!("they are damaged: {error}"),
    }
}

/// What does not follow what the rows know, if it is that.
fn another_log(error: &rusqlite::Error) -> Option<&AnotherLog> {
    let rusqlite::Error::ToSqlConversionFailure(source) = error else {
        return None;
    };
    source.downcast_ref()
}

fn unusable(error: &rusqlite::Error) -> Broken {
    match another_log(error) {
        Some(_) => Broken::AnotherLog(why(error)),
        None => Broken::Unusable(why(error)),
    }
}

impl From<FollowError> for Broken {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::PositionRefused { from: Some(_), .. } => {
                Self::AnotherLog("their position is no place in this log".to_owned())
            }
            FollowError::PositionRefused { from: None, .. }
            | FollowError::AccessDenied { .. }
            | FollowError::StreamDeleted { .. }
            | FollowError::Ended { .. } => Self::Stop(error.into()),
        }
    }
}

pub(crate) fn resume(rows: &Connection) -> rusqlite::Result<Resume> {
    let mut select = rows.prepare_cached(READ_LAST)?;
    let known = select.query_map([], |row| {
        Ok((
            rows::position(row)?,
            rows::text::<EventId>(row, "event_id")?,
        ))
    })?;
    let known = known.collect::<rusqlite::Result<Vec<_>>>()?;
    let before = known.get(1).map(|(position, _)| *position);
    let last = known.first().map(|(_, id)| LastEvent { id: *id, before });
    let from = checkpoint::position(rows)?;
    let newest = rows.prepare_cached(READ_NEWEST)?;
    let newest = { newest }.query_row([], rows::position).optional()?;
    Ok(Resume {
        newest: newest.unwrap_or(Position::START),
        from: (from != Position::START).then_some(from),
        last,
    })
}

/// Whether the log goes as far as the rows, and still has the last event that they know.
pub(crate) async fn is_same_log(source: &impl Source, known: &Resume) -> Result<(), Broken> {
    if let Some(from) = known.from
        && ends_before(source, from).await
    {
        return Err(Broken::AnotherLog(SHORTER_LOG.to_owned()));
    }
    let Some(last) = &known.last else {
        return Ok(());
    };
    let mut pause = FIRST_PAUSE;
    for _ in 0..EVENT_ASKED {
        let mut signals = source.follow(last.before);
        loop {
            match signals.next().await? {
                Signal::Event(event) if event.event_id == last.id => return Ok(()),
                // Rows of an older form have no others.
                Signal::Event(event) if event.network_id.is_none() => {}
                Signal::Event(_) => return Err(Broken::AnotherLog(ANOTHER_LOG.to_owned())),
                Signal::CaughtUp => break,
                Signal::Checkpoint(_) | Signal::Resumed => {}
            }
        }
        rest(&mut pause).await;
    }
    Err(Broken::AnotherLog(ANOTHER_LOG.to_owned()))
}

/// Whether the log ends before this position, and goes on doing so. While it does not answer there
/// is nothing to follow either.
async fn ends_before(source: &impl Source, position: Position) -> bool {
    let (mut pause, mut asked) = (FIRST_PAUSE, 0);
    while asked < ENDS_ASKED {
        match source.end().await {
            Ok(end) if end.unwrap_or(Position::START) >= position => return false,
            Ok(_) => asked += 1,
            Err(error) => tracing::debug!(%error, "where the log ends cannot be asked for now"),
        }
        rest(&mut pause).await;
    }
    true
}

/// How long to wait for others, after so many came last time.
fn company(last: usize) -> Duration {
    if last < CROWD { COMPANY } else { CROWDED }
}

/// Waits for one signal, and takes what else is there.
pub(crate) async fn next_batch(signals: &mut impl Signals) -> Batch {
    let mut batch = Batch::default();
    batch.take(signals.next().await);
    batch.take_what_is_there(signals).await;
    batch
}

impl Batch {
    /// Whether it is live events and nothing else.
    fn can_wait(&self) -> bool {
        !self.events.is_empty() && !self.caught_up && !self.resumed && self.then.is_none()
    }

    async fn take_what_is_there(&mut self, signals: &mut impl Signals) {
        let more = async {
            while self.signals < BATCH && self.then.is_none() && !self.resumed {
                tokio::select! {
                    biased;
                    signal = signals.next() => self.take(signal),
                    () = std::future::ready(()) => break,
                }
            }
        };
        // Tokio would make a channel look empty once a task has taken its share of turns.
        task::unconstrained(more).await;
    }

    /// Writes it in one transaction. Gives the position reached, and why there is no more, if that
    /// came with it.
    async fn write(
        self,
        store: &Store,
        pause: &mut Duration,
        known: Known,
    ) -> Result<(Position, Option<FollowError>), Broken> {
        let (events, checkpoint) = (Arc::new(self.events), self.checkpoint);
        let apply = move |rows: &Connection| fold::apply(rows, &events, checkpoint, known);
        Ok((patiently(store, pause, apply).await?, self.then))
    }

    fn take(&mut self, signal: Result<Signal, FollowError>) {
        self.signals += 1;
        match signal {
            Ok(Signal::Event(event)) => self.events.push(event),
            Ok(Signal::Checkpoint(position)) => {
                self.checkpoint = self.checkpoint.max(Some(position))
            }
            Ok(Signal::CaughtUp) => self.caught_up = true,
            Ok(Signal::Resumed) => self.resumed = true,
            Err(error) => self.then = Some(error),
        }
    }
}

pub(crate) async fn rest(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LONGEST_PAUSE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_wait_longer_for_others_only_while_they_crowd_in() {
        assert_eq!(company(0), COMPANY);
        assert_eq!(company(CROWD - 1), COMPANY);
        assert_eq!(company(CROWD), CROWDED);
    }
}
