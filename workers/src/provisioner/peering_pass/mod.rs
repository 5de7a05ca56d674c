//! One pass over one peering: close, then observe → plan → apply and record, until nothing is left
//! to do for now.
//!
//! The closings of both sides come first, each side by itself and at the same time: a side that
//! cannot be seen, or that fails, holds up nothing of the other's. Everything else asks for what it
//! needs to see, and comes after. Before each call that opens something the record is read again.

mod quotas;
mod steps;

use super::{
    context::{Interrupt, Pass, as_of, on_record},
    memory::{AsOf, Memory},
    observation::{Freshness, Observation, Unseen},
    observe::Observed,
    outlook::{Next, Outlook},
    plan::{self, Facts, Plan, Step},
    query::Query,
    sides,
};
use chrono::{DateTime, Utc};
use cloud::{CallTrace, Cloud, CloudError};
use domain::{
    BySide, CloudCalls, PeeringId, Side,
    network::{HalfOperationFailed, Life, Outcome, Peering, ProvisioningUnblocked, Registered},
};
use journal::{JournalError, Loaded};
use parking_lot::Mutex;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How many plans one peering may need in a row; far more than any life has steps. What is left
/// then is due at once.
const MOST_PLANS: usize = 128;

/// How long a read may still take once a command has come up that changes what is to be seen. What
/// takes longer hangs, and is given up for it.
const ANSWERS_SOON: Duration = Duration::from_millis(300);

/// How a pass over a peering ended.
pub(super) struct Done {
    pub(super) id: PeeringId,
    pub(super) memory: Memory,
    pub(super) loaded: Arc<Loaded>,
}

/// What changes during a pass.
struct State {
    loaded: Arc<Loaded>,
    memory: Memory,
    freshness: Freshness,
    /// Whether openings rested when it was planned last.
    rested: bool,
    /// The sides that could not be looked at, where that holds up nothing.
    unseen: BySide<bool>,
    /// Whether this pass has made something, or may have.
    has_made: bool,
    /// Whether it was this pass that put the peering's end on record, after a look at what is left.
    has_ended_it: bool,
}

/// One pass over one peering.
pub(super) struct PeeringPass<'a> {
    pass: &'a Pass<'a>,
    id: PeeringId,
    observation: &'a Observation,
    /// A command about this peering was put on record.
    interrupt: Arc<Interrupt>,
    /// Whether somebody waits for this pass.
    insists: bool,
    /// The calls that this pass makes.
    trace: CallTrace,
}

/// What a read came to.
enum Looked {
    Seen,
    Failed(Unseen),
    /// The record has moved on meanwhile: plan anew.
    Interrupted,
}

/// What the steps of a plan came to.
#[derive(Default)]
struct StepsRun {
    /// The first failure on each side.
    failed: BySide<Option<CloudError>>,
    /// Whether the rest was left: an outcome no longer followed, something is no longer asked for,
    /// or the engine stops.
    stale: bool,
}

impl StepsRun {
    fn stale() -> Self {
        Self {
            stale: true,
            ..Self::default()
        }
    }
}

/// What comes after one plan.
enum Turn {
    /// The next one.
    Again,
    /// The next one, on another record: what failed may not fail again.
    Anew,
    /// Nothing for now.
    Over(Outlook),
}

/// What one side's closings came to.
#[derive(Default)]
struct Closed {
    failure: Option<CloudError>,
    /// Whether the cloud does not show yet what was closed.
    polls: bool,
}

impl<'a> PeeringPass<'a> {
    pub(super) fn new(
        pass: &'a Pass<'a>,
        id: PeeringId,
        observation: &'a Observation,
        interrupt: Arc<Interrupt>,
        insists: bool,
    ) -> Self {
        Self {
            pass,
            id,
            observation,
            interrupt,
            insists,
            trace: CallTrace::new(Arc::clone(pass.clock), CloudCalls::default()),
        }
    }

