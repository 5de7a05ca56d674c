//! What each sample says.

use super::super::{super::*, samples::*};
use crate::{CloudMode, place::SeenQuotas, side::Side, text::Interface};
use chrono::{DateTime, TimeZone, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

fn at(hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, hour, 30, 15).unwrap()
}

fn its_network() -> NetworkId {
    NetworkId(Uuid::from_u128(0x0b9f_6a52_3c1d_4e8f_8a7b_6c5d_4e3f_2a1b))
}

fn its_peering() -> PeeringId {
    PeeringId(Uuid::from_u128(0x5b0c_1f1a_7f5e_4f0d_9a52_0d6d_5c1e_77a1))
}

fn its_peer() -> Peer {
    Peer {
        subnets: vec![text("subnet-0c2a4f60718293a4b")],
        ..peer(1)
    }
}

fn registered_at(id: NetworkId, cloud: CloudMode) -> NetworkEvent {
    let NetworkEvent::NetworkRegistered(registered) = registered_as(register(), id) else {
        panic!("a registration registers");
    };
    let cloud = Some(cloud);
    NetworkRegistered {
        cloud,
        ..registered
    }
    .into()
}

fn its_older_id() -> NetworkId {
    text("5c1d0e2f-7a6b-4c3d-8e9f-0a1b2c3d4e5f")
}

fn registered_anew(id: NetworkId) -> NetworkEvent {
    let NetworkEvent::NetworkRegistered(registered) = registered_as(register(), id) else {
        panic!("a registration registers");
    };
    NetworkRegistered {
        generation: Some(1),
        ..registered
    }
    .into()
}

fn registered_with_ipv6() -> NetworkEvent {
    let register = RegisterNetwork {
        ipv6_ranges: ipv6_ranges(&["fd00:20::/56"]),
        ..register()
    };
    registered_as(register, its_network())
}

fn account_scope() -> QuarantineScope {
    QuarantineScope::PeerAccount {
        account: peer(1).account,
    }
}

fn reported() -> Policy {
    let groups = [group("sg-0d4e5f60718293a4b")].into();
    Policy {
        drift: DriftPolicy::Report,
        exposure: ExposurePolicy::Enforce { groups },
        ..Policy::default()
    }
}

/// One of each event type, in the order of [`NetworkEvent::NAMES`].
pub(super) fn one_of_each() -> Vec<NetworkEvent> {
    let network_id = its_network();
    let network: Vec<NetworkEvent> = vec![
        registered_as(register(), network_id),
        NetworkCloudRecorded {
            network_id,
            cloud: CloudMode::Real,
        }
        .into(),
        NetworkImmutableIdSeen {
            network_id,
            immutable_id: text("9114364167955000001"),
        }
        .into(),
        NetworkQuotasSeen {
            network_id,
            account: text("111122223333"),
            region: Region::named("eu-west-1").unwrap(),
            quotas: SeenQuotas {
                links: Some(125),
                pending_links: Some(25),
                routes: Some(500),
                rules: Some(100),
                groups_of_interface: None,
            },
        }
        .into(),
        NetworkIdentityMarked {
            network_id,
            held_by: its_older_id(),
        }
        .into(),
        NetworkPolicySet {
            network_id,
            policy: reported(),
        }
        .into(),
        NetworkSubnetsChanged {
            network_id,
            subnets: vec![text("*")],
        }
        .into(),
        NetworkNodesSet {
            network_id,
            nodes: vec![range("10.20.1.0/24"), range("10.20.2.7/32")],
        }
        .into(),
        NetworkIpv6RangesSet {
            network_id,
            ranges: ipv6_ranges(&["2600:1f14:12ab:3400::/56", "fd00:20::/56"]),
        }
        .into(),
        DriftCheckRequested {
            network_id,
            requested_at: at(9),
        }
        .into(),
        NetworkFrozen {
            network_id,
            reason: reason_given("an incident is looked into"),
            everywhere: false,
        }
        .into(),
        NetworkThawed {
            network_id,
            reason: Some(reason_given("the incident is over")),
        }
        .into(),
        QuarantineImposed {
            network_id,
            scope: account_scope(),
            reason: reason_given("a key of the account was lost"),
            everywhere: false,
        }
        .into(),
        QuarantineLifted {
            network_id,
            scope: account_scope(),
            reason: Some(reason_given("the key was replaced")),
        }
        .into(),
        orphan_found(network_id, false).into(),
        OrphanCleared {
            network_id,
            peering_id: its_peering(),
            orphan: text("pcx-0123456789abcdef0"),
            end: OrphanEnd::Removed,
        }
        .into(),
        OrphanRemovalRequested {
            network_id,
            peering_id: its_peering(),
            orphan: text("pcx-0123456789abcdef0"),
            reason: reason_given("made after its peering was removed"),
        }
        .into(),
        OrphanRemovalFailed {
            network_id,
            peering_id: its_peering(),
            orphan: text("sg-0e1f2a3b4c5d6e7f8"),
            message: "sg-0e1f2a3b4c5d6e7f8 is in use".to_owned(),
        }
        .into(),
        NetworkRetired {
            network_id,
            reason: reason_given("moved to another region"),
        }
        .into(),
    ];
    network
        .into_iter()
        .chain(of_intent())
        .chain(of_the_link())
        .chain(of_the_sides())
        .chain(of_upkeep())
        .collect()
}

