//! A network, with what is counted over its peerings.

use super::{hold, tenure, texts};
use crate::api::{
    time::timestamp,
    v1::{self, policy::Exposure},
    words::number,
};
use chrono::{DateTime, Utc};
use domain::{
    CloudMode, HeldQuota, Places, QuotaKind, QuotaSource,
    network::{ExposurePolicy, Policy, Registered, Requirement},
};

/// What is counted over a network's peerings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::api) struct Counts {
    pub(in crate::api) live: u64,
    pub(in crate::api) exposed: u64,
    pub(in crate::api) blocked: u64,
}

impl Counts {
    /// Counted on the network with all its peerings.
    pub(in crate::api) fn of(network: &Registered) -> Self {
        let exposed = |it: &&domain::network::Peering| {
            it.firewall
                .iter()
                .any(|(_, firewall)| firewall.known_exposures().next().is_some())
        };
        Self {
            live: network.live_peerings().count() as u64,
            exposed: network.live_peerings().filter(exposed).count() as u64,
            blocked: network
                .live_peerings()
                .filter(|it| it.blocked.is_some())
                .count() as u64,
        }
    }
}

pub(in crate::api) fn network(
    network: &Registered,
    counts: Counts,
    revision: u64,
    changed_at: DateTime<Utc>,
) -> v1::Network {
    let state = match &network.retired {
        Some(_) => v1::NetworkState::Retired,
        None => v1::NetworkState::Registered,
    };
    v1::Network {
        network_id: network.id.to_string(),
        project: network.project.to_string(),
        name: network.name.to_string(),
        provider: number::<v1::Provider>(network.provider),
        region: network.region.to_string(),
        account: network.account.to_string(),
        cloud_network: network.cloud_network.to_string(),
        range: network.range.to_string(),
        ipv6_ranges: texts(&network.ipv6_ranges),
        subnets: texts(&network.subnets),
        nodes: texts(&network.nodes),
        state: state.into(),
        policy: Some(policy(&network.policy)),
        revision,
        registered_at: Some(timestamp(network.registered_at)),
        changed_at: Some(timestamp(changed_at)),
        drift_check_at: network.drift_check.map(timestamp),
        retired_at: network.retired.as_ref().map(|it| timestamp(it.at)),
        retired_reason: network
            .retired
            .as_ref()
            .map(|it| it.reason.to_string())
            .unwrap_or_default(),
        live_peerings: count(counts.live),
        exposed_peerings: count(counts.exposed),
        blocked_peerings: count(counts.blocked),
        frozen: network.frozen.as_ref().map(hold::hold),
        quarantines: network.quarantines.iter().map(hold::quarantine).collect(),
        orphans: u32::try_from(network.orphans.len()).unwrap_or(u32::MAX),
        cloud: network.cloud.as_ref().map(cloud),
        left_alone: String::new(),
        history_fault: None,
        immutable_id: super::text(network.immutable_id.as_ref()),
        replaced_by: String::new(),
        quotas: Vec::new(),
    }
}

/// What the network's own account allows, and those of which that was seen.
pub(in crate::api) fn quotas(network: &Registered, places: &Places) -> Vec<v1::AccountQuotas> {
    let own = (&network.account, &network.region);
    let seen = network.quotas_seen.keys();
    let others = seen.map(|(account, region)| (account, region));
    let all = std::iter::once(own).chain(others.filter(|it| *it != own));
    all.map(|(account, region)| v1::AccountQuotas {
        account: account.to_string(),
        region: region.to_string(),
        quotas: network
            .quotas_held(places, account, region)
            .map(quota)
            .into(),
    })
    .collect()
}

fn quota(it: HeldQuota) -> v1::Quota {
    let kind = match it.kind {
        QuotaKind::Links => v1::QuotaKind::Links,
        QuotaKind::PendingLinks => v1::QuotaKind::PendingLinks,
        QuotaKind::Routes => v1::QuotaKind::Routes,
        QuotaKind::Rules => v1::QuotaKind::Rules,
        QuotaKind::GroupsOfInterface => v1::QuotaKind::GroupsOfInterface,
    };
    let (source, seen_at) = match it.source {
        QuotaSource::BuiltIn => (v1::QuotaSource::BuiltIn, None),
        QuotaSource::Seen { at } => (v1::QuotaSource::Seen, Some(timestamp(at))),
        QuotaSource::Configured => (v1::QuotaSource::Configured, None),
    };
    v1::Quota {
        kind: kind.into(),
        most: it.most as u64,
        source: source.into(),
        seen_at,
    }
}

/// Which cloud it is.
pub(crate) fn cloud(it: &CloudMode) -> v1::Cloud {
    let (mode, endpoint) = match it {
        CloudMode::Real => (v1::CloudMode::Real, String::new()),
        CloudMode::Emulator { endpoint } => (v1::CloudMode::Emulator, endpoint.to_string()),
        CloudMode::Simulated => (v1::CloudMode::Simulated, String::new()),
    };
    v1::Cloud {
        mode: mode.into(),
        endpoint,
    }
}

fn policy(policy: &Policy) -> v1::Policy {
    let exposure = match &policy.exposure {
        ExposurePolicy::Report => Exposure::ReportExposures(v1::ReportExposures {}),
        ExposurePolicy::Block => Exposure::BlockExposures(v1::BlockExposures {}),
        ExposurePolicy::Enforce { groups } => Exposure::EnforceExposures(v1::EnforceExposures {
            groups: texts(groups),
        }),
    };
    v1::Policy {
        drift: number::<v1::DriftPolicy>(policy.drift),
        exposure: Some(exposure),
        reason: policy.reason.as_ref().map(requirement),
        ticket: policy.ticket.as_ref().map(requirement),
        tenure: Some(tenure::policy(&policy.tenure)),
    }
}

fn requirement(it: &Requirement) -> v1::Requirement {
    v1::Requirement {
        required: it.required,
        pattern: super::text(it.pattern.as_ref()),
    }
}

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
