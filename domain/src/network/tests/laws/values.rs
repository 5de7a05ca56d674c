//! Any names, ranges and findings: few of each, so that they meet.

use super::super::{super::*, samples::*};
use crate::{
    ids::{CommandId, IngressId},
    range::Range,
    side::Side,
    source::AdmittedSource,
    text::{FirewallGroup, FirewallRule, ImmutableId, Interface, Link, Reason, RouteTable, Subnet},
};
use chrono::{DateTime, Utc};
use proptest::{collection::btree_set, collection::vec, option, prelude::*, sample::select};

/// How many peerings the generated commands speak of; few, so that they meet.
pub(super) const PEERINGS: u128 = 4;

pub(super) fn a_peering() -> impl Strategy<Value = PeeringId> + Clone {
    (0..PEERINGS).prop_map(peering_id)
}

pub(super) fn a_side() -> impl Strategy<Value = Side> + Clone {
    select(&Side::BOTH)
}

pub(super) fn a_range() -> impl Strategy<Value = Range> + Clone {
    let written = [
        "10.20.0.0/16",
        "10.101.0.0/16",
        "10.101.7.0/24",
        "10.101.128.0/17",
        "10.102.0.0/16",
        "10.100.0.0/14",
        "192.168.0.0/24",
        "172.16.0.0/12",
        "fd00:20::/56",
        "fd00:20:0:1::/64",
        "fd00:101::/56",
        "fd00:101:0:7::/64",
    ];
    select(written.map(range).to_vec())
}

pub(super) fn some_ipv6_ranges() -> impl Strategy<Value = Vec<Ipv6Range>> + Clone {
    let any: [&[&str]; 5] = [
        &[],
        &["fd00:20::/56"],
        &["fd00:20::/56", "fd00:21::/56"],
        &["fd00:20::/40"],
        &["fd00:101::/48"],
    ];
    select(any.map(super::super::samples::ipv6_ranges).to_vec())
}

pub(super) fn a_peer() -> impl Strategy<Value = Peer> {
    let own = (1..5_u8).prop_map(peer);
    prop_oneof![3 => own.clone(), 1 => (own, vec(a_range(), 0..3)).prop_map(|(peer, ranges)| Peer { ranges, ..peer })]
}

pub(super) fn a_link() -> impl Strategy<Value = Link> + Clone {
    select(vec![link(), other_link(), text("pcx-0aaaabbbbccccdddd")])
}

pub(super) fn subnets() -> impl Strategy<Value = Vec<Subnet>> + Clone {
    let any = [
        &["*"][..],
        &[],
        &["subnet-0aa1"],
        &["subnet-0aa1", "subnet-0cc3"],
    ];
    select(
        any.map(|all| all.iter().map(|it| text(it)).collect())
            .to_vec(),
    )
}

pub(super) fn a_subnet_change() -> impl Strategy<Value = SubnetChange> {
    prop_oneof![
        subnets().prop_map(|subnets| SubnetChange::Add { subnets }),
        subnets().prop_map(|subnets| SubnetChange::Drop { subnets }),
        subnets().prop_map(|subnets| SubnetChange::Set { subnets }),
    ]
}

pub(super) fn a_rule() -> impl Strategy<Value = InboundRule> + Clone {
    let group = Just(AdmittedSource::Group(
        "210987654321/sg-0e1f2a3b4c5d6e7f8".parse().unwrap(),
    ));
    let source = prop_oneof![9 => a_range().prop_map(AdmittedSource::Range), 1 => group];
    (source, select(vec![0, 443, 2113])).prop_map(|(source, port)| InboundRule {
        source,
        port,
        target: None,
    })
}

pub(super) fn a_source() -> impl Strategy<Value = IngressSource> {
    prop_oneof![
        Just(IngressSource::Nodes),
        vec(a_range(), 0..3).prop_map(IngressSource::Ranges),
    ]
}

pub(super) fn a_table() -> impl Strategy<Value = RouteTable> + Clone {
    select(vec![text("rtb-01"), text("rtb-02")])
}

pub(super) fn a_group() -> impl Strategy<Value = FirewallGroup> + Clone {
    select(vec![group("sg-01"), group("sg-02")])
}

pub(super) fn an_interface() -> impl Strategy<Value = Interface> + Clone {
    select(vec![text("eni-01"), text("eni-02")])
}

pub(super) fn a_choice() -> impl Strategy<Value = AttachTo> + Clone {
    select(vec![to_these(&["eni-01"]), to_a_tag(true), to_a_tag(false)])
}

pub(super) fn a_denial() -> impl Strategy<Value = Denial> + Clone {
    (select(vec!["acl-01", "acl-02"]), 1..3_u16).prop_map(|(list, number)| denial(list, number))
}

pub(super) fn a_rule_id() -> impl Strategy<Value = FirewallRule> + Clone {
    select(vec![text("sgr-01"), text("sgr-02")])
}

pub(super) fn an_attempt() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 1..4_u32, 1 => Just(0), 1 => Just(u32::MAX)]
}

pub(super) fn a_time() -> impl Strategy<Value = DateTime<Utc>> {
    (-3..4_i64).prop_map(|half_days| hours_on(12 * half_days))
}

/// Often nothing.
pub(super) fn a_tenure() -> impl Strategy<Value = Tenure> {
    (option::of(Just(text("team orders"))), option::of(a_time()))
        .prop_map(|(owner, expires_at)| Tenure { owner, expires_at })
}

pub(super) fn a_reason() -> impl Strategy<Value = Reason> {
    Just(reason_given("because"))
}

pub(super) fn a_place() -> impl Strategy<Value = Where> + Clone {
    prop_oneof![8 => a_table().prop_map(Where::Table), 1 => Just(Where::Exchange)]
}