fn orphan_found(network_id: NetworkId, is_copy: bool) -> OrphanFound {
    let thing = match is_copy {
        false => OrphanThing::Link { link: link() },
        true => OrphanThing::FirewallGroup {
            group: group("sg-0e1f2a3b4c5d6e7f8"),
        },
    };
    let home = register();
    OrphanFound {
        network_id,
        peering_id: its_peering(),
        account: home.account,
        region: home.region,
        cloud_network: home.cloud_network,
        thing,
        is_copy,
    }
}

fn of_intent() -> Vec<NetworkEvent> {
    let (peering_id, side, destination) = (its_peering(), Side::Local, range("10.101.0.0/16"));
    let (ingress_id, reason) = (ingress_id(0x2a), reason_given("the orders webhook"));
    let leftovers = vec![
        Leftover::PossibleLink,
        Leftover::Link { link: link() },
        Leftover::Route {
            side,
            route_table: text("rtb-0d1e2f30415263748"),
            destination,
        },
        Leftover::FirewallGroup {
            side: Side::Remote,
            group: group("sg-0e1f2a3b4c5d6e7f8"),
        },
        Leftover::FirewallRule {
            side: Side::Remote,
            rule_id: text("sgr-0f1e2d3c4b5a69788"),
        },
    ];
    vec![
        PeeringRequested {
            peering_id,
            peer: its_peer(),
            requested_at: at(9),
            terms: Terms::default(),
            external_id: None,
        }
        .into(),
        PeeringAdopted {
            peering_id,
            peer: its_peer(),
            link: link(),
            adopted_at: at(9),
            consent: Consent::Owner,
            external_id: Some(its_network().external_id(&peer(1).account)),
            expires_at: None,
        }
        .into(),
        PeerRangesAdded {
            peering_id,
            ranges: ranges(&["10.111.0.0/16", "10.112.0.0/20"]),
        }
        .into(),
        PeerRangesConfirmed {
            peering_id,
            ranges: ranges(&["10.111.0.0/16"]),
        }
        .into(),
        PeerRangesDropped {
            peering_id,
            ranges: ranges(&["10.112.0.0/20"]),
        }
        .into(),
        PeerSubnetsChanged {
            peering_id,
            subnets: vec![text("subnet-0cc3"), text("subnet-0dd4")],
        }
        .into(),
        PeerImmutableIdSeen {
            peering_id,
            immutable_id: text("7c1c3b5e-9a4f-4d3a-8f6e-2b1d0c9e8f7a"),
        }
        .into(),
        RouteAccepted {
            peering_id,
            side,
            destination,
        }
        .into(),
        RouteWithdrawn {
            peering_id,
            side,
            destination,
            replaced_by: Some(range("10.101.64.0/18")),
        }
        .into(),
        FirewallRestricted {
            peering_id,
            side,
            admit: vec![clients()],
            tenure: Default::default(),
        }
        .into(),
        ConnectorIngressAllowed {
            peering_id,
            ingress_id,
            target: range("10.101.8.0/24"),
            rule: rule("10.20.0.0/16", 443),
            also: Vec::new(),
            reason: reason.clone(),
            allowed_at: at(9),
            expires_at: Some(at(12)),
        }
        .into(),
        ConnectorIngressRevoked {
            peering_id,
            ingress_id,
            because: IngressEnd::Expired,
        }
        .into(),
        LinkOptionSet {
            peering_id,
            side,
            option: LinkOption::GatewayTransit,
            enabled: true,
        }
        .into(),
        FirewallAttachmentRequested {
            peering_id,
            side,
            to: to_a_tag(true),
        }
        .into(),
        FirewallAttachmentWithdrawn { peering_id, side }.into(),
        DenialRequested {
            peering_id,
            side,
            subnets: [text("subnet-0a1b2c3d4e5f60718")].into(),
        }
        .into(),
        DenialWithdrawn { peering_id, side }.into(),
        PeeringRemovalRequested {
            peering_id,
            reason: reason.clone(),
            requested_at: at(9),
        }
        .into(),
        PeeringAbandonmentRequested {
            peering_id,
            reason: reason.clone(),
            requested_at: at(9),
            clean: Some(side),
        }
        .into(),
        PeeringAbandoned {
            peering_id,
            reason,
            left_behind: leftovers,
            not_observed: Vec::new(),
        }
        .into(),
    ]
}

