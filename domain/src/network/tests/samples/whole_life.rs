//! Values and small histories of the rest of a peering's life: consent, ingress, removal, upkeep.

use super::{super::super::*, super::now, *};
use crate::text::Reason;
use crate::{ids::IngressId, place::SeenQuotas, side::Side};
use chrono::{DateTime, TimeDelta, Utc};

pub(crate) fn reason_given(words: &str) -> Reason {
    text(words)
}

/// This many hours after [`now`].
pub(crate) fn hours_on(hours: i64) -> DateTime<Utc> {
    now() + TimeDelta::hours(hours)
}

pub(crate) fn requested_on(terms: Terms) -> NetworkEvent {
    PeeringRequested {
        peering_id: peering_id(1),
        peer: peer(1),
        requested_at: now(),
        terms,
        external_id: None,
    }
    .into()
}

/// A registered network with peering 1 requested on these terms, and then these events.
pub(crate) fn history_on(
    terms: Terms,
    then: impl IntoIterator<Item = NetworkEvent>,
) -> Vec<NetworkEvent> {
    [registered(), requested_on(terms)]
        .into_iter()
        .chain(then)
        .collect()
}

pub(crate) fn adopted() -> NetworkEvent {
    let (peering_id, external_id) = (peering_id(1), None);
    PeeringAdopted {
        peering_id,
        peer: peer(1),
        link: link(),
        adopted_at: now(),
        consent: Consent::Delegated,
        external_id,
        expires_at: None,
    }
    .into()
}

/// A registered network with peering 1 adopted and active, and then these events.
pub(crate) fn adopted_history(then: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    [registered(), adopted(), accepted(), activated()]
        .into_iter()
        .chain(then)
        .collect()
}

pub(crate) fn withdrawn(side: Side, destination: &str, replaced_by: Option<&str>) -> NetworkEvent {
    RouteWithdrawn {
        peering_id: peering_id(1),
        side,
        destination: range(destination),
        replaced_by: replaced_by.map(range),
    }
    .into()
}

pub(crate) fn route_removed(side: Side, destination: &str, table: &str) -> RouteRemoved {
    RouteRemoved {
        peering_id: peering_id(1),
        side,
        destination: range(destination),
        route_table: text(table),
    }
}

pub(crate) fn ingress_id(n: u128) -> IngressId {
    IngressId(uuid::Uuid::from_u128(n))
}

/// Ingress `n` of peering 1: its web hook receiver, until somebody closes it.
pub(crate) fn ingress_allowed(n: u128, target: &str, port: u16) -> ConnectorIngressAllowed {
    ConnectorIngressAllowed {
        peering_id: peering_id(1),
        ingress_id: ingress_id(n),
        target: range(target),
        rule: rule("10.20.0.0/16", port),
        also: Vec::new(),
        reason: reason_given("the orders webhook"),
        allowed_at: now(),
        expires_at: None,
    }
}

pub(crate) fn ingress_revoked(n: u128, because: IngressEnd) -> ConnectorIngressRevoked {
    ConnectorIngressRevoked {
        peering_id: peering_id(1),
        ingress_id: ingress_id(n),
        because,
    }
}

pub(crate) fn dns_set(side: Side, enabled: bool) -> NetworkEvent {
    LinkOptionSet {
        peering_id: peering_id(1),
        side,
        option: LinkOption::DnsResolution,
        enabled,
    }
    .into()
}

pub(crate) fn dns_applied(side: Side, enabled: bool) -> LinkOptionApplied {
    LinkOptionApplied {
        peering_id: peering_id(1),
        side,
        option: LinkOption::DnsResolution,
        enabled,
        in_effect: None,
    }
}

pub(crate) fn removal_requested() -> NetworkEvent {
    PeeringRemovalRequested {
        peering_id: peering_id(1),
        reason: reason_given("the orders team has moved"),
        requested_at: now(),
    }
    .into()
}

pub(crate) fn link_removed() -> LinkRemoved {
    LinkRemoved {
        peering_id: peering_id(1),
        link: link(),
    }
}

pub(crate) fn removed(left_behind: &[Leftover]) -> PeeringRemoved {
    PeeringRemoved {
        peering_id: peering_id(1),
        left_behind: left_behind.to_vec(),
    }
}

pub(crate) fn abandoned(left_behind: &[Leftover]) -> NetworkEvent {
    let reason = reason_given("the account is closed");
    PeeringAbandoned {
        peering_id: peering_id(1),
        reason,
        left_behind: left_behind.to_vec(),
        not_observed: Vec::new(),
    }
    .into()
}

pub(crate) fn abandonment_requested() -> NetworkEvent {
    abandonment(None)
}

pub(crate) fn abandonment(clean: Option<Side>) -> NetworkEvent {
    PeeringAbandonmentRequested {
        peering_id: peering_id(1),
        reason: reason_given("the account is closed"),
        requested_at: now(),
        clean,
    }
    .into()
}

