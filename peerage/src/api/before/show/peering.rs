//! One peering, with all that belongs to it.

use super::{maybe_time, time};
use crate::api::v0 as v1;
use domain::{
    Advisory, Side,
    network::{
        AcceptedBy, Blocked, DnsResolution, DriftKind, Ending, Evidence, Firewall, FoundRoute,
        InboundRule, Ingress, Leftover, Life, Origin, Peer, Peering, Removal, RemovalCause, Route,
        Withdrawn,
    },
};
use projections::{ExposureView, PeeringView};

/// A peering with all that belongs to it but instructions.
pub(in crate::api) fn peering(view: &PeeringView) -> v1::Peering {
    let it = &view.peering;
    let places =
        domain::advisory::for_places(view.network.region.as_str(), it.peer.region.as_str());
    let sides = Side::BOTH;
    let routes = sides.into_iter().flat_map(|side| {
        let kept = it
            .routes
            .get(side)
            .iter()
            .map(move |(to, it)| route(side, to, it));
        let going = it.withdrawn.get(side).iter();
        kept.chain(going.map(move |(to, it)| withdrawn(side, to, it)))
    });
    let exposures = sides.into_iter().flat_map(|side| {
        let exposures = it.firewall.get(side).exposures.values();
        exposures.map(move |exposed| {
            exposure(&ExposureView {
                network_id: view.network.id,
                peering_id: it.id,
                side,
                exposure: exposed.exposure.clone(),
                since: exposed.since,
            })
        })
    });
    v1::Peering {
        routes: routes.collect(),
        firewall: sides
            .map(|side| firewall(side, it.firewall.get(side)))
            .into(),
        ingress: it
            .ingress
            .iter()
            .map(|(id, it)| ingress(&id.to_string(), it))
            .collect(),
        dns: sides.map(|side| dns(side, it.dns.get(side))).into(),
        drift: drifts(it),
        exposures: exposures.collect(),
        advisories: places.into_iter().map(advisory).collect(),
        ..own(view)
    }
}

fn own(view: &PeeringView) -> v1::Peering {
    let it = &view.peering;
    let (expires_at, expiry_near) = match &it.life {
        Life::AwaitingAcceptance {
            expires_at, warned, ..
        } => (Some(*expires_at), *warned),
        _ => (None, false),
    };
    let failure = match it.life.ending() {
        Some(Ending::Failed { message, .. }) => message.clone(),
        _ => String::new(),
    };
    let (origin, surveyed) = match &it.origin {
        Origin::Requested => ("requested", Vec::new()),
        Origin::Adopted { found: routes } => {
            ("adopted", routes.iter().flatten().map(found).collect())
        }
    };
    let left = it
        .life
        .ending()
        .map(Ending::left_behind)
        .unwrap_or_default();
    v1::Peering {
        peering_id: it.id.to_string(),
        network_id: view.network.id.to_string(),
        peer: Some(peer(&it.peer)),
        life: it.life.as_str().to_owned(),
        link: text(it.life.link()),
        converged: it.is_converged(),
        blocked: it.blocked.as_ref().map(blocked),
        requested_at: time(it.requested_at),
        failure,
        expires_at: maybe_time(expires_at),
        expiry_near,
        origin: origin.to_owned(),
        consent: it.terms.consent.as_str().to_owned(),
        deadline: maybe_time(it.terms.deadline),
        renew: it.terms.renew,
        external_id: text(it.external_id.as_ref()),
        past_links: it.past_links.iter().map(ToString::to_string).collect(),
        accepted_at: maybe_time(it.accepted_at),
        evidence: it.acceptance.as_ref().map(evidence),
        removal: it.removal.as_ref().map(removal),
        left_behind: left.iter().map(remnant).collect(),
        found: surveyed,
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

fn blocked(block: &Blocked) -> v1::Blocked {
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
    let (reason, passed) = match &it.cause {
        RemovalCause::Command { reason } => (reason.to_string(), None),
        RemovalCause::Deadline { passed } => (String::new(), Some(*passed)),
    };
    v1::Removal {
        since: time(it.since),
        reason,
        deadline_passed: maybe_time(passed),
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

fn route(side: Side, destination: &domain::Range, it: &Route) -> v1::Route {
    v1::Route {
        side: side.to_string(),
        destination: destination.to_string(),
        installed_in: it.installed.keys().map(ToString::to_string).collect(),
        conflicts: it
            .conflicts
            .iter()
            .map(|(table, conflict)| v1::RouteConflict {
                route_table: table.to_string(),
                target: conflict.target.clone(),
            })
            .collect(),
        ..v1::Route::default()
    }
}

fn withdrawn(side: Side, destination: &domain::Range, it: &Withdrawn) -> v1::Route {
    v1::Route {
        side: side.to_string(),
        destination: destination.to_string(),
        installed_in: it.installed.keys().map(ToString::to_string).collect(),
        withdrawn_at: time(it.withdrawn_at),
        replaced_by: text(it.replaced_by.as_ref()),
        ..v1::Route::default()
    }
}

fn rule(it: &InboundRule) -> v1::InboundRule {
    v1::InboundRule {
        source: it.source.to_string(),
        port: it.port.into(),
    }
}

fn firewall(side: Side, it: &Firewall) -> v1::Firewall {
    v1::Firewall {
        side: side.to_string(),
        admit: it.admit.iter().map(rule).collect(),
        group: text(it.group.as_ref()),
        enforced: it.is_enforced(),
    }
}

fn ingress(id: &str, it: &Ingress) -> v1::Ingress {
    v1::Ingress {
        ingress_id: id.to_owned(),
        target: it.target.to_string(),
        rule: Some(rule(&it.rule)),
        reason: it.reason.to_string(),
        allowed_at: time(it.allowed_at),
        expires_at: maybe_time(it.expires_at),
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

fn dns(side: Side, it: &DnsResolution) -> v1::Dns {
    v1::Dns {
        side: side.to_string(),
        wanted: it.wanted,
        applied: it.applied,
    }
}

/// What is open first, then what was repaired or accepted.
fn drifts(peering: &Peering) -> Vec<v1::Drift> {
    let known: std::collections::BTreeSet<&DriftKind> = peering
        .drift
        .keys()
        .chain(peering.repairs.keys())
        .chain(peering.accepted_drift.keys())
        .collect();
    let mut all: Vec<_> = known
        .into_iter()
        .map(|kind| {
            let repairs = peering.repairs.get(kind).copied().unwrap_or_default();
            v1::Drift {
                kind: kind.kind().to_owned(),
                side: kind.side().to_string(),
                finding: tagged(kind).1,
                since: maybe_time(peering.drift.get(kind).copied()),
                repairs: repairs.count,
                repaired_at: maybe_time(repairs.last),
                adopted_at: maybe_time(peering.accepted_drift.get(kind).copied()),
            }
        })
        .collect();
    all.sort_by_key(|it| it.since.is_empty());
    all
}

pub(in crate::api) fn advisory(it: Advisory) -> v1::Advisory {
    v1::Advisory {
        code: it.code.to_owned(),
        message: it.message,
    }
}
