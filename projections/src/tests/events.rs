//! Events, and the small histories that the other tests put together from them.

use super::*;
use domain::{
    IngressId,
    network::{OrphanFound, OrphanThing},
};

pub(super) fn registered(n: u8) -> NetworkEvent {
    NetworkRegistered {
        network_id: network_id(n.into()),
        project: text("payments"),
        name: text(&format!("events-{n}")),
        provider: Provider::Aws,
        region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
        account: text("111122223333"),
        cloud_network: text(&format!("vpc-0a1b2c3d4e5f{n:04x}")),
        range: text(&format!("10.{n}.0.0/16")),
        ipv6_ranges: Vec::new(),
        subnets: vec![text("subnet-0aa1")],
        cloud: None,
        generation: None,
    }
    .into()
}

fn peer(n: u8) -> Peer {
    Peer {
        provider: Provider::Aws,
        account: text("444455556666"),
        region: Region::of(Provider::Aws, "us-east-1").unwrap(),
        cloud_network: text(&format!("vpc-0f9e8d7c6b5a{n:04x}")),
        ranges: vec![text(&format!("10.{}.0.0/16", 100 + n))],
        subnets: Vec::new(),
    }
}

pub(super) fn requested(n: u8) -> NetworkEvent {
    requested_on(n, Terms::default())
}

fn requested_on(n: u8, terms: Terms) -> NetworkEvent {
    let external_id = Some(text("peerage-1"));
    PeeringRequested {
        peering_id: peering_id(n.into()),
        peer: peer(n),
        requested_at: start(),
        terms,
        external_id,
    }
    .into()
}

pub(super) fn closed(n: u8) -> [NetworkEvent; 2] {
    Side::BOTH.map(|side| {
        FirewallRestricted {
            peering_id: peering_id(n.into()),
            side,
            admit: Vec::new(),
            tenure: Default::default(),
        }
        .into()
    })
}

/// All that a peering's request appends.
pub(super) fn request(n: u8) -> Vec<NetworkEvent> {
    std::iter::once(requested(n)).chain(closed(n)).collect()
}

pub(super) fn clients() -> InboundRule {
    InboundRule {
        source: text("10.101.0.0/16"),
        port: 2113,
        target: None,
    }
}

/// The life of peering 1 of network 1 until all is in place, and then what is asked for next.
pub(super) fn a_whole_life() -> Vec<NetworkEvent> {
    let peering_id = peering_id(1);
    let side = Side::Local;
    let (destination, route_table) = (text("10.101.0.0/16"), text("rtb-0a1"));
    let rule = clients();
    vec![
        RouteAccepted {
            peering_id,
            side,
            destination,
        }
        .into(),
        FirewallRestricted {
            peering_id,
            side,
            admit: vec![rule],
            tenure: Default::default(),
        }
        .into(),
        PeeringInitiationStarted {
            peering_id,
            attempt: 1,
            started_at: start(),
        }
        .into(),
        ProvisioningBlocked {
            peering_id,
            cause: BlockCause::CredentialsRefused,
            side,
            message: "the key was refused".to_owned(),
            remedy: vec!["renew the key".to_owned()],
            times: 1,
        }
        .into(),
        ProvisioningUnblocked { peering_id }.into(),
        PeeringInitiationRefused {
            peering_id,
            attempt: 1,
            cause: None,
        }
        .into(),
        PeeringInitiationStarted {
            peering_id,
            attempt: 2,
            started_at: start(),
        }
        .into(),
        PeeringInitiated {
            peering_id,
            link: text("pcx-01"),
            expires_at: Some(start() + Duration::days(7)),
        }
        .into(),
        accepted(1, "pcx-01", AcceptedBy::Engine),
        PeeringActivated {
            peering_id,
            link: text("pcx-01"),
        }
        .into(),
        RouteConflicted {
            peering_id,
            side,
            destination,
            route_table: text("rtb-0b2"),
            target: "tgw-07".to_owned(),
            left_by: None,
        }
        .into(),
        RouteInstalled {
            peering_id,
            side,
            destination,
            route_table,
        }
        .into(),
        RouteInstalled {
            peering_id,
            side,
            destination,
            route_table: text("rtb-0b2"),
        }
        .into(),
        FirewallGroupCreated {
            peering_id,
            side,
            group: text("sg-0a1"),
        }
        .into(),
        FirewallRuleAuthorized {
            peering_id,
            side,
            rule,
            rule_id: text("sgr-0a1"),
        }
        .into(),
        FirewallEnforced {
            peering_id,
            side,
            group: text("sg-0a1"),
            admit: vec![rule],
            attached: None,
        }
        .into(),
        FirewallEnforced {
            peering_id,
            side: Side::Remote,
            group: text("sg-0b2"),
            admit: Vec::new(),
            attached: None,
        }
        .into(),
    ]
}