pub(super) fn a_thing() -> impl Strategy<Value = Thing> + Clone {
    prop_oneof![
        (a_place(), a_range()).prop_map(|(at, destination)| Thing::Route { at, destination }),
        Just(Thing::Group),
        a_rule().prop_map(Thing::from),
        an_interface().prop_map(|interface| Thing::Attachment { interface }),
        a_denial().prop_map(|denial| Thing::Denial { denial }),
        an_option().prop_map(|option| Thing::Option { option }),
    ]
}

pub(super) fn an_option() -> impl Strategy<Value = LinkOption> + Clone {
    select(LinkOption::ALL.to_vec())
}

pub(super) fn a_scope() -> impl Strategy<Value = QuarantineScope> + Clone {
    select(vec![
        QuarantineScope::Everything,
        QuarantineScope::PeerAccount {
            account: peer(1).account,
        },
        QuarantineScope::PeerNetwork {
            cloud_network: peer(2).cloud_network,
        },
    ])
}

pub(super) fn a_consent() -> impl Strategy<Value = Consent> {
    select(&Consent::ALL)
}

pub(super) fn terms() -> impl Strategy<Value = Terms> {
    (a_consent(), option::of(a_time()), any::<bool>()).prop_map(|(consent, deadline, renew)| {
        Terms {
            consent,
            deadline,
            renew,
            accept_open: None,
        }
    })
}

pub(super) fn a_policy() -> impl Strategy<Value = Policy> {
    let enforce = btree_set(a_group(), 0..3).prop_map(|groups| ExposurePolicy::Enforce { groups });
    (
        select(&DriftPolicy::ALL),
        prop_oneof![
            Just(ExposurePolicy::Report),
            Just(ExposurePolicy::Block),
            enforce
        ],
    )
        .prop_map(|(drift, exposure)| Policy {
            drift,
            exposure,
            ..Policy::default()
        })
}

/// The first ids are those that the generated commands give, so that what was opened is met again.
pub(super) fn an_ingress() -> impl Strategy<Value = IngressId> {
    (a_peering(), 0..PEERINGS)
        .prop_map(|(peering, n)| Ids::of(CommandId(uuid::Uuid::from_u128(n))).ingress(peering))
}

pub(super) fn an_immutable_id() -> impl Strategy<Value = ImmutableId> {
    (1..4_u8).prop_map(|n| text(&n.to_string()))
}

pub(super) fn a_finding() -> impl Strategy<Value = DriftKind> {
    prop_oneof![
        Just(DriftKind::LinkEnded {
            state: "deleted".to_owned()
        }),
        Just(DriftKind::LinkTagMissing),
        (a_side(), an_option()).prop_map(|(side, option)| DriftKind::option_flipped(side, option)),
        (a_side(), a_table(), a_range()).prop_map(|(side, route_table, destination)| {
            DriftKind::RouteMissing {
                side,
                route_table,
                destination,
            }
        }),
        (a_side(), a_table(), a_range()).prop_map(|(side, route_table, destination)| {
            DriftKind::RouteForeign {
                side,
                route_table,
                destination,
                target: "tgw-01".to_owned(),
            }
        }),
        (a_side(), a_table(), a_range()).prop_map(|(side, route_table, destination)| {
            DriftKind::RouteExtra {
                side,
                route_table,
                destination: destination.to_string(),
            }
        }),
        (a_side(), a_group()).prop_map(|(side, group)| DriftKind::GroupMissing { side, group }),
        (a_side(), a_group()).prop_map(|(side, group)| DriftKind::GroupTagMissing { side, group }),
        (a_side(), a_rule()).prop_map(|(side, rule)| DriftKind::RuleMissing { side, rule }),
        (a_side(), a_rule_id())
            .prop_map(|(side, rule_id)| DriftKind::RuleTagMissing { side, rule_id }),
        (a_side(), an_interface())
            .prop_map(|(side, interface)| DriftKind::GroupDetached { side, interface }),
        (a_side(), a_denial()).prop_map(|(side, denial)| DriftKind::DenialMissing { side, denial }),
        (a_side(), an_immutable_id(), an_immutable_id()).prop_map(|(side, recorded, seen)| {
            DriftKind::NetworkReplaced {
                side,
                recorded,
                seen,
            }
        }),
        (a_side(), a_rule_id()).prop_map(|(side, rule_id)| DriftKind::RuleExtra {
            side,
            rule_id,
            admits: "tcp 22".to_owned()
        }),
    ]
}

pub(super) fn some_evidence() -> impl Strategy<Value = Evidence> {
    (
        select(vec![
            AcceptedBy::Engine,
            AcceptedBy::Owner,
            AcceptedBy::EngineOrOwner,
        ]),
        1..3_u8,
    )
        .prop_map(|(accepted_by, n)| Evidence {
            accepted_by,
            account: peer(n).account,
            ..evidence()
        })
}

pub(super) fn leftovers() -> impl Strategy<Value = Vec<Leftover>> {
    let one = prop_oneof![
        Just(Leftover::PossibleLink),
        a_link().prop_map(|link| Leftover::Link { link }),
        (a_side(), a_link()).prop_map(|(side, link)| Leftover::PossibleHalf { side, link }),
        (a_side(), a_group()).prop_map(|(side, group)| Leftover::FirewallGroup { side, group }),
        (a_side(), a_table()).prop_map(|(side, route_table)| Leftover::OtherRoute {
            side,
            route_table,
            destination: "fd00:2::/56".to_owned(),
        }),
        (a_side(), a_denial()).prop_map(|(side, denial)| Leftover::Denial { side, denial }),
        (a_side(), a_thing()).prop_map(|(side, thing)| Leftover::PossibleThing { side, thing }),
    ];
    vec(one, 0..3)
}
