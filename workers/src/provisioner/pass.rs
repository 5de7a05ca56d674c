//! One pass over one network: load, then for each peering that is due observe → plan → apply and
//! record, until nothing is left to do.
//!
//! A pass takes no argument that says what has changed. It holds no lock and can be dropped at any
//! instant: whatever was on its way is found again by the next one, in the log or at the cloud.

use super::{
    apply::{Action, Report, apply, check_identity},
    block::{self, Verdict},
    graph::Graph,
    log::{NetworkLog, Written},
    memory::{AsOf, Memory, Outlook},
    observation::Observation,
    observe::Observed,
    plan::{Facts, Next, Plan, Step, closing, plan},
    settings::ProvisionerSettings,
    sides,
};
use chrono::{DateTime, Utc};
use cloud::{Cloud, CloudError};
use domain::{
    BySide, PeeringId, Side,
    network::{Network, Outcome, Peering, PeeringInitiationRefused, Registered},
    text::FirewallGroup,
};
use journal::{Clock, JournalError, Loaded};
use parking_lot::RwLock;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What one process remembers of a network's peerings.
pub(super) type Memories = BTreeMap<PeeringId, Memory>;

/// How many plans one peering may need in a row; far more than any life has steps. What is left
/// then is due at once.
const MOST_PLANS: usize = 128;

/// Everything that a pass works with.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) cloud: &'a dyn Cloud,
    pub(super) log: &'a dyn NetworkLog,
    pub(super) clock: &'a Clock,
    pub(super) settings: &'a ProvisionerSettings,
    pub(super) graph: &'a RwLock<Graph>,
    pub(super) stop: &'a CancellationToken,
}

/// What the steps of a plan came to.
struct StepsRun {
    loaded: Arc<Loaded>,
    /// The first failure, and on which side.
    failure: Option<(Side, CloudError)>,
    /// Whether an outcome no longer followed, so that the rest was left.
    stale: bool,
}

