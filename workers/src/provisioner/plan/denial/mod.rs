//! What keeps the other side out of a side's subnets: entries that deny, in the lists in front of
//! them, where groups can only allow. Only where that was asked for.
//!
//! Entries have no tags, so ours are those on record, as routes are: by list, number and what they
//! deny, put on record before each is made. Everybody else's stay, and so does a number that
//! somebody has taken. A denial is never taken away before all that is wanted in its place is seen.
//! Whether the lists keep out what they should is told by the one evaluator on all their entries:
//! one of somebody else's that comes first is for a person.

mod kept;
mod lists;
mod problem;

pub(super) use problem::problem;

use super::{
    Draft, Facts, Query,
    drift::{self, Verdict},
    later,
};
use crate::provisioner::{apply::Action, seen::stands};
use cloud::AccessListView;
use domain::{
    Side,
    network::{
        BlockCause, Denial, DenialMade, DenialRemoved, DenialWanted, Denied, DriftKind,
        InstallationEnded,
    },
};
use lists::{inbound, is_taken, serving, thing};
use std::collections::BTreeSet;

/// Of an active link.
pub(super) fn plan(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    let wanted = facts.peering.firewall.get(side).denials.wanted.as_ref();
    if wanted.is_none() && facts.peering.own_denials(side).is_empty() {
        return;
    }
    let Some(lists) = readable(facts, side, draft) else {
        return;
    };
    see(facts, side, lists, draft);
    match wanted {
        None => stop(facts, side, lists, draft),
        Some(wanted) => {
            keep(facts, side, wanted, lists, draft);
            kept::lapse(facts, side, wanted, lists, draft);
        }
    }
}

/// The lists of the side's network. There is always one; where none shows, they may not be read.
fn readable<'a>(
    facts: &Facts<'a>,
    side: Side,
    draft: &mut Draft,
) -> Option<&'a Vec<AccessListView>> {
    let lists = draft.require(facts.seen.lists.get(side), Query::AccessLists(side))?;
    if lists.is_empty() {
        let message = format!(
            "Peerage may not read the lists in front of the subnets of the {side} side, and neither denies there nor stops to"
        );
        let remedy = vec![format!(
            "allow it to read them, as the policy says that `peerage peering show {}` prints",
            facts.peering.id
        )];
        draft.block(facts, BlockCause::PermissionDenied, side, message, remedy);
        return None;
    }
    Some(lists)
}

/// Puts on record which of those that were about to be made are there, and which have come to
/// nothing: somebody else's entry has the number.
fn see(facts: &Facts<'_>, side: Side, lists: &[AccessListView], draft: &mut Draft) {
    let peering_id = facts.peering.id;
    let mut over = Vec::new();
    for denial in facts.peering.own_denials(side) {
        if facts.peering.has_on_record(side, &thing(&denial)) {
            continue;
        }
        if stands(lists, &denial) {
            draft.record(DenialMade {
                peering_id,
                side,
                denial,
            });
        } else if is_taken(lists, &denial) {
            over.push(thing(&denial));
        }
    }
    if !over.is_empty() {
        draft.record(InstallationEnded {
            peering_id,
            side,
            things: over,
        });
        draft.again = true;
    }
}

fn keep(
    facts: &Facts<'_>,
    side: Side,
    wanted: &DenialWanted,
    lists: &[AccessListView],
    draft: &mut Draft,
) {
    if let Some(it) = problem(facts, side, wanted, lists) {
        draft.block(facts, it.cause, side, it.message, it.remedy);
        return;
    }
    let before = (draft.actions.len(), draft.again, draft.polls);
    let serving = serving(wanted, lists);
    let mut is_whole = true;
    for list in &serving {
        for denied in facts.network.denied(facts.peering, side) {
            is_whole &= deny(facts, side, list, denied, lists, draft);
        }
    }
    if !is_whole || (draft.actions.len(), draft.again, draft.polls) != before {
        return;
    }
    let of_no_use = |it: &Denial| {
        let is_before = |list: &&AccessListView| list.list.as_ref() == Some(&it.list);
        !serving.iter().any(is_before)
            || !facts
                .network
                .denied(facts.peering, side)
                .contains(&it.denies)
    };
    if may_take_away(facts) {
        take_away(facts, side, lists, of_no_use, draft);
    }
    kept::enforced(facts, side, wanted, lists, draft);
}

