//! Building anew beside what serves: asked for, shown while it goes on, cancelled, and told at its
//! end.
//!
//! The log is the truth, so what was built takes the place of what served; but first both are
//! compared at the same position, and whatever differs is told by its table and key: a row that was
//! changed by hand, or a defect of ours. What stands half built is taken up by the next process.
//!
//! Read next: `compare` (row by row), then `beside` (the read models) and `evidence/beside` (the
//! tree).

pub(crate) mod compare;

use chrono::{DateTime, Utc};
use journal::Position;
use std::{error::Error, time::Duration};
use thiserror::Error;
use tokio::{sync::watch, time::Instant};
use tree::Hash;

/// How long is waited before what met with something is gone on with: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is built anew beside what serves, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rebuild {
    /// When it was asked for; `None` where nobody did: what serves is of another form.
    pub asked_at: Option<DateTime<Utc>>,
    /// How far it has come.
    pub stage: Stage,
    /// Whether it took up what an earlier process had built.
    pub is_resumed: bool,
    /// Up to which position of the log it is.
    pub position: Position,
    /// Where the log ends, as far as that is known here.
    pub end: Position,
    /// How many events it holds.
    pub events: u64,
    /// How many this process takes in a second.
    pub events_per_second: f64,
    /// How long it will take to the log's end.
    pub left: Option<Duration>,
    /// What is in its way, or why it ended.
    pub cause: String,
    /// What the comparison came to, once it is made.
    pub comparison: Option<Comparison>,
}

/// How far a rebuild has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Asked for, and not begun.
    Asked,
    /// It follows the log.
    Building,
    /// It is compared with what serves.
    Comparing,
    /// It is being given up.
    Cancelling,
    /// It serves.
    Switched,
    /// It was given up as it was asked to.
    Cancelled,
    /// It could not go on, or was not needed any more.
    Failed,
    /// It would have another root than what serves, which stays.
    Refused,
}

impl Stage {
    /// Whether it is under way.
    pub fn is_under_way(self) -> bool {
        match self {
            Self::Asked | Self::Building | Self::Comparing | Self::Cancelling => true,
            Self::Switched | Self::Cancelled | Self::Failed | Self::Refused => false,
        }
    }
}

/// What serves and what was built, compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// At which position of the log.
    pub position: Position,
    /// How many rows were compared.
    pub rows: u64,
    /// How many of them differ.
    pub differences: u64,
    /// The first of those.
    pub first: Vec<RowDifference>,
    /// The roots, where trees were compared.
    pub roots: Option<Roots>,
}

/// A row that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDifference {
    /// Its table.
    pub table: String,
    /// The columns of its key with their values.
    pub key: String,
    /// In what.
    pub differs: Differs,
}

/// In what a row differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Differs {
    /// What served does not have it.
    Missing,
    /// Only what served has it.
    Extra,
    /// These columns differ.
    In(Vec<ColumnDifference>),
}

/// A column that is not the same in both: as much of it as shows where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDifference {
    /// Its name.
    pub column: String,
    /// In what served.
    pub served: String,
    /// As the log makes it.
    pub built: String,
}

/// The roots of two trees of the same size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// How many events.
    pub size: u64,
    /// Of what serves.
    pub served: Hash,
    /// Of what the log makes.
    pub built: Hash,
    /// What was signed last of no more events than these, beside what the log makes of as many.
    pub signed: Option<SignedRoot>,
}

impl Roots {
    /// Whether nothing contradicts anything.
    pub fn are_same(&self) -> bool {
        let is_as_signed = |it: &SignedRoot| it.signed == it.built;
        self.served == self.built && self.signed.as_ref().is_none_or(is_as_signed)
    }
}

/// A root that was signed, and the one of as many events as the log makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRoot {
    /// How many events.
    pub size: u64,
    /// What was signed.
    pub signed: Hash,
    /// What the log makes.
    pub built: Hash,
}

/// How often rebuilds came to what, since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RebuildCounts {
    /// What was built serves.
    pub switched: u64,
    /// Given up as it was asked.
    pub cancelled: u64,
    /// Could not go on.
    pub failed: u64,
    /// Another root.
    pub refused: u64,
    /// Rows that differed, over all.
    pub differences: u64,
}

/// One is under way, and there is only ever one of each.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("one is being built already")]
pub struct UnderWay;

/// Nothing can be cancelled.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotCancelled {
    /// Nothing is under way.
    #[error("none is being built")]
    None,
    /// Nobody asked for what is under way.
    #[error(
        "what is being built is of a new form and takes the place of an old one; it cannot be cancelled"
    )]
    NewForm,
}

/// What is asked for and done, of one kind of rows.
#[derive(Debug)]
pub(crate) struct Rebuilds {
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    rebuild: Option<Rebuild>,
    counts: RebuildCounts,
    /// Since when this process builds, and what it began with.
    since: Option<(Instant, Position, u64)>,
}

impl Rebuild {
    fn new(asked_at: Option<DateTime<Utc>>) -> Self {
        Self {
            asked_at,
            stage: Stage::Asked,
            is_resumed: false,
            position: Position::START,
            end: Position::START,
            events: 0,
            events_per_second: 0.0,
            left: None,
            cause: String::new(),
            comparison: None,
        }
    }
}

impl Rebuilds {
    pub(crate) fn new() -> Self {
        Self {
            state: watch::Sender::default(),
        }
    }

    /// Has new ones built beside those that serve; `None`: since their form is another one.
    pub(crate) fn ask(&self, asked_at: Option<DateTime<Utc>>) -> Result<(), UnderWay> {
        let mut asked = Err(UnderWay);
        self.state.send_if_modified(|state| {
            if !state.is_under_way() {
                state.rebuild = Some(Rebuild::new(asked_at));
                asked = Ok(());
            }
            asked.is_ok()
        });
        asked
    }

