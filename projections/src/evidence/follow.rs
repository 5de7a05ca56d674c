//! Following the log and adding its events to the tree, for as long as the process lives.
//!
//! At the start and after each break the log must still have the last event that the tree knows, at
//! its place, and must not end before the tree's position. If it is another one, a tree of it is
//! built from its beginning; once that has reached the log's end it shows whether it is the same
//! history at another place, or one that has lost something.

use super::{AuditTree, TreeError, TreeRunError, rows};
use crate::{rebuild::Stage, store::is_damage};
use chrono::{DateTime, Utc};
use journal::{Clock, FollowError, Follower, Journal, Position, Recorded, Signal};
use rows::{NewLeaf, Settled};
use rusqlite::Connection;
use std::{sync::LazyLock, time::Duration};
use tokio::task;
use tokio_util::sync::CancellationToken;
use tree::{COVERED, Leaf, is_covered};

/// The most events that one transaction takes.
const BATCH: usize = 2_048;
/// How long live events wait for others: a transaction rewrites the tiles at the edge.
const COMPANY: Duration = Duration::from_millis(10);

pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often a log is asked again whether it really lost what is known: a node may lag behind its
/// cluster for a moment.
const ASKED: usize = 5;

/// What the streams' names begin with.
pub(super) static PREFIXES: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| COVERED.iter().map(|it| it.prefix).collect());

/// Why following does not go on.
pub(super) enum Broken {
    /// The log is another one than the tree's.
    AnotherLog(&'static str),
    /// The file cannot be used.
    Damaged(rusqlite::Error),
    /// The tree that is built beside cannot go on for now.
    Beside(Box<dyn std::error::Error + Send + Sync>),
    /// It has come to its end, whatever that is.
    Ended(Stage, String),
    Stop(TreeRunError),
}

/// What is added at once.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) leaves: Vec<NewLeaf>,
    signals: usize,
    pub(super) followed: Option<Position>,
    pub(super) caught_up: bool,
    pub(super) resumed: bool,
    pub(super) then: Option<FollowError>,
}

impl AuditTree {
    /// Follows every stream that the tree covers, until cancelled. An error means that it cannot go
    /// on without a person.
    ///
    /// # Errors
    /// When the log cannot be followed, or a damaged file not be put aside.
    pub async fn run(
        &self,
        journal: &Journal,
        clock: Clock,
        cancel: CancellationToken,
    ) -> Result<(), TreeRunError> {
        let mut pause = FIRST_PAUSE;
        // How long to wait before a tree that is wanted beside this one is gone on with.
        let mut beside = Duration::ZERO;
        loop {
            let broken = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                broken = self.build_beside(journal, beside) => broken,
                broken = self.follow_on(journal, &mut pause) => broken,
            };
            match &broken {
                Broken::AnotherLog(why) => self.rebuild_failed(why).await,
                Broken::Damaged(_) => self.rebuild_failed("the file is damaged").await,
                Broken::Beside(_) | Broken::Ended(..) | Broken::Stop(_) => {}
            }
            match broken {
                Broken::Beside(why) => {
                    beside = self.rebuilds.again("the tree of the audit", beside, &*why)
                }
                Broken::Ended(stage, cause) => {
                    self.rebuilds.ended(stage, cause);
                    beside = Duration::ZERO;
                }
                Broken::Stop(error) => return Err(error),
                Broken::AnotherLog(why) => {
                    tracing::warn!(
                        why,
                        "the log is not the one that the audit's tree was made from; a tree of it is built from its beginning"
                    );
                    let now = clock();
                    let begin = move |rows: &Connection| rows::begin(rows, now);
                    match self.patiently(&mut pause, begin).await {
                        Ok(()) => self.at(Position::START, false),
                        Err(Broken::Damaged(error)) => self.anew(&error, &mut pause).await?,
                        Err(Broken::Stop(error)) => return Err(error),
                        Err(Broken::AnotherLog(_) | Broken::Beside(_) | Broken::Ended(..)) => {}
                    }
                }
                Broken::Damaged(error) => self.anew(&error, &mut pause).await?,
            }
        }
    }

    fn at(&self, position: Position, caught_up: bool) {
        self.progress
            .position
            .send_if_modified(|at| std::mem::replace(at, position) != position);
        self.progress
            .caught_up
            .send_if_modified(|it| std::mem::replace(it, caught_up) != caught_up);
    }

    /// Puts a damaged file aside and begins anew.
    async fn anew(
        &self,
        error: &rusqlite::Error,
        pause: &mut Duration,
    ) -> Result<(), TreeRunError> {
        tracing::warn!(%error, "the tree of the audit is damaged; it is put aside and built again from the log");
        rest(pause).await;
        self.begin_anew().await?;
        self.at(Position::START, false);
        Ok(())
    }

    async fn follow_on(&self, journal: &Journal, pause: &mut Duration) -> Broken {
        match self.try_follow_on(journal, pause).await {
            Ok(never) => match never {},
            Err(broken) => broken,
        }
    }

    async fn try_follow_on(
        &self,
        journal: &Journal,
        pause: &mut Duration,
    ) -> Result<std::convert::Infallible, Broken> {
        self.is_same_log(journal, pause).await?;
        let current = self.patiently(pause, rows::current).await?;
        let from = (current.position != Position::START).then_some(current.position);
        let mut signals = journal.follow(from, Self::followed());
        loop {
            let batch = next_batch(&mut signals).await;
            let Batch {
                leaves,
                followed,
                caught_up,
                resumed,
                then,
                ..
            } = batch;
            let added = std::sync::Arc::new(leaves);
            let add = move |rows: &Connection| rows::add(rows, &added, followed);
            let position = self.patiently(pause, add).await?;
            *pause = FIRST_PAUSE;
            let was_whole = *self.progress.caught_up.borrow();
            if caught_up && !was_whole {
                told(self.patiently(pause, rows::settle).await?);
            }
            self.at(position, was_whole || caught_up);
            if let Some(error) = then {
                return Err(error.into());
            }
            if resumed {
                self.is_same_log(journal, pause).await?;
            }
            if was_whole {
                tokio::time::sleep(COMPANY).await;
            }
        }
    }

    /// Whether the log has what the tree has.
    async fn is_same_log(&self, journal: &Journal, pause: &mut Duration) -> Result<(), Broken> {
        let current = self.patiently(pause, rows::current).await?;
        if current.covered != rows::covered() {
            return Err(Broken::AnotherLog(
                "the tree covers other streams in this version than it did before",
            ));
        }
        let last = self.patiently(pause, rows::last).await?;
        let (mut wait, mut asked) = (FIRST_PAUSE, 0);
        while asked < ASKED {
            let end = journal.end().await;
            let found = match (&end, &last) {
                (Ok(_), Some(last)) => journal
                    .event_at(&last.stream, last.revision)
                    .await
                    .map(|it| it.map(|it| (it.event_id, it.position))),
                (Ok(_), None) | (Err(_), _) => Ok(None),
            };
            match (end, found) {
                (Ok(end), Ok(found)) => {
                    let known = last.as_ref().map(|it| (it.event_id, it.position));
                    let is_as_long = end.unwrap_or(Position::START) >= current.position;
                    if is_as_long && found == known {
                        return Ok(());
                    }
                    asked += 1;
                }
                (Err(error), _) | (_, Err(error)) => {
                    tracing::debug!(%error, "the log cannot be asked for now");
                }
            }
            rest(&mut wait).await;
        }
        Err(Broken::AnotherLog(
            "it does not have the last event that the tree knows, or ends before it",
        ))
    }

    /// Runs a transaction, again and again while only time or room is missing.
    async fn patiently<T: Send + 'static>(
        &self,
        pause: &mut Duration,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Clone + Send + 'static,
    ) -> Result<T, Broken> {
        loop {
            match self.ask(work.clone()).await {
                Ok(done) => return Ok(done),
                Err(TreeError::File(error)) if is_damage(&error) => {
                    return Err(Broken::Damaged(error));
                }
                Err(TreeError::File(error)) => {
                    tracing::warn!(%error, retry_in = ?pause, "the tree of the audit cannot be written for now");
                    rest(pause).await;
                }
                Err(
                    error @ (TreeError::Building { .. }
                    | TreeError::Beyond { .. }
                    | TreeError::Aside(_)
                    | TreeError::Interrupted),
                ) => return Err(Broken::Stop(error.into())),
            }
        }
    }
}

