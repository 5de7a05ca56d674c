//! One peering, with all that belongs to it.

use super::{maybe_time, time};
use crate::api::v0 as v1;
use domain::{
    Advisory, Range,
    network::{AcceptedBy, DriftKind, Evidence, FoundRoute, InboundRule, Leftover, Peer},
};
use projections::{
    Block, DnsView, DriftView, ExposureView, FirewallView, IngressView, Origin, PeeringView,
    Projections, QueryError, Removal, RouteView,
};

/// A peering with all that belongs to it but instructions.
pub(in crate::api) async fn peering(
    projections: &Projections,
    view: &PeeringView,
) -> Result<v1::Peering, QueryError> {
    let network = projections.network(view.network_id).await?;
    let places = network
        .map(|it| domain::advisory::for_places(it.region.as_str(), view.peer.region.as_str()));
    let exposures = if view.exposures == 0 {
        Vec::new()
    } else {
        projections.exposures(view.id).await?
    };
    Ok(v1::Peering {
        routes: projections
            .routes(view.id)
            .await?
            .iter()
            .map(route)
            .collect(),
        firewall: projections
            .firewall(view.id)
            .await?
            .iter()
            .map(firewall)
            .collect(),
        ingress: projections
            .ingress(view.id)
            .await?
            .iter()
            .map(ingress)
            .collect(),
        dns: projections.dns(view.id).await?.iter().map(dns).collect(),
        drift: projections
            .drift(view.id)
            .await?
            .iter()
            .map(drift)
            .collect(),
        exposures: exposures.iter().map(exposure).collect(),
        advisories: places.into_iter().flatten().map(advisory).collect(),
        ..own(view)
    })
}