fn of_the_link() -> Vec<NetworkEvent> {
    let (peering_id, link) = (its_peering(), link());
    let started_at = at(9) + chrono::Duration::milliseconds(250);
    vec![
        PeeringInitiationStarted {
            peering_id,
            attempt: 1,
            started_at,
        }
        .into(),
        PeeringInitiationRefused {
            peering_id,
            attempt: 1,
            cause: None,
        }
        .into(),
        PeeringInitiated {
            peering_id,
            link: link.clone(),
            expires_at: Some(at(10)),
        }
        .into(),
        PeeringExpiryNear {
            peering_id,
            link: link.clone(),
            expires_at: at(10),
        }
        .into(),
        PeeringAccepted {
            peering_id,
            link: link.clone(),
            evidence: None,
        }
        .into(),
        PeeringActivated {
            peering_id,
            link: link.clone(),
        }
        .into(),
        PeeringRejected {
            peering_id,
            link: link.clone(),
        }
        .into(),
        PeeringExpired {
            peering_id,
            link: link.clone(),
        }
        .into(),
        PeeringRenewed {
            peering_id,
            expired: link.clone(),
        }
        .into(),
        PeeringFailed {
            peering_id,
            ..failed(Some(link.clone()))
        }
        .into(),
        PeeringDeadlinePassed {
            peering_id,
            deadline: at(11),
        }
        .into(),
        LinkAccepterSeen {
            peering_id,
            ..accepter_seen(Side::Local)
        }
        .into(),
        PeeringSurveyed {
            peering_id,
            routes: vec![found_route(
                Side::Remote,
                "10.20.0.0/16",
                "rtb-0d1e2f30415263748",
            )],
            names: Vec::new(),
            options: Vec::new(),
        }
        .into(),
        HalfChangeStarted::new(
            peering_id,
            Side::Remote,
            HalfChange::Make,
            text("peerage-5b0c1f1a-7f5e-4f0d-9a52-0d6d5c1e77a1"),
            at(11),
        )
        .into(),
        HalfOperationStarted {
            peering_id,
            side: Side::Remote,
            request_id: Uuid::from_u128(0x7a51_0c9e_1b2d_4f3a_8c4d_5e6f_7a8b_9c0d),
            operation: text("operation-1740828615000-5f0d9a52-0d6d5c1e"),
        }
        .into(),
        HalfOperationFailed {
            peering_id,
            side: Side::Remote,
            operation: text("operation-1740828615000-5f0d9a52-0d6d5c1e"),
            message: "QUOTA_EXCEEDED: 25 peerings of a network".to_owned(),
        }
        .into(),
        HalfMade {
            peering_id,
            side: Side::Remote,
            link: Some(text("peerage-5b0c1f1a-7f5e-4f0d-9a52-0d6d5c1e77a1")),
        }
        .into(),
        HalfRemoved {
            peering_id,
            side: Side::Remote,
            link: None,
        }
        .into(),
        LinkRemoved {
            peering_id,
            link: link.clone(),
        }
        .into(),
        PeeringRemoved {
            peering_id,
            left_behind: vec![Leftover::Link { link }],
        }
        .into(),
    ]
}

