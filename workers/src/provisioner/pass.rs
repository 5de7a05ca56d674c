//! One pass over one network: load, then for each peering that is due observe → plan → apply and
//! record, until nothing is left to do.
//!
//! A pass takes no argument that says what has changed. It holds no lock and can be dropped at any
//! instant: whatever was on its way is found again by the next one, in the log or at the cloud.

use super::{
    apply::{Action, Report, apply, check_identity},
    block::{self, Verdict},
    graph::Graph,
    logbook::{Logbook, Written},
    memory::{AsOf, Memory, Outlook},
    observe::Observed,
    place,
    plan::{Facts, Next, Plan, Step, closing, plan},
    settings::ProvisionerSettings,
    survey::Survey,
};
use chrono::{DateTime, Utc};
use cloud::{Cloud, CloudError};
use domain::{
    BySide, PeeringId, Side,
    network::{Network, Outcome, Peering, PeeringInitiationRefused, Registered},
    text::FirewallGroup,
};
use journal::{Clock, JournalError, Loaded};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What one process remembers of a network's peerings.
pub(super) type Memories = BTreeMap<PeeringId, Memory>;

/// How many plans one peering may need in a row; far more than any life has steps. What is left
/// then is due at once.
const ROUNDS: usize = 128;

/// Everything that a pass works with.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) cloud: &'a dyn Cloud,
    pub(super) book: &'a dyn Logbook,
    pub(super) clock: &'a Clock,
    pub(super) settings: &'a ProvisionerSettings,
    pub(super) graph: &'a RwLock<Graph>,
    pub(super) stop: &'a CancellationToken,
}

/// What the steps of a plan came to.
struct Carried {
    page: Arc<Loaded>,
    /// The first failure, and on which side.
    failure: Option<(Side, CloudError)>,
    /// Whether an outcome no longer followed, so that the rest was left.
    stale: bool,
}