/// What stands in the peering's own row.
fn own(view: &PeeringView) -> v1::Peering {
    v1::Peering {
        peering_id: view.id.to_string(),
        network_id: view.network_id.to_string(),
        peer: Some(peer(&view.peer)),
        life: view.life.as_str().to_owned(),
        link: text(view.link.as_ref()),
        converged: view.converged,
        blocked: view.blocked.as_ref().map(blocked),
        requested_at: time(view.requested_at),
        failure: view.failure.clone().unwrap_or_default(),
        expires_at: maybe_time(view.expires_at),
        expiry_near: view.expiry_near,
        origin: match view.origin {
            Origin::Requested => "requested".to_owned(),
            Origin::Adopted => "adopted".to_owned(),
        },
        consent: view.terms.consent.as_str().to_owned(),
        deadline: maybe_time(view.terms.deadline),
        renew: view.terms.renew,
        external_id: text(view.external_id.as_ref()),
        past_links: view.past_links.iter().map(ToString::to_string).collect(),
        accepted_at: maybe_time(view.accepted_at),
        evidence: view.evidence.as_ref().map(evidence),
        removal: view.removal.as_ref().map(removal),
        left_behind: view.left_behind.iter().map(remnant).collect(),
        found: view.found.iter().flatten().map(found).collect(),
        ..v1::Peering::default()
    }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

fn peer(peer: &Peer) -> v1::Peer {
    v1::Peer {
        provider: peer.provider.to_string(),
        account: peer.account.to_string(),
        region: peer.region.to_string(),
        cloud_network: peer.cloud_network.to_string(),
        ranges: peer.ranges.iter().map(ToString::to_string).collect(),
        subnets: peer.subnets.iter().map(ToString::to_string).collect(),
    }
}

fn blocked(block: &Block) -> v1::Blocked {
    v1::Blocked {
        cause: block.cause.as_str().to_owned(),
        side: block.side.to_string(),
        message: block.message.clone(),
        remedy: block.remedy.clone(),
        since: time(block.since),
    }
}

fn evidence(it: &Evidence) -> v1::Evidence {
    let accepted_by = match it.accepted_by {
        AcceptedBy::Engine => "engine",
        AcceptedBy::Owner => "owner",
        AcceptedBy::EngineOrOwner => "engine_or_owner",
    };
    v1::Evidence {
        accepted_by: accepted_by.to_owned(),
        account: it.account.to_string(),
        seen_at: time(it.seen_at),
        seen_from: it.seen_from.to_string(),
        shown: it.shown.clone(),
    }
}

fn removal(it: &Removal) -> v1::Removal {
    v1::Removal {
        since: time(it.since),
        reason: text(it.reason.as_ref()),
        deadline_passed: maybe_time(it.deadline_passed),
        link_removed_at: maybe_time(it.link_removed_at),
    }
}

fn remnant(it: &Leftover) -> v1::Remnant {
    let (kind, facts) = tagged(it);
    v1::Remnant { kind, facts }
}

/// The word of a tagged value, and its other facts as JSON.
fn tagged(value: &impl serde::Serialize) -> (String, String) {
    let Ok(serde_json::Value::Object(mut fields)) = serde_json::to_value(value) else {
        return Default::default();
    };
    let kind = fields
        .remove("kind")
        .and_then(|it| it.as_str().map(str::to_owned))
        .unwrap_or_default();
    (kind, serde_json::Value::Object(fields).to_string())
}

fn found(it: &FoundRoute) -> v1::FoundRoute {
    v1::FoundRoute {
        side: it.side.to_string(),
        route_table: it.route_table.to_string(),
        destination: it.destination.to_string(),
    }
}

fn route(view: &RouteView) -> v1::Route {
    let conflicts = view.conflicts.iter();
    let withdrawn = view.withdrawn.as_ref();
    v1::Route {
        side: view.side.to_string(),
        destination: view.destination.to_string(),
        installed_in: view
            .installed
            .iter()
            .map(|it| it.route_table.to_string())
            .collect(),
        conflicts: conflicts
            .map(|it| v1::RouteConflict {
                route_table: it.route_table.to_string(),
                target: it.target.clone(),
            })
            .collect(),
        withdrawn_at: maybe_time(withdrawn.map(|it| it.at)),
        replaced_by: withdrawn
            .and_then(|it| it.replaced_by)
            .map(|it: Range| it.to_string())
            .unwrap_or_default(),
    }
}

fn rule(it: &InboundRule) -> v1::InboundRule {
    v1::InboundRule {
        source: it.source.to_string(),
        port: it.port.into(),
    }
}

fn firewall(view: &FirewallView) -> v1::Firewall {
    v1::Firewall {
        side: view.side.to_string(),
        admit: view.admit.iter().map(rule).collect(),
        group: text(view.group.as_ref()),
        enforced: view.is_enforced(),
    }
}

fn ingress(view: &IngressView) -> v1::Ingress {
    v1::Ingress {
        ingress_id: view.id.to_string(),
        target: view.target.to_string(),
        rule: Some(rule(&view.rule)),
        reason: view.reason.to_string(),
        allowed_at: time(view.allowed_at),
        expires_at: maybe_time(view.expires_at),
    }
}

pub(in crate::api) fn exposure(view: &ExposureView) -> v1::Exposure {
    let it = &view.exposure;
    v1::Exposure {
        network_id: view.network_id.to_string(),
        peering_id: view.peering_id.to_string(),
        side: view.side.to_string(),
        group: it.group.to_string(),
        group_name: it.group_name.clone(),
        rule_id: it.rule_id.to_string(),
        admits: it.admits.clone(),
        owner: it.owner.clone(),
        since: time(view.since),
    }
}

fn dns(view: &DnsView) -> v1::Dns {
    v1::Dns {
        side: view.side.to_string(),
        wanted: view.wanted,
        applied: view.applied,
    }
}

fn drift(view: &DriftView) -> v1::Drift {
    let finding: &DriftKind = &view.finding;
    v1::Drift {
        kind: finding.kind().to_owned(),
        side: finding.side().to_string(),
        finding: tagged(finding).1,
        since: maybe_time(view.since),
        repairs: view.repairs,
        repaired_at: maybe_time(view.repaired_at),
        adopted_at: maybe_time(view.adopted_at),
    }
}

pub(in crate::api) fn advisory(it: Advisory) -> v1::Advisory {
    v1::Advisory {
        code: it.code.to_owned(),
        message: it.message,
    }
}
