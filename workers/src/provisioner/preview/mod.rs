//! Preview: what would be done for a peering, without doing any of it.
//!
//! The same plan is made as by a pass, on what the cloud really shows; but what an action would
//! change is only imagined, and what would be recorded is folded in memory alone. So a preview
//! cannot differ from what will be done, as long as the world stays as it is.

mod links;
mod quotas;
mod shown;
#[cfg(test)]
mod tests;

pub use links::DiscoveredLink;
pub use shown::{CheckOutcome, CheckReport, PlannedAction, Preview, PreviewError, Subject};

use super::{
    apply::Action,
    dry_run,
    memory::Memory,
    observation::{Freshness, Observation},
    observe::Observed,
    outlook::Next,
    plan::{self, Facts, Plan, Step},
    query::Query,
    scheduler::Worker,
    sides,
};
use cloud::CloudError;
use domain::{
    Advisory, BySide, CommandId, Context, Ids, NetworkId, PeeringId, ServedClouds, Side,
    advisory::{Known, Usage, advisories_knowing},
    network::{
        Consent, Life, Network, NetworkCommand, Outcome, Peering, Refusal, Registered, decide,
        evolve,
    },
    text::Subnet,
};
use ipnet::IpNet;
use std::{collections::BTreeSet, fmt, sync::Arc};
use tokio::sync::SemaphorePermit;
use uuid::Uuid;

/// How many plans a life may need; far more than any has steps.
const MOST_PLANS: usize = 128;

/// Makes previews.
#[derive(Clone)]
pub struct Planner {
    worker: Arc<Worker>,
}

impl fmt::Debug for Planner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planner").finish_non_exhaustive()
    }
}

impl Planner {
    pub(super) fn of(worker: Arc<Worker>) -> Self {
        Self { worker }
    }

    /// One of those that may ask the cloud at the same time, for as long as this is held.
    fn ask(&self) -> Result<SemaphorePermit<'_>, PreviewError> {
        let asks = self.worker.inquirers.try_acquire();
        asks.map_err(|_| PreviewError::TooMany)
    }

    /// Looks at the cloud and says what would be done. Changes nothing, neither there nor in the
    /// log.
    pub async fn preview(
        &self,
        network: NetworkId,
        subject: Subject,
    ) -> Result<Preview, PreviewError> {
        let _asks = self.ask()?;
        let loaded = self.worker.networks.load(network).await?;
        if !loaded.is_whole() {
            return Err(PreviewError::Undecodable);
        }
        if let Network::Registered(network) = &loaded.network {
            self.worker.is_here(network)?;
        }
        let observation = Observation::default();
        let mut dry_run = DryRun {
            worker: &self.worker,
            network: loaded.network.clone(),
            freshness: observation.freshness(true),
            observation,
            advisories: Vec::new(),
            actions: Vec::new(),
        };
        let id = dry_run.set(network, subject)?;
        dry_run.advise(id);
        let mut checks = Vec::new();
        let waits_for = match dry_run.run(id, &mut checks).await {
            Ok(waits_for) => waits_for,
            Err((side, error)) => {
                let outcome = CheckOutcome::Failed {
                    message: error.to_string(),
                    remedy: Vec::new(),
                };
                checks.push(CheckReport {
                    check: error.operation.as_str(),
                    side: Some(side),
                    outcome,
                });
                None
            }
        };
        Ok(Preview {
            checks,
            advisories: dry_run.advisories,
            actions: dry_run.actions,
            waits_for,
        })
    }
}

/// A pass that is only played.
struct DryRun<'a> {
    worker: &'a Worker,
    network: Network,
    observation: Observation,
    freshness: Freshness,
    advisories: Vec<Advisory>,
    actions: Vec<PlannedAction>,
}

