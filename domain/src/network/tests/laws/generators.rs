//! Any commands, outcomes and events, about a few peerings that meet often.

use super::{
    super::{super::*, now, samples::*},
    values::*,
};
use crate::text::ExternalId;
use proptest::{
    collection::{btree_set, vec},
    option,
    prelude::*,
    sample::select,
};

/// What happens to links, in any order.
fn a_life_event() -> impl Strategy<Value = Outcome> {
    let on_link = (a_peering(), a_link());
    prop_oneof![
        3 => (a_peering(), an_attempt())
            .prop_map(|(peering_id, attempt)| PeeringInitiationStarted { peering_id, attempt, started_at: now() }.into()),
        1 => (a_peering(), an_attempt(), option::of(select(&BlockCause::ALL))).prop_map(|(peering_id, attempt, cause)| {
            PeeringInitiationRefused { peering_id, attempt, cause }.into()
        }),
        3 => (a_peering(), a_link(), option::of(a_time()))
            .prop_map(|(peering_id, link, expires_at)| PeeringInitiated { peering_id, link, expires_at }.into()),
        1 => (a_peering(), a_link(), a_time())
            .prop_map(|(peering_id, link, expires_at)| PeeringExpiryNear { peering_id, link, expires_at }.into()),
        3 => (a_peering(), a_link(), option::of(some_evidence()))
            .prop_map(|(peering_id, link, evidence)| PeeringAccepted { peering_id, link, evidence }.into()),
        3 => on_link.clone().prop_map(|(peering_id, link)| PeeringActivated { peering_id, link }.into()),
        1 => on_link.clone().prop_map(|(peering_id, link)| PeeringRejected { peering_id, link }.into()),
        1 => on_link.clone().prop_map(|(peering_id, link)| PeeringExpired { peering_id, link }.into()),
        1 => (a_peering(), option::of(a_link()))
            .prop_map(|(peering_id, link)| PeeringFailed { peering_id, link, message: "the provider says no".to_owned() }.into()),
        1 => (a_peering(), a_rule(), a_time()).prop_map(|(peering_id, rule, expires_at)| AdmissionExpired { peering_id, rule, expires_at }.into()),
        1 => (a_peering(), a_time(), any::<bool>()).prop_map(|(peering_id, expires_at, removes)| {
            let at_end = if removes { AtEnd::Remove } else { AtEnd::Report };
            PeeringTenureEnded { peering_id, expires_at, at_end }.into()
        }),
        1 => (a_peering(), a_time()).prop_map(|(peering_id, deadline)| PeeringDeadlinePassed { peering_id, deadline }.into()),
        1 => (a_peering(), a_side(), a_table(), a_range()).prop_map(|(peering_id, side, route_table, destination)| {
            PeeringSurveyed { peering_id, routes: vec![FoundRoute { side, route_table, destination }], names: vec![side], options: Vec::new() }.into()
        }),
        1 => (on_link.clone(), a_side())
            .prop_map(|((peering_id, link), accepter)| LinkAccepterSeen { peering_id, link, accepter }.into()),
        1 => on_link.prop_map(|(peering_id, link)| LinkRemoved { peering_id, link }.into()),
        2 => (a_peering(), a_side(), select(&[HalfChange::Make, HalfChange::Remove]), a_link(), a_time()).prop_map(
            |(peering_id, side, change, link, since)| HalfChangeStarted::new(peering_id, side, change, link, since).into()
        ),
        1 => (a_peering(), a_side(), select(&[HalfChange::Make, HalfChange::Remove]), a_link(), a_time()).prop_map(
            |(peering_id, side, change, link, since)| {
                let request_id = HalfChangeStarted::new(peering_id, side, change, link, since).request_id;
                HalfOperationStarted { peering_id, side, request_id, operation: text("operation-1") }.into()
            }
        ),
        1 => (a_peering(), a_side()).prop_map(|(peering_id, side)| {
            HalfOperationFailed { peering_id, side, operation: text("operation-1"), message: "the quota is met".to_owned() }.into()
        }),
        1 => (a_peering(), a_side(), option::of(a_link()))
            .prop_map(|(peering_id, side, link)| HalfMade { peering_id, side, link }.into()),
        1 => (a_peering(), a_side(), option::of(a_link()))
            .prop_map(|(peering_id, side, link)| HalfRemoved { peering_id, side, link }.into()),
        1 => (a_peering(), leftovers()).prop_map(|(peering_id, left_behind)| PeeringRemoved { peering_id, left_behind }.into()),
        1 => (a_peering(), a_reason(), leftovers(), vec(a_side(), 0..2)).prop_map(
            |(peering_id, reason, left_behind, not_observed)| {
                PeeringAbandoned { peering_id, reason, left_behind, not_observed }.into()
            }
        ),
    ]
}

