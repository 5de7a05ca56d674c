//! Whether the lists keep out what they should is read off all their entries, and so is that they
//! no longer do.

use super::{
    super::{Draft, Facts, Query},
    lists::{is_accepted, keeps_out, serving},
};
use cloud::AccessListView;
use domain::{
    Range, Side,
    network::{
        BlockCause, DenialEnforced, DenialLapsed, DenialSeen, DenialWanted, Denied, DeniedSubnet,
        Outcome,
    },
    text::{AccessList, Subnet},
};
use std::collections::BTreeSet;

/// All entries stand that should: what they keep out is put on record, and before which addresses.
pub(super) fn enforced(
    facts: &Facts<'_>,
    side: Side,
    wanted: &DenialWanted,
    lists: &[AccessListView],
    draft: &mut Draft,
) {
    let denies = facts.network.denied(facts.peering, side);
    let serving = serving(wanted, lists);
    for list in &serving {
        for denied in &denies {
            if !keeps_out(list, denied) && !is_accepted(facts, side, list, denied) {
                return comes_first(facts, side, list, denied, draft);
            }
        }
    }
    let ids: BTreeSet<AccessList> = serving.iter().filter_map(|it| it.list.clone()).collect();
    let known = facts.peering.firewall.get(side).denials.enforced.as_ref();
    let is_same = |known: &DenialSeen| {
        (&known.lists, &known.denies) == (&ids, &denies) && guards(&serving, wanted) == told(known)
    };
    if known.is_some_and(is_same) {
        return;
    }
    let Some(subnets) = placed(facts, side, wanted, &serving, draft) else {
        return;
    };
    let is_told = |known: &DenialSeen| {
        (&known.lists, &known.denies, &known.subnets) == (&ids, &denies, &subnets)
    };
    if !known.is_some_and(is_told) {
        draft.record(DenialEnforced {
            peering_id: facts.peering.id,
            side,
            lists: ids,
            denies,
            subnets,
        });
    }
}

/// Which list stands before which of the subnets.
fn guards<'a>(
    serving: &[&'a AccessListView],
    wanted: &DenialWanted,
) -> BTreeSet<(&'a Subnet, &'a AccessList)> {
    let pairs = serving.iter().flat_map(|it| {
        let subnets = it.subnets.iter();
        subnets.filter_map(move |subnet| Some((subnet, it.list.as_ref()?)))
    });
    pairs
        .filter(|(subnet, _)| wanted.subnets.contains(*subnet))
        .collect()
}

fn told(known: &DenialSeen) -> BTreeSet<(&Subnet, &AccessList)> {
    let subnets = known.subnets.iter();
    subnets.map(|it| (&it.subnet, &it.list)).collect()
}

/// The subnets with their addresses; none where the cloud does not tell those of all of them.
fn placed(
    facts: &Facts<'_>,
    side: Side,
    wanted: &DenialWanted,
    serving: &[&AccessListView],
    draft: &mut Draft,
) -> Option<BTreeSet<DeniedSubnet>> {
    let shown = draft.require(facts.seen.subnets.get(side), Query::Subnets(side))?;
    let mut placed = BTreeSet::new();
    for (subnet, list) in guards(serving, wanted) {
        let Some(view) = shown.iter().find(|it| it.subnet == *subnet) else {
            return Some(BTreeSet::new());
        };
        for net in &view.ranges {
            let Ok(range) = net.to_string().parse::<Range>() else {
                return Some(BTreeSet::new());
            };
            placed.insert(DeniedSubnet {
                subnet: subnet.clone(),
                range,
                list: list.clone(),
            });
        }
    }
    Some(placed)
}

/// What was seen to be kept out and is not any more is said so, unless this look has to say what is
/// kept out instead.
pub(super) fn lapse(
    facts: &Facts<'_>,
    side: Side,
    wanted: &DenialWanted,
    lists: &[AccessListView],
    draft: &mut Draft,
) {
    let Some(seen) = &facts.peering.firewall.get(side).denials.enforced else {
        return;
    };
    let holds = |list: &&AccessListView| {
        let mut all = seen.denies.iter();
        all.all(|it| keeps_out(list, it) || is_accepted(facts, side, list, it))
    };
    let says =
        |outcome: &Outcome| matches!(outcome, Outcome::DenialEnforced(it) if it.side == side);
    if !serving(wanted, lists).iter().all(holds) && !draft.records.iter().any(says) {
        draft.record(DenialLapsed {
            peering_id: facts.peering.id,
            side,
        });
    }
}

/// An entry of somebody else's is tried before ours, and lets through what is to be kept out.
fn comes_first(
    facts: &Facts<'_>,
    side: Side,
    list: &AccessListView,
    denied: &Denied,
    draft: &mut Draft,
) {
    let Some(id) = &list.list else {
        return;
    };
    let own = facts.peering.own_denials(side);
    let ours = own.iter().find(|it| it.list == *id && it.denies == *denied);
    let number = ours.map_or(0, |it| it.number);
    let message = format!(
        "{id} lets through some of what Peerage denies there ({denied}): an entry with a number below {number}, its own, allows it"
    );
    let (first, last) = facts.limits.get(side).access_numbers;
    let remedy = vec![
        format!("give that entry of {id} a number above {last}"),
        format!(
            "or have Peerage take others than {first} to {last}, below those of all entries that allow: cloud.aws.network_acl_numbers"
        ),
    ];
    draft.block(facts, BlockCause::Conflict, side, message, remedy);
}
