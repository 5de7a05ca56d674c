//! Abandonment: the peering is given up where it is. What stands is looked at once more, so that
//! everything left behind is named, also what was being made at that instant; a side that cannot be
//! looked at is named as not observed, and keeps nobody.
//!
//! A side that was named to be cleaned up is, for five minutes at most: rules, routes and its
//! group, and from the local side the link itself, which a cloud deletes from either end. An
//! adopted link, and what it had, stay. So does a group that holds rules of somebody else's: both
//! are named.

use super::{Draft, Facts, Query, denial, exposure, firewall, halves, later, removal, routes};
use domain::{
    Side,
    network::{Leftover, LinkTrace, PeeringAbandoned, RemovalCause},
};
use std::time::Duration;

/// For how long a side is cleaned up that was named.
const CLEANED_WITHIN: Duration = Duration::from_secs(300);

pub(super) fn plan(facts: &Facts<'_>, trace: &LinkTrace, draft: &mut Draft) {
    let Some(removal) = &facts.peering.removal else {
        return;
    };
    let RemovalCause::Command { reason } = &removal.cause else {
        return;
    };
    if let LinkTrace::Perhaps { started_at, .. } = trace
        && !facts.unseen.local
    {
        removal::find(facts, *started_at, draft);
        if !draft.needs.is_empty() || !draft.records.is_empty() {
            return;
        }
        draft.polls = false;
    }
    if let Some(side) = cleans(facts) {
        clean(facts, side, trace, draft);
        if draft.is_busy() || !draft.records.is_empty() {
            draft.again = !draft.records.is_empty();
            return;
        }
        draft.block = None;
    }
    let mut not_observed = Vec::new();
    for side in facts.peering.kept_sides() {
        if *facts.unseen.get(side) {
            not_observed.push(side);
        } else {
            look(facts, side, trace, draft);
        }
    }
    if !draft.needs.is_empty() {
        return;
    }
    draft.again = true;
    if draft.records.is_empty() {
        let mut left_behind = facts.peering.leftovers();
        left_behind.extend(kept_by_others(facts));
        left_behind.extend(others_routes(facts, trace));
        draft.record(PeeringAbandoned {
            peering_id: facts.peering.id,
            reason: reason.clone(),
            left_behind,
            not_observed,
        });
    }
}

/// Rules that somebody else has in the group of the side that was cleaned up, which stays for them.
fn kept_by_others(facts: &Facts<'_>) -> Vec<Leftover> {
    let Some(side) = cleans(facts) else {
        return Vec::new();
    };
    let groups = facts.seen.groups.get(side).iter().flatten();
    let ours = groups.filter(|view| firewall::is_ours(facts, side, view));
    let others = ours.flat_map(|view| {
        let known = firewall::known_of(facts, side, view);
        firewall::others(facts, side, view, &known)
    });
    let left = others.map(|rule| Leftover::FirewallRule {
        side,
        rule_id: rule.id.clone(),
    });
    left.collect()
}

/// Routes of other owners over the link, in the tables that were looked at.
fn others_routes(facts: &Facts<'_>, trace: &LinkTrace) -> Vec<Leftover> {
    let (Some(link), true) = (trace.link(), facts.peering.made_the_link()) else {
        return Vec::new();
    };
    let seen = facts.peering.kept_sides().filter_map(|side| {
        let tables = facts.seen.tables.get(side).as_ref()?;
        Some(routes::of_others(facts, side, link, tables))
    });
    seen.flatten().collect()
}

/// The side that is to be cleaned up, while there is time and it can be seen.
pub(in crate::provisioner) fn cleans(facts: &Facts<'_>) -> Option<Side> {
    let removal = facts.peering.removal.as_ref()?;
    let is_in_time = facts.now < later(removal.since, CLEANED_WITHIN);
    let is_ours = |side: &Side| facts.peering.is_ours_to_keep(*side) && !facts.unseen.get(*side);
    removal.clean.filter(is_ours).filter(|_| is_in_time)
}

/// The rules and routes of the side that is to be cleaned up.
pub(super) fn close(facts: &Facts<'_>, side: Side, trace: &LinkTrace, draft: &mut Draft) {
    if cleans(facts) == Some(side)
        && let Some(link) = trace.link()
    {
        removal::side(facts, side, link, draft);
        exposure::close_alone(facts, side, draft);
    }
}

fn clean(facts: &Facts<'_>, side: Side, trace: &LinkTrace, draft: &mut Draft) {
    let Some(link) = trace.link() else {
        return;
    };
    removal::side(facts, side, link, draft);
    if draft.is_busy() || !draft.records.is_empty() {
        return;
    }
    if halves::form(facts).is_two_objects() {
        let is_ours = facts.peering.made_the_link();
        if is_ours && !halves::take_back_one(facts, side, link, draft) {
            return;
        }
    } else if side == Side::Local {
        removal::end(facts, link, trace, draft);
        if draft.is_busy() || !draft.records.is_empty() {
            return;
        }
    }
    denial::take_back(facts, side, draft);
    removal::own_group(facts, side, draft);
}

/// Puts on record what stands and what does not, and changes nothing.
fn look(facts: &Facts<'_>, side: Side, trace: &LinkTrace, draft: &mut Draft) {
    let Some(link) = trace.link() else {
        return;
    };
    let mut seen = Draft::default();
    removal::side(facts, side, link, &mut seen);
    draft.needs.append(&mut seen.needs);
    draft.records.append(&mut seen.records);
    let mut denials = Draft::default();
    denial::take_back(facts, side, &mut denials);
    draft.needs.append(&mut denials.needs);
    draft.records.append(&mut denials.records);
    if halves::form(facts).is_two_objects() {
        return halves::look(facts, side, link, draft);
    }
    if side == Side::Local
        && let LinkTrace::Seen(_) = trace
        && let Some(views) = draft.require(&facts.seen.links.local, Query::Links(Side::Local))
        && facts.peering.made_the_link()
    {
        let gone = views
            .iter()
            .any(|view| view.link == *link && !view.state.is_live());
        if gone {
            draft.record(domain::network::LinkRemoved {
                peering_id: facts.peering.id,
                link: link.clone(),
            });
        }
    }
}