/// What happens to routes and firewalls.
fn a_setup_event() -> impl Strategy<Value = Outcome> {
    let route = (a_peering(), a_side(), a_range(), a_table());
    let rule = (a_peering(), a_side(), a_rule(), a_rule_id());
    prop_oneof![
        route
            .clone()
            .prop_map(|(peering_id, side, destination, route_table)| {
                RouteInstalled {
                    peering_id,
                    side,
                    destination,
                    route_table,
                }
                .into()
            }),
        route.clone().prop_map(
            |(peering_id, side, destination, route_table)| RouteRemoved {
                peering_id,
                side,
                destination,
                route_table
            }
            .into()
        ),
        route.prop_map(|(peering_id, side, destination, route_table)| {
            RouteConflicted {
                peering_id,
                side,
                destination,
                route_table,
                target: "tgw-01".to_owned(),
                left_by: None,
            }
            .into()
        }),
        (a_peering(), a_side(), vec(a_thing(), 0..3)).prop_map(|(peering_id, side, things)| {
            InstallationStarted {
                peering_id,
                side,
                things,
            }
            .into()
        }),
        (a_peering(), a_side(), vec(a_thing(), 0..3)).prop_map(|(peering_id, side, things)| {
            InstallationEnded {
                peering_id,
                side,
                things,
            }
            .into()
        }),
        (a_peering(), a_side(), a_range(), a_place()).prop_map(
            |(peering_id, side, destination, at)| RouteFound {
                peering_id,
                side,
                destination,
                at
            }
            .into()
        ),
        (
            a_peering(),
            a_side(),
            vec(a_place(), 0..3),
            vec(a_range(), 0..3)
        )
            .prop_map(|(peering_id, side, at, destinations)| RoutesEnforced {
                peering_id,
                side,
                at,
                destinations,
                idle: Vec::new()
            }
            .into()),
        (a_peering(), a_side(), vec(a_rule_id(), 0..2)).prop_map(
            |(peering_id, side, exposures)| RoutesSuspended {
                peering_id,
                side,
                exposures
            }
            .into()
        ),
        (a_peering(), a_side())
            .prop_map(|(peering_id, side)| RoutesResumed { peering_id, side }.into()),
        (a_peering(), a_side(), a_group()).prop_map(|(peering_id, side, group)| {
            FirewallGroupCreated {
                peering_id,
                side,
                group,
            }
            .into()
        }),
        (a_peering(), a_side(), a_group()).prop_map(|(peering_id, side, group)| {
            FirewallGroupRemoved {
                peering_id,
                side,
                group,
            }
            .into()
        }),
        rule.clone()
            .prop_map(|(peering_id, side, rule, rule_id)| FirewallRuleAuthorized {
                peering_id,
                side,
                rule,
                rule_id
            }
            .into()),
        rule.prop_map(|(peering_id, side, rule, rule_id)| FirewallRuleRevoked {
            peering_id,
            side,
            rule,
            rule_id
        }
        .into()),
        (a_peering(), a_side(), a_group(), vec(a_rule(), 0..2)).prop_map(
            |(peering_id, side, group, admit)| FirewallEnforced {
                peering_id,
                side,
                group,
                admit,
                attached: None
            }
            .into()
        ),
    ]
}