pub(crate) fn renewed() -> NetworkEvent {
    PeeringRenewed {
        peering_id: peering_id(1),
        expired: link(),
    }
    .into()
}

pub(crate) fn deadline_passed(deadline: DateTime<Utc>) -> PeeringDeadlinePassed {
    PeeringDeadlinePassed {
        peering_id: peering_id(1),
        deadline,
    }
}

pub(crate) fn expiry_near() -> PeeringExpiryNear {
    PeeringExpiryNear {
        peering_id: peering_id(1),
        link: link(),
        expires_at: hours_on(24),
    }
}

pub(crate) fn evidence() -> Evidence {
    Evidence {
        accepted_by: AcceptedBy::Owner,
        account: peer(1).account,
        seen_at: now(),
        seen_from: Side::Local,
        shown: "active".to_owned(),
    }
}

pub(crate) fn surveyed(routes: &[FoundRoute]) -> PeeringSurveyed {
    PeeringSurveyed {
        peering_id: peering_id(1),
        routes: routes.to_vec(),
        names: Vec::new(),
        options: Vec::new(),
    }
}

pub(crate) fn found_route(side: Side, destination: &str, table: &str) -> FoundRoute {
    FoundRoute {
        side,
        route_table: text(table),
        destination: range(destination),
    }
}

pub(crate) fn exposure(rule_id: &str) -> Exposure {
    Exposure {
        group: group("sg-0d4e5f60718293a4b"),
        group_name: "default".to_owned(),
        rule_id: text(rule_id),
        admits: "tcp 22 from 10.0.0.0/8".to_owned(),
        owner: "444455556601".to_owned(),
        cannot_tell: false,
        what: ExposedBy::Rule,
    }
}

pub(crate) fn exposed(side: Side, rule_id: &str) -> FirewallExposed {
    FirewallExposed {
        peering_id: peering_id(1),
        side,
        exposure: exposure(rule_id),
    }
}

pub(crate) fn exposure_cleared(side: Side, rule_id: &str) -> ExposureCleared {
    ExposureCleared {
        peering_id: peering_id(1),
        side,
        rule_id: text(rule_id),
    }
}

pub(crate) fn group_removed(side: Side, name: &str) -> FirewallGroupRemoved {
    FirewallGroupRemoved {
        peering_id: peering_id(1),
        side,
        group: group(name),
    }
}

/// The route of the local side is gone from this table.
pub(crate) fn route_missing(table: &str) -> DriftKind {
    DriftKind::RouteMissing {
        side: Side::Local,
        route_table: text(table),
        destination: range("10.101.0.0/16"),
    }
}

pub(crate) fn replaced(side: Side) -> DriftKind {
    DriftKind::NetworkReplaced {
        side,
        recorded: text("4711"),
        seen: text("4712"),
    }
}

/// The cloud told the rules of the account of this peer, or of the network's own.
pub(crate) fn quotas_seen(of: Option<&Peer>, rules: Option<u32>) -> Outcome {
    let own = register();
    let (account, region) = match of {
        Some(peer) => (peer.account.clone(), peer.region.clone()),
        None => (own.account, own.region),
    };
    let quotas = SeenQuotas {
        rules,
        ..SeenQuotas::default()
    };
    NetworkQuotasSeen {
        network_id: network_id(),
        account,
        region,
        quotas,
    }
    .into()
}

pub(crate) fn immutable_id_seen(side: Side, immutable_id: &str) -> Outcome {
    let immutable_id = text(immutable_id);
    match side {
        Side::Local => NetworkImmutableIdSeen {
            network_id: network_id(),
            immutable_id,
        }
        .into(),
        Side::Remote => PeerImmutableIdSeen {
            peering_id: peering_id(1),
            immutable_id,
        }
        .into(),
    }
}

pub(crate) fn detected(finding: DriftKind) -> DriftDetected {
    DriftDetected {
        peering_id: peering_id(1),
        finding,
        detected_at: now(),
    }
}

pub(crate) fn repaired(finding: DriftKind, repaired_at: DateTime<Utc>) -> DriftRepaired {
    DriftRepaired {
        peering_id: peering_id(1),
        finding,
        repaired_at,
    }
}

pub(crate) fn accepted_drift(finding: DriftKind) -> DriftAdopted {
    DriftAdopted {
        peering_id: peering_id(1),
        finding,
    }
}

pub(crate) fn policy_set(policy: Policy) -> NetworkEvent {
    NetworkPolicySet {
        network_id: network_id(),
        policy,
    }
    .into()
}

pub(crate) fn retired() -> NetworkEvent {
    NetworkRetired {
        network_id: network_id(),
        reason: reason_given("moved to another region"),
    }
    .into()
}