impl DryRun<'_> {
    /// Puts what is planned for into the scene.
    fn set(&mut self, network: NetworkId, subject: Subject) -> Result<PeeringId, Refusal> {
        let command: NetworkCommand = match subject {
            Subject::OnRecord(id) => {
                let (Network::Registered(on_record) | Network::Retired(on_record)) = &self.network
                else {
                    return Err(Refusal::NetworkUnknown);
                };
                return if on_record.peerings().contains_key(&id) {
                    Ok(id)
                } else {
                    Err(Refusal::PeeringUnknown { peering_id: id })
                };
            }
            Subject::Request(request) => request.into(),
            Subject::Adopt(adopt) => adopt.into(),
        };
        let ids = Ids::of(CommandId(Uuid::new_v5(&network.0, b"preview")));
        self.apply(&command, ids)?;
        Ok(ids.peering(network))
    }

    fn apply(&mut self, command: &NetworkCommand, ids: Ids) -> Result<(), Refusal> {
        let now = (self.worker.clock)();
        let places = self.worker.settings.places.clone();
        let context = Context {
            clouds: Some(Arc::new(ServedClouds::default().with_places(places))),
            ..Context::default()
        };
        let events = decide(&self.network, command, &context, now, ids)?;
        let network = std::mem::take(&mut self.network);
        self.network = events
            .iter()
            .fold(network, |network, event| evolve(network, event, now));
        Ok(())
    }

    fn facts(&self, id: PeeringId) -> Option<(&Registered, &Peering)> {
        match &self.network {
            Network::Registered(network) => network
                .peerings()
                .get(&id)
                .map(|peering| (network, peering)),
            Network::Unregistered | Network::Retired(_) | Network::Marked(_) => None,
        }
    }

    /// What the owner should know, as far as the cloud has been looked at.
    fn advise(&mut self, id: PeeringId) {
        let known = self.with_facts(id, known).unwrap_or_default();
        self.advisories = self
            .facts(id)
            .map(|(network, peering)| advisories_knowing(network, peering, &known))
            .unwrap_or_default();
    }

    /// Plays the peering's life as far as it goes. Says who must act then.
    async fn run(
        &mut self,
        id: PeeringId,
        checks: &mut Vec<CheckReport>,
    ) -> Result<Option<String>, (Side, CloudError)> {
        let Some((_, peering)) = self.facts(id).filter(|(_, peering)| peering.life.is_live())
        else {
            return Ok(None);
        };
        let kept: Vec<Side> = peering.kept_sides().collect();
        let all: [fn(Side) -> Query; 6] = [
            Query::Identity,
            Query::Network,
            Query::Subnets,
            Query::Links,
            Query::Tables,
            Query::Groups,
        ];
        self.look(
            id,
            &kept
                .iter()
                .flat_map(|side| all.map(|query| query(*side)))
                .collect(),
        )
        .await?;
        self.advise(id);
        self.check(id, &kept, checks).await?;
        // What an account tells of its quotas is known by now.
        self.advise(id);
        if checks
            .iter()
            .any(|report| matches!(report.outcome, CheckOutcome::Failed { .. }))
        {
            return Ok(Some(
                "whoever can end what the failed checks name".to_owned(),
            ));
        }
        for _ in 0..MOST_PLANS {
            let Plan {
                needs, steps, next, ..
            } = self.plan(id);
            if !needs.is_empty() {
                self.look(id, &needs).await?;
                continue;
            }
            let blocked = self.run_steps(id, steps);
            match next {
                Next::AtOnce => {}
                Next::Settled => return Ok(None),
                Next::Blocked => return Ok(blocked.or_else(|| self.blocked(id))),
                Next::Poll => return Ok(self.waiting(id)),
            }
        }
        Ok(None)
    }

    async fn look(
        &mut self,
        id: PeeringId,
        queries: &BTreeSet<Query>,
    ) -> Result<(), (Side, CloudError)> {
        let Network::Registered(network) = &self.network else {
            return Ok(());
        };
        let Some(peering) = network.peerings().get(&id) else {
            return Ok(());
        };
        self.observation
            .query(
                &self.worker.inquiries,
                network,
                peering,
                queries,
                &self.freshness,
            )
            .await
            .map_err(|unseen| (unseen.side, unseen.error))
    }

    /// Whose account each side is entered as, and everything that a first write waits for.
    async fn check(
        &mut self,
        id: PeeringId,
        kept: &[Side],
        checks: &mut Vec<CheckReport>,
    ) -> Result<(), (Side, CloudError)> {
        for side in kept {
            let Some((network, peering)) = self.facts(id) else {
                return Ok(());
            };
            let at = sides::of(network, peering, *side);
            let actual = self
                .observation
                .reads
                .lock()
                .identity(&at, *side, &self.freshness);
            let outcome = match actual {
                Some(actual) if actual != at.account => CheckOutcome::Failed {
                    message: format!("calls at {at} act in account {actual}"),
                    remedy: vec![format!("let Peerage act as account {}", at.account)],
                },
                Some(_) | None => CheckOutcome::Passed,
            };
            checks.push(CheckReport {
                check: "identity",
                side: Some(*side),
                outcome,
            });
            checks.extend(self.ask_quotas(id, *side).await);
        }
        loop {
            match self.with_facts(id, plan::preflight) {
                Some(Ok(reports)) => {
                    checks.extend(reports.into_iter().map(CheckReport::from));
                    return Ok(());
                }
                Some(Err(needs)) => self.look(id, &needs).await?,
                None => return Ok(()),
            }
        }
    }

    fn plan(&self, id: PeeringId) -> Plan {
        let of_side = |side| {
            let closings = self.with_facts(id, |facts| plan::closings(facts, side));
            closings.filter(|it| !it.needs.is_empty() || !it.steps.is_empty())
        };
        Side::BOTH
            .into_iter()
            .find_map(of_side)
            .or_else(|| self.with_facts(id, plan::plan))
            .unwrap_or_else(Plan::nothing)
    }

    fn with_facts<T>(&self, id: PeeringId, make: impl FnOnce(&Facts<'_>) -> T) -> Option<T> {
        let (network, peering) = self.facts(id)?;
        let seen = Observed::of(&self.observation, network, peering, &self.freshness);
        let limits =
            BySide::of(|side| sides::limits(&self.worker.inquiries, network, peering, side));
        let graph = self.worker.graph.read();
        let (memory, now, settings) = (
            &Memory::default(),
            (self.worker.clock)(),
            &self.worker.settings,
        );
        let seen_at = now - self.observation.age(network, peering, &self.freshness);
        Some(make(&Facts {
            network,
            peering,
            seen: &seen,
            memory,
            graph: &graph,
            limits,
            now,
            seen_at,
            settings,
            unseen: BySide::default(),
            // It tells what is done once that goes on.
            rests: false,
        }))
    }

    /// Folds what would be recorded and imagines what would be done. Gives the block that would be
    /// recorded, for people.
    fn run_steps(&mut self, id: PeeringId, steps: Vec<Step>) -> Option<String> {
        let mut blocked = None;
        for step in steps {
            match step {
                Step::Record(outcome) => {
                    if let Outcome::Blocked(block) = &outcome {
                        blocked = Some(in_words(&block.message, &block.remedy));
                    }
                    self.record(outcome);
                }
                Step::Intend(started) => self.record(Outcome::InitiationStarted(started)),
                Step::BeginHalf(started) => self.record(Outcome::HalfChangeStarted(started)),
                Step::Begin(started) => self.record(Outcome::InstallationStarted(started)),
                Step::Act(action) => self.act(id, &action),
                Step::AdmitInNew { side, rule } => self.act(
                    id,
                    &Action::AuthorizeRule {
                        side,
                        group: dry_run::new_group(side),
                        rule,
                    },
                ),
            }
        }
        blocked
    }

    fn act(&mut self, id: PeeringId, action: &Action) {
        let (name, detail) = action.describe();
        self.actions.push(PlannedAction {
            side: action.side(),
            action: name,
            detail,
        });
        let Network::Registered(network) = &self.network else {
            return;
        };
        if let Some(peering) = network.peerings().get(&id) {
            self.observation
                .reads
                .lock()
                .apply_to_observation(network, peering, action);
        }
    }

    fn record(&mut self, outcome: Outcome) {
        let ids = Ids::of(CommandId(Uuid::nil()));
        if let Err(refusal) = self.apply(&NetworkCommand::Record(outcome), ids) {
            tracing::debug!(%refusal, "a preview went where the record cannot");
        }
    }

    /// The block that is on record already, and so is no news.
    fn blocked(&self, id: PeeringId) -> Option<String> {
        let blocked = self.facts(id)?.1.blocked.as_ref()?;
        Some(in_words(&blocked.message, &blocked.remedy))
    }

    fn waiting(&self, id: PeeringId) -> Option<String> {
        let (_, peering) = self.facts(id)?;
        match (&peering.life, peering.terms.consent) {
            (Life::AwaitingAcceptance { .. }, Consent::Owner) => Some(format!(
                "account {}: its owner accepts the link",
                peering.peer.account
            )),
            _ => Some("the cloud, which is at work".to_owned()),
        }
    }
}

