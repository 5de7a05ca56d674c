//! What the engine's entries in front of subnets keep out of an address.

use super::traffic::Traffic;
use domain::{
    Range, Side,
    network::{Denial, Denied, DriftKind, Peering},
    text::AccessList,
};
use std::collections::BTreeSet;

/// What is kept out, and the entries that do so.
#[derive(Debug, Default)]
pub(super) struct Denials {
    /// What was seen to be kept out of the address, and was not seen otherwise since.
    pub(super) seen: Vec<Traffic>,
    /// What may be, beside that: nobody has seen whether.
    pub(super) perhaps: Vec<Traffic>,
    /// The entries of both.
    entries: Vec<(Traffic, Denial)>,
}

impl Denials {
    /// Those in front of the subnet of this address.
    pub(super) fn before(peering: &Peering, side: Side, address: &Range) -> Self {
        let denials = &peering.firewall.get(side).denials;
        let stands = |list: &AccessList, denied: &Denied| !is_missing(peering, side, list, denied);
        let mut all = Self::default();
        let guards = denials.enforced.as_ref().map(|seen| {
            let subnets = seen.subnets.iter();
            let here = subnets.filter(|it| it.range.contains(address));
            let lists: BTreeSet<_> = here.map(|it| &it.list).collect();
            (seen, lists)
        });
        let guards = guards.filter(|(seen, _)| !seen.subnets.is_empty());
        if let Some((seen, lists)) = &guards
            && let Some(list) = lists.first()
        {
            let kept = seen.denies.iter().filter(|it| stands(list, it));
            all.seen = kept.filter_map(Traffic::denied).collect();
        }
        let made = denials.made.iter().filter(|it| match &guards {
            Some((_, lists)) => lists.contains(&it.list),
            None => true,
        });
        for entry in made.filter(|it| stands(&it.list, &it.denies)) {
            let Some(traffic) = Traffic::denied(&entry.denies) else {
                continue;
            };
            if !all.seen.contains(&traffic) {
                all.perhaps.push(traffic);
            }
            all.entries.push((traffic, entry.clone()));
        }
        all
    }

    /// The entries that deny some of this.
    pub(super) fn that_meet<'a>(&self, all: impl Iterator<Item = &'a Traffic>) -> Vec<Denial> {
        let all: Vec<_> = all.collect();
        let meets = |it: &&(Traffic, Denial)| all.iter().any(|other| it.0.meets(other));
        let entries = self.entries.iter().filter(meets);
        entries.map(|(_, entry)| entry.clone()).collect()
    }
}

/// Whether the entry that denies this in the list was seen to be gone.
fn is_missing(peering: &Peering, side: Side, list: &AccessList, denied: &Denied) -> bool {
    let known = peering.drift.keys().chain(peering.accepted_drift.keys());
    let mut missing = known.filter_map(|drift| {
        if let DriftKind::DenialMissing { side, denial } = drift {
            Some((side, denial))
        } else {
            None
        }
    });
    missing.any(|(of, it)| *of == side && it.list == *list && it.denies == *denied)
}
