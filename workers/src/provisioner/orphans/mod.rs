//! Orphans: what stands at a cloud with this network's tag, or from its record, and that no live
//! peering accounts for.
//!
//! They are found in what the passes over the network's peerings have read anyway; no call is made
//! for them, with four exceptions. A process that made something for a peering which ended
//! meanwhile looks there once more, an orphan that somebody asked to be removed is looked at again
//! first, of a network without live peerings the own side is read once a day (`idle`), and so are
//! the lists in front of its subnets while a peering is on record as having left an entry there.

mod find;
mod idle;
#[cfg(test)]
mod tests;

use super::{
    context::Pass,
    memories::Memories,
    observation::Observation,
    pass::readable,
    seen::{Seen, Shows},
    sides,
};
use cloud::{
    AccountRegion, CallTrace, Cloud, CloudError, CloudErrorKind, GroupView, LinkEnd, LinkSpec,
    NetworkRef, Operation, Owner, RequestId,
};
use domain::{
    BySide, CloudCalls, PeeringId, Side,
    network::{
        Network, Orphan, OrphanFound, OrphanRemovalFailed, OrphanThing, Outcome, Peer, Registered,
    },
    text::{Link, OrphanId},
};
use find::{cleared, find, has_left_denials, news};
use journal::{JournalError, Loaded};
use std::{collections::BTreeMap, sync::Arc};
use tokio::time::Instant;
use uuid::Uuid;

/// What became of a removal for now.
enum Removal {
    /// This is on record of it.
    Says(Outcome),
    /// It goes on later.
    Later,
}