fn accepted(n: u8, link: &str, accepted_by: AcceptedBy) -> NetworkEvent {
    let (seen_at, seen_from) = (start() + Duration::minutes(5), Side::Remote);
    let evidence = Evidence {
        accepted_by,
        account: text("444455556666"),
        seen_at,
        seen_from,
        shown: "provisioning".to_owned(),
    };
    PeeringAccepted {
        peering_id: peering_id(n.into()),
        link: text(link),
        evidence: Some(evidence),
    }
    .into()
}

/// Peering `n` waits for a person.
pub(super) fn denied(n: u8) -> NetworkEvent {
    ProvisioningBlocked {
        peering_id: peering_id(n.into()),
        cause: BlockCause::PermissionDenied,
        side: Side::Remote,
        message: "the role may not create a peering".to_owned(),
        remedy: vec!["allow ec2:CreateVpcPeeringConnection".to_owned()],
        times: 1,
    }
    .into()
}

pub(super) fn exposure(rule_id: &str, admits: &str) -> Exposure {
    Exposure {
        group: text("sg-0f1"),
        group_name: "legacy-ssh".to_owned(),
        rule_id: text(rule_id),
        admits: admits.to_owned(),
        owner: "444455556666, team-a".to_owned(),
        cannot_tell: false,
        what: ExposedBy::Rule,
    }
}

pub(super) fn missing() -> DriftKind {
    DriftKind::RouteMissing {
        side: Side::Local,
        route_table: text("rtb-0a1"),
        destination: text("10.101.0.0/16"),
    }
}

pub(super) fn ingress_allowed(n: u128, port: u16) -> NetworkEvent {
    ConnectorIngressAllowed {
        peering_id: peering_id(1),
        ingress_id: IngressId(Uuid::from_u128(0x1e00 + n)),
        target: text("10.101.7.0/24"),
        rule: InboundRule {
            source: text("10.1.0.0/16"),
            port,
            target: None,
        },
        also: Vec::new(),
        reason: text("sink to the warehouse"),
        allowed_at: start() + Duration::minutes(i64::from(port)),
        expires_at: (n == 2).then(|| start() + Duration::days(1)),
    }
    .into()
}

pub(super) fn ingress_revoked(n: u128, because: IngressEnd) -> NetworkEvent {
    ConnectorIngressRevoked {
        peering_id: peering_id(1),
        ingress_id: IngressId(Uuid::from_u128(0x1e00 + n)),
        because,
    }
    .into()
}