fn of_the_sides() -> Vec<NetworkEvent> {
    let (peering_id, side) = (its_peering(), Side::Local);
    let table = "rtb-0d1e2f30415263748";
    vec![
        InstallationStarted {
            peering_id,
            side,
            things: things(),
        }
        .into(),
        InstallationEnded {
            peering_id,
            side,
            things: vec![Thing::Group],
        }
        .into(),
        RouteInstalled {
            peering_id,
            ..route_installed(side, "10.101.0.0/16", "rtb-0d1e2f30415263748")
        }
        .into(),
        RouteRemoved {
            peering_id,
            ..route_removed(side, "10.101.0.0/16", "rtb-0d1e2f30415263748")
        }
        .into(),
        RouteConflicted {
            peering_id,
            ..route_conflicted(
                side,
                "10.101.0.0/16",
                "rtb-0d1e2f30415263748",
                "tgw-0a1b2c3d4e5f60718",
            )
        }
        .into(),
        RouteFound {
            peering_id,
            ..route_found(side, "10.101.0.0/16", table)
        }
        .into(),
        RoutesEnforced {
            peering_id,
            ..routes_enforced(side, &[table], &["10.101.0.0/16"])
        }
        .into(),
        RoutesSuspended {
            peering_id,
            ..routes_suspended(side, "sgr-0c1d2e3f405162738")
        }
        .into(),
        RoutesResumed { peering_id, side }.into(),
        FirewallGroupCreated {
            peering_id,
            ..group_created(side, "sg-0e1f2a3b4c5d6e7f8")
        }
        .into(),
        FirewallGroupRemoved {
            peering_id,
            ..group_removed(side, "sg-0e1f2a3b4c5d6e7f8")
        }
        .into(),
        FirewallRuleAuthorized {
            peering_id,
            ..rule_authorized(side, clients(), "sgr-0f1e2d3c4b5a69788")
        }
        .into(),
        FirewallRuleRevoked {
            peering_id,
            ..rule_revoked(side, clients(), "sgr-0f1e2d3c4b5a69788")
        }
        .into(),
        FirewallEnforced {
            peering_id,
            ..enforced(side, "sg-0e1f2a3b4c5d6e7f8", &[clients()])
        }
        .into(),
        FirewallExposed {
            peering_id,
            ..exposed(Side::Remote, "sgr-0c1d2e3f405162738")
        }
        .into(),
        ExposureCleared {
            peering_id,
            ..exposure_cleared(Side::Remote, "sgr-0c1d2e3f405162738")
        }
        .into(),
        LinkOptionApplied {
            peering_id,
            side,
            option: LinkOption::GatewayTransit,
            enabled: true,
            in_effect: None,
        }
        .into(),
        FirewallAttachmentChosen {
            peering_id,
            side,
            interfaces: [text("eni-0a1b2c3d4e5f60718")].into(),
            left_alone: left_alone(),
        }
        .into(),
        FirewallGroupAttached {
            peering_id,
            ..group_attached(side, "sg-0e1f2a3b4c5d6e7f8", "eni-0a1b2c3d4e5f60718")
        }
        .into(),
        FirewallGroupDetached {
            peering_id,
            ..group_detached(side, "sg-0e1f2a3b4c5d6e7f8", "eni-0a1b2c3d4e5f60718")
        }
        .into(),
        FirewallAttachmentSeen {
            peering_id,
            ..attachment_seen(side, "sg-0e1f2a3b4c5d6e7f8", Some(2))
        }
        .into(),
        DenialMade {
            peering_id,
            ..denial_made(side)
        }
        .into(),
        DenialRemoved {
            peering_id,
            ..denial_removed(side)
        }
        .into(),
        DenialEnforced {
            peering_id,
            ..denial_enforced(side)
        }
        .into(),
        DenialLapsed { peering_id, side }.into(),
    ]
}

/// One of each reason why an interface is left alone.
fn left_alone() -> BTreeMap<Interface, LeftAlone> {
    let managed = LeftAlone::Managed {
        by: "amazon-rds".to_owned(),
    };
    [
        (text("eni-01"), LeftAlone::NotThere),
        (text("eni-02"), managed),
        (text("eni-03"), LeftAlone::NoRoom { most: 5 }),
    ]
    .into()
}