impl Pass<'_> {
    /// Puts on record what was seen of orphans, and removes those that somebody asked to be
    /// removed, as far as this record shows. Says when to go on.
    pub(super) async fn orphans(
        &self,
        loaded: &Loaded,
        observation: &Observation,
        memories: &mut Memories,
    ) -> Result<Option<Instant>, JournalError> {
        let trace = CallTrace::new(Arc::clone(self.clock), CloudCalls::default());
        let work = self.look_for_orphans(loaded, observation, memories);
        trace.of(None, work).await
    }

    async fn look_for_orphans(
        &self,
        loaded: &Loaded,
        observation: &Observation,
        memories: &mut Memories,
    ) -> Result<Option<Instant>, JournalError> {
        // What is not on record may be: only not in the part of the record that can be read.
        if !loaded.is_whole() {
            return Ok(None);
        }
        let again = self.last_looks(memories).await?;
        let idle = self.idle_look(loaded, &mut memories.idle).await?;
        // The record is read again only for what could follow from it: most passes have seen
        // nothing, and what somebody asks for meanwhile has a pass of its own.
        let removing = if observation.has_seen_places() {
            self.judge_orphans(observation).await?;
            self.remove_orphans().await?
        } else if readable(loaded).is_some_and(has_one_to_go) {
            self.remove_orphans().await?
        } else {
            None
        };
        Ok(again.into_iter().chain(idle).chain(removing).min())
    }

    async fn judge_orphans(&self, observation: &Observation) -> Result<(), JournalError> {
        // What was asked for before it was made is on record now, whoever has made it.
        let loaded = self.log.load().await?;
        let Some(network) = readable(&loaded) else {
            return Ok(());
        };
        let now = (self.clock)();
        let window = self.settings.visibility_window;
        let outcomes = observation.of_orphans(now, |seen| news(network, seen, window));
        let outcomes = self.without_mistakes(network, outcomes).await;
        self.record_of_orphans(&loaded, outcomes).await
    }

    /// Leaves out what is said to be gone where calls do not act in the account on record: any
    /// other account would show nothing either.
    async fn without_mistakes(&self, network: &Registered, outcomes: Vec<Outcome>) -> Vec<Outcome> {
        let mut entered: BTreeMap<AccountRegion, bool> = BTreeMap::new();
        let mut kept = Vec::new();
        for outcome in outcomes {
            if let Outcome::OrphanCleared(it) = &outcome {
                let Some(orphan) = network.orphans.get(&it.orphan) else {
                    continue;
                };
                let at = place(network, orphan);
                let is_right = match entered.get(&at) {
                    Some(known) => *known,
                    None => {
                        let actual = self.cloud.identity(&at).await;
                        let is_right = actual.is_ok_and(|actual| actual == at.account);
                        entered.insert(at, is_right);
                        is_right
                    }
                };
                if !is_right {
                    continue;
                }
            }
            kept.push(outcome);
        }
        kept
    }

    async fn record_of_orphans(
        &self,
        loaded: &Loaded,
        outcomes: Vec<Outcome>,
    ) -> Result<(), JournalError> {
        let Some(network) = readable(loaded) else {
            return Ok(());
        };
        let now = (self.clock)();
        let is_news = |it: &Outcome| domain::network::is_news(network, it, now);
        let outcomes: Vec<_> = outcomes.into_iter().filter(is_news).collect();
        if !outcomes.is_empty() {
            tracing::warn!(count = outcomes.len(), "orphans");
            // What no longer follows is for the next pass.
            let calls = CallTrace::take_here();
            drop(self.log.record_all(loaded, outcomes, &calls).await?);
        }
        Ok(())
    }

    /// Looks once more where this process made something for a peering that ended meanwhile.
    async fn last_looks(&self, memories: &mut Memories) -> Result<Option<Instant>, JournalError> {
        let now = Instant::now();
        let due: Vec<PeeringId> = memories
            .iter()
            .filter(|(_, it)| it.last_look.is_some_and(|at| at <= now))
            .map(|(id, _)| *id)
            .collect();
        let mut again = None;
        for id in due {
            let loaded = self.log.load().await?;
            let Some(network) = readable(&loaded) else {
                continue;
            };
            let looked = match networks_of(network, id) {
                Some(ends) => self.look_at_both(network, ends).await,
                None => Ok(Vec::new()),
            };
            match looked {
                Ok(outcomes) => {
                    memories.remove(&id);
                    let outcomes = self.without_mistakes(network, outcomes).await;
                    self.record_of_orphans(&loaded, outcomes).await?;
                }
                Err(error) => {
                    tracing::warn!(%error, "a last look failed");
                    let at = now + self.settings.longest_backoff;
                    if let Some(memory) = memories.get_mut(&id) {
                        memory.looks_once_more(at);
                    }
                    again = Some(at);
                }
            }
        }
        Ok(again)
    }

    async fn look_at_both(
        &self,
        network: &Registered,
        ends: BySide<NetworkRef>,
    ) -> Result<Vec<Outcome>, CloudError> {
        let mut outcomes = Vec::new();
        for (side, end) in ends.iter() {
            let end = std::slice::from_ref(end);
            outcomes.extend(self.look_at(network, end).await?);
            if has_left_denials(network, side) {
                outcomes.extend(self.look_at_lists(network, end).await?);
            }
        }
        Ok(outcomes)
    }

    async fn look_at_lists(
        &self,
        network: &Registered,
        ends: &[NetworkRef],
    ) -> Result<Vec<Outcome>, CloudError> {
        let mut outcomes = Vec::new();
        for end in ends {
            let of = std::slice::from_ref(&end.network);
            let seen_at = (self.clock)();
            let lists = self.cloud.access_lists(&end.at, of).await?;
            let seen = Seen {
                at: &end.at,
                of,
                seen_at,
                shows: Shows::Lists(&lists),
            };
            outcomes.extend(news(network, &[seen], self.settings.visibility_window));
        }
        Ok(outcomes)
    }

    async fn look_at(
        &self,
        network: &Registered,
        ends: &[NetworkRef],
    ) -> Result<Vec<Outcome>, CloudError> {
        let mut outcomes = Vec::new();
        for end in ends {
            let of = std::slice::from_ref(&end.network);
            let asked = (self.clock)();
            let links = self.cloud.links(&end.at, of).await?;
            let groups = self.cloud.firewall_groups(&end.at, of).await?;
            let tables = self.cloud.route_tables(&end.at, of).await?;
            let seen = [
                Shows::Links(&links),
                Shows::Groups(&groups),
                Shows::Tables(&tables),
            ]
            .map(|shows| Seen {
                at: &end.at,
                of,
                seen_at: asked,
                shows,
            });
            outcomes.extend(news(network, &seen, self.settings.visibility_window));
        }
        Ok(outcomes)
    }

    /// Removes the orphans that somebody asked to be removed, each after it was seen again.
    async fn remove_orphans(&self) -> Result<Option<Instant>, JournalError> {
        let loaded = self.log.load().await?;
        let Some(network) = readable(&loaded).filter(|it| !it.is_doubtful) else {
            return Ok(None);
        };
        let mut again = None;
        let to_go = network.orphans.iter().filter(|(_, it)| it.is_to_go());
        for (id, orphan) in to_go {
            if self.stop.is_cancelled() {
                break;
            }
            let removal = match self.remove(network, id, orphan).await? {
                Ok(removal) => removal,
                Err(error) if waits(&error) => Removal::Later,
                Err(error) => Removal::Says(failed(network, id, orphan, error.to_string())),
            };
            match removal {
                Removal::Says(outcome) => self.record_of_orphans(&loaded, vec![outcome]).await?,
                Removal::Later => again = Some(Instant::now() + self.settings.longest_poll),
            }
        }
        Ok(again)
    }

    /// Removes one: looks at it, compares it with the record as that is then, makes one call, and
    /// looks again.
    async fn remove(
        &self,
        network: &Registered,
        id: &OrphanId,
        orphan: &Orphan,
    ) -> Result<Result<Removal, CloudError>, JournalError> {
        let at = place(network, orphan);
        let first = match self.look_again(&at, id, orphan).await? {
            Ok(Some(again)) => again,
            Ok(None) => return Ok(Ok(Removal::Later)),
            Err(error) => return Ok(Err(error)),
        };
        match first {
            Again::Over(outcome) => return Ok(Ok(Removal::Says(outcome))),
            Again::Orphan { found, .. } if found.is_copy => {
                return Ok(Ok(Removal::Says(found.into())));
            }
            Again::Orphan {
                strangers: Some(strangers),
                ..
            } => {
                let message = format!("it holds what Peerage did not make: {strangers}");
                return Ok(Ok(Removal::Says(failed(network, id, orphan, message))));
            }
            Again::Orphan { .. } => {}
        }
        if self.stop.is_cancelled() {
            return Ok(Ok(Removal::Later));
        }
        match delete(self.express, &at, orphan).await {
            Err(error) if error.kind != CloudErrorKind::NotFound => return Ok(Err(error)),
            Ok(()) | Err(_) => tracing::info!(%id, "removed an orphan"),
        }
        Ok(Ok(match self.look_again(&at, id, orphan).await? {
            Ok(Some(Again::Over(outcome))) => Removal::Says(outcome),
            Ok(Some(Again::Orphan { .. }) | None) | Err(_) => Removal::Later,
        }))
    }

    /// Looks at an orphan, and judges it by the record as it is after that; nothing if the network
    /// is not on record any more.
    async fn look_again(
        &self,
        at: &AccountRegion,
        id: &OrphanId,
        orphan: &Orphan,
    ) -> Result<Result<Option<Again>, CloudError>, JournalError> {
        let (cloud, of) = (self.express, std::slice::from_ref(&orphan.cloud_network));
        let seen_at = (self.clock)();
        let read = async {
            let actual = cloud.identity(at).await?;
            if actual != at.account {
                let expected = at.account.clone();
                let kind = CloudErrorKind::WrongAccount { expected, actual };
                return Err(CloudError::new(Operation::Identity, at, kind));
            }
            let (mut links, mut groups, mut tables) = (Vec::new(), Vec::new(), Vec::new());
            let mut lists = Vec::new();
            match &orphan.thing {
                OrphanThing::Link { .. } => links = cloud.links(at, of).await?,
                OrphanThing::FirewallGroup { .. } | OrphanThing::FirewallRule { .. } => {
                    groups = cloud.firewall_groups(at, of).await?;
                }
                OrphanThing::Route { .. } => tables = cloud.route_tables(at, of).await?,
                OrphanThing::Denial { .. } => lists = cloud.access_lists(at, of).await?,
            }
            Ok((links, groups, tables, lists))
        };
        let (links, groups, tables, lists) = match read.await {
            Ok(all) => all,
            Err(error) => return Ok(Err(error)),
        };
        let loaded = self.log.load().await?;
        let Network::Registered(network) = &loaded.network else {
            return Ok(Ok(None));
        };
        let shows = match &orphan.thing {
            OrphanThing::Link { .. } => Shows::Links(&links),
            OrphanThing::FirewallGroup { .. } | OrphanThing::FirewallRule { .. } => {
                Shows::Groups(&groups)
            }
            OrphanThing::Route { .. } => Shows::Tables(&tables),
            OrphanThing::Denial { .. } => Shows::Lists(&lists),
        };
        let seen = Seen {
            at,
            of,
            seen_at,
            shows,
        };
        let found = find(network, &seen, self.settings.visibility_window).remove(id);
        Ok(Ok(Some(
            match found.filter(|it| it.thing == orphan.thing) {
                None => Again::Over(cleared(network, id, orphan, &seen).into()),
                Some(found) => Again::Orphan {
                    strangers: strangers(&groups, &orphan.thing),
                    found,
                },
            },
        )))
    }
}