impl Pass<'_> {
    /// Works on every peering of the network that is due. Says when something is due again without
    /// any event.
    pub(super) async fn visit(
        &self,
        memories: &mut Memories,
    ) -> Result<Option<Instant>, JournalError> {
        let mut page = self.book.load().await?;
        if let Some(first) = page.undecodable.first() {
            tracing::error!(
                revision = first.revision,
                event_type = first.event_type,
                "part of the network's history cannot be read; left alone"
            );
            return Ok(None);
        }
        let Network::Registered(network) = &page.network else {
            return Ok(None);
        };
        let live: Vec<PeeringId> = network.live_peerings().map(|peering| peering.id).collect();
        memories.retain(|id, _| live.contains(id));
        // Whoever has nothing to do is looked at when the first of them is: one read serves them
        // all.
        let upkeep = memories
            .values()
            .any(|memory| memory.settled && memory.time_has_come());
        let mut survey = Survey::default();
        for id in live {
            let memory = memories.entry(id).or_default();
            if !(memory.is_due(as_of(&page, id).as_ref()) || upkeep && memory.settled) {
                continue;
            }
            let (after, outlook) = self.attend(page, id, memory, &mut survey).await?;
            page = after;
            memory.schedule(outlook, as_of(&page, id), self.settings);
        }
        Ok(memories.values().filter_map(|memory| memory.due).min())
    }

    /// Works on one peering until nothing is left to do for now.
    pub(super) async fn attend(
        &self,
        mut page: Arc<Loaded>,
        id: PeeringId,
        memory: &mut Memory,
        survey: &mut Survey,
    ) -> Result<(Arc<Loaded>, Outlook), JournalError> {
        survey.freshen();
        for _ in 0..ROUNDS {
            if self.stop.is_cancelled() {
                return Ok((page, Next::Poll.into()));
            }
            let Some((network, peering)) = on_record(&page, id) else {
                return Ok((page, Next::Settled.into()));
            };
            let now = (self.clock)();
            let Plan {
                asks,
                steps,
                next,
                missing,
                due,
            } = self.plan(network, peering, survey, memory, now, plan);
            if !asks.is_empty() {
                if let Err(unseen) = survey.look(self.cloud, network, peering, &asks).await {
                    let page = self
                        .close_beside(unseen.side, page, id, survey, memory)
                        .await?;
                    let (page, next) = self
                        .failed(page, id, unseen.side, &unseen.error, memory)
                        .await?;
                    return Ok((page, next.into()));
                }
                continue;
            }
            tracing::debug!(peering = %id, ?steps, ?next, "planned");
            memory.note_missing(&missing, now);
            let planned_on = page.revision;
            let carried = self.carry_out(steps, page, id, survey, memory).await?;
            page = carried.page;
            if carried.stale {
                page = self.book.load().await?;
                *survey = Survey::default();
                continue;
            }
            if let Some((side, error)) = carried.failure {
                let (page, next) = self.failed(page, id, side, &error, memory).await?;
                return Ok((page, next.into()));
            }
            // What was recorded, or what somebody asked for meanwhile, is on record now: whether
            // nothing is left to do is for a plan on that.
            if next != Next::AtOnce && page.revision == planned_on {
                let due_in = due.map(|due| (due - now).to_std().unwrap_or(Duration::ZERO));
                return Ok((page, Outlook { next, due_in }));
            }
        }
        Ok((page, Next::Poll.into()))
    }

    /// A side that cannot be seen holds up everything but this: what is no longer admitted on the
    /// other side is closed there.
    async fn close_beside(
        &self,
        unseen: Side,
        page: Arc<Loaded>,
        id: PeeringId,
        survey: &mut Survey,
        memory: &mut Memory,
    ) -> Result<Arc<Loaded>, JournalError> {
        let side = unseen.other();
        for _ in 0..2 {
            let Some((network, peering)) = on_record(&page, id) else {
                break;
            };
            let Plan { asks, steps, .. } =
                self.plan(network, peering, survey, memory, (self.clock)(), |facts| {
                    closing(facts, side)
                });
            if asks.is_empty() {
                return Ok(self.carry_out(steps, page, id, survey, memory).await?.page);
            }
            if let Err(also) = survey.look(self.cloud, network, peering, &asks).await {
                tracing::warn!(peering = %id, %side, error = %also.error, "what is to be closed cannot be seen either");
                break;
            }
        }
        Ok(page)
    }

    fn plan(
        &self,
        network: &Registered,
        peering: &Peering,
        survey: &Survey,
        memory: &Memory,
        now: DateTime<Utc>,
        judge: impl FnOnce(&Facts<'_>) -> Plan,
    ) -> Plan {
        let seen = Observed::of(survey, network, peering);
        let limits = BySide::of(|side| self.cloud.limits(&place::of(network, peering, side)));
        let graph = self.graph.read().unwrap_or_else(PoisonError::into_inner);
        let seen_at = now - survey.age();
        judge(&Facts {
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
    async fn carry_out(
        &self,
        steps: Vec<Step>,
        mut page: Arc<Loaded>,
        id: PeeringId,
        survey: &mut Survey,
        memory: &mut Memory,
    ) -> Result<Carried, JournalError> {
        let mut failure: Option<(Side, CloudError)> = None;
        let mut made: BySide<Option<FirewallGroup>> = BySide::default();
        let stale = |page| {
            Ok(Carried {
                page,
                failure: None,
                stale: true,
            })
        };
        for step in steps {
            if let Some(side) = step.side() {
                if failure.as_ref().is_some_and(|(failed, _)| *failed == side) {
                    continue;
                }
                let Some((network, peering)) = on_record(&page, id) else {
                    return stale(page);
                };
                if let Err(error) = self.identify(network, peering, side, survey).await {
                    failure.get_or_insert((side, error));
                    continue;
                }
            }
            let action = match step {
                Step::Record(outcome) => match self.book.record(&page, outcome).await? {
                    Written::New(after) | Written::Known(after) => {
                        page = after;
                        continue;
                    }
                    Written::Stale => return stale(page),
                },
                Step::Intend(started) => match self
                    .book
                    .record(&page, Outcome::InitiationStarted(started))
                    .await?
                {
                    Written::New(after) => {
                        page = after;
                        continue;
                    }
                    // Another one is at it, or was: whether it made a link is for the next look to
                    // say.
                    Written::Known(after) => return stale(after),
                    Written::Stale => return stale(page),
                },
                Step::Act(action) => action,
                Step::AdmitInNew { side, rule } => match made.get(side).clone() {
                    Some(group) => Action::AuthorizeRule { side, group, rule },
                    None => continue,
                },
            };
            let (after, done) = self.act(page, id, &action, survey, memory).await?;
            page = after;
            match done {
                Ok(group) => {
                    if group.is_some() {
                        *made.get_mut(action.side()) = group;
                    }
                }
                Err(error) => drop(failure.get_or_insert((action.side(), error))),
            }
        }
        Ok(Carried {
            page,
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
        survey: &mut Survey,
    ) -> Result<(), CloudError> {
        let at = place::of(network, peering, side);
        if survey.identities.get(&at) != Some(&at.account) {
            check_identity(self.cloud, network, peering, side).await?;
            survey.identities.insert(at.clone(), at.account);
        }
        Ok(())
    }

    /// Carries out one action. Gives the group, if it made one.
    async fn act(
        &self,
        page: Arc<Loaded>,
        id: PeeringId,
        action: &Action,
        survey: &mut Survey,
        memory: &mut Memory,
    ) -> Result<(Arc<Loaded>, Result<Option<FirewallGroup>, CloudError>), JournalError> {
        let Some((network, peering)) = on_record(&page, id) else {
            return Ok((page, Ok(None)));
        };
        let report = apply(self.cloud, network, peering, action).await;
        survey.forget(network, peering, action.side(), action.touches());
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
                Ok((page, Ok(made)))
            }
            Report::Failed(error) => match action {
                Action::CreateLink { attempt } if error.definitely_not_applied() => {
                    let refused = PeeringInitiationRefused {
                        peering_id: id,
                        attempt: *attempt,
                    };
                    let page = match self
                        .book
                        .record(&page, Outcome::InitiationRefused(refused))
                        .await?
                    {
                        Written::New(after) | Written::Known(after) => after,
                        Written::Stale => page,
                    };
                    Ok((page, Err(error)))
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
                | Action::TagFirewall { .. } => Ok((page, Err(error))),
            },
        }
    }

    /// Weighs a failure, and puts it on record if somebody must act.
    async fn failed(
        &self,
        page: Arc<Loaded>,
        id: PeeringId,
        side: Side,
        error: &CloudError,
        memory: &mut Memory,
    ) -> Result<(Arc<Loaded>, Next), JournalError> {
        let Some((network, peering)) = on_record(&page, id) else {
            return Ok((page, Next::Settled));
        };
        tracing::warn!(peering = %id, %side, %error, request_id = error.request_id, failures = memory.failures, "provisioning failed");
        memory.failures = memory.failures.saturating_add(1);
        let Verdict::Block(cause) = block::weigh(error, memory.failures) else {
            return Ok((page, Next::Poll));
        };
        let permissions = self.cloud.permissions(error.operation);
        let block = block::from_error(network, peering, side, cause, error, &permissions);
        let Some(news) = block::news(peering, block) else {
            return Ok((page, Next::Blocked));
        };
        match self.book.record(&page, news).await? {
            Written::New(after) | Written::Known(after) => Ok((after, Next::Blocked)),
            Written::Stale => Ok((page, Next::Blocked)),
        }
    }
}

fn on_record(page: &Loaded, id: PeeringId) -> Option<(&Registered, &Peering)> {
    match &page.network {
        Network::Registered(network) => network.peerings.get(&id).map(|peering| (network, peering)),
        Network::Unregistered | Network::Retired(_) => None,
    }
}

fn as_of(page: &Loaded, id: PeeringId) -> Option<AsOf> {
    on_record(page, id).and_then(|(network, _)| AsOf::of(network, id))
}
