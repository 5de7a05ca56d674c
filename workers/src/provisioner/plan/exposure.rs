//! Exposures: somebody else's rules that let one side into the other.
//!
//! The engine's own rules admit what was declared. All others of a side's network may admit more:
//! each that lets any address of the other side in is an exposure, unless the lists in front of all
//! subnets keep it out. Every range counts that the other network has, not only those on record. A
//! rule that names a group lets in whoever is in that group's network. One that names a group of
//! which the network is unknown, or a list that cannot be read, is on record as what it is: nothing
//! shows that it keeps the other side out, and it counts as no exposure. An exposure is reported,
//! and revoked in groups whose owners agreed to that, if the rule is known to let the other side
//! in.

use super::{Draft, Facts, Query, firewall};
use crate::provisioner::{apply::Action, sides};
use cloud::{
    AccessEntry, Direction, GroupView, LetsIn, LinkForm, RouteTableView, RouteTarget, RouteView,
    RuleView, Source, Traffic, lets_in, lets_in_through,
};
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
    // The private network's group is made before anybody looks; the look that follows shows all.
    if side == Side::Local && firewall::is_unseen(facts, side) {
        return;
    }
    let Some(open) = open(facts, side, draft) else {
        return;
    };
    for it in &open {
        exposed(facts, side, it, draft);
    }
    let ids: BTreeSet<_> = open.iter().map(|it| &it.rule.id).collect();
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

/// Somebody else's rule that lets the other side in, or of which that cannot be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open<'a> {
    pub(super) group: &'a GroupView,
    pub(super) rule: &'a RuleView,
    /// Whether it cannot be told.
    pub(super) cannot_tell: bool,
}

/// All of those.
pub(super) fn open<'a>(facts: &Facts<'a>, side: Side, draft: &mut Draft) -> Option<Vec<Open<'a>>> {
    let groups = draft.require(facts.seen.groups.get(side), Query::Groups(side))?;
    let of = |group, rule| Open {
        group,
        rule,
        cannot_tell: false,
    };
    let mut open: Vec<Open<'_>> = groups
        .iter()
        .flat_map(|group| strangers(facts, side, group).map(move |rule| of(group, rule)))
        .collect();
    if open.is_empty() {
        return Some(open);
    }
    let from = reaching(facts, side, draft)?;
    open.retain_mut(|it| {
        let verdict = judge(&sources(facts, side, it.rule, &from), it.rule, &from);
        it.cannot_tell = verdict == LetsIn::CannotTell;
        verdict != LetsIn::No
    });
    if open.is_empty() {
        return Some(open);
    }
    let lists = draft.require(facts.seen.lists.get(side), Query::AccessLists(side))?;
    let declared = declared(facts, side, groups);
    let others = |entries: &Vec<AccessEntry>| -> Vec<AccessEntry> {
        let others = entries
            .iter()
            .filter(|it| !it.allow || !declared.contains(&&it.traffic));
        others.cloned().collect()
    };
    let guards: Vec<Vec<Vec<AccessEntry>>> = lists
        .iter()
        .filter(|list| !list.subnets.is_empty())
        .map(|list| list.passed().map(others).collect())
        .collect();
    open.retain_mut(|it| {
        let traffic = Traffic {
            source: sources(facts, side, it.rule, &from),
            ..it.rule.admits.clone()
        };
        let verdict = |lists: &Vec<Vec<AccessEntry>>| {
            let lists: Vec<_> = lists.iter().map(Vec::as_slice).collect();
            lets_in_through(&lists, &traffic, &from)
        };
        let Some(most) = guards.iter().map(verdict).max() else {
            return true;
        };
        it.cannot_tell |= most == LetsIn::CannotTell;
        most != LetsIn::No
    });
    Some(open)
}