/// What a group is attached to.
fn an_attachment_event() -> impl Strategy<Value = Outcome> {
    let attached = (a_peering(), a_side(), a_group(), an_interface());
    prop_oneof![
        attached
            .clone()
            .prop_map(|(peering_id, side, group, interface)| {
                FirewallGroupAttached {
                    peering_id,
                    side,
                    group,
                    interface,
                }
                .into()
            }),
        attached.prop_map(|(peering_id, side, group, interface)| {
            FirewallGroupDetached {
                peering_id,
                side,
                group,
                interface,
            }
            .into()
        }),
        (a_peering(), a_side(), a_group(), option::of(0..3_u32)).prop_map(
            |(peering_id, side, group, interfaces)| {
                FirewallAttachmentSeen {
                    peering_id,
                    side,
                    group,
                    interfaces,
                }
                .into()
            }
        ),
        (a_peering(), a_side(), btree_set(an_interface(), 0..2)).prop_map(
            |(peering_id, side, interfaces)| {
                let managed = LeftAlone::Managed {
                    by: "amazon-rds".to_owned(),
                };
                FirewallAttachmentChosen {
                    peering_id,
                    side,
                    left_alone: interfaces
                        .iter()
                        .map(|it| (it.clone(), managed.clone()))
                        .collect(),
                    interfaces,
                }
                .into()
            }
        ),
    ]
}

/// Denials.
fn a_denial_event() -> impl Strategy<Value = Outcome> {
    let one = (a_peering(), a_side(), a_denial());
    prop_oneof![
        one.clone().prop_map(|(peering_id, side, denial)| {
            DenialMade {
                peering_id,
                side,
                denial,
            }
            .into()
        }),
        one.clone().prop_map(|(peering_id, side, denial)| {
            DenialRemoved {
                peering_id,
                side,
                denial,
            }
            .into()
        }),
        one.prop_map(|(peering_id, side, denial)| {
            DenialEnforced {
                peering_id,
                side,
                lists: [denial.list.clone()].into(),
                denies: [denial.denies].into(),
                subnets: BTreeSet::new(),
            }
            .into()
        }),
        (a_peering(), a_side())
            .prop_map(|(peering_id, side)| DenialLapsed { peering_id, side }.into()),
        (a_peering(), an_immutable_id()).prop_map(|(peering_id, immutable_id)| {
            PeerImmutableIdSeen {
                peering_id,
                immutable_id,
            }
            .into()
        }),
        an_immutable_id().prop_map(|immutable_id| {
            NetworkImmutableIdSeen {
                network_id: network_id(),
                immutable_id,
            }
            .into()
        }),
        ((0..3_u8), option::of(1..3_u32))
            .prop_map(|(of, rules)| quotas_seen(of.checked_sub(1).map(peer).as_ref(), rules)),
    ]
}

