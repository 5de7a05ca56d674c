//! Options of the link.

use crate::api::{v1, words::number};
use domain::{
    Side,
    network::{LinkOption, Needs, OptionState, Peering},
};

/// What was ever requested or seen, by side.
fn told(peering: &Peering) -> impl Iterator<Item = (Side, LinkOption, OptionState)> {
    let all = peering
        .options
        .iter()
        .flat_map(|(side, options)| options.iter().map(move |(option, it)| (side, *option, *it)));
    all.filter(|(_, _, it)| it.wanted || it.applied || it.changed_at.is_some())
}

/// All options.
pub(super) fn options(peering: &Peering) -> Vec<v1::LinkOptionState> {
    told(peering)
        .map(|(side, option, it)| v1::LinkOptionState {
            side: number::<v1::Side>(side),
            option: number::<v1::LinkOption>(option),
            requested: it.wanted,
            enabled: it.applied,
            waits_for_other_side: match option.needs() {
                Needs::ForEffect(other) => {
                    (it.wanted || it.applied) && !peering.option(side.other(), other).applied
                }
                // Where it is the engine's to give there, nobody is waited for.
                Needs::Before(_) => {
                    it.wanted && !it.applied && !peering.is_ours_to_keep(side.other())
                }
                Needs::Nothing => false,
            },
        })
        .collect()
}

/// Name resolution, which was told by itself before there were others.
pub(super) fn dns(peering: &Peering) -> Vec<v1::DnsResolution> {
    told(peering)
        .filter(|(_, option, _)| *option == LinkOption::DnsResolution)
        .map(|(side, _, it)| v1::DnsResolution {
            side: number::<v1::Side>(side),
            requested: it.wanted,
            enabled: it.applied,
        })
        .collect()
}