fn told(settled: Settled) {
    match settled {
        Settled::Known => {}
        Settled::SameLog => {
            tracing::info!("the log has every event that the audit's tree knew; its epoch goes on");
        }
        Settled::Epoch {
            epoch,
            shared,
            known,
        } => tracing::error!(
            epoch,
            shared,
            known,
            "the log has lost events that the audit's tree knew: a new epoch begins, and what was signed of the old one is kept"
        ),
    }
}

impl From<FollowError> for Broken {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::PositionRefused { from: Some(_), .. } => {
                Self::AnotherLog("the tree's position is no place in it")
            }
            FollowError::PositionRefused { from: None, .. }
            | FollowError::AccessDenied { .. }
            | FollowError::StreamDeleted { .. }
            | FollowError::Ended { .. } => Self::Stop(error.into()),
        }
    }
}

pub(super) async fn next_batch(signals: &mut Follower) -> Batch {
    let mut batch = Batch::default();
    batch.take(signals.next().await);
    let more = async {
        while batch.signals < BATCH && batch.then.is_none() && !batch.resumed && !batch.caught_up {
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
        self.signals += 1;
        match signal {
            Ok(Signal::Event(event)) if is_covered(&event.stream) => self.leaves.push(new(&event)),
            Ok(Signal::Event(event)) => {
                self.followed = self.followed.max(Some(event.position));
            }
            Ok(Signal::Checkpoint(position)) => {
                self.followed = self.followed.max(Some(position));
            }
            Ok(Signal::CaughtUp) => self.caught_up = true,
            Ok(Signal::Resumed) => self.resumed = true,
            Err(error) => self.then = Some(error),
        }
    }
}

fn new(event: &Recorded) -> NewLeaf {
    NewLeaf {
        stream: event.stream.clone(),
        revision: event.revision,
        event_id: event.event_id,
        position: event.position,
        hash: leaf(event).hash(),
    }
}

/// What stands behind this position of the log and is covered, so many events at most.
///
/// # Errors
/// When the log cannot be followed.
pub async fn read_covered(
    journal: &Journal,
    after: Option<Position>,
    most: usize,
) -> Result<Vec<Recorded>, FollowError> {
    let mut signals = journal.follow(after, AuditTree::followed());
    let mut found = Vec::new();
    while found.len() < most {
        match signals.next().await? {
            Signal::Event(event) if is_covered(&event.stream) => found.push(event),
            Signal::CaughtUp => break,
            Signal::Event(_) | Signal::Checkpoint(_) | Signal::Resumed => {}
        }
    }
    Ok(found)
}

/// The leaf of an event of the log.
pub fn leaf(event: &Recorded) -> Leaf {
    let written: DateTime<Utc> = event.created;
    Leaf {
        stream: event.stream.clone(),
        revision: event.revision,
        id: event.event_id.0,
        event_type: event.stored.event_type.clone(),
        data: event.data.to_vec(),
        metadata: Leaf::metadata_of(&event.stream, &event.stored.metadata, written),
    }
}

async fn rest(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(LONGEST_PAUSE);
}