/// What happens afterwards, and blocks.
fn an_upkeep_event() -> impl Strategy<Value = Outcome> {
    let blocked_by = |(peering_id, cause)| {
        ProvisioningBlocked {
            peering_id,
            ..blocked(cause)
        }
        .into()
    };
    prop_oneof![
        (a_peering(), a_side(), a_rule_id()).prop_map(|(peering_id, side, id)| FirewallExposed {
            peering_id,
            side,
            exposure: exposure(id.as_str())
        }
        .into()),
        an_attachment_event(),
        a_denial_event(),
        (a_peering(), a_side(), a_rule_id()).prop_map(|(peering_id, side, rule_id)| {
            ExposureCleared {
                peering_id,
                side,
                rule_id,
            }
            .into()
        }),
        (
            a_peering(),
            an_ingress(),
            select(vec![IngressEnd::Expired, IngressEnd::Revoked])
        )
            .prop_map(
                |(peering_id, ingress_id, because)| ConnectorIngressRevoked {
                    peering_id,
                    ingress_id,
                    because
                }
                .into()
            ),
        (
            a_peering(),
            a_side(),
            an_option(),
            any::<bool>(),
            any::<Option<bool>>()
        )
            .prop_map(|(peering_id, side, option, enabled, in_effect)| {
                LinkOptionApplied {
                    peering_id,
                    side,
                    option,
                    enabled,
                    in_effect,
                }
                .into()
            }),
        (a_peering(), a_finding(), a_time()).prop_map(|(peering_id, finding, detected_at)| {
            DriftDetected {
                peering_id,
                finding,
                detected_at,
            }
            .into()
        }),
        (a_peering(), a_finding(), a_time()).prop_map(|(peering_id, finding, repaired_at)| {
            DriftRepaired {
                peering_id,
                finding,
                repaired_at,
            }
            .into()
        }),
        (a_peering(), a_finding()).prop_map(|(peering_id, finding)| DriftAdopted {
            peering_id,
            finding
        }
        .into()),
        (a_peering(), select(&BlockCause::ALL)).prop_map(blocked_by),
        a_peering().prop_map(|peering_id| ProvisioningUnblocked { peering_id }.into()),
    ]
}

fn an_orphan() -> impl Strategy<Value = OrphanThing> {
    prop_oneof![
        a_link().prop_map(|link| OrphanThing::Link { link }),
        a_group().prop_map(|group| OrphanThing::FirewallGroup { group }),
        (a_group(), a_rule_id())
            .prop_map(|(group, rule_id)| OrphanThing::FirewallRule { group, rule_id }),
        (a_range(), a_link()).prop_map(|(destination, link)| OrphanThing::Route {
            route_table: text("rtb-01"),
            destination,
            link
        }),
        a_denial().prop_map(|denial| OrphanThing::Denial { denial }),
    ]
}

fn an_orphans_event() -> impl Strategy<Value = Outcome> {
    let network_id = network_id();
    prop_oneof![
        (a_peering(), an_orphan(), any::<bool>()).prop_map(move |(peering_id, thing, is_copy)| {
            let home = register();
            OrphanFound {
                network_id,
                peering_id,
                account: home.account,
                region: home.region,
                cloud_network: home.cloud_network,
                thing,
                is_copy,
            }
            .into()
        }),
        (
            a_peering(),
            an_orphan(),
            select(vec![
                OrphanEnd::Removed,
                OrphanEnd::Gone,
                OrphanEnd::Claimed
            ])
        )
            .prop_map(move |(peering_id, thing, end)| OrphanCleared {
                network_id,
                peering_id,
                orphan: thing.id().unwrap(),
                end
            }
            .into()),
        (a_peering(), an_orphan()).prop_map(move |(peering_id, thing)| OrphanRemovalFailed {
            network_id,
            peering_id,
            orphan: thing.id().unwrap(),
            message: "denied".to_owned()
        }
        .into()),
    ]
}

pub(super) fn an_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![6 => a_life_event(), 4 => a_setup_event(), 2 => an_upkeep_event(), 1 => an_orphans_event(), 1 => a_cloud_event()]
}

fn a_cloud_event() -> impl Strategy<Value = Outcome> {
    let mode = prop_oneof![
        Just(CloudMode::Real),
        Just(CloudMode::Simulated),
        Just(CloudMode::Emulator {
            endpoint: text("http://127.0.0.1:5000")
        }),
    ];
    mode.prop_map(|cloud| {
        NetworkCloudRecorded {
            network_id: network_id(),
            cloud,
        }
        .into()
    })
}

