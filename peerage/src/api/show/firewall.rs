//! Firewalls: what each side admits, and what other owners' rules admit beside it.

use super::text;
use crate::api::{time::timestamp, v1, words::number};
use domain::{
    NetworkId, Side,
    network::{Exposed, InboundRule, Peering},
};

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

/// Other owners' rules that admit the private network, on both sides.
pub(in crate::api) fn exposures(peering: &Peering, network_id: NetworkId) -> Vec<v1::Exposure> {
    peering
        .firewall
        .iter()
        .flat_map(|(side, firewall)| {
            firewall
                .exposures
                .values()
                .map(move |it| exposure(peering, network_id, side, it))
        })
        .collect()
}

fn exposure(peering: &Peering, network_id: NetworkId, side: Side, it: &Exposed) -> v1::Exposure {
    let exposure = &it.exposure;
    v1::Exposure {
        network_id: network_id.to_string(),
        peering_id: peering.id.to_string(),
        side: number::<v1::Side>(side),
        group: exposure.group.to_string(),
        group_name: exposure.group_name.clone(),
        rule_id: exposure.rule_id.to_string(),
        admits: exposure.admits.clone(),
        owner: exposure.owner.clone(),
        since: Some(timestamp(it.since)),
    }
}