/// One of each thing.
fn things() -> Vec<Thing> {
    vec![
        route_thing("10.101.0.0/16", "rtb-0d1e2f30415263748"),
        Thing::Group,
        Thing::Rule {
            source: range("10.101.0.0/16").into(),
            port: 2113,
            target: None,
        },
        Thing::Option {
            option: LinkOption::DnsResolution,
        },
    ]
}

fn of_upkeep() -> Vec<NetworkEvent> {
    let (peering_id, finding) = (its_peering(), route_missing("rtb-0d1e2f30415263748"));
    vec![
        DriftDetected {
            peering_id,
            finding: finding.clone(),
            detected_at: at(9),
        }
        .into(),
        DriftRepaired {
            peering_id,
            finding: finding.clone(),
            repaired_at: at(10),
        }
        .into(),
        DriftAdopted {
            peering_id,
            finding,
        }
        .into(),
        ProvisioningBlocked {
            peering_id,
            ..blocked(BlockCause::PermissionDenied)
        }
        .into(),
        ProvisioningUnblocked { peering_id }.into(),
        PeeringTenureSet {
            peering_id,
            rule: None,
            tenure: owned_until(at(18)),
        }
        .into(),
        PeeringTenureEnded {
            peering_id,
            expires_at: at(18),
            at_end: AtEnd::Remove,
        }
        .into(),
        AdmissionExpired {
            peering_id,
            rule: clients(),
            expires_at: at(18),
        }
        .into(),
        OpeningConfirmed {
            peering_id,
            opening: Reviewed::Peering,
        }
        .into(),
    ]
}

fn owned_until(end: DateTime<Utc>) -> Tenure {
    Tenure {
        owner: Some(text("team orders")),
        expires_at: Some(end),
    }
}

