//! Which of the things that reads have shown are orphans. Pure.
//!
//! A tag of this network counts, where the peering in it has ended or is unknown; a tag from before
//! it named the network, where that peering is on record as ended; and a route or an entry that
//! denies, which an ended peering left behind. Another installation's tag never does. A copy of
//! something with the tag is told, and marked as one.
//!
//! What a peering had when it ended may still be shown for a while: only a read that was asked for
//! a visibility window after the end says anything.

use crate::provisioner::seen::{self, Seen, Shows};
use chrono::{DateTime, TimeDelta, Utc};
use cloud::{
    AccessListView, GroupView, LinkForm, LinkState, LinkView, NetworkRef, Owner, RouteTableView,
    RouteTarget, group_name,
};
use domain::{
    PeeringId, Range, Side,
    network::{
        Denial, EndedPeering, Ending, Leftover, Orphan, OrphanCleared, OrphanEnd, OrphanFound,
        OrphanThing, Outcome, Registered,
    },
    text::{CloudNetwork, Link, OrphanId},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

impl Shows<'_> {
    /// Whether a thing of this kind would be among them.
    fn has_kind(&self, thing: &OrphanThing) -> bool {
        match self {
            Self::Links(_) => matches!(thing, OrphanThing::Link { .. }),
            Self::Tables(_) => matches!(thing, OrphanThing::Route { .. }),
            Self::Groups(_) => matches!(
                thing,
                OrphanThing::FirewallGroup { .. } | OrphanThing::FirewallRule { .. }
            ),
            Self::Lists(_) => matches!(thing, OrphanThing::Denial { .. }),
        }
    }

    /// Whether this very thing is among them, whoever it belongs to.
    fn shows(&self, thing: &OrphanThing) -> bool {
        match (self, thing) {
            (Self::Links(all), OrphanThing::Link { link }) => {
                all.iter().any(|it| it.link == *link && stands(&it.state))
            }
            (Self::Groups(all), OrphanThing::FirewallGroup { group }) => {
                all.iter().any(|it| it.group == *group)
            }
            (Self::Groups(all), OrphanThing::FirewallRule { group, rule_id }) => all
                .iter()
                .filter(|it| it.group == *group)
                .any(|it| it.rules.iter().any(|rule| rule.id == *rule_id)),
            (
                Self::Tables(all),
                OrphanThing::Route {
                    route_table,
                    destination,
                    link,
                },
            ) => all
                .iter()
                .filter(|it| it.table == *route_table)
                .any(|it| leads(it, *destination, link)),
            (Self::Lists(all), OrphanThing::Denial { denial }) => seen::stands(all, denial),
            (Self::Links(_) | Self::Tables(_) | Self::Groups(_) | Self::Lists(_), _) => false,
        }
    }
}

/// Whether a link in this state is there, and stays.
fn stands(state: &LinkState) -> bool {
    state.is_live() && *state != LinkState::Deleting
}

fn leads(table: &RouteTableView, destination: Range, link: &Link) -> bool {
    let to = destination.net();
    let over = RouteTarget::Link(link.clone());
    let mut routes = table.routes.iter();
    routes.any(|it| it.destination == to && it.target == over)
}

/// The orphans among what a read has shown.
pub(in crate::provisioner) fn find(
    network: &Registered,
    seen: &Seen<'_>,
    window: Duration,
) -> BTreeMap<OrphanId, OrphanFound> {
    let judge = Judge {
        network,
        seen,
        window,
    };
    let found: Vec<OrphanFound> = match seen.shows {
        Shows::Links(all) => all.iter().filter_map(|it| judge.link(it)).collect(),
        Shows::Groups(all) => all.iter().flat_map(|it| judge.group(it)).collect(),
        Shows::Tables(all) => judge.routes(all),
        Shows::Lists(all) => judge.denials(all),
    };
    let named = found.into_iter();
    named
        .filter_map(|it| it.thing.id().map(|id| (id, it)))
        .collect()
}