    pub(crate) fn cancel(&self) -> Result<(), NotCancelled> {
        let mut done = Err(NotCancelled::None);
        self.state.send_if_modified(|state| {
            let under_way = state.rebuild.as_mut().filter(|it| it.stage.is_under_way());
            if let Some(rebuild) = under_way {
                done = match rebuild.asked_at {
                    Some(_) => Ok(()),
                    None => Err(NotCancelled::NewForm),
                };
                if done.is_ok() {
                    rebuild.stage = Stage::Cancelling;
                }
            }
            done.is_ok()
        });
        done
    }

    /// The one that is under way, or the last one.
    pub(crate) fn last(&self) -> Option<Rebuild> {
        self.state.borrow().rebuild.clone()
    }

    pub(crate) fn counts(&self) -> RebuildCounts {
        self.state.borrow().counts
    }

    /// Waits until one is under way. Gives when it was asked for.
    pub(crate) async fn wanted(&self) -> Option<DateTime<Utc>> {
        let mut state = self.state.subscribe();
        // The sender lives as long as this.
        let state = state.wait_for(State::is_under_way).await;
        state.ok()?.rebuild.as_ref()?.asked_at
    }

    /// Waits until the one that is under way is to be given up.
    pub(crate) async fn cancelling(&self) {
        let mut state = self.state.subscribe();
        let is = |state: &State| {
            let stage = state.rebuild.as_ref().map(|it| it.stage);
            stage == Some(Stage::Cancelling)
        };
        // The sender lives as long as this.
        let _ = state.wait_for(is).await;
    }

    /// It begins, with what stands already.
    pub(crate) fn begun(&self, position: Position, events: u64, end: Option<Position>) {
        self.change(|rebuild, since| {
            *since = Some((Instant::now(), position, events));
            rebuild.is_resumed |= position != Position::START && rebuild.stage == Stage::Asked;
            rebuild.stage = Stage::Building;
            (rebuild.position, rebuild.events) = (position, events);
            rebuild.end = end.unwrap_or(position).max(position);
        });
    }

    /// It is so far, after so many more events.
    pub(crate) fn at(&self, position: Position, more: u64, served: Position) {
        self.change(|rebuild, since| {
            rebuild.cause.clear();
            rebuild.position = position;
            rebuild.events += more;
            rebuild.end = rebuild.end.max(served).max(position);
            let Some((began, from, events)) = *since else {
                return;
            };
            let took = began.elapsed();
            let done = (position.commit - from.commit) as f64;
            let left = (rebuild.end.commit - position.commit) as f64;
            if took > Duration::ZERO {
                rebuild.events_per_second =
                    rebuild.events.saturating_sub(events) as f64 / took.as_secs_f64();
            }
            let left = took.as_secs_f64() * left / done;
            rebuild.left = Duration::try_from_secs_f64(left).ok();
        });
    }

    pub(crate) fn comparing(&self) {
        self.change(|rebuild, _| rebuild.stage = Stage::Comparing);
    }

    /// What the comparison came to.
    pub(crate) fn compared(&self, comparison: Comparison) {
        self.state.send_modify(|state| {
            state.counts.differences += comparison.differences;
        });
        self.change(|rebuild, _| {
            rebuild.stage = Stage::Building;
            rebuild.comparison = Some(comparison);
        });
    }

    /// Says what is in its way, and how long to wait before it is gone on with: longer than was
    /// waited before.
    pub(crate) fn again(
        &self,
        what: &str,
        waited: Duration,
        why: &(dyn Error + 'static),
    ) -> Duration {
        let wait = (waited * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        tracing::warn!(
            cause = why,
            retry_in = ?wait,
            "{what} cannot be built anew for now; what stands serves on"
        );
        self.hindered(domain::error_chain(why));
        wait
    }

    /// Something is in its way.
    pub(crate) fn hindered(&self, cause: String) {
        self.change(|rebuild, since| {
            rebuild.cause = cause;
            (rebuild.left, *since) = (None, None);
        });
    }

    /// It has ended, if it was under way.
    pub(crate) fn ended(&self, stage: Stage, cause: String) {
        self.state.send_if_modified(|state| {
            let is_under_way = state.is_under_way();
            if let Some(rebuild) = state.rebuild.as_mut().filter(|_| is_under_way) {
                (rebuild.stage, rebuild.cause) = (stage, cause);
                rebuild.left = None;
                let counts = &mut state.counts;
                match stage {
                    Stage::Switched => counts.switched += 1,
                    Stage::Cancelled => counts.cancelled += 1,
                    Stage::Failed => counts.failed += 1,
                    Stage::Refused => counts.refused += 1,
                    Stage::Asked | Stage::Building | Stage::Comparing | Stage::Cancelling => {}
                }
            }
            is_under_way
        });
    }

    /// Changes the one that is under way, unless it is to be given up.
    fn change(&self, change: impl FnOnce(&mut Rebuild, &mut Option<(Instant, Position, u64)>)) {
        self.state.send_if_modified(|state| {
            let State { rebuild, since, .. } = state;
            let goes_on =
                |it: &&mut Rebuild| it.stage.is_under_way() && it.stage != Stage::Cancelling;
            let rebuild = rebuild.as_mut().filter(goes_on);
            let is_changed = rebuild.is_some();
            if let Some(rebuild) = rebuild {
                change(rebuild, since);
            }
            is_changed
        });
    }
}

impl State {
    fn is_under_way(&self) -> bool {
        self.rebuild
            .as_ref()
            .is_some_and(|it| it.stage.is_under_way())
    }
}
