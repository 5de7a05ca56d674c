//! Values and small histories that the other tests share: one private network in Ireland and its
//! peers.

mod whole_life;

pub(crate) use crate::ids::PeeringId;
pub(crate) use whole_life::*;

use super::super::*;
use super::now;
use crate::{
    ids::CommandId,
    range::Range,
    side::Side,
    text::{FirewallGroup, FirewallRule, Link, RouteTable},
};
use std::{fmt::Debug, str::FromStr};
use uuid::Uuid;

/// Any of the typed names, from its text.
pub(crate) fn text<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn range(written: &str) -> Range {
    text(written)
}

pub(crate) fn ranges(written: &[&str]) -> Vec<Range> {
    written.iter().map(|it| range(it)).collect()
}

pub(crate) fn ipv6_ranges(written: &[&str]) -> Vec<Ipv6Range> {
    written
        .iter()
        .map(|it| it.parse().expect("an IPv6 range"))
        .collect()
}

/// One of each event with which ranges come into a network, IPv6 ones among them or not.
pub(crate) fn bringing_ranges(dual_stack: bool) -> Vec<NetworkEvent> {
    let (own, others): (&[&str], &[&str]) = if dual_stack {
        (&["fd00:20::/56"], &["10.101.0.0/16", "fd00:101::/56"])
    } else {
        (&[], &["10.101.0.0/16"])
    };
    let register = RegisterNetwork {
        ipv6_ranges: ipv6_ranges(own),
        ..register()
    };
    let NetworkEvent::PeeringRequested(requested) = requested(1) else {
        panic!("a request is a request");
    };
    let NetworkEvent::PeeringAdopted(adopted) = adopted() else {
        panic!("an adoption is an adoption");
    };
    let peer = peer_with(1, others);
    vec![
        registered_as(register, network_id()),
        PeeringRequested {
            peer: peer.clone(),
            ..requested
        }
        .into(),
        PeeringAdopted { peer, ..adopted }.into(),
        PeerRangesAdded {
            peering_id: peering_id(1),
            ranges: ranges(others),
        }
        .into(),
    ]
}

pub(crate) fn network_id() -> NetworkId {
    NetworkId(Uuid::from_u128(0x17))
}

/// The `n`-th peering of a history, as its request would have named it.
pub(crate) fn peering_id(n: u128) -> PeeringId {
    Ids::of(CommandId(Uuid::from_u128(n))).peering(network_id())
}

pub(crate) fn register() -> RegisterNetwork {
    RegisterNetwork {
        project: text("payments"),
        name: text("events-eu"),
        provider: Provider::Aws,
        region: Region::of(Provider::Aws, "eu-west-1").unwrap(),
        account: text("111122223333"),
        cloud_network: text("vpc-0a1b2c3d4e5f60718"),
        range: "10.20.0.0/16".parse().unwrap(),
        ipv6_ranges: Vec::new(),
        subnets: vec![text("subnet-0aa1"), text("subnet-0bb2")],
    }
}

pub(crate) fn registered() -> NetworkEvent {
    registered_as(register(), network_id())
}

pub(crate) fn registered_as(command: RegisterNetwork, network_id: NetworkId) -> NetworkEvent {
    let RegisterNetwork {
        project,
        name,
        provider,
        region,
        account,
        cloud_network,
        range,
        ipv6_ranges,
        subnets,
    } = command;
    NetworkRegistered {
        network_id,
        project,
        name,
        provider,
        region,
        account,
        cloud_network,
        range,
        ipv6_ranges,
        subnets,
        cloud: None,
        generation: None,
    }
    .into()
}

/// The `n`-th peer: its own account, network and range.
pub(crate) fn peer(n: u8) -> Peer {
    Peer {
        provider: Provider::Aws,
        account: text(&format!("4444555566{n:02}")),
        region: Region::of(Provider::Aws, "us-east-1").unwrap(),
        cloud_network: text(&format!("vpc-0f9e8d7c6b5a{n:04x}")),
        ranges: ranges(&[&format!("10.{}.0.0/16", 100 + n)]),
        subnets: Vec::new(),
    }
}

pub(crate) fn peer_with(n: u8, written: &[&str]) -> Peer {
    Peer {
        ranges: ranges(written),
        ..peer(n)
    }
}

pub(crate) fn requested(n: u8) -> NetworkEvent {
    requested_of(n, peer(n))
}

pub(crate) fn requested_of(n: u8, peer: Peer) -> NetworkEvent {
    let (peering_id, terms) = (peering_id(n.into()), Terms::default());
    PeeringRequested {
        peering_id,
        peer,
        requested_at: now(),
        terms,
        external_id: None,
    }
    .into()
}

