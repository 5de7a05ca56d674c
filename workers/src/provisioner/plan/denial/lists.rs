//! What the lists in front of subnets show, and what is in them of the engine's.

use super::super::Facts;
use crate::provisioner::seen::stands;
use cloud::{AccessEntry, AccessListView, Direction, LetsIn, denied_traffic, lets_in};
use domain::{
    Side,
    network::{Denial, DenialWanted, Denied, DriftKind, Thing},
};

pub(super) fn thing(denial: &Denial) -> Thing {
    Thing::Denial {
        denial: denial.clone(),
    }
}

/// The inbound entry with this number.
pub(super) fn at(list: &AccessListView, number: u16) -> Option<&AccessEntry> {
    inbound(list).find(|it| it.priority == u32::from(number))
}

pub(super) fn inbound(list: &AccessListView) -> impl Iterator<Item = &AccessEntry> {
    list.entries.iter().filter(|it| match it.direction {
        Direction::Inbound => true,
        Direction::Outbound => false,
    })
}

pub(super) fn list_of<'a>(
    lists: &'a [AccessListView],
    denial: &Denial,
) -> Option<&'a AccessListView> {
    lists
        .iter()
        .find(|it| it.list.as_ref() == Some(&denial.list))
}

/// Whether somebody else's entry has the number.
pub(super) fn is_taken(lists: &[AccessListView], denial: &Denial) -> bool {
    let entry = list_of(lists, denial).and_then(|it| at(it, denial.number));
    entry.is_some() && !stands(lists, denial)
}

/// The lists that stand before one of the subnets.
pub(super) fn serving<'a>(
    wanted: &DenialWanted,
    lists: &'a [AccessListView],
) -> Vec<&'a AccessListView> {
    let serves = |it: &&AccessListView| it.subnets.iter().any(|of| wanted.subnets.contains(of));
    lists.iter().filter(serves).collect()
}

/// Whether it was accepted that this entry is not there.
pub(super) fn is_accepted(
    facts: &Facts<'_>,
    side: Side,
    list: &AccessListView,
    denied: &Denied,
) -> bool {
    facts.peering.accepted_drift.keys().any(|drift| {
        matches!(drift, DriftKind::DenialMissing { side: of, denial }
            if *of == side && list.list.as_ref() == Some(&denial.list) && denial.denies == *denied)
    })
}

/// Whether the list lets none of this through.
pub(super) fn keeps_out(list: &AccessListView, denied: &Denied) -> bool {
    let from = [denied.source.net()];
    lets_in(&list.entries, &denied_traffic(denied), &from) == LetsIn::No
}
