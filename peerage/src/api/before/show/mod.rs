//! Read models into messages.

mod peering;

pub(super) use peering::{advisory, exposure, peering};

use super::v1;
use domain::{
    IngressId, PeeringId,
    network::{ExposurePolicy, Policy},
};
use journal::Executed;
use projections::{NetworkView, TimelineEntry};

pub(super) fn command_response(
    executed: &Executed,
    peering: Option<PeeringId>,
    ingress: Option<IngressId>,
) -> v1::CommandResponse {
    v1::CommandResponse {
        network_id: executed.network_id.to_string(),
        peering_id: peering.map(|it| it.to_string()).unwrap_or_default(),
        revision: executed
            .revision
            .or(executed.after.revision)
            .unwrap_or_default(),
        position: executed
            .position
            .map(|it| it.to_string())
            .unwrap_or_default(),
        repeated: executed.repeated,
        events: executed
            .events
            .iter()
            .map(|it| it.name().to_owned())
            .collect(),
        ingress_id: ingress.map(|it| it.to_string()).unwrap_or_default(),
    }
}

pub(super) fn network(row: &NetworkView) -> v1::Network {
    let network = &row.network;
    v1::Network {
        network_id: network.id.to_string(),
        project: network.project.to_string(),
        name: network.name.to_string(),
        provider: network.provider.to_string(),
        region: network.region.to_string(),
        account: network.account.to_string(),
        cloud_network: network.cloud_network.to_string(),
        range: network.range.to_string(),
        subnets: network.subnets.iter().map(ToString::to_string).collect(),
        revision: row.revision,
        registered_at: time(network.registered_at),
        live_peerings: count(row.peerings.live),
        policy: Some(policy(&network.policy)),
        drift_check_at: maybe_time(network.drift_check),
        retired_at: maybe_time(network.retired.as_ref().map(|it| it.at)),
        retired_reason: network
            .retired
            .as_ref()
            .map(|it| it.reason.to_string())
            .unwrap_or_default(),
        exposed_peerings: count(row.peerings.exposed),
    }
}

fn policy(policy: &Policy) -> v1::Policy {
    let (exposure, groups) = match &policy.exposure {
        ExposurePolicy::Report => ("report", Vec::new()),
        ExposurePolicy::Enforce { groups } => {
            ("enforce", groups.iter().map(ToString::to_string).collect())
        }
    };
    v1::Policy {
        drift: policy.drift.as_str().to_owned(),
        exposure: exposure.to_owned(),
        groups,
    }
}

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn event(row: &TimelineEntry) -> v1::Event {
    v1::Event {
        position: row.position.to_string(),
        network_id: row.network_id.map(|it| it.to_string()).unwrap_or_default(),
        peering_id: row.peering_id.map(|it| it.to_string()).unwrap_or_default(),
        stream: row.stream.clone(),
        revision: row.revision,
        r#type: row.event_type.clone(),
        actor: row
            .actor
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        command_id: row.command_id.map(|it| it.to_string()).unwrap_or_default(),
        created: time(row.created),
        data: row
            .data
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        problem: row.problem.clone().unwrap_or_default(),
    }
}

fn time(at: chrono::DateTime<chrono::Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn maybe_time(at: Option<chrono::DateTime<chrono::Utc>>) -> String {
    at.map(time).unwrap_or_default()
}