/// A registered network with peering 1 requested, and then these events.
pub(crate) fn history(then: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    [registered(), requested(1)]
        .into_iter()
        .chain(then)
        .collect()
}

/// The same, with the link of peering 1 active before these events.
pub(crate) fn active_history(then: impl IntoIterator<Item = NetworkEvent>) -> Vec<NetworkEvent> {
    history(
        [started(1), initiated(), accepted(), activated()]
            .into_iter()
            .chain(then),
    )
}

pub(crate) fn intended(side: Side, things: impl IntoIterator<Item = Thing>) -> InstallationStarted {
    InstallationStarted {
        peering_id: peering_id(1),
        side,
        things: things.into_iter().collect(),
    }
}

pub(crate) fn route_thing(destination: &str, route_table: &str) -> Thing {
    Thing::Route {
        at: Where::Table(text(route_table)),
        destination: range(destination),
    }
}

pub(crate) fn route_found(side: Side, destination: &str, route_table: &str) -> RouteFound {
    RouteFound {
        peering_id: peering_id(1),
        side,
        destination: range(destination),
        at: Where::Table(text(route_table)),
    }
}

pub(crate) fn accepter_seen(accepter: Side) -> LinkAccepterSeen {
    LinkAccepterSeen {
        peering_id: peering_id(1),
        link: link(),
        accepter,
    }
}

pub(crate) fn routes_enforced(
    side: Side,
    route_tables: &[&str],
    destinations: &[&str],
) -> RoutesEnforced {
    RoutesEnforced {
        peering_id: peering_id(1),
        side,
        at: route_tables
            .iter()
            .map(|it| Where::Table(text(it)))
            .collect(),
        destinations: ranges(destinations),
        idle: Vec::new(),
    }
}

pub(crate) fn routes_suspended(side: Side, rule_id: &str) -> RoutesSuspended {
    RoutesSuspended {
        peering_id: peering_id(1),
        side,
        exposures: vec![text(rule_id)],
    }
}

pub(crate) fn link() -> Link {
    text("pcx-0123456789abcdef0")
}

pub(crate) fn other_link() -> Link {
    text("pcx-0fedcba9876543210")
}

pub(crate) fn started(attempt: u32) -> NetworkEvent {
    PeeringInitiationStarted {
        peering_id: peering_id(1),
        attempt,
        started_at: now(),
    }
    .into()
}

pub(crate) fn initiation_refused(attempt: u32) -> NetworkEvent {
    PeeringInitiationRefused {
        peering_id: peering_id(1),
        attempt,
        cause: None,
    }
    .into()
}

pub(crate) fn initiated() -> NetworkEvent {
    PeeringInitiated {
        peering_id: peering_id(1),
        link: link(),
        expires_at: None,
    }
    .into()
}

pub(crate) fn accepted() -> NetworkEvent {
    PeeringAccepted {
        peering_id: peering_id(1),
        link: link(),
        evidence: None,
    }
    .into()
}

pub(crate) fn activated() -> NetworkEvent {
    PeeringActivated {
        peering_id: peering_id(1),
        link: link(),
    }
    .into()
}

pub(crate) fn rejected() -> NetworkEvent {
    PeeringRejected {
        peering_id: peering_id(1),
        link: link(),
    }
    .into()
}

pub(crate) fn expired() -> NetworkEvent {
    PeeringExpired {
        peering_id: peering_id(1),
        link: link(),
    }
    .into()
}

pub(crate) fn failed(link: Option<Link>) -> PeeringFailed {
    PeeringFailed {
        peering_id: peering_id(1),
        link,
        message: "the request failed at the provider".to_owned(),
    }
}

pub(crate) fn route_accepted(side: Side, destination: &str) -> NetworkEvent {
    RouteAccepted {
        peering_id: peering_id(1),
        side,
        destination: range(destination),
    }
    .into()
}

pub(crate) fn route_installed(side: Side, destination: &str, table: &str) -> RouteInstalled {
    RouteInstalled {
        peering_id: peering_id(1),
        side,
        destination: range(destination),
        route_table: text::<RouteTable>(table),
    }
}

pub(crate) fn route_conflicted(
    side: Side,
    destination: &str,
    table: &str,
    target: &str,
) -> RouteConflicted {
    RouteConflicted {
        peering_id: peering_id(1),
        side,
        destination: range(destination),
        route_table: text(table),
        target: target.to_owned(),
        left_by: None,
    }
}

/// What the local side of peering 1 usually admits: its peer's clients, to KurrentDB.
pub(crate) fn clients() -> InboundRule {
    rule("10.101.0.0/16", 2113)
}

/// A rule that is aimed at a target.
pub(crate) fn aimed(source: &str, port: u16, target: &str) -> InboundRule {
    InboundRule {
        target: Some(range(target)),
        ..rule(source, port)
    }
}