/// What is to be put on record of orphans, after these reads: those that are new or changed, and
/// those on record that are none any more.
pub(in crate::provisioner) fn news(
    network: &Registered,
    seen: &[Seen<'_>],
    window: Duration,
) -> Vec<Outcome> {
    let mut all = Vec::new();
    for read in seen {
        let found = find(network, read, window);
        let over = network.orphans.iter().filter(|(id, orphan)| {
            !found.contains_key(*id)
                && is_about(read, orphan)
                && read.seen_at >= later(orphan.since, window)
        });
        all.extend(over.map(|(id, orphan)| Outcome::from(cleared(network, id, orphan, read))));
        all.extend(found.into_values().map(Outcome::from));
    }
    all
}

/// That this orphan, which this read does not show as one, is none any more.
pub(super) fn cleared(
    network: &Registered,
    id: &OrphanId,
    orphan: &Orphan,
    read: &Seen<'_>,
) -> OrphanCleared {
    let end = match read.shows.shows(&orphan.thing) {
        true => OrphanEnd::Claimed,
        false if orphan.is_to_go() => OrphanEnd::Removed,
        false => OrphanEnd::Gone,
    };
    OrphanCleared {
        network_id: network.id,
        peering_id: orphan.peering_id,
        orphan: id.clone(),
        end,
    }
}

/// Whether a read would have shown this orphan, if it were there.
fn is_about(read: &Seen<'_>, orphan: &Orphan) -> bool {
    (&read.at.account, &read.at.region) == (&orphan.account, &orphan.region)
        && read.of.contains(&orphan.cloud_network)
        && read.shows.has_kind(&orphan.thing)
}

pub(super) fn later(moment: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    moment + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)
}

struct Judge<'a> {
    network: &'a Registered,
    seen: &'a Seen<'a>,
    window: Duration,
}