/// Why a person must act, and how.
fn in_words(message: &str, remedy: &[String]) -> String {
    format!("{message}; {}", remedy.join("; "))
}

/// What advisories need of what was seen: the zones of the chosen subnets, or of all where none
/// were chosen, and the links there are.
fn known(facts: &Facts<'_>) -> Known {
    let zones = BySide::of(|side| {
        let chosen = sides::subnets(facts.network, facts.peering, side);
        let shown = facts.seen.subnets.get(side).iter().flatten();
        shown
            .filter(|view| {
                chosen.is_empty() || Subnet::are_all(chosen) || chosen.contains(&view.subnet)
            })
            .filter_map(|view| view.zone.clone())
            .collect()
    });
    let between = facts.seen.links.local.as_ref();
    let links = between
        .zip(facts.seen.neighbours.local.as_ref())
        .map(|(between, others)| Usage {
            used: between
                .iter()
                .chain(others)
                .filter(|link| link.state.is_live())
                .count(),
            most: facts.limits.local.links,
        });
    let more_ipv6 = BySide::of(|side| unnamed_ipv6(facts, side));
    Known {
        zones,
        links,
        more_ipv6,
    }
}

/// The IPv6 ranges of this side's network that no range on record is about: as its cloud shows
/// them, or the link where nobody may look.
fn unnamed_ipv6(facts: &Facts<'_>, side: Side) -> Vec<String> {
    let named = sides::ranges(facts.network, facts.peering, side);
    let own = sides::network(facts.network, facts.peering, side);
    let shown = facts.seen.network.get(side).iter().flatten();
    let shown = shown.flat_map(|it| it.ranges.clone());
    let link = facts.peering.life.link();
    let links = facts.seen.links.local.iter().flatten();
    let links = links.filter(|view| Some(&view.link) == link);
    let told = links.filter_map(|view| view.end(&own));
    let told = told.flat_map(|(_, end)| end.ranges.clone());
    let is_unnamed = |it: &IpNet| {
        let mut named = named.iter();
        it.addr().is_ipv6() && !named.any(|known| known.contains(it) || it.contains(known))
    };
    let unnamed: BTreeSet<IpNet> = shown.chain(told).filter(is_unnamed).collect();
    unnamed.iter().map(ToString::to_string).collect()
}