fn has_one_to_go(network: &Registered) -> bool {
    network.orphans.iter().any(|(_, it)| it.is_to_go())
}

/// What a second look has shown.
enum Again {
    /// It is no orphan any more.
    Over(Outcome),
    /// It is one still.
    Orphan {
        found: OrphanFound,
        /// What a group holds that has another tag, or none.
        strangers: Option<String>,
    },
}

/// The rules in a group that do not carry the group's own tag.
fn strangers(groups: &[GroupView], thing: &OrphanThing) -> Option<String> {
    let OrphanThing::FirewallGroup { group } = thing else {
        return None;
    };
    let view = groups.iter().find(|it| it.group == *group)?;
    let others = view.rules.iter().filter(|it| it.owner != view.owner);
    let named: Vec<_> = others
        .map(|rule| format!("{} ({})", rule.id, rule.text))
        .collect();
    (!named.is_empty()).then(|| named.join(", "))
}

async fn delete(cloud: &dyn Cloud, at: &AccountRegion, orphan: &Orphan) -> Result<(), CloudError> {
    match &orphan.thing {
        OrphanThing::Link { link } => {
            let spec = orphaned_link(at, orphan, link);
            let request = RequestId(Uuid::new_v5(&orphan.peering_id.0, link.as_str().as_bytes()));
            let removed = cloud.remove_half(&spec, Side::Local, request).await;
            removed.map(drop)
        }
        OrphanThing::FirewallGroup { group } => cloud.delete_group(at, group).await,
        OrphanThing::FirewallRule { group, rule_id } => cloud.revoke_rule(at, group, rule_id).await,
        OrphanThing::Route {
            route_table,
            destination,
            ..
        } => cloud.remove_route(at, route_table, *destination).await,
        OrphanThing::Denial { denial } => cloud.remove_denial(at, denial).await,
    }
}