fn an_intent() -> impl Strategy<Value = NetworkCommand> {
    let route = (a_peering(), a_side(), a_range());
    prop_oneof![
        1 => Just(NetworkCommand::RegisterNetwork(register())),
        1 => a_policy().prop_map(|policy| SetPolicy { policy }.into()),
        1 => Just(CheckDrift {}.into()),
        1 => a_reason().prop_map(|reason| FreezeNetwork { reason, everywhere: false }.into()),
        1 => Just(ThawNetwork { reason: None }.into()),
        1 => (an_orphan(), a_reason())
            .prop_map(|(thing, reason)| RemoveOrphan { orphan: thing.id().unwrap(), reason }.into()),
        1 => (a_scope(), a_reason()).prop_map(|(scope, reason)| ImposeQuarantine { scope, reason, everywhere: false }.into()),
        1 => (a_scope(), option::of(a_reason())).prop_map(|(scope, reason)| LiftQuarantine { scope, reason }.into()),
        8 => (a_peer(), terms(), setup()).prop_map(|(peer, terms, setup)| RequestPeering { peer, terms, setup }.into()),
        3 => (a_peer(), a_link(), a_consent(), a_tenure())
            .prop_map(|(peer, link, consent, tenure)| AdoptPeering { peer, link, consent, tenure }.into()),
        2 => (a_peering(), vec(a_range(), 0..3)).prop_map(|(peering_id, ranges)| AddPeerRanges { peering_id, ranges }.into()),
        2 => (a_peering(), vec(a_range(), 0..3)).prop_map(|(peering_id, ranges)| DropPeerRanges { peering_id, ranges }.into()),
        1 => (a_peering(), a_subnet_change()).prop_map(|(peering_id, change)| ChangePeerSubnets { peering_id, change }.into()),
        1 => a_subnet_change().prop_map(|change| ChangeNetworkSubnets { change }.into()),
        6 => route.clone().prop_map(|(peering_id, side, destination)| AcceptRoute { peering_id, side, destination }.into()),
        2 => route.prop_map(|(peering_id, side, destination)| WithdrawRoute { peering_id, side, destination }.into()),
        2 => (a_peering(), a_side(), a_range(), a_range())
            .prop_map(|(peering_id, side, from, to)| ReplaceRoute { peering_id, side, from, to }.into()),
        4 => (a_peering(), a_side(), vec(a_rule(), 0..3), a_tenure())
            .prop_map(|(peering_id, side, admit, tenure)| RestrictFirewall { peering_id, side, admit, tenure }.into()),
        2 => (a_peering(), option::of(a_rule()), option::of(a_time())).prop_map(|(peering_id, rule, end)| {
            let expires_at = Some(end.map_or(Change::None, Change::To));
            SetTenure { peering_id, rule, owner: None, expires_at }.into()
        }),
        2 => (a_peering(), an_opening()).prop_map(|(peering_id, opening)| ConfirmOpening { peering_id, opening }.into()),
        1 => vec(a_range(), 0..3).prop_map(|nodes| SetNetworkNodes { nodes }.into()),
        2 => some_ipv6_ranges().prop_map(|ranges| SetNetworkIpv6Ranges { ranges }.into()),
        3 => (
            (a_peering(), a_range(), select(vec![0, 443, 8443])),
            (option::of(a_time()), a_reason(), option::of(a_source()), any::<bool>()),
        ).prop_map(
            |((peering_id, target, port), (expires_at, reason, from, no_expiry))| {
                AllowConnectorIngress { peering_id, target, port, reason, expires_at, from, no_expiry }.into()
            }
        ),
        2 => (a_peering(), an_ingress()).prop_map(|(peering_id, ingress_id)| RevokeConnectorIngress { peering_id, ingress_id }.into()),
        2 => (a_peering(), a_side(), any::<bool>())
            .prop_map(|(peering_id, side, enabled)| SetDnsResolution { peering_id, side, enabled }.into()),
        2 => (a_peering(), a_side(), an_option(), any::<bool>())
            .prop_map(|(peering_id, side, option, enabled)| SetLinkOption { peering_id, side, option, enabled }.into()),
        2 => (a_peering(), a_side(), a_choice()).prop_map(|(peering_id, side, to)| AttachFirewall { peering_id, side, to }.into()),
        1 => (a_peering(), a_side()).prop_map(|(peering_id, side)| DetachFirewall { peering_id, side }.into()),
        2 => (a_peering(), a_side(), subnets()).prop_map(|(peering_id, side, subnets)| {
            DenyWithLists { peering_id, side, subnets: subnets.into_iter().collect() }.into()
        }),
        1 => (a_peering(), a_side()).prop_map(|(peering_id, side)| StopDenying { peering_id, side }.into()),
        1 => (a_peering(), a_reason()).prop_map(|(peering_id, reason)| RemovePeering { peering_id, reason }.into()),
        1 => (a_peering(), a_reason(), option::of(a_side()))
            .prop_map(|(peering_id, reason, clean)| AbandonPeering { peering_id, reason, clean }.into()),
    ]
}