    /// Works on the peering until nothing is left to do for now.
    pub(super) async fn run(
        self,
        loaded: Arc<Loaded>,
        mut memory: Memory,
    ) -> Result<Done, JournalError> {
        self.trace.put_back(std::mem::take(&mut memory.calls));
        let state = Mutex::new(State {
            loaded,
            memory,
            freshness: self.observation.freshness(self.insists),
            rested: self.pass.rest.now(),
            unseen: BySide::default(),
            has_made: false,
            has_ended_it: false,
        });
        let outlook = self.reconcile(&state).await?;
        // Somebody else has ended the peering while this process was about to make something for
        // it, and has not seen that.
        let may_have_left = {
            let is_over = !self.is_on_record(&state);
            let state = state.lock();
            is_over && state.has_made && !state.has_ended_it
        };
        let State {
            loaded,
            mut memory,
            rested,
            ..
        } = state.into_inner();
        memory.calls = self.trace.take();
        memory.schedule(outlook, as_of(&loaded, self.id, rested), self.pass.settings);
        if may_have_left {
            memory.looks_once_more(Instant::now() + self.pass.settings.visibility_window);
        }
        let id = self.id;
        Ok(Done { id, memory, loaded })
    }

    async fn reconcile(&self, state: &Mutex<State>) -> Result<Outlook, JournalError> {
        let mut closed: BySide<Closed> = BySide::default();
        for _ in 0..MOST_PLANS {
            if self.pass.stop.is_cancelled() {
                return Ok(Next::Poll.into());
            }
            if !self.is_on_record(state) {
                return Ok(Next::Settled.into());
            }
            // What has failed is tried again by the next pass.
            let BySide { local, remote } = closed;
            let (local, remote) = tokio::join!(
                self.close(state, Side::Local, local),
                self.close(state, Side::Remote, remote)
            );
            closed = BySide {
                local: local?,
                remote: remote?,
            };
            match self.proceed(state, &closed).await? {
                Turn::Again => {}
                Turn::Anew => closed = BySide::default(),
                Turn::Over(outlook) => return Ok(outlook),
            }
        }
        Ok(Next::Poll.into())
    }

    /// Closes what one side has to close, as far as that can be done.
    async fn close(
        &self,
        state: &Mutex<State>,
        side: Side,
        before: Closed,
    ) -> Result<Closed, JournalError> {
        if before.failure.is_some() {
            return Ok(before);
        }
        for _ in 0..MOST_PLANS {
            let Some((plan, _)) = self.plan(state, |facts| plan::closings(facts, side)) else {
                break;
            };
            if self.pass.stop.is_cancelled() {
                break;
            }
            if !plan.needs.is_empty() {
                match self.look(state, &plan.needs).await? {
                    Looked::Seen | Looked::Interrupted => continue,
                    Looked::Failed(unseen) => return Ok(Closed::failed(unseen.error)),
                }
            }
            if plan.steps.is_empty() {
                let polls = plan.next == Next::Poll;
                return Ok(Closed {
                    failure: None,
                    polls,
                });
            }
            tracing::debug!(%side, steps = ?plan.steps, "closing");
            let mut ran = self.run_steps(state, plan.steps, BySide::default()).await?;
            if ran.stale {
                self.begin_anew(state).await?;
            }
            if let Some(error) = ran.failed.get_mut(side).take() {
                return Ok(Closed::failed(error));
            }
        }
        Ok(Closed::default())
    }

