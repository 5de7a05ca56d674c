//! The steps of a plan: the record first, then one call after the other, each looked at in the
//! light of the record as it is then.

use super::{PeeringPass, State, StepsRun};
use crate::provisioner::{
    apply::{Action, Report, apply, check_identity},
    block::{self, Failures, Verdict},
    context::on_record,
    log::Written,
    outlook::{Next, Outlook},
    plan::Step,
    sides,
    turns::operation_of,
};
use cloud::{CloudError, CloudErrorKind, LinkForm, Operation};
use domain::{
    BySide, Side,
    network::{
        BlockCause, HalfOperationFailed, HalfOperationStarted, Life, Outcome, Peering,
        PeeringInitiationRefused, ProvisioningUnblocked, Registered,
    },
    text::{CloudOperation, FirewallGroup},
};
use journal::{JournalError, Loaded};
use parking_lot::Mutex;
use std::sync::Arc;

impl PeeringPass<'_> {
    /// The steps in order. A failed action leaves out the rest of its side and of what follows from
    /// it, not the other side's.
    pub(super) async fn run_steps(
        &self,
        state: &Mutex<State>,
        steps: Vec<Step>,
        failed: BySide<Option<CloudError>>,
    ) -> Result<StepsRun, JournalError> {
        let mut ran = StepsRun {
            failed,
            stale: false,
        };
        let mut made: BySide<Option<FirewallGroup>> = BySide::default();
        for step in together(steps) {
            let (step, also) = match step {
                Together::Step(step) => (step, Vec::new()),
                Together::Records(first, also) => (Step::Record(first), also),
            };
            if let Some(side) = step.side() {
                if ran.failed.get(side).is_some() {
                    continue;
                }
                if self.pass.stop.is_cancelled() || !self.is_on_record(state) {
                    return Ok(StepsRun::stale());
                }
                if let Err(error) = self.identify(state, side).await {
                    *ran.failed.get_mut(side) = Some(error);
                    continue;
                }
            }
            let action = match step {
                Step::Record(outcome) => match self.record_all(state, outcome, also).await? {
                    Written::New(_) | Written::Known(_) => continue,
                    Written::Stale => return Ok(StepsRun::stale()),
                },
                // Another one is at it, or was: whether it made a link is for the next read to say.
                Step::Intend(started) => match self
                    .record(state, Outcome::InitiationStarted(started))
                    .await?
                {
                    Written::New(_) => continue,
                    Written::Known(_) | Written::Stale => return Ok(StepsRun::stale()),
                },
                Step::BeginHalf(started) => match self
                    .record(state, Outcome::HalfChangeStarted(started))
                    .await?
                {
                    Written::New(_) | Written::Known(_) => continue,
                    Written::Stale => return Ok(StepsRun::stale()),
                },
                Step::Begin(started) => match self
                    .record(state, Outcome::InstallationStarted(started))
                    .await?
                {
                    Written::New(_) | Written::Known(_) => continue,
                    Written::Stale => return Ok(StepsRun::stale()),
                },
                Step::Act(action) => action,
                Step::AdmitInNew { side, rule } => match made.get(side).clone() {
                    Some(group) => Action::AuthorizeRule { side, group, rule },
                    None => continue,
                },
            };
            if !self.is_asked_for(state, &action).await? {
                return Ok(StepsRun::stale());
            }
            match self.act(state, &action).await? {
                Ok(None) => {}
                Ok(group) => *made.get_mut(action.side()) = group,
                Err(error) => {
                    ran.failed.get_mut(action.side()).get_or_insert(error);
                }
            }
        }
        Ok(ran)
    }

    /// Whether an action is still to be made: one that opens something is compared with the record
    /// as that is now, and no call is made once the engine stops.
    pub(super) async fn is_asked_for(
        &self,
        state: &Mutex<State>,
        action: &Action,
    ) -> Result<bool, JournalError> {
        if action.opens() {
            self.read_again(state).await?;
            if self.pass.rest.now() {
                return Ok(false);
            }
        }
        let loaded = self.loaded(state);
        let is_asked_for = on_record(&loaded, self.id)
            .is_some_and(|(network, peering)| action.is_asked_for(network, peering));
        Ok(is_asked_for && !self.pass.stop.is_cancelled())
    }

    /// Makes sure whose account is changed, once for a batch of changes: what was seen of that is
    /// good for as long as what was read.
    pub(super) async fn identify(
        &self,
        state: &Mutex<State>,
        side: Side,
    ) -> Result<(), CloudError> {
        let (loaded, freshness) = {
            let state = state.lock();
            (Arc::clone(&state.loaded), state.freshness.clone())
        };
        let Some((network, peering)) = on_record(&loaded, self.id) else {
            return Ok(());
        };
        let at = sides::of(network, peering, side);
        let known = self
            .observation
            .reads
            .lock()
            .identity(&at, side, &freshness);
        if known.as_ref() != Some(&at.account) {
            let cloud = self.way_to_look();
            self.trace
                .of(None, check_identity(cloud, network, peering, side))
                .await
                .inspect_err(|error| self.observation.note_failure(error))?;
            self.observation.note_identity(at);
        }
        Ok(())
    }

    /// Makes one change. Gives the group, if it made one.
    pub(super) async fn act(
        &self,
        state: &Mutex<State>,
        action: &Action,
    ) -> Result<Result<Option<FirewallGroup>, CloudError>, JournalError> {
        let loaded = self.loaded(state);
        let Some((network, peering)) = on_record(&loaded, self.id) else {
            return Ok(Ok(None));
        };
        let report = self.in_turn(network, peering, action).await;
        let is_refused = matches!(&report, Report::Failed(error) if error.definitely_not_applied());
        state.lock().has_made |= action.opens() && !is_refused;
        let now = (self.pass.clock)();
        tracing::info!(?action, ?report, "acted");
        {
            let state = &mut *state.lock();
            let (side, touches) = (action.side(), action.touches());
            let form = LinkForm::of(network.provider);
            self.observation
                .touch(&mut state.freshness, side, touches, form);
            if let Action::AcceptLink { link, .. } = action
                && !matches!(&report, Report::Failed(error) if error.definitely_not_applied())
            {
                state.memory.accepted = Some(link.clone());
            }
            // What has only begun may still fail.
            let only_begun = matches!(&report, Report::Answered { began: Some(_), .. });
            if let Report::Answered { .. } = &report {
                state.memory.note_answered(action, now);
                if !only_begun {
                    state.memory.note_success();
                }
            }
        }
        match report {
            Report::Answered { made, began } => {
                if let Some(operation) = began {
                    self.record_operation(state, action.side(), operation)
                        .await?;
                }
                Ok(Ok(made))
            }
            Report::Failed(error) => {
                self.observation.note_failure(&error);
                let put_off = error.kind == CloudErrorKind::Busy;
                if let Action::CreateLink { attempt } = action {
                    state.lock().memory.put_off = put_off.then_some(*attempt);
                }
                if let Action::CreateLink { attempt } = action
                    && error.definitely_not_applied()
                    && !put_off
                {
                    let refused = PeeringInitiationRefused {
                        peering_id: self.id,
                        attempt: *attempt,
                        cause: block::cause(&error),
                    };
                    self.record(state, Outcome::InitiationRefused(refused))
                        .await?;
                }
                Ok(Err(error))
            }
        }
    }

    /// The change, once it is its turn at both ends; until then it is put off.
    async fn in_turn(&self, network: &Registered, peering: &Peering, action: &Action) -> Report {
        let cloud = self.pass.way(self.insists);
        let ends = sides::networks(network, peering);
        let at = &ends.get(action.side()).at;
        let Ok(turn) = self.pass.turns.take(cloud, &ends, action).await else {
            let busy = CloudError::new(operation_of(action), at, CloudErrorKind::Busy);
            return Report::Failed(busy.message("another change of this engine's is under way"));
        };
        let work = apply(cloud, network, peering, action);
        let report = self.trace.of(action.thing(), work).await;
        if let (
            Some(turn),
            Report::Answered {
                began: Some(it), ..
            },
        ) = (turn, &report)
        {
            turn.keep(at.clone(), it.clone());
        }
        report
    }

    /// Puts on record under which name the cloud can be asked about the change of a half.
    async fn record_operation(
        &self,
        state: &Mutex<State>,
        side: Side,
        operation: CloudOperation,
    ) -> Result<(), JournalError> {
        let loaded = self.loaded(state);
        let request = on_record(&loaded, self.id)
            .and_then(|(_, peering)| peering.halves.get(side).request().map(|it| it.id));
        if let Some(request_id) = request {
            let started = HalfOperationStarted {
                peering_id: self.id,
                side,
                request_id,
                operation,
            };
            // What no longer follows is for the next look.
            self.record(state, Outcome::HalfOperationStarted(started))
                .await?;
        }
        Ok(())
    }

    /// Says what a failure means, and puts it on record if somebody must act.
    pub(super) async fn failed(
        &self,
        state: &Mutex<State>,
        side: Side,
        error: &CloudError,
    ) -> Result<Outlook, JournalError> {
        let loaded = self.loaded(state);
        let Some((network, peering)) = on_record(&loaded, self.id) else {
            return Ok(Next::Settled.into());
        };
        let (lasted, in_a_row) = {
            let memory = &mut state.lock().memory;
            let (now, patient) = ((self.pass.clock)(), block::is_lasting(error));
            let lasted = memory.note_failure(now, side, error.operation, patient);
            (lasted, memory.failures)
        };
        tracing::warn!(%side, %error, request_id = error.request_id, in_a_row, "provisioning failed");
        let now = (self.pass.clock)();
        if block::waits_for_owner(peering, side, error, now, self.pass.settings.owner_patience) {
            // What was in the way before is not any more.
            let blocked = peering.blocked.as_ref();
            if blocked.is_some_and(|it| it.cause != BlockCause::OptionPrecondition) {
                let peering_id = self.id;
                let unblocked = ProvisioningUnblocked { peering_id };
                self.record(state, Outcome::Unblocked(unblocked)).await?;
            }
            return Ok(Next::Blocked.into());
        }
        let failures = Failures {
            in_a_row,
            lasted,
            patience: self.pass.settings.block_patience,
        };
        let Verdict::Block(cause) = block::classify(error, failures) else {
            return Ok(Next::Poll.into());
        };
        let permissions = (self.pass.cloud).permissions(error.at.provider, error.operation);
        let block = block::from_error(network, peering, side, cause, error, &permissions);
        if let Some(news) = block::news(peering, block) {
            self.record(state, news).await?;
        }
        Ok(Next::Blocked.into())
    }

    /// What the cloud has tried and given up has failed as a call does, only later; and time hardly
    /// cures it.
    pub(super) async fn gave_up(
        &self,
        state: &Mutex<State>,
        it: &HalfOperationFailed,
    ) -> Result<Outlook, JournalError> {
        let loaded = self.loaded(state);
        let Some((network, peering)) = on_record(&loaded, self.id) else {
            return Ok(Next::Settled.into());
        };
        let operation = match (&peering.life, it.side) {
            (Life::Removing { .. } | Life::Abandoning { .. }, _) => Operation::DeleteLink,
            (_, Side::Local) => Operation::CreateLink,
            (_, Side::Remote) => Operation::AcceptLink,
        };
        let at = sides::of(network, peering, it.side);
        let message = format!("{} ended with an error: {}", it.operation, it.message);
        let (kind, about) = self.observation.error_of(&it.operation);
        // Another operation was in the way: that one ends, and then it is our turn.
        let is_lasting = kind != CloudErrorKind::Busy;
        let error = CloudError::new(operation, &at, kind)
            .about(about)
            .message(message);
        let outlook = self.failed(state, it.side, &error).await?;
        if is_lasting {
            state.lock().memory.patient = true;
        }
        Ok(outlook)
    }

    /// Puts an outcome on record, and takes the network as it is then.
    pub(super) async fn record(
        &self,
        state: &Mutex<State>,
        outcome: Outcome,
    ) -> Result<Written, JournalError> {
        self.record_all(state, outcome, Vec::new()).await
    }

    pub(super) async fn record_all(
        &self,
        state: &Mutex<State>,
        outcome: Outcome,
        also: Vec<Outcome>,
    ) -> Result<Written, JournalError> {
        let loaded = self.loaded(state);
        let outcomes = std::iter::once(outcome).chain(also).collect();
        let calls = self.trace.take();
        let written = self.pass.log.record_all(&loaded, outcomes, &calls).await?;
        if !matches!(&written, Written::New(_)) {
            self.trace.put_back(calls);
        }
        match &written {
            Written::New(after) | Written::Known(after) => {
                take(state, after);
                let is_over = !self.is_on_record(state);
                state.lock().has_ended_it |= is_over;
            }
            Written::Stale => {}
        }
        Ok(written)
    }

    pub(super) async fn read_again(
        &self,
        state: &Mutex<State>,
    ) -> Result<Arc<Loaded>, JournalError> {
        let after = self.pass.log.load().await?;
        take(state, &after);
        Ok(self.loaded(state))
    }

    /// What was planned no longer follows: the record and the cloud are read again.
    pub(super) async fn begin_anew(&self, state: &Mutex<State>) -> Result<(), JournalError> {
        self.read_again(state).await?;
        self.observation.anew(&mut state.lock().freshness);
        Ok(())
    }
}

/// A step, or records that are appended together.
enum Together {
    Step(Step),
    Records(Outcome, Vec<Outcome>),
}

/// How many records one append holds at most: a few hundred kB.
const MOST_TOGETHER: usize = 256;

/// Puts together what one observation has shown of exposures, of which there may be any number.
fn together(steps: Vec<Step>) -> Vec<Together> {
    let is_exposure = |it: &Outcome| matches!(it, Outcome::FirewallExposed(_));
    let mut all: Vec<Together> = Vec::new();
    for step in steps {
        match (step, all.last_mut()) {
            (Step::Record(outcome), Some(Together::Records(_, also)))
                if is_exposure(&outcome) && also.len() + 1 < MOST_TOGETHER =>
            {
                also.push(outcome);
            }
            (Step::Record(outcome), _) if is_exposure(&outcome) => {
                all.push(Together::Records(outcome, Vec::new()));
            }
            (step, _) => all.push(Together::Step(step)),
        }
    }
    all
}

/// What was read last, never something older.
fn take(state: &Mutex<State>, after: &Arc<Loaded>) {
    let state = &mut *state.lock();
    if after.revision >= state.loaded.revision {
        state.loaded = Arc::clone(after);
    }
}