impl Judge<'_> {
    /// The peering in this tag, if the tag is of this network and the peering accounts for nothing
    /// any more.
    fn orphaned(&self, owner: Option<Owner>) -> Option<PeeringId> {
        let owner = owner.filter(|it| it.is(self.network.id, it.peering))?;
        let id = owner.peering;
        let ended_at = if let Some(peering) = self.network.peerings().get(&id) {
            if peering.life.is_live() {
                return None;
            }
            peering.ended_at
        } else if let Some(ended) = self.network.ended_peerings().get(&id) {
            ended.ended_at
        } else {
            // Without the network's id the tag may be any installation's.
            return owner.network.map(|_| id);
        };
        self.is_over(ended_at).then_some(id)
    }

    /// Whether what stood at this end would no longer be shown.
    fn is_over(&self, ended_at: Option<DateTime<Utc>>) -> bool {
        ended_at.is_none_or(|at| self.seen.seen_at >= later(at, self.window))
    }

    /// Whether a live peering has this link, like one that was adopted after it had been left
    /// behind.
    fn is_in_use(&self, link: &Link) -> bool {
        let mut live = self.network.live_peerings();
        live.any(|it| it.life.link() == Some(link) || it.past_links.contains(link))
    }

    fn found(
        &self,
        peering_id: PeeringId,
        cloud_network: &CloudNetwork,
        thing: OrphanThing,
        is_copy: bool,
    ) -> OrphanFound {
        OrphanFound {
            network_id: self.network.id,
            peering_id,
            account: self.seen.at.account.clone(),
            region: self.seen.at.region.clone(),
            cloud_network: cloud_network.clone(),
            thing,
            is_copy,
        }
    }

    fn link(&self, view: &LinkView) -> Option<OrphanFound> {
        let peering = self.orphaned(view.owner)?;
        if !stands(&view.state) || self.is_in_use(&view.link) {
            return None;
        }
        let is_two = LinkForm::of(self.network.provider).is_two_objects();
        let ends = [&view.first.network, &view.second.network];
        // Of two objects each is shown as its own network's.
        let here = ends
            .into_iter()
            .take(if is_two { 1 } else { 2 })
            .find(|it| it.at.is_same(self.seen.at) && self.seen.of.contains(&it.network))?;
        let is_private = |it: &NetworkRef| {
            (&it.at.account, &it.network) == (&self.network.account, &self.network.cloud_network)
        };
        // The engine asks for links from the private network alone.
        let asks = ends.into_iter().take(if is_two { 2 } else { 1 });
        let is_copy = !asks.into_iter().any(is_private);
        let link = view.link.clone();
        let thing = OrphanThing::Link { link };
        Some(self.found(peering, &here.network, thing, is_copy))
    }

    fn group(&self, view: &GroupView) -> Vec<OrphanFound> {
        if let Some(peering) = self.orphaned(view.owner) {
            let is_copy = view.name != group_name(peering);
            let group = view.group.clone();
            let thing = OrphanThing::FirewallGroup { group };
            return vec![self.found(peering, &view.network, thing, is_copy)];
        }
        let rules = view.rules.iter().filter_map(|rule| {
            let peering = self.orphaned(rule.owner)?;
            let is_copy = rule.rule.is_none() || view.name != group_name(peering);
            let thing = OrphanThing::FirewallRule {
                group: view.group.clone(),
                rule_id: rule.id.clone(),
            };
            Some(self.found(peering, &view.network, thing, is_copy))
        });
        rules.collect()
    }

    /// Routes have no tag: those that ended peerings left behind, over the link that they had.
    fn routes(&self, tables: &[RouteTableView]) -> Vec<OrphanFound> {
        let mut found = BTreeMap::new();
        for (peering, ending, ended_at) in ends(self.network) {
            let left: BTreeSet<_> = ending
                .left_behind()
                .iter()
                .filter_map(Leftover::route)
                .collect();
            let Some(link) = ending.link().filter(|_| !left.is_empty()) else {
                continue;
            };
            if !self.is_over(ended_at) || self.is_in_use(link) {
                continue;
            }
            for table in tables {
                for (_, to) in left
                    .iter()
                    .filter(|(named, to)| **named == table.table && leads(table, *to, link))
                {
                    let thing = OrphanThing::Route {
                        route_table: table.table.clone(),
                        destination: *to,
                        link: link.clone(),
                    };
                    let one = self.found(peering, &table.network, thing.clone(), false);
                    found.insert(thing, one);
                }
            }
        }
        found.into_values().collect()
    }

    /// Entries have no tag: those that ended peerings left behind, and no live one has taken over.
    fn denials(&self, lists: &[AccessListView]) -> Vec<OrphanFound> {
        let is_in_use = |denial: &Denial| {
            let mut live = self.network.live_peerings();
            live.any(|it| {
                let mut sides = Side::BOTH.into_iter();
                sides.any(|side| it.own_denials(side).contains(denial))
            })
        };
        let mut found = BTreeMap::new();
        for (peering, ending, ended_at) in ends(self.network) {
            if !self.is_over(ended_at) {
                continue;
            }
            for denial in ending.left_behind().iter().filter_map(Leftover::denial) {
                if !seen::stands(lists, denial) || is_in_use(denial) {
                    continue;
                }
                let mut of = lists
                    .iter()
                    .filter(|it| it.list.as_ref() == Some(&denial.list));
                let Some(list) = of.next() else {
                    continue;
                };
                let denial = denial.clone();
                let thing = OrphanThing::Denial { denial };
                let one = self.found(peering, &list.network, thing.clone(), false);
                found.insert(thing, one);
            }
        }
        found.into_values().collect()
    }
}

/// How the peerings of this network have ended, and when.
fn ends(network: &Registered) -> impl Iterator<Item = (PeeringId, &Ending, Option<DateTime<Utc>>)> {
    let kept = network.peerings().iter().filter_map(|(id, peering)| {
        let ending = peering.life.ending()?;
        Some((*id, ending, peering.ended_at))
    });
    let folded = network.ended_peerings().iter();
    kept.chain(folded.map(|(id, it): (_, &EndedPeering)| (*id, &it.ending, it.ended_at)))
}

/// Whether a peering that has ended left an entry that denies in front of subnets of its own
/// network's side.
pub(super) fn has_left_denials(network: &Registered, side: Side) -> bool {
    let mut left = ends(network).flat_map(|(_, ending, _)| ending.left_behind());
    left.any(|it| match it {
        Leftover::Denial { side: of, .. } => *of == side,
        Leftover::PossibleThing { side: of, .. } => *of == side && it.denial().is_some(),
        Leftover::PossibleLink
        | Leftover::Link { .. }
        | Leftover::Half { .. }
        | Leftover::PossibleHalf { .. }
        | Leftover::Route { .. }
        | Leftover::OtherRoute { .. }
        | Leftover::FirewallGroup { .. }
        | Leftover::FirewallRule { .. } => false,
    })
}