    /// Everything that comes after the closings. Says when to go on, if nothing is left to do now.
    async fn proceed(
        &self,
        state: &Mutex<State>,
        closed: &BySide<Closed>,
    ) -> Result<Turn, JournalError> {
        let polls = closed.local.polls || closed.remote.polls;
        let failed = BySide::of(|side| closed.get(side).failure.clone());
        for side in Side::BOTH {
            if failed.get(side).is_some() && self.gives_up(state, side) {
                *state.lock().unseen.get_mut(side) = true;
            }
        }
        let Some((plan, now)) = self.plan(state, plan::plan) else {
            return Ok(Turn::Over(Next::Settled.into()));
        };
        let Plan {
            needs,
            steps,
            next,
            missing,
            due,
            unblocks,
        } = plan;
        if !needs.is_empty() {
            return match self.look(state, &needs).await? {
                Looked::Seen => Ok(Turn::Again),
                Looked::Interrupted => Ok(Turn::Anew),
                Looked::Failed(unseen) if self.gives_up(state, unseen.side) => {
                    *state.lock().unseen.get_mut(unseen.side) = true;
                    Ok(Turn::Again)
                }
                Looked::Failed(unseen) => {
                    let (side, error) = first(failed).unwrap_or((unseen.side, unseen.error));
                    self.failed(state, side, &error).await.map(Turn::Over)
                }
            };
        }
        tracing::debug!(?steps, ?next, "planned");
        state.lock().memory.note_missing(&missing, now);
        let planned_on = self.as_of(state);
        if self.note_quotas(state).await? {
            return Ok(Turn::Again);
        }
        let unseen = state.lock().unseen.clone();
        let failed = BySide::of(|side| failed.get(side).clone().filter(|_| !unseen.get(side)));
        let gave_up = steps.iter().find_map(given_up).cloned();
        let ran = self.run_steps(state, steps, failed).await?;
        if ran.stale {
            self.begin_anew(state).await?;
            return Ok(Turn::Anew);
        }
        if let Some(gave_up) = gave_up {
            return self.gave_up(state, &gave_up).await.map(Turn::Over);
        }
        if let Some((side, error)) = first(ran.failed) {
            return self.failed(state, side, &error).await.map(Turn::Over);
        }
        // What is under way may still fail as it did before.
        if !self.is_under_way(state) {
            state.lock().memory.note_unfailing();
        }
        if unblocks {
            let peering_id = self.id;
            self.record(
                state,
                Outcome::Unblocked(ProvisioningUnblocked { peering_id }),
            )
            .await?;
        }
        // What was recorded, or what somebody asked for meanwhile, is on record now: whether
        // nothing is left to do is for a plan on that.
        if next == Next::AtOnce || self.as_of(state) != planned_on {
            return Ok(Turn::Again);
        }
        let next = if polls { Next::Poll } else { next };
        let due_in = due.map(|due| (due - now).to_std().unwrap_or(Duration::ZERO));
        Ok(Turn::Over(Outlook { next, due_in }))
    }

    /// Whether a change of a half was begun and is not over.
    fn is_under_way(&self, state: &Mutex<State>) -> bool {
        let loaded = self.loaded(state);
        on_record(&loaded, self.id).is_some_and(|(_, peering)| {
            let halves = &peering.halves;
            Side::BOTH
                .into_iter()
                .any(|it| halves.get(it).operation().is_some())
        })
    }