/// One denial in one list. Says whether it stands, or was accepted not to.
fn deny(
    facts: &Facts<'_>,
    side: Side,
    list: &AccessListView,
    denied: Denied,
    lists: &[AccessListView],
    draft: &mut Draft,
) -> bool {
    let Some(id) = &list.list else {
        return false;
    };
    let ours = facts.peering.own_denials(side);
    let mut ours = ours
        .into_iter()
        .filter(|it| it.list == *id && it.denies == denied);
    let Some(known) = ours.next() else {
        return make_new(facts, side, list, denied, draft);
    };
    if stands(lists, &known) {
        return true;
    }
    if !facts.peering.has_on_record(side, &thing(&known)) {
        // Of a number that somebody has taken it was told above; another one follows.
        if !is_taken(lists, &known) {
            make(facts, side, known, draft);
        }
        return false;
    }
    let kind = DriftKind::DenialMissing {
        side,
        denial: known.clone(),
    };
    if facts.peering.accepted_drift.contains_key(&kind) {
        return true;
    }
    if drift::classify(facts, kind, draft) != Verdict::Repair {
        return false;
    }
    if is_taken(lists, &known) {
        // Ours is gone, and its number somebody else's: it is made anew under another one.
        draft.record(DenialRemoved {
            peering_id: facts.peering.id,
            side,
            denial: known,
        });
        draft.again = true;
    } else {
        make(facts, side, known, draft);
    }
    false
}

fn make(facts: &Facts<'_>, side: Side, denial: Denial, draft: &mut Draft) {
    let made = thing(&denial);
    draft.install(facts, side, made, Action::MakeDenial { side, denial });
}

/// Under the least number that is free.
fn make_new(
    facts: &Facts<'_>,
    side: Side,
    list: &AccessListView,
    denied: Denied,
    draft: &mut Draft,
) -> bool {
    let Some(id) = &list.list else {
        return false;
    };
    let planned = draft.actions.iter().filter_map(|it| {
        if let Action::MakeDenial { denial, .. } = it {
            Some(denial)
        } else {
            None
        }
    });
    let own = facts.peering.own_denials(side);
    let ours = own.iter().chain(planned).filter(|it| it.list == *id);
    let mut used: BTreeSet<u32> = ours.map(|it| it.number.into()).collect();
    used.extend(inbound(list).map(|it| it.priority));
    let (first, last) = facts.limits.get(side).access_numbers;
    let free = (first..=last).find(|it| !used.contains(&u32::from(*it)));
    match free {
        Some(number) => {
            let denial = Denial {
                list: id.clone(),
                number,
                denies: denied,
            };
            make(facts, side, denial, draft);
        }
        None => {
            let message = format!(
                "no number from {first} to {last} is free in {id}, and those are the ones that Peerage may give its entries there"
            );
            let remedy = vec![
                format!("free one of them in {id}"),
                "or give it others, below those of all entries that allow: cloud.aws.network_acl_numbers".to_owned(),
            ];
            draft.block(facts, BlockCause::Conflict, side, message, remedy);
        }
    }
    false
}

/// Nothing is let through again while the network is frozen, or the peering in quarantine.
fn may_take_away(facts: &Facts<'_>) -> bool {
    !facts.rests && facts.network.may_open(facts.peering)
}

/// Nothing is to be denied any more.
fn stop(facts: &Facts<'_>, side: Side, lists: &[AccessListView], draft: &mut Draft) {
    if may_take_away(facts) {
        take_away(facts, side, lists, |_| true, draft);
    }
}

/// Those of ours that go: each is put on record as gone once it is.
fn take_away(
    facts: &Facts<'_>,
    side: Side,
    lists: &[AccessListView],
    goes: impl Fn(&Denial) -> bool,
    draft: &mut Draft,
) {
    let peering_id = facts.peering.id;
    let mut over = Vec::new();
    for denial in facts.peering.own_denials(side).into_iter().filter(goes) {
        let made = facts.peering.has_on_record(side, &thing(&denial));
        if stands(lists, &denial) {
            draft.act(facts, Action::RemoveDenial { side, denial });
        } else if made {
            draft.record(DenialRemoved {
                peering_id,
                side,
                denial,
            });
        } else {
            // What was about to be made may still show.
            let made = thing(&denial);
            let since = facts.peering.intents.get(side).since(&made);
            let hides = |since| facts.seen_at < later(since, facts.settings.visibility_window);
            if since.is_some_and(hides) {
                draft.polls = true;
            } else {
                over.push(made);
            }
        }
    }
    if !over.is_empty() {
        draft.record(InstallationEnded {
            peering_id,
            side,
            things: over,
        });
    }
}

/// In a removal, once nothing comes over the link any more: all of ours go.
pub(super) fn take_back(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    if facts.peering.own_denials(side).is_empty() {
        return;
    }
    if let Some(lists) = readable(facts, side, draft) {
        see(facts, side, lists, draft);
        take_away(facts, side, lists, |_| true, draft);
    }
}
