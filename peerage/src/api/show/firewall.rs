//! Firewalls: what each side admits, and what other owners' rules admit beside it.

use super::text;
use crate::api::{time::timestamp, v1, words::number};
use domain::{
    NetworkId, Side,
    network::{Exposure, InboundRule, Peering},
};
use projections::ExposureView;

pub(super) fn firewall(peering: &Peering) -> Vec<v1::Firewall> {
    peering
        .firewall
        .iter()
        .map(|(side, it)| v1::Firewall {
            side: number::<v1::Side>(side),
            admit: it.admit.iter().map(rule).collect(),
            group: text(it.group.as_ref()),
            enforced: it.is_enforced(),
        })
        .collect()
}

pub(super) fn rule(it: &InboundRule) -> v1::InboundRule {
    v1::InboundRule {
        source: it.source.to_string(),
        port: it.port.into(),
    }
}

/// Other owners' rules that admit the other side, on both sides.
pub(super) fn exposures(peering: &Peering, network_id: NetworkId) -> Vec<v1::Exposure> {
    peering
        .firewall
        .iter()
        .flat_map(|(side, firewall)| {
            firewall.exposures.values().map(move |it| {
                let since = Some(timestamp(it.since));
                v1::Exposure {
                    network_id: network_id.to_string(),
                    peering_id: peering.id.to_string(),
                    since,
                    ..rule_of_others(side, &it.exposure)
                }
            })
        })
        .collect()
}

/// One of them, found across peerings.
pub(in crate::api) fn exposure(view: &ExposureView) -> v1::Exposure {
    v1::Exposure {
        network_id: view.network_id.to_string(),
        peering_id: view.peering_id.to_string(),
        since: Some(timestamp(view.since)),
        ..rule_of_others(view.side, &view.exposure)
    }
}

fn rule_of_others(side: Side, exposure: &Exposure) -> v1::Exposure {
    v1::Exposure {
        side: number::<v1::Side>(side),
        group: exposure.group.to_string(),
        group_name: exposure.group_name.clone(),
        rule_id: exposure.rule_id.to_string(),
        admits: exposure.admits.clone(),
        owner: exposure.owner.clone(),
        ..v1::Exposure::default()
    }
}