/// Any command but the one after which there are no more.
pub(super) fn a_command() -> impl Strategy<Value = NetworkCommand> {
    prop_oneof![1 => an_intent(), 1 => an_outcome().prop_map(Into::into)]
}

pub(super) fn any_command() -> impl Strategy<Value = NetworkCommand> {
    let retire = a_reason().prop_map(|reason| RetireNetwork { reason }.into());
    prop_oneof![40 => a_command(), 1 => retire]
}

/// The event that an outcome becomes when nothing stands in its way.
pub(in super::super) fn as_event(outcome: Outcome) -> NetworkEvent {
    match outcome {
        Outcome::InitiationStarted(it) => it.into(),
        Outcome::InitiationRefused(it) => it.into(),
        Outcome::Initiated(it) => it.into(),
        Outcome::ExpiryNear(it) => it.into(),
        Outcome::Accepted(it) => it.into(),
        Outcome::Activated(it) => it.into(),
        Outcome::Rejected(it) => it.into(),
        Outcome::Expired(it) => it.into(),
        Outcome::Failed(it) => it.into(),
        Outcome::DeadlinePassed(it) => it.into(),
        Outcome::AccepterSeen(it) => it.into(),
        Outcome::Surveyed(it) => it.into(),
        Outcome::RangesConfirmed(it) => it.into(),
        Outcome::PeerImmutableIdSeen(it) => it.into(),
        Outcome::NetworkImmutableIdSeen(it) => it.into(),
        Outcome::QuotasSeen(it) => it.into(),
        Outcome::HalfChangeStarted(it) => it.into(),
        Outcome::HalfOperationStarted(it) => it.into(),
        Outcome::HalfOperationFailed(it) => it.into(),
        Outcome::HalfMade(it) => it.into(),
        Outcome::HalfRemoved(it) => it.into(),
        Outcome::LinkRemoved(it) => it.into(),
        Outcome::Removed(it) => it.into(),
        Outcome::Abandoned(it) => it.into(),
        Outcome::InstallationStarted(it) => it.into(),
        Outcome::InstallationEnded(it) => it.into(),
        Outcome::RouteInstalled(it) => it.into(),
        Outcome::RouteRemoved(it) => it.into(),
        Outcome::RouteConflicted(it) => it.into(),
        Outcome::RouteFound(it) => it.into(),
        Outcome::RoutesEnforced(it) => it.into(),
        Outcome::RoutesSuspended(it) => it.into(),
        Outcome::RoutesResumed(it) => it.into(),
        Outcome::FirewallGroupCreated(it) => it.into(),
        Outcome::FirewallGroupRemoved(it) => it.into(),
        Outcome::FirewallRuleAuthorized(it) => it.into(),
        Outcome::FirewallRuleRevoked(it) => it.into(),
        Outcome::FirewallEnforced(it) => it.into(),
        Outcome::FirewallAttachmentChosen(it) => it.into(),
        Outcome::FirewallGroupAttached(it) => it.into(),
        Outcome::FirewallGroupDetached(it) => it.into(),
        Outcome::FirewallAttachmentSeen(it) => it.into(),
        Outcome::DenialMade(it) => it.into(),
        Outcome::DenialRemoved(it) => it.into(),
        Outcome::DenialEnforced(it) => it.into(),
        Outcome::DenialLapsed(it) => it.into(),
        Outcome::FirewallExposed(it) => it.into(),
        Outcome::ExposureCleared(it) => it.into(),
        Outcome::IngressExpired(it) => it.into(),
        Outcome::DnsResolutionApplied(it) => LinkOptionApplied::from(it).into(),
        Outcome::LinkOptionApplied(it) => it.into(),
        Outcome::AdmissionExpired(it) => it.into(),
        Outcome::TenureEnded(it) => it.into(),
        Outcome::DriftDetected(it) => it.into(),
        Outcome::DriftRepaired(it) => it.into(),
        Outcome::DriftAdopted(it) => it.into(),
        Outcome::Blocked(it) => it.into(),
        Outcome::Unblocked(it) => it.into(),
        Outcome::OrphanFound(it) => it.into(),
        Outcome::OrphanCleared(it) => it.into(),
        Outcome::OrphanRemovalFailed(it) => it.into(),
        Outcome::CloudRecorded(it) => it.into(),
        Outcome::IdentityMarked(it) => it.into(),
    }
}

