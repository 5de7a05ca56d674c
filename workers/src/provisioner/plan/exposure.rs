//! Exposures: somebody else's rules that let the private network into the peer.
//!
//! The engine's own rules admit what was declared. All others of the peer's network may admit more:
//! each that lets any address of the private network in is an exposure, unless the lists in front
//! of all subnets keep it out. So is one that names a group of another network, or a list that
//! cannot be read: nothing shows that it keeps the private network out. An exposure is reported,
//! and revoked in groups whose owners agreed to that, if the rule is known to let the private
//! network in.

use super::{Draft, Facts, Query, firewall};
use crate::provisioner::apply::Action;
use cloud::{AccessListView, GroupView, RuleView, Source, Traffic};
use domain::{
    Side,
    network::{
        BlockCause, Exposure, ExposureCleared, ExposurePolicy, FIGHT_WINDOW, FirewallExposed,
        REVOCATIONS, RoutesResumed, RoutesSuspended,
    },
    text::FirewallGroup,
};
use ipnet::IpNet;
use std::collections::BTreeSet;

pub(super) fn plan(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    let Some(open) = open(facts, side, draft) else {
        return;
    };
    for (group, rule) in &open {
        exposed(facts, side, group, rule, draft);
    }
    let ids: BTreeSet<_> = open.iter().map(|(_, rule)| &rule.id).collect();
    for rule_id in facts
        .peering
        .firewall
        .get(side)
        .exposures
        .keys()
        .filter(|id| !ids.contains(id))
    {
        draft.record(ExposureCleared {
            peering_id: facts.peering.id,
            side,
            rule_id: rule_id.clone(),
        });
    }
}

/// Somebody else's rules that let the private network in, and their groups.
pub(super) fn open<'a>(
    facts: &Facts<'a>,
    side: Side,
    draft: &mut Draft,
) -> Option<Vec<(&'a GroupView, &'a RuleView)>> {
    let groups = draft.require(facts.seen.groups.get(side), Query::Groups(side))?;
    let from = IpNet::V4(facts.network.range.net());
    let open: Vec<(&GroupView, &RuleView)> = groups
        .iter()
        .flat_map(|group| strangers(facts, side, group).map(move |rule| (group, rule)))
        .filter(|(_, rule)| may_admit(rule, &from, groups))
        .collect();
    if open.is_empty() {
        return Some(open);
    }
    let lists = draft.require(facts.seen.lists.get(side), Query::AccessLists(side))?;
    let guards: Vec<_> = lists
        .iter()
        .filter(|list| !list.subnets.is_empty())
        .collect();
    let admitted = |rule: &RuleView| {
        guards.is_empty() || guards.iter().any(|list| lets_in(list, &rule.admits, &from))
    };
    let admitted = open.into_iter().filter(|(_, rule)| admitted(rule));
    Some(admitted.collect())
}

/// The exposures on record that the policy says to revoke, if they are still there.
pub(super) fn close_alone(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    let known = &facts.peering.firewall.get(side).exposures;
    if !known.values().any(|it| revokes(facts, &it.exposure.group)) {
        return;
    }
    let Some(groups) = draft.require(facts.seen.groups.get(side), Query::Groups(side)) else {
        return;
    };
    for (group, rule) in groups
        .iter()
        .flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
    {
        let is_known = known
            .get(&rule.id)
            .is_some_and(|it| it.exposure.group == group.group);
        if is_known {
            revoke(facts, side, group, rule, draft);
        }
    }
}

/// Where the policy says so, the routes into the peer are withdrawn while an exposure stands, and
/// wanted again once none does.
pub(super) fn suspend(facts: &Facts<'_>, draft: &mut Draft) {
    let exposures: Vec<_> = facts
        .network
        .blocking_exposures(facts.peering)
        .cloned()
        .collect();
    let into_the_peer = Side::Local;
    let is_suspended = facts.peering.suspended.get(into_the_peer).is_some();
    let (peering_id, side) = (facts.peering.id, into_the_peer);
    if exposures.is_empty() {
        if is_suspended && !draft.exposed {
            draft.record(RoutesResumed { peering_id, side });
            draft.again = true;
        }
    } else if !is_suspended {
        draft.record(RoutesSuspended {
            peering_id,
            side,
            exposures,
        });
        draft.again = true;
    }
}

fn revokes(facts: &Facts<'_>, group: &FirewallGroup) -> bool {
    matches!(&facts.network.policy.exposure, ExposurePolicy::Enforce { groups } if groups.contains(group))
}

