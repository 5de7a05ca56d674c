//! Folded state into messages, by topic.

mod block;
mod drift;
mod event;
mod explained;
mod firewall;
mod guidance;
mod hold;
mod ingress;
mod link;
mod network;
mod options;
mod orphan;
mod plan;
mod posture;
mod routes;
mod tenure;

pub(super) use drift::open_drift;
pub(super) use event::{at_cloud, decision, event, known_event, recorded, structure, value};
pub(super) use explained::{explained, opening};
pub(super) use firewall::{exposure, list_entry};
pub(super) use guidance::{advisory, instruction};
pub(super) use link::peering;
pub(crate) use network::cloud;
pub(super) use network::{Counts, network, quotas};
pub(super) use orphan::orphan;
pub(super) use plan::{links, plan};

use super::v1;
use chrono::{DateTime, Utc};
use domain::{
    IngressId, NetworkId, PeeringId,
    network::{Network, NetworkEvent, QuarantineScope, Registered},
};
use journal::{Executed, Preview};

/// What a message says of a peering beside the peering itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    pub(super) network_id: NetworkId,
    pub(super) network_name: &'a str,
    /// The network, for what holds in all of it.
    pub(super) network: &'a Registered,
    pub(super) revision: u64,
    pub(super) changed_at: DateTime<Utc>,
}

/// The things that a command makes or is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subjects {
    pub(super) peering: Option<PeeringId>,
    pub(super) ingress: Option<IngressId>,
}

pub(super) fn executed(executed: &Executed, subjects: Subjects) -> v1::CommandResponse {
    v1::CommandResponse {
        network_id: executed.network_id.to_string(),
        peering_id: text(subjects.peering.as_ref()),
        ingress_id: text(subjects.ingress.as_ref()),
        revision: executed
            .revision
            .or(executed.after.revision)
            .unwrap_or_default(),
        position: text(executed.position.as_ref()),
        repeated: executed.repeated,
        event_types: names(&executed.events),
        peerings_in_scope: in_scope(&executed.events, &executed.after.network),
        ..v1::CommandResponse::default()
    }
}

/// What a command would come to: its events, and what they would make of its subjects.
pub(super) fn preview(
    preview: &Preview,
    subjects: Subjects,
    now: DateTime<Utc>,
) -> v1::CommandResponse {
    let after = match &preview.after.network {
        Network::Registered(it) | Network::Retired(it) => Some(it),
        Network::Unregistered | Network::Marked(_) => None,
    };
    let revision = preview.after.revision.unwrap_or_default();
    let peering = subjects.peering.and_then(|id| {
        let after = after?;
        let about = About {
            network_id: after.id,
            network_name: after.name.as_str(),
            network: after,
            revision,
            changed_at: now,
        };
        Some(peering(after.peerings().get(&id)?, about))
    });
    v1::CommandResponse {
        network_id: preview.network_id.to_string(),
        peering_id: text(subjects.peering.as_ref()),
        ingress_id: text(subjects.ingress.as_ref()),
        revision,
        repeated: preview.repeated,
        event_types: names(&preview.events),
        peerings_in_scope: in_scope(&preview.events, &preview.after.network),
        validated_only: true,
        network: after.map(|it| network(it, Counts::of(it), revision, now)),
        peering,
        ..v1::CommandResponse::default()
    }
}

/// What a command to all networks did in one of them.
pub(super) fn did(executed: &Executed) -> v1::NetworkAnswer {
    v1::NetworkAnswer {
        network_id: executed.network_id.to_string(),
        revision: executed
            .revision
            .or(executed.after.revision)
            .unwrap_or_default(),
        event_types: names(&executed.events),
        repeated: executed.repeated,
        peerings_in_scope: in_scope(&executed.events, &executed.after.network),
        ..v1::NetworkAnswer::default()
    }
}

/// What it would do there.
pub(super) fn would_do(preview: &Preview) -> v1::NetworkAnswer {
    v1::NetworkAnswer {
        network_id: preview.network_id.to_string(),
        revision: preview.after.revision.unwrap_or_default(),
        event_types: names(&preview.events),
        repeated: preview.repeated,
        peerings_in_scope: in_scope(&preview.events, &preview.after.network),
        ..v1::NetworkAnswer::default()
    }
}

/// How many live peerings a quarantine among these events is about.
fn in_scope(events: &[NetworkEvent], after: &Network) -> u32 {
    let Network::Registered(network) = after else {
        return 0;
    };
    let held = |scope: &QuarantineScope| {
        let live = network.live_peerings();
        live.filter(|it| scope.covers(&it.peer)).count()
    };
    let held: usize = events.iter().filter_map(scope_of).map(held).sum();
    held.try_into().unwrap_or(u32::MAX)
}

fn scope_of(event: &NetworkEvent) -> Option<&QuarantineScope> {
    if let NetworkEvent::QuarantineImposed(it) = event {
        return Some(&it.scope);
    }
    if let NetworkEvent::QuarantineLifted(it) = event {
        return Some(&it.scope);
    }
    None
}

fn names(events: &[NetworkEvent]) -> Vec<String> {
    events.iter().map(|it| it.name().to_owned()).collect()
}

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Vec<String> {
    values.into_iter().map(|it| it.to_string()).collect()
}