fn an_intent_event() -> impl Strategy<Value = NetworkEvent> {
    let external_id = || option::of(Just(text::<ExternalId>("peerage-1")));
    let route = (a_peering(), a_side(), a_range());
    prop_oneof![
        1 => Just(registered()),
        1 => a_policy().prop_map(policy_set),
        1 => a_time().prop_map(|requested_at| DriftCheckRequested { network_id: network_id(), requested_at }.into()),
        1 => a_reason().prop_map(|reason| NetworkFrozen { network_id: network_id(), reason, everywhere: false }.into()),
        1 => Just(NetworkThawed { network_id: network_id(), reason: None }.into()),
        1 => (a_peering(), an_orphan(), a_reason()).prop_map(|(peering_id, thing, reason)| {
            OrphanRemovalRequested { network_id: network_id(), peering_id, orphan: thing.id().unwrap(), reason }.into()
        }),
        1 => (a_scope(), a_reason())
            .prop_map(|(scope, reason)| QuarantineImposed { network_id: network_id(), scope, reason, everywhere: false }.into()),
        1 => a_scope().prop_map(|scope| QuarantineLifted { network_id: network_id(), scope, reason: None }.into()),
        8 => (a_peering(), a_peer(), terms(), external_id()).prop_map(|(peering_id, peer, terms, external_id)| {
            PeeringRequested { peering_id, peer, requested_at: now(), terms, external_id }.into()
        }),
        4 => (a_peering(), a_peer(), a_link(), a_consent(), external_id()).prop_map(|(peering_id, peer, link, consent, external_id)| {
            PeeringAdopted { peering_id, peer, link, adopted_at: now(), consent, external_id, expires_at: None }.into()
        }),
        2 => (a_peering(), vec(a_range(), 0..3)).prop_map(|(peering_id, ranges)| PeerRangesAdded { peering_id, ranges }.into()),
        2 => (a_peering(), vec(a_range(), 0..3)).prop_map(|(peering_id, ranges)| PeerRangesDropped { peering_id, ranges }.into()),
        1 => (a_peering(), subnets()).prop_map(|(peering_id, subnets)| PeerSubnetsChanged { peering_id, subnets }.into()),
        1 => subnets().prop_map(|subnets| NetworkSubnetsChanged { network_id: network_id(), subnets }.into()),
        6 => route.clone().prop_map(|(peering_id, side, destination)| RouteAccepted { peering_id, side, destination }.into()),
        3 => (route, option::of(a_range())).prop_map(|((peering_id, side, destination), replaced_by)| {
            RouteWithdrawn { peering_id, side, destination, replaced_by }.into()
        }),
        4 => (a_peering(), a_side(), vec(a_rule(), 0..3), a_tenure())
            .prop_map(|(peering_id, side, admit, tenure)| FirewallRestricted { peering_id, side, admit, tenure }.into()),
        2 => (a_peering(), option::of(a_rule()), a_tenure())
            .prop_map(|(peering_id, rule, tenure)| PeeringTenureSet { peering_id, rule, tenure }.into()),
        2 => (a_peering(), an_opening()).prop_map(|(peering_id, opening)| OpeningConfirmed { peering_id, opening }.into()),
        1 => vec(a_range(), 0..3).prop_map(|nodes| NetworkNodesSet { network_id: network_id(), nodes }.into()),
        1 => some_ipv6_ranges().prop_map(|ranges| NetworkIpv6RangesSet { network_id: network_id(), ranges }.into()),
        3 => (a_peering(), an_ingress(), a_range(), a_rule(), vec(a_rule(), 0..2), option::of(a_time())).prop_map(
            |(peering_id, ingress_id, target, rule, also, expires_at)| {
                let ingress = ingress_allowed(0, "10.101.8.0/24", 443);
                ConnectorIngressAllowed { peering_id, ingress_id, target, rule, also, expires_at, ..ingress }.into()
            }
        ),
        2 => (a_peering(), a_side(), an_option(), any::<bool>())
            .prop_map(|(peering_id, side, option, enabled)| LinkOptionSet { peering_id, side, option, enabled }.into()),
        2 => (a_peering(), a_side(), a_choice())
            .prop_map(|(peering_id, side, to)| FirewallAttachmentRequested { peering_id, side, to }.into()),
        1 => (a_peering(), a_side())
            .prop_map(|(peering_id, side)| FirewallAttachmentWithdrawn { peering_id, side }.into()),
        2 => (a_peering(), a_side(), subnets()).prop_map(|(peering_id, side, subnets)| {
            DenialRequested { peering_id, side, subnets: subnets.into_iter().collect() }.into()
        }),
        1 => (a_peering(), a_side()).prop_map(|(peering_id, side)| DenialWithdrawn { peering_id, side }.into()),
        1 => (a_peering(), a_reason())
            .prop_map(|(peering_id, reason)| PeeringRemovalRequested { peering_id, reason, requested_at: now() }.into()),
        1 => (a_peering(), a_reason(), leftovers())
            .prop_map(|(peering_id, reason, left_behind)| {
                PeeringAbandoned { peering_id, reason, left_behind, not_observed: Vec::new() }.into()
            }),
        1 => (a_peering(), a_reason(), option::of(a_side())).prop_map(|(peering_id, reason, clean)| {
            PeeringAbandonmentRequested { peering_id, reason, requested_at: now(), clean }.into()
        }),
        1 => (a_peering(), a_link()).prop_map(|(peering_id, expired)| PeeringRenewed { peering_id, expired }.into()),
    ]
}