/// What the engine's own rules admit, where they stand in the lists in front of subnets: what comes
/// in by those was declared, and comes in by nobody else's rule.
fn declared<'a>(facts: &Facts<'_>, side: Side, groups: &'a [GroupView]) -> Vec<&'a Traffic> {
    if !LinkForm::of(facts.network.provider).is_two_objects() {
        return Vec::new();
    }
    let ours = groups
        .iter()
        .filter(|group| firewall::is_ours(facts, side, group));
    let rules = ours.flat_map(|group| {
        let known = firewall::known_of(facts, side, group);
        let rules = group.rules.iter();
        rules.filter(move |rule| firewall::own(facts, side, &known, rule).is_some())
    });
    rules.map(|rule| &rule.admits).collect()
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

fn exposed(facts: &Facts<'_>, side: Side, open: &Open<'_>, draft: &mut Draft) {
    let Open { group, rule, .. } = *open;
    let exposure = Exposure {
        group: group.group.clone(),
        group_name: group.name.clone(),
        rule_id: rule.id.clone(),
        admits: rule.text.clone(),
        owner: group.belongs_to.clone(),
        cannot_tell: open.cannot_tell,
        what: rule.what,
    };
    let known = facts.peering.firewall.get(side).exposures.get(&rule.id);
    if known.is_none_or(|known| known.exposure != exposure) {
        draft.record(FirewallExposed {
            peering_id: facts.peering.id,
            side,
            exposure,
        });
    }
    let is_known = !open.cannot_tell;
    if is_known && side == Side::Remote && facts.network.policy.exposure.covers(&group.group) {
        draft.exposed = true;
    }
    revoke(facts, side, group, rule, draft);
}

/// Revokes a rule that is known to let the other side in, where the policy says so.
fn revoke(facts: &Facts<'_>, side: Side, group: &GroupView, rule: &RuleView, draft: &mut Draft) {
    // A group stands for whoever is in it, now and later: such a rule is only reported.
    let from = sides::ranges(facts.network, facts.peering, side.other());
    let is_shown = seen_to_reach(facts, side)
        .is_some_and(|more| judge(&rule.admits.source, rule, &more) == LetsIn::Yes);
    let is_known = judge(&rule.admits.source, rule, &from) == LetsIn::Yes;
    if !revokes(facts, &group.group) || !rule.is_removable() || !(is_known || is_shown) {
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

/// The ranges that reach this side, if all was seen that they are known from.
fn seen_to_reach(facts: &Facts<'_>, side: Side) -> Option<Vec<IpNet>> {
    reaching(facts, side, &mut Draft::default())
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

/// Where such a rule lets traffic in from, as far as that is known. Who is in a group is in its
/// network: in the other side's, it stands for all of that; in any other, for nothing of it.
fn sources(facts: &Facts<'_>, side: Side, rule: &RuleView, from: &[IpNet]) -> Source {
    let Source::Group { group, network } = &rule.admits.source else {
        return rule.admits.source.clone();
    };
    let ends = sides::networks(facts.network, facts.peering);
    let holds = |side: Side| {
        let groups = facts.seen.groups.get(side).as_ref();
        groups.is_some_and(|all| all.iter().any(|it| it.group.as_str() == group))
    };
    let is_in = |side: Side| {
        let of = network.as_ref();
        of.map_or_else(|| holds(side), |it| *it == ends.get(side).network)
    };
    if is_in(side.other()) {
        Source::Ranges(from.to_vec())
    } else if network.is_some() || is_in(side) {
        Source::Ranges(Vec::new())
    } else {
        rule.admits.source.clone()
    }
}

/// The addresses that reach this side over the link: all ranges of the other network that are on
/// record, that the link tells, or that its cloud shows. IPv6 ones only count while a route that is
/// none of IPv4 leads over the link on either side.
fn reaching(facts: &Facts<'_>, side: Side, draft: &mut Draft) -> Option<Vec<IpNet>> {
    let other = side.other();
    let mut from = sides::ranges(facts.network, facts.peering, other);
    let ends = sides::networks(facts.network, facts.peering);
    let link = facts.peering.life.link();
    for view in Side::BOTH
        .into_iter()
        .filter_map(|side| facts.seen.links.get(side).as_ref())
        .flatten()
        .filter(|view| Some(&view.link) == link)
    {
        from.extend(
            view.end(ends.get(other))
                .into_iter()
                .flat_map(|(_, it)| it.ranges.clone()),
        );
    }
    if facts.peering.is_ours_to_keep(other) && !*facts.unseen.get(other) {
        let shown = draft.require(facts.seen.network.get(other), Query::Network(other))?;
        from.extend(shown.iter().flat_map(|it| it.ranges.clone()));
    }
    let is_v6 = |it: &IpNet| matches!(it, IpNet::V6(_));
    if from.iter().any(is_v6) && !carries_more_than_v4(facts, side, draft)? {
        from.retain(|it| !is_v6(it));
    }
    from.sort_unstable();
    from.dedup();
    Some(from)
}

/// Whether an IPv6 range, or a list of ranges, is routed over the link.
fn carries_more_than_v4(facts: &Facts<'_>, side: Side, draft: &mut Draft) -> Option<bool> {
    let Some(link) = facts.peering.life.link() else {
        return Some(false);
    };
    let over = RouteTarget::Link(link.clone());
    let mut sides = vec![side];
    let other = side.other();
    if facts.peering.is_ours_to_keep(other) && !*facts.unseen.get(other) {
        sides.push(other);
    }
    let mut carries = false;
    for side in sides {
        let tables = draft.require(facts.seen.tables.get(side), Query::Tables(side))?;
        carries |= tables.iter().any(|table| carries_more(table, &over));
    }
    Some(carries)
}

/// Whether the table sends packets there that are not of IPv4, or may not be.
fn carries_more(table: &RouteTableView, over: &RouteTarget) -> bool {
    let mut routes = table.routes.iter();
    let is_ipv6 = |it: &RouteView| matches!(it.destination, IpNet::V6(_)) && it.target == *over;
    routes.any(is_ipv6) || table.others.iter().any(|it| it.target == *over)
}

/// What the rule alone says, with these sources.
fn judge(source: &Source, rule: &RuleView, from: &[IpNet]) -> LetsIn {
    let everything = Traffic {
        source: Source::Ranges(from.to_vec()),
        protocol: None,
        ports: None,
        target: None,
    };
    let entry = AccessEntry {
        direction: Direction::Inbound,
        priority: 0,
        traffic: Traffic {
            source: source.clone(),
            ..rule.admits.clone()
        },
        allow: true,
    };
    lets_in(std::slice::from_ref(&entry), &everything, from)
}