/// The rules that the engine did not make, in its own group too.
fn strangers<'a>(
    facts: &Facts<'_>,
    side: Side,
    group: &'a GroupView,
) -> impl Iterator<Item = &'a RuleView> {
    let known =
        firewall::is_ours(facts, side, group).then(|| firewall::known_of(facts, side, group));
    group.rules.iter().filter(move |rule| {
        known
            .as_ref()
            .is_none_or(|known| firewall::own(facts, side, known, rule).is_none())
    })
}

fn exposed(facts: &Facts<'_>, side: Side, group: &GroupView, rule: &RuleView, draft: &mut Draft) {
    let exposure = Exposure {
        group: group.group.clone(),
        group_name: group.name.clone(),
        rule_id: rule.id.clone(),
        admits: rule.text.clone(),
        owner: group.belongs_to.clone(),
    };
    let known = facts.peering.firewall.get(side).exposures.get(&rule.id);
    if known.is_none_or(|known| known.exposure != exposure) {
        draft.record(FirewallExposed {
            peering_id: facts.peering.id,
            side,
            exposure,
        });
    }
    if facts.network.policy.exposure.covers(&group.group) {
        draft.exposed = true;
    }
    revoke(facts, side, group, rule, draft);
}

/// Revokes a rule that is known to let the private network in, where the policy says so.
fn revoke(facts: &Facts<'_>, side: Side, group: &GroupView, rule: &RuleView, draft: &mut Draft) {
    let from = IpNet::V4(facts.network.range.net());
    if !revokes(facts, &group.group) || !rule.admits.source.overlaps(&from) {
        return;
    }
    let firewall = facts.peering.firewall.get(side);
    if let Some((times, last)) = firewall.went(&group.group, &rule.text, facts.now)
        && times >= REVOCATIONS
    {
        fight(facts, side, group, rule, draft);
        return draft.due_at(last + FIGHT_WINDOW);
    }
    draft.act(
        facts,
        Action::RevokeRule {
            side,
            group: group.group.clone(),
            id: rule.id.clone(),
        },
    );
}

/// A rule that somebody makes again each time it goes is for a person.
fn fight(facts: &Facts<'_>, side: Side, group: &GroupView, rule: &RuleView, draft: &mut Draft) {
    let message = format!(
        "{} admits {} again; it has gone {REVOCATIONS} times within a day and is left alone now",
        group.group, rule.text
    );
    let remedy = vec![
        format!(
            "find out who adds it, and agree with them; then remove it from {}",
            group.group
        ),
        format!(
            "or let it be reported only: peerage network policy {} --exposure report",
            facts.network.id
        ),
    ];
    draft.block(facts, BlockCause::RepairUndone, side, message, remedy);
}

/// Whether a rule may let any of these addresses in. Machines of the peer's own groups have none of
/// them.
fn may_admit(rule: &RuleView, from: &IpNet, own: &[GroupView]) -> bool {
    match &rule.admits.source {
        Source::Named(name) => !own.iter().any(|group| group.group.as_str() == name),
        Source::Ranges(_) => rule.admits.source.overlaps(from),
    }
}

/// Whether a list lets any of this traffic from this range in. The first entry that covers traffic
/// decides; an entry that denies only part of it leaves the rest to the next.
fn lets_in(list: &AccessListView, traffic: &Traffic, from: &IpNet) -> bool {
    for entry in &list.entries {
        let about = &entry.traffic;
        if !(about.source.overlaps(from)
            && shares_protocol(about, traffic)
            && shares_ports(about, traffic))
        {
            continue;
        }
        if entry.allow {
            return true;
        }
        if about.source.contains(from)
            && covers_protocol(about, traffic)
            && covers_ports(about, traffic)
        {
            return false;
        }
    }
    false
}

fn shares_protocol(one: &Traffic, other: &Traffic) -> bool {
    one.protocol.is_none() || other.protocol.is_none() || one.protocol == other.protocol
}

fn covers_protocol(one: &Traffic, other: &Traffic) -> bool {
    one.protocol.is_none() || one.protocol == other.protocol
}

fn shares_ports(one: &Traffic, other: &Traffic) -> bool {
    match (one.ports, other.ports) {
        (Some((first, last)), Some((from, to))) => first <= to && from <= last,
        (None, _) | (_, None) => true,
    }
}

fn covers_ports(one: &Traffic, other: &Traffic) -> bool {
    match (one.ports, other.ports) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some((first, last)), Some((from, to))) => first <= from && to <= last,
    }
}
