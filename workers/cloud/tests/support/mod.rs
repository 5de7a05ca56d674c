//! One private network and its peering, as small histories, and what a text must be; for the tests
//! of what owners are told, on every cloud.

// Each test uses a part.
#![allow(dead_code)]

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use cloud::instructions::{Instruction, JSON, SH, TEXT};
use domain::{
    CommandId, Ids, IngressId, NetworkId, PeeringId, Provider, Region, Side,
    network::*,
    text::{FirewallGroup, Link, Reason},
};
use serde_json::Value;
use std::{fmt::Debug, process::Command, str::FromStr};
use uuid::Uuid;

/// Any of the typed names, from its text.
pub(crate) fn text<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap()
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
        range: text("10.20.0.0/16"),
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
        ranges: vec![text(&format!("10.{}.0.0/16", 100 + n))],
        subnets: Vec::new(),
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

pub(crate) fn link() -> Link {
    text("pcx-0123456789abcdef0")
}

pub(crate) fn started(attempt: u32) -> NetworkEvent {
    PeeringInitiationStarted {
        peering_id: peering_id(1),
        attempt,
        started_at: now(),
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

pub(crate) fn route_accepted(side: Side, destination: &str) -> NetworkEvent {
    RouteAccepted {
        peering_id: peering_id(1),
        side,
        destination: text(destination),
    }
    .into()
}

pub(crate) fn rule(source: &str, port: u16) -> InboundRule {
    InboundRule {
        source: text(source),
        port,
        target: None,
    }
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
        destination: text(destination),
        replaced_by: replaced_by.map(text),
    }
    .into()
}

pub(crate) fn ingress_id(n: u128) -> IngressId {
    IngressId(Uuid::from_u128(n))
}

/// Ingress `n` of peering 1: its web hook receiver, until somebody closes it.
pub(crate) fn ingress_allowed(n: u128, target: &str, port: u16) -> ConnectorIngressAllowed {
    ConnectorIngressAllowed {
        peering_id: peering_id(1),
        ingress_id: ingress_id(n),
        target: text(target),
        rule: rule("10.20.0.0/16", port),
        also: Vec::new(),
        reason: reason_given("the orders webhook"),
        allowed_at: now(),
        expires_at: None,
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

pub(crate) fn dns_set(side: Side, enabled: bool) -> NetworkEvent {
    LinkOptionSet {
        peering_id: peering_id(1),
        option: LinkOption::DnsResolution,
        side,
        enabled,
    }
    .into()
}

pub(crate) fn policy_set(policy: Policy) -> NetworkEvent {
    NetworkPolicySet {
        network_id: network_id(),
        policy,
    }
    .into()
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

pub(crate) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, 9, 0, 0).unwrap()
}

/// The network and its peering after these events.
pub(crate) fn state(events: Vec<NetworkEvent>) -> (Registered, Peering) {
    let folded = events.into_iter().fold(Network::default(), |state, event| {
        evolve(state, &event, now())
    });
    let Network::Registered(network) = folded else {
        panic!("the network is not on record")
    };
    let peering = network.peerings()[&peering_id(1)].clone();
    (network, peering)
}

pub(crate) fn by_owner() -> Terms {
    Terms {
        consent: Consent::Owner,
        ..Terms::default()
    }
}

pub(crate) fn titled<'a>(instructions: &'a [Instruction], part: &str) -> &'a Instruction {
    instructions
        .iter()
        .find(|it| it.title.contains(part))
        .unwrap_or_else(|| panic!("nothing about `{part}` in {instructions:#?}"))
}

/// Runs a script with a cloud of functions in place of the real commands: what it called, one a
/// line, or what it died of.
pub(crate) fn run(script: &str, cloud: &str) -> Result<Vec<String>, String> {
    let log = "log() { printf '%s' \"$1\" >&3; shift; for word; do printf '|%s' \"$word\" >&3; done; printf '\\n' >&3; }";
    let whole = format!("exec 3>&1 >/dev/null\n{log}\n{cloud}\n{script}");
    let output = Command::new("sh").args(["-c", &whole]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() {
        Ok(text(output.stdout).lines().map(str::to_owned).collect())
    } else {
        Err(text(output.stderr))
    }
}

/// A cloud that answers every description with this text.
pub(crate) fn answering(answer: &str) -> String {
    format!("aws() {{ log aws \"$@\"; case $2 in describe-*) printf '{answer}\\n';; esac; }}")
}

/// A script is one that a shell reads, a document is JSON, and nothing is empty.
pub(crate) fn assert_is_well_formed(it: &Instruction) {
    match it.language {
        SH => assert!(
            Command::new("sh")
                .args(["-n", "-c", &it.body])
                .status()
                .unwrap()
                .success(),
            "{}:\n{}",
            it.title,
            it.body
        ),
        JSON => drop(serde_json::from_str::<Value>(&it.body).unwrap()),
        language => assert_eq!(language, TEXT),
    }
    assert!(!it.title.is_empty() && !it.body.trim().is_empty());
}