/// The events of the samples that show an event type in another way, by the names of those samples.
pub(super) fn variants() -> Vec<(&'static str, NetworkEvent)> {
    let (peering_id, link) = (its_peering(), link());
    let terms = Terms {
        consent: Consent::Owner,
        deadline: Some(at(18)),
        renew: true,
        accept_open: None,
    };
    let external_id = Some(its_network().external_id(&peer(1).account));
    let evidence = Evidence {
        seen_at: at(10),
        ..evidence()
    };
    let one_of_two = Evidence {
        accepted_by: AcceptedBy::EngineOrOwner,
        ..evidence.clone()
    };
    let reported = Policy {
        drift: DriftPolicy::Adopt,
        exposure: ExposurePolicy::Report,
        ..Policy::default()
    };
    vec![
        (
            "until",
            PeeringAdopted {
                peering_id,
                peer: its_peer(),
                link: link.clone(),
                adopted_at: at(9),
                consent: Consent::Owner,
                external_id: external_id.clone(),
                expires_at: Some(at(18)),
            }
            .into(),
        ),
        ("dual_stack", registered_with_ipv6()),
        (
            "dual_stack",
            PeeringRequested {
                peering_id,
                peer: Peer {
                    ranges: ranges(&["10.101.0.0/16", "fd00:101::/56"]),
                    ..its_peer()
                },
                requested_at: at(9),
                terms: Terms::default(),
                external_id: None,
            }
            .into(),
        ),
        (
            "ipv6",
            RouteAccepted {
                peering_id,
                side: Side::Local,
                destination: range("fd00:101::/56"),
            }
            .into(),
        ),
        (
            "on_terms",
            PeeringRequested {
                peering_id,
                peer: its_peer(),
                requested_at: at(9),
                terms,
                external_id,
            }
            .into(),
        ),
        (
            "accepting_open",
            PeeringRequested {
                peering_id,
                peer: Peer {
                    provider: Provider::Azure,
                    account: text("9f8e7d6c-5b4a-4938-8271-605f4e3d2c1b"),
                    region: Region::of(Provider::Azure, "westeurope").unwrap(),
                    cloud_network: text(
                        "/subscriptions/1f8e7d6c-5b4a-4938-8271-605f4e3d2c1b/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub",
                    ),
                    ..peer(1)
                },
                requested_at: at(9),
                terms: Terms {
                    accept_open: Some(text("a lab")),
                    ..Terms::default()
                },
                external_id: None,
            }
            .into(),
        ),
        (
            "with_evidence",
            PeeringAccepted {
                peering_id,
                link: link.clone(),
                evidence: Some(evidence.clone()),
            }
            .into(),
        ),
        (
            "by_one_of_two",
            PeeringAccepted {
                peering_id,
                link,
                evidence: Some(one_of_two),
            }
            .into(),
        ),
        (
            "with_options",
            PeeringSurveyed {
                peering_id,
                routes: Vec::new(),
                names: Vec::new(),
                options: vec![FoundOption {
                    side: Side::Remote,
                    option: LinkOption::GatewayTransit,
                }],
            }
            .into(),
        ),
        (
            "with_names",
            PeeringSurveyed {
                peering_id,
                routes: Vec::new(),
                names: Side::BOTH.to_vec(),
                options: Vec::new(),
            }
            .into(),
        ),
        (
            "for_good",
            RouteWithdrawn {
                peering_id,
                side: Side::Remote,
                destination: range("10.20.0.0/16"),
                replaced_by: None,
            }
            .into(),
        ),
        (
            "until_revoked",
            ConnectorIngressAllowed {
                peering_id,
                ..ingress_allowed(0x2a, "10.101.8.0/24", 443)
            }
            .into(),
        ),
        (
            "from_the_nodes_to_a_target",
            ConnectorIngressAllowed {
                peering_id,
                rule: aimed("10.20.1.0/24", 443, "10.101.8.0/24"),
                also: vec![aimed("10.20.2.7/32", 443, "10.101.8.0/24")],
                ..ingress_allowed(0x2a, "10.101.8.0/24", 443)
            }
            .into(),
        ),
        (
            "without_a_link",
            PeeringFailed {
                peering_id,
                ..failed(None)
            }
            .into(),
        ),
        (
            "without_effect",
            LinkOptionApplied {
                peering_id: its_peering(),
                side: Side::Local,
                option: LinkOption::MultipathResilience,
                enabled: true,
                in_effect: Some(false),
            }
            .into(),
        ),
        (
            "before_subnets",
            DenialEnforced {
                peering_id: its_peering(),
                subnets: [DeniedSubnet {
                    subnet: text("subnet-0a1b2c3d4e5f60718"),
                    range: range("10.20.1.0/24"),
                    list: text("acl-0a1b2c3d4e5f60718"),
                }]
                .into(),
                ..denial_enforced(Side::Local)
            }
            .into(),
        ),
        (
            "attached",
            FirewallEnforced {
                peering_id: its_peering(),
                attached: Some(2),
                ..enforced(Side::Local, "sg-0e1f2a3b4c5d6e7f8", &[clients()])
            }
            .into(),
        ),
        (
            "of_which_it_cannot_be_told",
            FirewallExposed {
                peering_id: its_peering(),
                exposure: Exposure {
                    cannot_tell: true,
                    ..exposed(Side::Remote, "sgr-0c1d2e3f405162738").exposure
                },
                ..exposed(Side::Remote, "sgr-0c1d2e3f405162738")
            }
            .into(),
        ),
        (
            "by_default",
            FirewallExposed {
                peering_id: its_peering(),
                exposure: Exposure {
                    what: ExposedBy::Default,
                    ..exposed(Side::Remote, "sgr-0c1d2e3f405162738").exposure
                },
                ..exposed(Side::Remote, "sgr-0c1d2e3f405162738")
            }
            .into(),
        ),
        (
            "of_these",
            FirewallAttachmentRequested {
                peering_id: its_peering(),
                side: Side::Remote,
                to: to_these(&["eni-01", "eni-02"]),
            }
            .into(),
        ),
        (
            "once",
            FirewallAttachmentRequested {
                peering_id: its_peering(),
                side: Side::Local,
                to: to_a_tag(false),
            }
            .into(),
        ),
        (
            "that_cannot_be_told",
            FirewallAttachmentSeen {
                peering_id: its_peering(),
                ..attachment_seen(Side::Local, "sg-0e1f2a3b4c5d6e7f8", None)
            }
            .into(),
        ),
        (
            "of_an_attachment",
            InstallationStarted {
                peering_id: its_peering(),
                side: Side::Local,
                things: vec![Thing::Attachment {
                    interface: text("eni-0a1b2c3d4e5f60718"),
                }],
            }
            .into(),
        ),
        (
            "by_an_exchange",
            RoutesEnforced {
                peering_id: its_peering(),
                side: Side::Remote,
                at: vec![Where::Exchange],
                destinations: vec![range("10.20.0.0/16")],
                idle: Vec::new(),
            }
            .into(),
        ),
        (
            "in_an_idle_table",
            RoutesEnforced {
                peering_id: its_peering(),
                idle: vec![text("rtb-0d1e2f30415263748")],
                ..routes_enforced(Side::Local, &["rtb-0d1e2f30415263748"], &["10.101.0.0/16"])
            }
            .into(),
        ),
        (
            "with_a_possible_thing",
            PeeringRemoved {
                peering_id: its_peering(),
                left_behind: vec![Leftover::PossibleThing {
                    side: Side::Remote,
                    thing: Thing::Group,
                }],
            }
            .into(),
        ),
        (
            "with_another_owners_route",
            PeeringRemoved {
                peering_id: its_peering(),
                left_behind: vec![Leftover::OtherRoute {
                    side: Side::Local,
                    route_table: text("rtb-0d1e2f30415263748"),
                    destination: "fd00:2::/56".to_owned(),
                }],
            }
            .into(),
        ),
        (
            "left_behind",
            RouteConflicted {
                peering_id: its_peering(),
                left_by: Some(super::super::samples::peering_id(2)),
                ..route_conflicted(
                    Side::Local,
                    "10.101.0.0/16",
                    "rtb-0d1e2f30415263748",
                    "pcx-0fedcba9876543210",
                )
            }
            .into(),
        ),
        (
            "block",
            NetworkPolicySet {
                network_id: its_network(),
                policy: Policy {
                    exposure: ExposurePolicy::Block,
                    ..Policy::default()
                },
            }
            .into(),
        ),
        (
            "with_a_cause",
            PeeringInitiationRefused {
                peering_id: its_peering(),
                attempt: 1,
                cause: Some(BlockCause::QuotaExceeded),
            }
            .into(),
        ),
        (
            "met_again",
            ProvisioningBlocked {
                peering_id: its_peering(),
                times: 288,
                ..blocked(BlockCause::PermissionDenied)
            }
            .into(),
        ),
        (
            "of_an_admission",
            PeeringTenureSet {
                peering_id: its_peering(),
                rule: Some(clients()),
                tenure: owned_until(at(18)),
            }
            .into(),
        ),
        (
            "of_an_admission",
            OpeningConfirmed {
                peering_id: its_peering(),
                opening: Reviewed::Admission { rule: clients() },
            }
            .into(),
        ),
        (
            "of_an_ingress",
            OpeningConfirmed {
                peering_id: its_peering(),
                opening: Reviewed::Ingress {
                    ingress_id: ingress_id(0x2a),
                },
            }
            .into(),
        ),
        (
            "told",
            PeeringTenureEnded {
                peering_id: its_peering(),
                expires_at: at(18),
                at_end: AtEnd::Report,
            }
            .into(),
        ),
        (
            "until",
            FirewallRestricted {
                peering_id: its_peering(),
                side: Side::Local,
                admit: vec![clients()],
                tenure: owned_until(at(18)),
            }
            .into(),
        ),
        (
            "of_ends",
            NetworkPolicySet {
                network_id: its_network(),
                policy: Policy {
                    tenure: TenurePolicy {
                        owner_required: true,
                        longest_peering: Some(90 * 86_400),
                        longest_admission: Some(86_400),
                        at_end: AtEnd::Report,
                    },
                    ..Policy::default()
                },
            }
            .into(),
        ),
        (
            "of_no_side",
            PeeringAbandonmentRequested {
                peering_id: its_peering(),
                reason: reason_given("the account is closed"),
                requested_at: at(9),
                clean: None,
            }
            .into(),
        ),
        (
            "not_observed",
            PeeringAbandoned {
                peering_id: its_peering(),
                reason: reason_given("the account is closed"),
                left_behind: Vec::new(),
                not_observed: vec![Side::Remote],
            }
            .into(),
        ),
        (
            "at_a_cloud",
            registered_at(its_network(), CloudMode::Simulated),
        ),
        ("a_second_time", registered_anew(its_network())),
        (
            "emulated",
            NetworkCloudRecorded {
                network_id: its_network(),
                cloud: CloudMode::Emulator {
                    endpoint: text("http://127.0.0.1:5000"),
                },
            }
            .into(),
        ),
        (
            "everywhere",
            NetworkFrozen {
                network_id: its_network(),
                reason: reason_given("an incident"),
                everywhere: true,
            }
            .into(),
        ),
        (
            "everywhere",
            QuarantineImposed {
                network_id: its_network(),
                scope: QuarantineScope::PeerAccount {
                    account: peer(1).account,
                },
                reason: reason_given("a key of the account was lost"),
                everywhere: true,
            }
            .into(),
        ),
        (
            "of_everything",
            QuarantineImposed {
                network_id: its_network(),
                scope: QuarantineScope::Everything,
                reason: reason_given("a key of the account was lost"),
                everywhere: false,
            }
            .into(),
        ),
        (
            "of_a_network",
            QuarantineImposed {
                network_id: its_network(),
                scope: QuarantineScope::PeerNetwork {
                    cloud_network: peer(1).cloud_network,
                },
                reason: reason_given("a key of the account was lost"),
                everywhere: false,
            }
            .into(),
        ),
        ("copy", orphan_found(its_network(), true).into()),
        (
            "denial",
            OrphanFound {
                thing: OrphanThing::Denial {
                    denial: denial("acl-0a1b2c3d4e5f60718", 1),
                },
                ..orphan_found(its_network(), false)
            }
            .into(),
        ),
        (
            "without_a_reason",
            NetworkThawed {
                network_id: its_network(),
                reason: None,
            }
            .into(),
        ),
        (
            "without_a_reason",
            QuarantineLifted {
                network_id: its_network(),
                scope: QuarantineScope::Everything,
                reason: None,
            }
            .into(),
        ),
        (
            "report",
            NetworkPolicySet {
                network_id: its_network(),
                policy: reported,
            }
            .into(),
        ),
    ]
}

