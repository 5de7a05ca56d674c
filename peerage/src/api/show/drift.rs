//! Drift: what differs from the desired state, what was repaired, and what was accepted.

use super::firewall::rule;
use crate::api::{
    time::timestamp,
    v1::{self, drift},
    words::number,
};
use domain::{
    NetworkId,
    network::{DriftKind, Peering},
};
use projections::DriftView;
use std::collections::BTreeSet;

/// Everything that is open, was repaired, or was accepted.
pub(super) fn drift(peering: &Peering, network_id: NetworkId) -> Vec<v1::Drift> {
    let known: BTreeSet<&DriftKind> = peering
        .drift
        .keys()
        .chain(peering.repairs.keys())
        .chain(peering.accepted_drift.keys())
        .collect();
    known
        .into_iter()
        .map(|it| one(peering, network_id, it))
        .collect()
}

/// Drift that is open, found across peerings.
pub(in crate::api) fn open_drift(view: &DriftView) -> v1::Drift {
    v1::Drift {
        network_id: view.network_id.to_string(),
        peering_id: view.peering_id.to_string(),
        side: number::<v1::Side>(view.drift.side()),
        since: Some(timestamp(view.since)),
        drift: Some(kind(&view.drift)),
        ..v1::Drift::default()
    }
}

fn one(peering: &Peering, network_id: NetworkId, it: &DriftKind) -> v1::Drift {
    let repairs = peering.repairs.get(it);
    v1::Drift {
        network_id: network_id.to_string(),
        peering_id: peering.id.to_string(),
        side: number::<v1::Side>(it.side()),
        since: peering.drift.get(it).copied().map(timestamp),
        repairs: repairs.map(|it| it.count).unwrap_or_default(),
        repaired_at: repairs.and_then(|it| it.last).map(timestamp),
        accepted_at: peering.accepted_drift.get(it).copied().map(timestamp),
        drift: Some(kind(it)),
        cloud: None,
    }
}

fn kind(it: &DriftKind) -> drift::Drift {
    use drift::Drift as Kind;
    match it {
        DriftKind::LinkEnded { state } => Kind::LinkEnded(v1::LinkEnded {
            cloud_state: state.clone(),
        }),
        DriftKind::LinkTagMissing => Kind::LinkTagMissing(v1::LinkTagMissing {}),
        DriftKind::DnsResolutionFlipped { .. } => {
            Kind::DnsResolutionFlipped(v1::DnsResolutionFlipped {})
        }
        DriftKind::LinkOptionFlipped { option, .. } => {
            Kind::LinkOptionFlipped(v1::LinkOptionFlipped {
                option: number::<v1::LinkOption>(*option),
            })
        }
        DriftKind::RouteMissing {
            route_table,
            destination,
            ..
        } => Kind::RouteMissing(v1::RouteMissing {
            route_table: route_table.to_string(),
            destination: destination.to_string(),
        }),
        DriftKind::RouteForeign {
            route_table,
            destination,
            target,
            ..
        } => Kind::RouteForeign(v1::RouteForeign {
            route_table: route_table.to_string(),
            destination: destination.to_string(),
            target: target.clone(),
        }),
        DriftKind::RouteBlackhole {
            route_table,
            destination,
            ..
        } => Kind::RouteBlackhole(v1::RouteBlackhole {
            route_table: route_table.to_string(),
            destination: destination.to_string(),
        }),
        DriftKind::RouteExtra {
            route_table,
            destination,
            ..
        } => Kind::RouteExtra(v1::RouteExtra {
            route_table: route_table.to_string(),
            destination: destination.clone(),
        }),
        DriftKind::GroupMissing { group, .. } => Kind::GroupMissing(v1::GroupMissing {
            group: group.to_string(),
        }),
        DriftKind::GroupTagMissing { group, .. } => Kind::GroupTagMissing(v1::GroupTagMissing {
            group: group.to_string(),
        }),
        DriftKind::RuleMissing { rule: missing, .. } => Kind::RuleMissing(v1::RuleMissing {
            rule: Some(rule(missing)),
        }),
        DriftKind::RuleTagMissing { rule_id, .. } => Kind::RuleTagMissing(v1::RuleTagMissing {
            rule_id: rule_id.to_string(),
        }),
        DriftKind::GroupDetached { interface, .. } => Kind::GroupDetached(v1::GroupDetached {
            interface: interface.to_string(),
        }),
        DriftKind::DenialMissing { denial, .. } => Kind::DenialMissing(v1::DenialMissing {
            list: denial.list.to_string(),
            number: denial.number.into(),
            denies: denial.denies.to_string(),
        }),
        DriftKind::NetworkReplaced { recorded, seen, .. } => {
            Kind::NetworkReplaced(v1::NetworkReplaced {
                recorded: recorded.to_string(),
                seen: seen.to_string(),
            })
        }
        DriftKind::RuleExtra {
            rule_id, admits, ..
        } => Kind::RuleExtra(v1::RuleExtra {
            rule_id: rule_id.to_string(),
            admits: admits.clone(),
        }),
    }
}
