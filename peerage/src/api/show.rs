//! Read models into messages.

use super::v1;
use domain::{PeeringId, advisory};
use journal::Executed;
use projections::{FirewallView, NetworkView, PeeringView, Projections, QueryError, RouteView, TimelineEntry};

pub(super) fn command_response(executed: &Executed, peering: Option<PeeringId>) -> v1::CommandResponse {
    v1::CommandResponse {
        network_id: executed.network_id.to_string(),
        peering_id: peering.map(|it| it.to_string()).unwrap_or_default(),
        revision: executed.revision.or(executed.after.revision).unwrap_or_default(),
        position: executed.position.map(|it| it.to_string()).unwrap_or_default(),
        repeated: executed.repeated,
        events: executed.events.iter().map(|it| it.name().to_owned()).collect(),
    }
}

pub(super) fn network(row: &NetworkView) -> v1::Network {
    v1::Network {
        network_id: row.id.to_string(),
        project: row.project.to_string(),
        name: row.name.to_string(),
        provider: row.provider.to_string(),
        region: row.region.to_string(),
        account: row.account.to_string(),
        cloud_network: row.cloud_network.to_string(),
        range: row.range.to_string(),
        subnets: row.subnets.iter().map(ToString::to_string).collect(),
        revision: row.revision,
        registered_at: time(row.registered_at),
        live_peerings: u32::try_from(row.peerings.live).unwrap_or(u32::MAX),
    }
}

/// A peering with all that belongs to it.
pub(super) async fn peering(projections: &Projections, view: &PeeringView) -> Result<v1::Peering, QueryError> {
    let routes = projections.routes(view.id).await?;
    let posture = projections.firewall(view.id).await?;
    let network = projections.network(view.network_id).await?;
    let advisories = network.map(|it| advisory::for_places(it.region.as_str(), view.peer.region.as_str())).unwrap_or_default();
    Ok(v1::Peering {
        peering_id: view.id.to_string(),
        network_id: view.network_id.to_string(),
        peer: Some(peer(&view.peer)),
        life: view.life.as_str().to_owned(),
        link: view.link.as_ref().map(ToString::to_string).unwrap_or_default(),
        converged: view.converged,
        blocked: view.blocked.as_ref().map(blocked),
        routes: routes.iter().map(route).collect(),
        firewall: posture.iter().map(firewall).collect(),
        advisories: advisories.into_iter().map(|it| v1::Advisory { code: it.code.to_owned(), message: it.message }).collect(),
        requested_at: time(view.requested_at),
        failure: view.failure.clone().unwrap_or_default(),
        expires_at: view.expires_at.map(time).unwrap_or_default(),
    })
}

fn peer(peer: &domain::network::Peer) -> v1::Peer {
    v1::Peer {
        provider: peer.provider.to_string(),
        account: peer.account.to_string(),
        region: peer.region.to_string(),
        cloud_network: peer.cloud_network.to_string(),
        ranges: peer.ranges.iter().map(ToString::to_string).collect(),
        subnets: peer.subnets.iter().map(ToString::to_string).collect(),
    }
}

fn blocked(block: &projections::Block) -> v1::Blocked {
    v1::Blocked {
        cause: block.cause.as_str().to_owned(),
        side: block.side.to_string(),
        message: block.message.clone(),
        remedy: block.remedy.clone(),
        since: time(block.since),
    }
}

fn route(view: &RouteView) -> v1::Route {
    v1::Route {
        side: view.side.to_string(),
        destination: view.destination.to_string(),
        installed_in: view.installed.iter().map(|it| it.route_table.to_string()).collect(),
        conflicts: view
            .conflicts
            .iter()
            .map(|it| v1::RouteConflict { route_table: it.route_table.to_string(), target: it.target.clone() })
            .collect(),
    }
}

fn firewall(view: &FirewallView) -> v1::Firewall {
    v1::Firewall {
        side: view.side.to_string(),
        admit: view.admit.iter().map(|it| v1::InboundRule { source: it.source.to_string(), port: it.port.into() }).collect(),
        group: view.group.as_ref().map(ToString::to_string).unwrap_or_default(),
        enforced: view.is_enforced(),
    }
}

pub(super) fn event(row: &TimelineEntry) -> v1::Event {
    v1::Event {
        position: row.position.to_string(),
        network_id: row.network_id.map(|it| it.to_string()).unwrap_or_default(),
        peering_id: row.peering_id.map(|it| it.to_string()).unwrap_or_default(),
        stream: row.stream.clone(),
        revision: row.revision,
        r#type: row.event_type.clone(),
        actor: row.actor.as_ref().map(ToString::to_string).unwrap_or_default(),
        command_id: row.command_id.map(|it| it.to_string()).unwrap_or_default(),
        created: time(row.created),
        data: row.data.as_ref().map(ToString::to_string).unwrap_or_default(),
        problem: row.problem.clone().unwrap_or_default(),
    }
}

fn time(at: chrono::DateTime<chrono::Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