/// What happens to peering 1 once it is in place, until all is in place again but for what is open
/// on purpose.
pub(super) fn upkeep() -> Vec<NetworkEvent> {
    let (peering_id, side) = (peering_id(1), Side::Local);
    let (old, new) = (text("10.101.0.0/16"), text("10.101.0.0/17"));
    let later = |minutes| start() + Duration::minutes(minutes);
    let finding = missing();
    let tag = DriftKind::LinkTagMissing;
    vec![
        ingress_allowed(1, 5432),
        ingress_allowed(2, 9092),
        ingress_revoked(2, IngressEnd::Expired),
        FirewallGroupRemoved {
            peering_id,
            side: Side::Remote,
            group: text("sg-0b2"),
        }
        .into(),
        FirewallExposed {
            peering_id,
            side: Side::Remote,
            exposure: exposure("sgr-0e1", "tcp 22 from 10.0.0.0/8"),
        }
        .into(),
        FirewallExposed {
            peering_id,
            side: Side::Remote,
            exposure: exposure("sgr-0e2", "all from 10.1.0.0/16"),
        }
        .into(),
        FirewallExposed {
            peering_id,
            side: Side::Remote,
            exposure: exposure("sgr-0e1", "tcp 22 from 10.1.0.0/16"),
        }
        .into(),
        ExposureCleared {
            peering_id,
            side: Side::Remote,
            rule_id: text("sgr-0e2"),
        }
        .into(),
        LinkOptionSet {
            peering_id,
            option: LinkOption::DnsResolution,
            side: Side::Remote,
            enabled: true,
        }
        .into(),
        LinkOptionApplied {
            peering_id,
            option: LinkOption::DnsResolution,
            side: Side::Remote,
            enabled: true,
            in_effect: None,
        }
        .into(),
        LinkOptionSet {
            peering_id,
            option: LinkOption::DnsResolution,
            side,
            enabled: true,
        }
        .into(),
        DriftDetected {
            peering_id,
            finding: finding.clone(),
            detected_at: later(10),
        }
        .into(),
        DriftRepaired {
            peering_id,
            finding: finding.clone(),
            repaired_at: later(20),
        }
        .into(),
        DriftDetected {
            peering_id,
            finding: finding.clone(),
            detected_at: later(30),
        }
        .into(),
        DriftRepaired {
            peering_id,
            finding: finding.clone(),
            repaired_at: later(40),
        }
        .into(),
        DriftDetected {
            peering_id,
            finding,
            detected_at: later(50),
        }
        .into(),
        DriftDetected {
            peering_id,
            finding: tag.clone(),
            detected_at: later(50),
        }
        .into(),
        DriftAdopted {
            peering_id,
            finding: tag,
        }
        .into(),
        RouteAccepted {
            peering_id,
            side,
            destination: new,
        }
        .into(),
        RouteWithdrawn {
            peering_id,
            side,
            destination: old,
            replaced_by: Some(new),
        }
        .into(),
        RouteInstalled {
            peering_id,
            side,
            destination: new,
            route_table: text("rtb-0a1"),
        }
        .into(),
        RouteRemoved {
            peering_id,
            side,
            destination: old,
            route_table: text("rtb-0a1"),
        }
        .into(),
    ]
}

pub(super) fn adoption(n: u8) -> Vec<NetworkEvent> {
    let peering_id = peering_id(n.into());
    let (consent, external_id, link) = (Consent::Owner, Some(text("peerage-2")), text("pcx-0ad0"));
    let adopted = PeeringAdopted {
        peering_id,
        peer: peer(n),
        link,
        adopted_at: start(),
        consent,
        external_id,
        expires_at: None,
    };
    std::iter::once(adopted.into()).chain(closed(n)).collect()
}

pub(super) fn surveyed(n: u8) -> NetworkEvent {
    let found = |destination| FoundRoute {
        side: Side::Local,
        route_table: text("rtb-0a1"),
        destination: text(destination),
    };
    let routes = vec![
        found("10.104.128.0/17"),
        found("10.104.0.0/17"),
        found("10.104.128.0/17"),
    ];
    PeeringSurveyed {
        peering_id: peering_id(n.into()),
        routes,
        names: Vec::new(),
        options: Vec::new(),
    }
    .into()
}

fn terms() -> Terms {
    Terms {
        consent: Consent::Owner,
        deadline: Some(start() + Duration::days(30)),
        renew: true,
        accept_open: None,
    }
}

pub(super) fn request_on_terms(n: u8) -> Vec<NetworkEvent> {
    std::iter::once(requested_on(n, terms()))
        .chain(closed(n))
        .collect()
}