    /// Plans on what is on record and what was seen; nothing if the peering is not on record.
    fn plan<T>(
        &self,
        state: &Mutex<State>,
        make: impl FnOnce(&Facts<'_>) -> T,
    ) -> Option<(T, DateTime<Utc>)> {
        let mut state = state.lock();
        state.rested = self.pass.rest.now();
        let (network, peering) = on_record(&state.loaded, self.id)?;
        let now = (self.pass.clock)();
        self.observation.is_checked(network);
        let seen = Observed::of(self.observation, network, peering, &state.freshness);
        let limits = BySide::of(|side| sides::limits(self.pass.cloud, network, peering, side));
        let graph = self.pass.graph.read();
        let age = self.observation.age(network, peering, &state.freshness);
        let plan = make(&Facts {
            network,
            peering,
            seen: &seen,
            memory: &state.memory,
            graph: &graph,
            limits,
            now,
            seen_at: now - age,
            settings: self.pass.settings,
            unseen: state.unseen.clone(),
            rests: state.rested,
        });
        Some((plan, now))
    }

    /// What the last plan depends on, as it is on record now.
    fn as_of(&self, state: &Mutex<State>) -> Option<AsOf> {
        let state = state.lock();
        as_of(&state.loaded, self.id, state.rested)
    }

    /// The way to the cloud for what is read: a look that somebody asked for has the share of what
    /// somebody only wants to know. What follows from it is routine of the engine's own.
    fn way_to_look(&self) -> &dyn Cloud {
        if self.interrupt.only_looks() {
            self.pass.inquiries
        } else {
            self.pass.way(self.insists)
        }
    }

    /// Reads what a plan needs to see, unless a command changes meanwhile what is to be seen.
    async fn look(
        &self,
        state: &Mutex<State>,
        needs: &BTreeSet<Query>,
    ) -> Result<Looked, JournalError> {
        let (loaded, freshness) = {
            let state = state.lock();
            (Arc::clone(&state.loaded), state.freshness.clone())
        };
        let Some((network, peering)) = on_record(&loaded, self.id) else {
            return Ok(Looked::Interrupted);
        };
        let cloud = self.way_to_look();
        let read = self
            .observation
            .query(cloud, network, peering, needs, &freshness);
        let read = self.trace.of(None, read);
        tokio::pin!(read);
        loop {
            tokio::select! {
                biased;
                result = &mut read => return Ok(match result {
                    Ok(()) => Looked::Seen,
                    Err(unseen) => Looked::Failed(unseen),
                }),
                () = self.pass.stop.cancelled() => return Ok(Looked::Interrupted),
                () = self.interrupt.notified() => {
                    let rested = state.lock().rested;
                    let before = as_of(&loaded, self.id, rested);
                    let after = self.read_again(state).await?;
                    if as_of(&after, self.id, rested) != before {
                        // A call that is about to answer would have to be made again, and the
                        // session that it opens as well.
                        tokio::select! {
                            biased;
                            _ = &mut read => {}
                            () = self.pass.stop.cancelled() => {}
                            () = tokio::time::sleep(ANSWERS_SOON) => {}
                        }
                        return Ok(Looked::Interrupted);
                    }
                }
            }
        }
    }

    /// Whether the peering is given up, and this side with it: what cannot be seen there is named,
    /// and waited for only where the side is to be cleaned up.
    fn gives_up(&self, state: &Mutex<State>, side: Side) -> bool {
        let cleans = self.plan(state, |facts| plan::cleans(facts) == Some(side));
        let state = state.lock();
        let gives_up = on_record(&state.loaded, self.id)
            .is_some_and(|(_, it)| matches!(it.life, Life::Abandoning { .. }));
        gives_up && !cleans.is_some_and(|(cleans, _)| cleans)
    }

    fn loaded(&self, state: &Mutex<State>) -> Arc<Loaded> {
        Arc::clone(&state.lock().loaded)
    }

    fn is_on_record(&self, state: &Mutex<State>) -> bool {
        let is_live = |(_, peering): (&Registered, &Peering)| peering.life.is_live();
        on_record(&state.lock().loaded, self.id).is_some_and(is_live)
    }
}

impl Closed {
    fn failed(error: CloudError) -> Self {
        Self {
            failure: Some(error),
            polls: false,
        }
    }
}

/// The operation that this step says to have failed.
fn given_up(step: &Step) -> Option<&HalfOperationFailed> {
    if let Step::Record(Outcome::HalfOperationFailed(it)) = step {
        Some(it)
    } else {
        None
    }
}

/// The first failure, and on which side.
fn first(failed: BySide<Option<CloudError>>) -> Option<(Side, CloudError)> {
    let local = failed.local.map(|error| (Side::Local, error));
    local.or(failed.remote.map(|error| (Side::Remote, error)))
}