pub(crate) fn rule(source: &str, port: u16) -> InboundRule {
    InboundRule {
        source: source.parse().unwrap(),
        port,
        target: None,
    }
}

pub(crate) fn restricted(side: Side, admit: &[InboundRule]) -> NetworkEvent {
    FirewallRestricted {
        peering_id: peering_id(1),
        side,
        admit: admit.to_vec(),
        tenure: Default::default(),
    }
    .into()
}

pub(crate) fn group(name: &str) -> FirewallGroup {
    text(name)
}

pub(crate) fn group_created(side: Side, name: &str) -> FirewallGroupCreated {
    FirewallGroupCreated {
        peering_id: peering_id(1),
        side,
        group: group(name),
    }
}

pub(crate) fn rule_authorized(
    side: Side,
    rule: InboundRule,
    rule_id: &str,
) -> FirewallRuleAuthorized {
    FirewallRuleAuthorized {
        peering_id: peering_id(1),
        side,
        rule,
        rule_id: text::<FirewallRule>(rule_id),
    }
}

pub(crate) fn rule_revoked(side: Side, rule: InboundRule, rule_id: &str) -> FirewallRuleRevoked {
    FirewallRuleRevoked {
        peering_id: peering_id(1),
        side,
        rule,
        rule_id: text(rule_id),
    }
}

pub(crate) fn enforced(side: Side, name: &str, admit: &[InboundRule]) -> FirewallEnforced {
    FirewallEnforced {
        peering_id: peering_id(1),
        side,
        group: group(name),
        admit: admit.to_vec(),
        attached: None,
    }
}

pub(crate) fn to_these(names: &[&str]) -> AttachTo {
    AttachTo::Interfaces {
        interfaces: names.iter().map(|name| text(name)).collect(),
    }
}

pub(crate) fn to_a_tag(followed: bool) -> AttachTo {
    AttachTo::Tag {
        key: text("app"),
        value: text("kurrentdb"),
        followed,
    }
}

pub(crate) fn group_attached(side: Side, name: &str, interface: &str) -> FirewallGroupAttached {
    FirewallGroupAttached {
        peering_id: peering_id(1),
        side,
        group: group(name),
        interface: text(interface),
    }
}

pub(crate) fn group_detached(side: Side, name: &str, interface: &str) -> FirewallGroupDetached {
    FirewallGroupDetached {
        peering_id: peering_id(1),
        side,
        group: group(name),
        interface: text(interface),
    }
}

pub(crate) fn attachment_seen(
    side: Side,
    name: &str,
    interfaces: Option<u32>,
) -> FirewallAttachmentSeen {
    FirewallAttachmentSeen {
        peering_id: peering_id(1),
        side,
        group: group(name),
        interfaces,
    }
}

pub(crate) fn blocked(cause: BlockCause) -> ProvisioningBlocked {
    ProvisioningBlocked {
        peering_id: peering_id(1),
        cause,
        side: Side::Remote,
        message: "the role of the remote account was refused".to_owned(),
        remedy: vec!["aws iam get-role --role-name peerage".to_owned()],
        times: 1,
    }
}

pub(crate) fn unblocked() -> ProvisioningUnblocked {
    ProvisioningUnblocked {
        peering_id: peering_id(1),
    }
}

/// TCP from the first peer's range, but for these ports' neighbours.
pub(crate) fn denial(list: &str, number: u16) -> Denial {
    Denial {
        list: text(list),
        number,
        denies: Denied {
            source: range("10.101.0.0/16"),
            ports: Some(Ports {
                protocol: PortProtocol::Tcp,
                first: 0,
                last: 2112,
            }),
        },
    }
}

pub(crate) fn denial_made(side: Side) -> DenialMade {
    DenialMade {
        peering_id: peering_id(1),
        side,
        denial: denial("acl-0a1b2c3d4e5f60718", 1),
    }
}

pub(crate) fn denial_removed(side: Side) -> DenialRemoved {
    DenialRemoved {
        peering_id: peering_id(1),
        side,
        denial: denial("acl-0a1b2c3d4e5f60718", 1),
    }
}

pub(crate) fn denial_enforced(side: Side) -> DenialEnforced {
    DenialEnforced {
        peering_id: peering_id(1),
        side,
        lists: [text("acl-0a1b2c3d4e5f60718")].into(),
        denies: [denial("acl-0a1b2c3d4e5f60718", 1).denies].into(),
        subnets: BTreeSet::new(),
    }
}

pub(crate) fn denial_lapsed(side: Side) -> DenialLapsed {
    DenialLapsed {
        peering_id: peering_id(1),
        side,
    }
}