impl Pass<'_> {
    /// Works on every peering of the network that is due. Says when something is due again without
    /// any event.
    pub(super) async fn run(
        &self,
        memories: &mut Memories,
    ) -> Result<Option<Instant>, JournalError> {
        let mut loaded = self.log.load().await?;
        if let Some(first) = loaded.undecodable.first() {
            tracing::error!(
                revision = first.revision,
                event_type = first.event_type,
                "part of the network's history cannot be read; left alone"
            );
            return Ok(None);
        }
        let Network::Registered(network) = &loaded.network else {
            return Ok(None);
        };
        let live: Vec<PeeringId> = network.live_peerings().map(|peering| peering.id).collect();
        memories.retain(|id, _| live.contains(id));
        // Whoever has nothing to do is looked at when the first of them is: one read serves them
        // all.
        let upkeep = memories
            .values()
            .any(|memory| memory.settled && memory.time_has_come());
        let mut observation = Observation::default();
        for id in live {
            let memory = memories.entry(id).or_default();
            if !(memory.is_due(as_of(&loaded, id).as_ref()) || upkeep && memory.settled) {
                continue;
            }
            let (after, outlook) = self.reconcile(loaded, id, memory, &mut observation).await?;
            loaded = after;
            memory.schedule(outlook, as_of(&loaded, id), self.settings);
        }
        Ok(memories.values().filter_map(|memory| memory.due).min())
    }

    /// Works on one peering until nothing is left to do for now.
    pub(super) async fn reconcile(
        &self,
        mut loaded: Arc<Loaded>,
        id: PeeringId,
        memory: &mut Memory,
        observation: &mut Observation,
    ) -> Result<(Arc<Loaded>, Outlook), JournalError> {
        observation.freshen();
        for _ in 0..MOST_PLANS {
            if self.stop.is_cancelled() {
                return Ok((loaded, Next::Poll.into()));
            }
            let Some((network, peering)) = on_record(&loaded, id) else {
                return Ok((loaded, Next::Settled.into()));
            };
            let now = (self.clock)();
            let Plan {
                needs,
                steps,
                next,
                missing,
                due,
            } = self.plan(network, peering, observation, memory, now, plan);
            if !needs.is_empty() {
                if let Err(unseen) = observation.look(self.cloud, network, peering, &needs).await {
                    let loaded = self
                        .close_beside(unseen.side, loaded, id, observation, memory)
                        .await?;
                    let (loaded, next) = self
                        .failed(loaded, id, unseen.side, &unseen.error, memory)
                        .await?;
                    return Ok((loaded, next.into()));
                }
                continue;
            }
            tracing::debug!(peering = %id, ?steps, ?next, "planned");
            memory.note_missing(&missing, now);
            let planned_on = loaded.revision;
            let ran = self
                .run_steps(steps, loaded, id, observation, memory)
                .await?;
            loaded = ran.loaded;
            if ran.stale {
                loaded = self.log.load().await?;
                *observation = Observation::default();
                continue;
            }
            if let Some((side, error)) = ran.failure {
                let (loaded, next) = self.failed(loaded, id, side, &error, memory).await?;
                return Ok((loaded, next.into()));
            }
            // What was recorded, or what somebody asked for meanwhile, is on record now: whether
            // nothing is left to do is for a plan on that.
            if next != Next::AtOnce && loaded.revision == planned_on {
                let due_in = due.map(|due| (due - now).to_std().unwrap_or(Duration::ZERO));
                return Ok((loaded, Outlook { next, due_in }));
            }
        }
        Ok((loaded, Next::Poll.into()))
    }

    /// A side that cannot be seen holds up everything but this: what is no longer admitted on the
    /// other side is closed there.
    async fn close_beside(
        &self,
        unseen: Side,
        loaded: Arc<Loaded>,
        id: PeeringId,
        observation: &mut Observation,
        memory: &mut Memory,
    ) -> Result<Arc<Loaded>, JournalError> {
        let side = unseen.other();
        for _ in 0..2 {
            let Some((network, peering)) = on_record(&loaded, id) else {
                break;
            };
            let Plan { needs, steps, .. } = self.plan(
                network,
                peering,
                observation,
                memory,
                (self.clock)(),
                |facts| closing(facts, side),
            );
            if needs.is_empty() {
                return Ok(self
                    .run_steps(steps, loaded, id, observation, memory)
                    .await?
                    .loaded);
            }
            if let Err(also) = observation.look(self.cloud, network, peering, &needs).await {
                tracing::warn!(peering = %id, %side, error = %also.error, "what is to be closed cannot be seen either");
                break;
            }
        }
        Ok(loaded)
    }

    fn plan(
        &self,
        network: &Registered,
        peering: &Peering,
        observation: &Observation,
        memory: &Memory,
        now: DateTime<Utc>,
        make: impl FnOnce(&Facts<'_>) -> Plan,
    ) -> Plan {
        let seen = Observed::of(observation, network, peering);
        let limits = BySide::of(|side| self.cloud.limits(&sides::of(network, peering, side)));
        let graph = self.graph.read();
        let seen_at = now - observation.age();
        make(&Facts {
            network,
            peering,
            seen: &seen,
            memory,
            graph: &graph,
            limits,
            now,
            seen_at,
            settings: self.settings,
        })
    }

    /// The steps in order. A failed action leaves out the rest of its side and of what follows from
    /// it, not the other side's.
    async fn run_steps(
        &self,
        steps: Vec<Step>,
        mut loaded: Arc<Loaded>,
        id: PeeringId,
        observation: &mut Observation,
        memory: &mut Memory,
    ) -> Result<StepsRun, JournalError> {
        let mut failure: Option<(Side, CloudError)> = None;
        let mut made: BySide<Option<FirewallGroup>> = BySide::default();
        let stale = |loaded| {
            Ok(StepsRun {
                loaded,
                failure: None,
                stale: true,
            })
        };
        for step in steps {
            if let Some(side) = step.side() {
                if failure.as_ref().is_some_and(|(failed, _)| *failed == side) {
                    continue;
                }
                let Some((network, peering)) = on_record(&loaded, id) else {
                    return stale(loaded);
                };
                if let Err(error) = self.identify(network, peering, side, observation).await {
                    failure.get_or_insert((side, error));
                    continue;
                }
            }
            let action = match step {
                Step::Record(outcome) => match self.log.record(&loaded, outcome).await? {
                    Written::New(after) | Written::Known(after) => {
                        loaded = after;
                        continue;
                    }
                    Written::Stale => return stale(loaded),
                },
                Step::Intend(started) => match self
                    .log
                    .record(&loaded, Outcome::InitiationStarted(started))
                    .await?
                {
                    Written::New(after) => {
                        loaded = after;
                        continue;
                    }
                    // Another one is at it, or was: whether it made a link is for the next pass to
                    // say.
                    Written::Known(after) => return stale(after),
                    Written::Stale => return stale(loaded),
                },
                Step::Act(action) => action,
                Step::AdmitInNew { side, rule } => match made.get(side).clone() {
                    Some(group) => Action::AuthorizeRule { side, group, rule },
                    None => continue,
                },
            };
            let (after, done) = self.act(loaded, id, &action, observation, memory).await?;
            loaded = after;
            match done {
                Ok(group) => {
                    if group.is_some() {
                        *made.get_mut(action.side()) = group;
                    }
                }
                Err(error) => drop(failure.get_or_insert((action.side(), error))),
            }
        }
        Ok(StepsRun {
            loaded,
            failure,
            stale: false,
        })
    }

    /// Makes sure whose account is changed, once for a batch of changes: what was seen of that is
    /// good for as long as what was read.
    async fn identify(
        &self,
        network: &Registered,
        peering: &Peering,
        side: Side,
        observation: &mut Observation,
    ) -> Result<(), CloudError> {
        let at = sides::of(network, peering, side);
        if observation.identities.get(&at) != Some(&at.account) {
            check_identity(self.cloud, network, peering, side).await?;
            observation.identities.insert(at.clone(), at.account);
        }
        Ok(())
    }

    /// Carries out one action. Gives the group, if it made one.
    async fn act(
        &self,
        loaded: Arc<Loaded>,
        id: PeeringId,
        action: &Action,
        observation: &mut Observation,
        memory: &mut Memory,
    ) -> Result<(Arc<Loaded>, Result<Option<FirewallGroup>, CloudError>), JournalError> {
        let Some((network, peering)) = on_record(&loaded, id) else {
            return Ok((loaded, Ok(None)));
        };
        let report = apply(self.cloud, network, peering, action).await;
        observation.forget(network, peering, action.side(), action.touches());
        tracing::info!(peering = %id, ?action, ?report, "acted");
        if let Action::AcceptLink { link, .. } = action
            && !matches!(&report, Report::Failed(error) if error.definitely_not_applied())
        {
            memory.accepted = Some(link.clone());
        }
        match report {
            Report::Answered { made } => {
                memory.note_answered(action, (self.clock)());
                memory.failures = 0;
                memory.polls = 0;
                Ok((loaded, Ok(made)))
            }
            Report::Failed(error) => match action {
                Action::CreateLink { attempt } if error.definitely_not_applied() => {
                    let refused = PeeringInitiationRefused {
                        peering_id: id,
                        attempt: *attempt,
                    };
                    let loaded = match self
                        .log
                        .record(&loaded, Outcome::InitiationRefused(refused))
                        .await?
                    {
                        Written::New(after) | Written::Known(after) => after,
                        Written::Stale => loaded,
                    };
                    Ok((loaded, Err(error)))
                }
                Action::CreateLink { .. }
                | Action::AcceptLink { .. }
                | Action::DeleteLink { .. }
                | Action::TagLink { .. }
                | Action::SetDnsResolution { .. }
                | Action::InstallRoute { .. }
                | Action::RemoveRoute { .. }
                | Action::CreateGroup { .. }
                | Action::DeleteGroup { .. }
                | Action::AuthorizeRule { .. }
                | Action::RevokeRule { .. }
                | Action::TagFirewall { .. } => Ok((loaded, Err(error))),
            },
        }
    }

    /// Weighs a failure, and puts it on record if somebody must act.
    async fn failed(
        &self,
        loaded: Arc<Loaded>,
        id: PeeringId,
        side: Side,
        error: &CloudError,
        memory: &mut Memory,
    ) -> Result<(Arc<Loaded>, Next), JournalError> {
        let Some((network, peering)) = on_record(&loaded, id) else {
            return Ok((loaded, Next::Settled));
        };
        tracing::warn!(peering = %id, %side, %error, request_id = error.request_id, failures = memory.failures, "provisioning failed");
        memory.failures = memory.failures.saturating_add(1);
        let Verdict::Block(cause) = block::classify(error, memory.failures) else {
            return Ok((loaded, Next::Poll));
        };
        let permissions = self.cloud.permissions(error.operation);
        let block = block::from_error(network, peering, side, cause, error, &permissions);
        let Some(news) = block::news(peering, block) else {
            return Ok((loaded, Next::Blocked));
        };
        match self.log.record(&loaded, news).await? {
            Written::New(after) | Written::Known(after) => Ok((after, Next::Blocked)),
            Written::Stale => Ok((loaded, Next::Blocked)),
        }
    }
}

fn on_record(loaded: &Loaded, id: PeeringId) -> Option<(&Registered, &Peering)> {
    match &loaded.network {
        Network::Registered(network) => network.peerings.get(&id).map(|peering| (network, peering)),
        Network::Unregistered | Network::Retired(_) => None,
    }
}

fn as_of(loaded: &Loaded, id: PeeringId) -> Option<AsOf> {
    on_record(loaded, id).and_then(|(network, _)| AsOf::of(network, id))
}