/// Nobody accepts in time, then somebody does, and in the end the link is taken back.
pub(super) fn asked_for_twice_and_taken_back(n: u8) -> Vec<NetworkEvent> {
    let peering_id = peering_id(n.into());
    let (first, second) = (text("pcx-51"), text("pcx-52"));
    let (side, route_table) = (Side::Local, text("rtb-0a9"));
    let left = Leftover::Route {
        side,
        route_table,
        destination: text("10.105.0.0/16"),
    };
    vec![
        PeeringInitiationStarted {
            peering_id,
            attempt: 1,
            started_at: start(),
        }
        .into(),
        PeeringInitiated {
            peering_id,
            link: text("pcx-51"),
            expires_at: None,
        }
        .into(),
        PeeringExpiryNear {
            peering_id,
            link: text("pcx-51"),
            expires_at: start() + Duration::days(7),
        }
        .into(),
        PeeringExpired {
            peering_id,
            link: text("pcx-51"),
        }
        .into(),
        PeeringRenewed {
            peering_id,
            expired: first,
        }
        .into(),
        PeeringInitiationStarted {
            peering_id,
            attempt: 1,
            started_at: start() + Duration::days(8),
        }
        .into(),
        PeeringInitiated {
            peering_id,
            link: text("pcx-52"),
            expires_at: None,
        }
        .into(),
        accepted(n, "pcx-52", AcceptedBy::Owner),
        PeeringRemovalRequested {
            peering_id,
            reason: text("moved to another account"),
            requested_at: start(),
        }
        .into(),
        LinkRemoved {
            peering_id,
            link: second,
        }
        .into(),
        PeeringRemoved {
            peering_id,
            left_behind: vec![left],
        }
        .into(),
    ]
}

pub(super) fn abandoned(n: u8) -> NetworkEvent {
    let left_behind = vec![
        Leftover::PossibleLink,
        Leftover::FirewallGroup {
            side: Side::Remote,
            group: text("sg-0b2"),
        },
    ];
    PeeringAbandoned {
        peering_id: peering_id(n.into()),
        reason: text("the account was closed"),
        left_behind,
        not_observed: Vec::new(),
    }
    .into()
}

pub(super) fn policy_set(n: u8) -> NetworkEvent {
    let exposure = ExposurePolicy::Enforce {
        groups: [text("sg-0f1")].into(),
    };
    NetworkPolicySet {
        network_id: network_id(n.into()),
        policy: Policy {
            drift: DriftPolicy::Report,
            exposure,
            ..Policy::default()
        },
    }
    .into()
}

pub(super) fn drift_check(n: u8) -> NetworkEvent {
    DriftCheckRequested {
        network_id: network_id(n.into()),
        requested_at: start() + Duration::days(2),
    }
    .into()
}

/// A group of the network, with the tag of a peering that nobody knows.
pub(super) fn orphan(n: u8, group: &str) -> NetworkEvent {
    OrphanFound {
        network_id: network_id(n.into()),
        peering_id: peering_id(9),
        account: text("111122223333"),
        region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
        cloud_network: text(&format!("vpc-0a1b2c3d4e5f{n:04x}")),
        thing: OrphanThing::FirewallGroup { group: text(group) },
        is_copy: false,
    }
    .into()
}

pub(super) fn retired(n: u8) -> NetworkEvent {
    NetworkRetired {
        network_id: network_id(n.into()),
        reason: text("the project ended"),
    }
    .into()
}

/// The network gets IPv6 ranges, and a node in one of them.
pub(super) fn of_ipv6(n: u8) -> [NetworkEvent; 2] {
    let network_id = network_id(n.into());
    let ranges = vec![text("fd00:20::/56"), text("2600:1f14:12ab:3400::/56")];
    let nodes = vec![text("fd00:20:0:1::/64")];
    [
        NetworkIpv6RangesSet { network_id, ranges }.into(),
        NetworkNodesSet { network_id, nodes }.into(),
    ]
}