/// The link, of which nothing counts but the network where it was seen.
fn orphaned_link(at: &AccountRegion, orphan: &Orphan, link: &Link) -> LinkSpec {
    let end = LinkEnd::new(
        NetworkRef {
            at: at.clone(),
            network: orphan.cloud_network.clone(),
        },
        Vec::new(),
    );
    LinkSpec {
        owner: Owner::before_networks(orphan.peering_id),
        first: end.clone(),
        second: end,
        link: Some(link.clone()),
    }
}

/// Whether a failure is one that time cures.
fn waits(error: &CloudError) -> bool {
    error.worth_a_retry()
        || matches!(
            error.kind,
            CloudErrorKind::Ambiguous | CloudErrorKind::WrongState
        )
}

fn failed(network: &Registered, id: &OrphanId, orphan: &Orphan, message: String) -> Outcome {
    OrphanRemovalFailed {
        network_id: network.id,
        peering_id: orphan.peering_id,
        orphan: id.clone(),
        message,
    }
    .into()
}

/// Where an orphan stands, entered as a peering with that account would be.
fn place(network: &Registered, orphan: &Orphan) -> AccountRegion {
    let mut live = network.live_peerings();
    let same = live.find(|it| it.peer.account == orphan.account);
    let external_id = match same {
        Some(peering) => peering.external_id.clone(),
        None => Some(network.id.external_id(&orphan.account)),
    };
    AccountRegion {
        provider: network.provider,
        account: orphan.account.clone(),
        region: orphan.region.clone(),
        external_id: external_id.filter(|_| orphan.account != network.account),
    }
}

/// The networks that an ended peering had joined.
fn networks_of(network: &Registered, id: PeeringId) -> Option<BySide<NetworkRef>> {
    if let Some(peering) = network.peerings().get(&id) {
        return Some(sides::networks(network, peering));
    }
    let peer: &Peer = &network.ended_peerings().get(&id)?.peer;
    let external_id = network.id.external_id(&peer.account);
    Some(sides::networks_with(network, peer, Some(&external_id)))
}
