//! The simulated world in the form of the oracle's dump, so that one judge judges all worlds.
//!
//! What the simulated cloud does not have is left out, or is what AWS has when nobody asks for
//! anything: a thing's one tag is its owner's, and every group lets all traffic out.

use cloud::{
    AccessEntry, AccountRegion, Direction, LinkState, NetworkRef, OWNER_TAG, RouteTarget, Source,
};
use peerage_tests::oracle::Expected;
use serde_json::{Map, Value, json};
use simulated::{
    SimulatedGroup, SimulatedLink, SimulatedNetwork, SimulatedRoute, SimulatedRule, World,
};
use std::collections::BTreeMap;

/// What this account sees in this region.
pub(super) fn shown(world: &World, at: &AccountRegion) -> Value {
    let networks: Vec<_> = world
        .networks
        .values()
        .filter(|it| it.network.at.is_same(at))
        .collect();
    let links = world.links.values().filter(|it| {
        [&it.first, &it.second]
            .iter()
            .any(|end| end.network.at.is_same(at))
    });
    let groups = networks
        .iter()
        .flat_map(|network| network.groups.iter().map(|it| group(&network.network, it)));
    json!({
        "account": at.account.as_str(),
        "region": at.region.as_str(),
        "vpcs": networks.iter().map(|it| vpc(it)).collect::<Vec<_>>(),
        "peerings": links.map(|it| peering(it, at)).collect::<Vec<_>>(),
        "route_tables": networks.iter().flat_map(|it| tables(world, it)).collect::<Vec<_>>(),
        "security_groups": groups.collect::<Vec<_>>(),
        "access_lists": networks.iter().flat_map(|it| lists(it)).collect::<Vec<_>>(),
    })
}

/// The expectation without the tags that the simulated cloud does not keep.
pub(super) fn without_names(expected: &Expected) -> Expected {
    let strip = |tags: &mut Option<BTreeMap<String, String>>| {
        tags.iter_mut()
            .for_each(|it| it.retain(|key, _| key == OWNER_TAG))
    };
    let mut expected = expected.clone();
    expected
        .peerings
        .iter_mut()
        .for_each(|it| strip(&mut it.tags));
    for group in &mut expected.security_groups {
        strip(&mut group.tags);
        group.ingress.iter_mut().for_each(|it| strip(&mut it.tags));
    }
    expected
}

/// The first port that the rule admits.
pub(super) fn first_port(rule: &SimulatedRule) -> u16 {
    admitted(rule).1
}

/// The lists in front of subnets, with what comes in by them.
fn lists(network: &SimulatedNetwork) -> Vec<Value> {
    let entry = |it: &AccessEntry| {
        let Source::Ranges(ranges) = &it.traffic.source else {
            panic!("{it:?}")
        };
        let ports = it
            .traffic
            .ports
            .map(|(first, last)| (i32::from(first), i32::from(last)));
        let (first, last) = ports.unwrap_or((-1, -1));
        json!({
            "number": it.priority,
            "allow": it.allow,
            "protocol": it.traffic.protocol.as_deref().unwrap_or("-1"),
            "from": first,
            "to": last,
            "source": ranges.first().map(ToString::to_string),
        })
    };
    let lists = network.access_list_views().into_iter().map(|list| {
        let inbound = list
            .entries
            .iter()
            .filter(|it| it.direction == Direction::Inbound);
        json!({
            "id": list.list.as_ref().map(|it| it.as_str()),
            "vpc": network.network.network.as_str(),
            "subnets": list.subnets.iter().map(|it| it.as_str()).collect::<Vec<_>>(),
            "ingress": inbound.map(entry).collect::<Vec<_>>(),
        })
    });
    lists.collect()
}

fn vpc(network: &SimulatedNetwork) -> Value {
    let cidr = network.ranges.first().map(ToString::to_string);
    json!({"id": network.network.network.as_str(), "cidr": cidr, "default": false, "tags": {}})
}

fn peering(link: &SimulatedLink, at: &AccountRegion) -> Value {
    let end = |it: &NetworkRef| json!({"account": it.at.account.as_str(), "region": it.at.region.as_str(), "vpc": it.network.as_str()});
    let owner = if link.first.network.at.is_same(at) {
        link.owner
    } else {
        link.accepters_tag
    };
    json!({
        "id": link.id.as_str(),
        "state": code(&link.state),
        "requester": end(&link.first.network),
        "accepter": end(&link.second.network),
        "tags": tags(owner),
    })
}

/// A state as EC2 calls it.
fn code(state: &LinkState) -> &str {
    match state {
        LinkState::Initiating => "initiating-request",
        LinkState::Pending => "pending-acceptance",
        LinkState::Provisioning
        | LinkState::Active
        | LinkState::Disconnected
        | LinkState::Rejected
        | LinkState::Expired
        | LinkState::Failed
        | LinkState::Deleting
        | LinkState::Deleted
        | LinkState::Unknown(_) => state.as_str(),
    }
}

fn tables(world: &World, network: &SimulatedNetwork) -> Vec<Value> {
    let table = |(index, table): (usize, &simulated::SimulatedTable)| {
        json!({
            "id": table.id.as_str(),
            "vpc": network.network.network.as_str(),
            "main": index == 0,
            "routes": table.routes.iter().map(|it| route(world, it)).collect::<Vec<_>>(),
            "tags": {},
        })
    };
    network.tables.iter().enumerate().map(table).collect()
}

fn route(world: &World, route: &SimulatedRoute) -> Value {
    let (link, carries) = match &route.target {
        RouteTarget::Local | RouteTarget::Other(_) => (None, true),
        RouteTarget::Link(link) => (
            Some(link.as_str()),
            world
                .links
                .get(link)
                .is_some_and(|it| it.state == LinkState::Active),
        ),
    };
    let state = if carries { "active" } else { "blackhole" };
    json!({"destination": route.destination.to_string(), "link": link, "target": route.target.to_string(), "state": state})
}

fn group(network: &NetworkRef, group: &SimulatedGroup) -> Value {
    json!({
        "id": group.id.as_str(),
        "name": group.name,
        "vpc": network.network.as_str(),
        "tags": tags(group.owner),
        "ingress": group.rules.iter().map(rule).collect::<Vec<_>>(),
        "egress": [{"id": "every address", "protocol": "-1", "from": -1, "to": -1, "source": "0.0.0.0/0", "tags": {}}],
    })
}

fn rule(rule: &SimulatedRule) -> Value {
    let (protocol, from, to, source) = admitted(rule);
    json!({"id": rule.id.as_str(), "protocol": protocol, "from": from, "to": to, "source": source, "tags": tags(rule.owner)})
}

/// Protocol, first and last port, and source of a rule as people write them: scenarios open single
/// TCP ports.
fn admitted(rule: &SimulatedRule) -> (&str, u16, u16, &str) {
    let words: Vec<&str> = rule.text.split(' ').collect();
    let [protocol, port, "from", source] = words[..] else {
        panic!("a port and a range, not {}", rule.text)
    };
    let port = port
        .parse()
        .unwrap_or_else(|_| panic!("a port in {}", rule.text));
    (protocol, port, port, source)
}

fn tags(owner: Option<cloud::Owner>) -> Value {
    owner
        .map(|owner| (OWNER_TAG.to_owned(), json!(owner.to_string())))
        .into_iter()
        .collect::<Map<_, _>>()
        .into()
}