/// One of each finding.
pub(super) fn findings() -> Vec<DriftKind> {
    let (side, route_table, destination) = (
        Side::Remote,
        text("rtb-0d1e2f30415263748"),
        range("10.20.0.0/16"),
    );
    let target = "tgw-0a1b2c3d4e5f60718".to_owned();
    vec![
        DriftKind::LinkEnded {
            state: "deleted".to_owned(),
        },
        DriftKind::LinkTagMissing,
        DriftKind::DnsResolutionFlipped { side },
        DriftKind::LinkOptionFlipped {
            side,
            option: LinkOption::RemoteGateways,
        },
        route_missing("rtb-0d1e2f30415263748"),
        DriftKind::RouteForeign {
            side,
            route_table,
            destination,
            target,
        },
        DriftKind::RouteBlackhole {
            side,
            route_table: text("rtb-0d1e2f30415263748"),
            destination,
        },
        DriftKind::RouteExtra {
            side,
            route_table: text("rtb-0d1e2f30415263748"),
            destination: "10.20.7.0/28".to_owned(),
        },
        DriftKind::GroupMissing {
            side,
            group: group("sg-0e1f2a3b4c5d6e7f8"),
        },
        DriftKind::RuleMissing {
            side,
            rule: rule("10.20.0.0/16", 443),
        },
        DriftKind::RuleExtra {
            side,
            rule_id: text("sgr-0f1e2d3c4b5a69788"),
            admits: "tcp 22 from 10.20.0.0/16".to_owned(),
        },
        DriftKind::GroupTagMissing {
            side,
            group: group("sg-0e1f2a3b4c5d6e7f8"),
        },
        DriftKind::GroupDetached {
            side,
            interface: text("eni-0a1b2c3d4e5f60718"),
        },
        DriftKind::RuleTagMissing {
            side,
            rule_id: text("sgr-0f1e2d3c4b5a69788"),
        },
        DriftKind::DenialMissing {
            side,
            denial: denial("acl-0a1b2c3d4e5f60718", 1),
        },
        DriftKind::NetworkReplaced {
            side,
            recorded: text("7c1c3b5e-9a4f-4d3a-8f6e-2b1d0c9e8f7a"),
            seen: text("e2d4a6b8-1c3e-4f5a-9b7d-0a2c4e6f8b1d"),
        },
    ]
}