/// Any event but the last one of a network, whether or not it could ever follow.
pub(super) fn an_event() -> impl Strategy<Value = NetworkEvent> {
    prop_oneof![1 => an_intent_event(), 1 => an_outcome().prop_map(as_event)]
}

pub(super) fn any_event() -> impl Strategy<Value = NetworkEvent> {
    prop_oneof![60 => an_event(), 1 => Just(retired())]
}

fn an_opening() -> impl Strategy<Value = Reviewed> + use<> {
    prop_oneof![
        Just(Reviewed::Peering),
        a_rule().prop_map(|rule| Reviewed::Admission { rule }),
        an_ingress().prop_map(|ingress_id| Reviewed::Ingress { ingress_id }),
    ]
}

/// Often nothing, and else a route or two that fit or do not.
fn setup() -> impl Strategy<Value = Setup> + use<> {
    let route =
        (a_side(), a_range()).prop_map(|(side, destination)| SetupRoute { side, destination });
    (
        proptest::collection::vec(route, 0..3),
        proptest::collection::btree_set(a_side(), 0..2),
        a_tenure(),
    )
        .prop_map(|(routes, dns_resolution, tenure)| Setup {
            routes,
            admit: Vec::new(),
            dns_resolution,
            options: Default::default(),
            tenure,
            admission: Tenure::default(),
        })
}
