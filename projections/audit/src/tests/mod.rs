//! Histories made of the domain's own samples, at random: what is folded up to a place is what was
//! there when the place was the last one, and what changed between two makes the one of the other.

#![allow(clippy::unwrap_used)]

mod ways;

use crate::{Comparison, Drop, Past, Told, Unknown, Until, Verdict, apply, who_can_reach};
use bytes::Bytes;
use chrono::{DateTime, Duration, TimeZone, Utc};
use domain::{
    CommandId, Digest, EventId, NetworkId, Range, Side,
    network::{Denied, InboundRule, Network, NetworkEvent, PortProtocol, Ports},
};
use journal::{Body, Metadata, Position, Recorded};
use serde_json::Value;
use std::{collections::BTreeMap, fs, net::IpAddr};
use uuid::Uuid;

const PEERING: &str = "5b0c1f1a-7f5e-4f0d-9a52-0d6d5c1e77a1";

fn start() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, 9, 0, 0).unwrap()
}

fn network() -> NetworkId {
    NetworkId(Uuid::from_u128(7))
}

/// The samples of the domain, by name.
fn samples() -> BTreeMap<String, String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../domain/golden");
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let files = files.filter(|it| it.extension().is_some_and(|it| it == "json"));
    files
        .map(|it| {
            let name = it.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(it).unwrap())
        })
        .collect()
}

fn event(name: &str, data: &str) -> NetworkEvent {
    let event_type = name.split('.').next().unwrap();
    match journal::decode(event_type, 1, data.as_bytes()) {
        Body::Event(event) => event,
        Body::Undecodable { problem, .. } => panic!("{name}: {problem}"),
    }
}

fn recorded(index: usize, body: Body) -> Recorded {
    let number = index as u64;
    let command_id = CommandId(Uuid::from_u128(1_000 + u128::from(number)));
    // Two clocks that differ: the times of the log go back now and then.
    let skew = Duration::seconds(if index % 5 == 4 { -7 } else { 0 });
    Recorded {
        stream: network().stream(),
        network_id: Some(network()),
        revision: number,
        position: Position {
            commit: 100 + number * 10,
            prepare: 100 + number * 10,
        },
        event_id: EventId(Uuid::from_u128(number.into())),
        created: start(),
        metadata: Some(Metadata {
            correlation_id: command_id.0,
            causation_id: command_id.0,
            command_id,
            command_digest: Digest::of(&number).unwrap(),
            actor: "ada".parse().unwrap(),
            schema_version: 1,
            traceparent: None,
            time: Some(start() + Duration::seconds(5 * number as i64) + skew),
            reason: None,
            ticket: None,
            command: None,
            cloud_calls: None,
            cloud: None,
            term: None,
        }),
        stored: Default::default(),
        data: Bytes::new(),
        body,
    }
}

/// A history of a network and three peerings.
fn history(random: &mut fastrand::Rng, length: usize) -> Vec<Recorded> {
    let samples = samples();
    let names: Vec<_> = samples.keys().collect();
    let mut events = vec![event("NetworkRegistered", &samples["NetworkRegistered.v1"])];
    while events.len() < length {
        let name = names[random.usize(..names.len())];
        // What ends everything comes seldom.
        let ends = name.starts_with("NetworkRetired") || name.starts_with("NetworkIdentity");
        if ends && random.usize(..20) != 0 {
            continue;
        }
        let peering = format!("5b0c1f1a-7f5e-4f0d-9a52-0d6d5c1e77a{}", random.usize(1..4));
        events.push(event(name, &samples[name].replace(PEERING, &peering)));
    }
    let all = events.into_iter().enumerate();
    all.map(|(index, event)| {
        let body = if index % 17 == 16 {
            Body::Undecodable {
                event_type: "PeeringTeleported".to_owned(),
                problem: "unknown".to_owned(),
            }
        } else {
            Body::Event(event)
        };
        recorded(index, body)
    })
    .collect()
}

fn folded(events: &[Recorded], until: Until) -> Told {
    let mut told = Told::default();
    let _ = events.iter().try_for_each(|it| told.take(it, until));
    told
}

#[test]
fn at_every_position_the_network_is_what_it_was_when_that_was_the_end() {
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..20 {
        let events = history(&mut random, 80);
        let mut live = Network::default();
        for event in &events {
            if let Body::Event(body) = &event.body {
                live = domain::network::evolve(live, body, event.time());
            }
            let past = folded(&events, Until::Position(event.position)).past;
            assert_eq!(past.network, live, "at {}", event.position);
            assert_eq!(past.last.unwrap().event_id, event.event_id);
            let between = Position {
                commit: event.position.commit + 5,
                prepare: event.position.prepare,
            };
            assert_eq!(folded(&events, Until::Position(between)).past, past);
        }
        let unreadable = events
            .iter()
            .filter(|it| matches!(it.body, Body::Undecodable { .. }));
        assert_eq!(
            folded(&events, Until::End).past.unreadable,
            unreadable.count() as u64
        );
    }
}

#[test]
fn at_a_time_nothing_that_was_decided_later_is_in_it_and_nothing_before_is_left_out() {
    let events = history(&mut fastrand::Rng::with_seed(2), 60);
    for seconds in -10..310 {
        let time = start() + Duration::seconds(seconds);
        let told = folded(&events, Until::Time(time));
        let within = events
            .iter()
            .position(|it| it.time() > time)
            .unwrap_or(events.len());
        let whole = folded(&events[..within], Until::End);
        assert_eq!(told.past, whole.past, "{time}");
        assert_eq!(told.first.unwrap().revision, 0);
    }
}

#[test]
fn a_difference_makes_the_later_state_of_the_earlier_one_and_names_a_cause_of_each_change() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut changed = 0;
    for _ in 0..15 {
        let events = history(&mut random, 60);
        for _ in 0..12 {
            let mut places = [random.usize(..events.len()), random.usize(..events.len())];
            places.sort_unstable();
            let [from, to] = places.map(|it| Until::Position(events[it].position));
            let mut comparison = Comparison::new(from, to);
            let _ = events.iter().try_for_each(|it| comparison.take(it));
            let found = comparison.finish().unwrap();
            let [earlier, later] = [from, to].map(|it| folded(&events, it).past);
            assert_eq!((&found.from, &found.to), (&earlier, &later));
            let made = apply(earlier.document().unwrap(), &found.changes);
            assert_eq!(made, later.document().unwrap());
            for change in &found.changes {
                assert_ne!(change.before, change.after);
                assert!(
                    !change.causes.is_empty(),
                    "{} has no cause",
                    change.pointer()
                );
                for cause in &change.causes {
                    let place = *cause as usize;
                    assert!((places[0] + 1..=places[1]).contains(&place), "{cause}");
                    assert!(found.events.contains_key(cause));
                }
            }
            changed += found.changes.len();
        }
    }
    assert!(changed > 100, "{changed}");
}

#[test]
fn a_pointer_escapes_what_it_must() {
    let change = crate::between(
        &serde_json::json!({ "routes": { "10.0.0.0/8": 1, "a~b": 2 } }),
        &serde_json::json!({ "routes": { "10.0.0.0/8": 2, "a~b": 2 } }),
    );
    assert_eq!(change[0].pointer(), "/routes/10.0.0.0~18");
    assert_eq!(change[0].before, Some(Value::from(1)));
}

/// What a cloud has, event by event, with no fold of the domain: the oracle.
#[derive(Default)]
struct Cloud {
    active: bool,
    routes: Vec<(Side, Range, String)>,
    rules: Vec<(Side, InboundRule)>,
    /// Addresses of a side's subnet, with the list before it, and what that denies.
    guards: Vec<(Side, Range, String)>,
    denied: Vec<(Side, String, Denied)>,
}

impl Cloud {
    fn follow(&mut self, event: &NetworkEvent) {
        if let NetworkEvent::PeeringActivated(_) = event {
            self.active = true;
        } else if let NetworkEvent::LinkRemoved(_) = event {
            self.active = false;
        } else if let NetworkEvent::RouteInstalled(it) = event {
            self.routes
                .push((it.side, it.destination, it.route_table.to_string()));
        } else if let NetworkEvent::RouteRemoved(it) = event {
            let gone = (it.side, it.destination, it.route_table.to_string());
            self.routes.retain(|route| *route != gone);
        } else if let NetworkEvent::FirewallRuleAuthorized(it) = event {
            self.rules.push((it.side, it.rule));
        } else if let NetworkEvent::FirewallRuleRevoked(it) = event {
            self.rules.retain(|rule| *rule != (it.side, it.rule));
        } else if let NetworkEvent::DenialMade(it) = event {
            let of = it.denial.list.to_string();
            self.denied.push((it.side, of, it.denial.denies));
        } else if let NetworkEvent::DenialRemoved(it) = event {
            let gone = (it.side, it.denial.list.to_string(), it.denial.denies);
            self.denied.retain(|denied| *denied != gone);
        } else if let NetworkEvent::DenialEnforced(it) = event {
            self.guards.retain(|(side, ..)| *side != it.side);
            let subnets = it.subnets.iter();
            self.guards
                .extend(subnets.map(|of| (it.side, of.range, of.list.to_string())));
        }
    }

    /// Whether an entry in front of the address's subnet keeps the packet out.
    fn keeps_out(&self, side: Side, from: IpAddr, to: IpAddr, port: u16) -> bool {
        let has = |range: &Range, address| range.net().contains(&address);
        let mut guards = self.guards.iter();
        guards.any(|(of, range, list)| {
            let denies = |denied: &Denied| {
                let is_of = |it: Ports| {
                    it.protocol == PortProtocol::Tcp && (it.first..=it.last).contains(&port)
                };
                has(&denied.source, from) && denied.ports.is_none_or(is_of)
            };
            let mut denied = self.denied.iter();
            *of == side
                && has(range, to)
                && denied.any(|(of, at, it)| *of == side && at == list && denies(it))
        })
    }

    /// Whether a packet from here gets there, and the answer back.
    fn lets(&self, side: Side, from: IpAddr, to: IpAddr, port: u16) -> bool {
        let has = |range: &Range, address| range.net().contains(&address);
        let routed = |of: Side, address| {
            let mut routes = self.routes.iter();
            routes.any(|(side, to, _)| *side == of && has(to, address))
        };
        let mut rules = self.rules.iter();
        self.active
            && routed(side.other(), to)
            && routed(side, from)
            && !self.keeps_out(side, from, to, port)
            && rules.any(|(of, rule)| {
                let is_aimed_there = rule.target.is_none_or(|target| has(&target, to));
                *of == side
                    && rule.port == port
                    && rule.source.range().is_some_and(|it| has(&it, from))
                    && is_aimed_there
            })
    }
}

fn range(text: &str) -> Range {
    text.parse().unwrap()
}

/// About one side of the peering.
fn about(side: &str, name: &str, more: Value) -> NetworkEvent {
    let mut data = serde_json::json!({ "peering_id": PEERING, "side": side });
    let all = data.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    event(name, &data.to_string())
}

/// A side's first half is a subnet, in front of which some or all of what comes from the other side
/// is denied, in the place of what was before.
fn denied(random: &mut fastrand::Rng, side: &str, before: &[NetworkEvent]) -> Vec<NetworkEvent> {
    let (own, other) = match side {
        "local" => ("10.20", "10.101"),
        _ => ("10.101", "10.20"),
    };
    let part = ["0.0/16", "0.0/17", "128.0/17"][random.usize(..3)];
    let source = serde_json::json!({ "source": format!("{other}.{part}") });
    let mut denies = vec![source.clone()];
    if random.bool() {
        denies.push(source);
        denies[0]["ports"] = serde_json::json!({ "protocol": "tcp", "first": 0, "last": 1023 });
        denies[1]["ports"] = serde_json::json!({ "protocol": "udp", "first": 0, "last": 65535 });
    }
    let mut events = vec![about(
        side,
        "DenialRequested",
        serde_json::json!({ "subnets": ["subnet-a"] }),
    )];
    let gone = removed(side, before);
    for (index, denies) in denies.iter().enumerate() {
        let number = random.usize(1..60) * 2 + index;
        let denial = serde_json::json!({ "list": "acl-1", "number": number, "denies": denies });
        events.push(about(
            side,
            "DenialMade",
            serde_json::json!({ "denial": denial }),
        ));
    }
    events.extend(gone);
    let subnet = serde_json::json!({
        "subnet": "subnet-a", "range": format!("{own}.0.0/17"), "list": "acl-1",
    });
    let seen = serde_json::json!({ "lists": ["acl-1"], "denies": denies, "subnets": [subnet] });
    events.push(about(side, "DenialEnforced", seen));
    events
}

/// Every entry that stands on the side is gone.
fn removed(side: &str, before: &[NetworkEvent]) -> Vec<NetworkEvent> {
    let mut standing = Vec::new();
    for event in before {
        if let NetworkEvent::DenialMade(it) = event {
            standing.push((it.side.to_string(), it.denial.clone()));
        } else if let NetworkEvent::DenialRemoved(it) = event {
            standing.retain(|other| *other != (it.side.to_string(), it.denial.clone()));
        }
    }
    let here = standing.into_iter().filter(|(of, _)| of == side);
    here.map(|(_, denial)| {
        about(
            side,
            "DenialRemoved",
            serde_json::json!({ "denial": denial }),
        )
    })
    .collect()
}

fn no_longer_denied(side: &str, before: &[NetworkEvent]) -> Vec<NetworkEvent> {
    let withdrawn = about(side, "DenialWithdrawn", serde_json::json!({}));
    std::iter::once(withdrawn)
        .chain(removed(side, before))
        .collect()
}

/// The life of one peering: opened and closed at random, each decided before it is seen.
fn openings(random: &mut fastrand::Rng) -> Vec<NetworkEvent> {
    let samples = samples();
    let sample = |name: &str| event(name, &samples[name]);
    let names = [
        "NetworkRegistered.v1",
        "PeeringRequested.v1",
        "PeeringInitiationStarted.v1",
        "PeeringInitiated.v1",
        "PeeringAccepted.v1",
        "PeeringActivated.v1",
    ];
    let mut events: Vec<_> = names.map(sample).into();
    let json = |name: &str, data: Value| event(name, &data.to_string());
    let tables = ["rtb-01", "rtb-02"];
    let destinations = [
        "10.101.0.0/16",
        "10.101.64.0/18",
        "10.20.0.0/16",
        "10.20.128.0/17",
    ];
    let sources = [
        "10.101.0.0/16",
        "10.101.7.0/24",
        "10.20.0.0/16",
        "10.20.9.0/24",
    ];
    // Where a provider aims its rules at addresses, each has a target.
    let targets = [None, Some("10.101.7.0/24"), Some("10.20.9.9/32")];
    for _ in 0..random.usize(5..60) {
        let side = if random.bool() { "local" } else { "remote" };
        let destination = destinations[random.usize(..4)];
        let table = tables[random.usize(..2)];
        let source = sources[random.usize(..4)];
        let port = [2113, 443][random.usize(..2)];
        let target = targets[random.usize(..3)];
        let rule = serde_json::json!({ "source": source, "port": port, "target": target });
        let named = format!("{source}-{}", target.unwrap_or("any"));
        let rule_id = format!("sgr-{side}-{port}-{}", named.replace(['.', '/'], "-"));
        let route =
            serde_json::json!({ "peering_id": PEERING, "side": side, "destination": destination });
        let with = |more: Value| {
            let mut route = route.clone();
            route
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            route
        };
        let seen = with(serde_json::json!({ "route_table": table }));
        let ruled = serde_json::json!({
            "peering_id": PEERING, "side": side, "rule": rule, "rule_id": rule_id,
        });
        match random.usize(..8) {
            6 => events.extend(denied(random, side, &events)),
            7 => events.extend(no_longer_denied(side, &events)),
            0 => events.push(json("RouteAccepted", route.clone())),
            1 | 2 => {
                let things = serde_json::json!([{ "kind": "route", "where": { "table": table }, "destination": destination }]);
                let started =
                    serde_json::json!({ "peering_id": PEERING, "side": side, "things": things });
                events.push(json("RouteAccepted", route.clone()));
                events.push(json("InstallationStarted", started));
                events.push(json("RouteInstalled", seen));
            }
            3 => {
                events.push(json("RouteWithdrawn", route.clone()));
                for table in tables {
                    let gone = with(serde_json::json!({ "route_table": table }));
                    events.push(json("RouteRemoved", gone));
                }
            }
            4 => events.push(json("FirewallRuleAuthorized", ruled)),
            _ => events.push(json("FirewallRuleRevoked", ruled)),
        }
    }
    if random.usize(..8) == 0 {
        events.push(sample("PeeringRemovalRequested.v1"));
        if random.bool() {
            events.push(sample("LinkRemoved.v1"));
        }
    }
    events
}

/// Whether entries stand of which nobody has seen what they come to.
fn is_unsettled(past: &Past, side: Side) -> bool {
    let peerings = past
        .registered()
        .into_iter()
        .flat_map(|it| it.live_peerings());
    let mut denials = peerings.map(|it| &it.firewall.get(side).denials);
    denials.any(|it| it.enforced.is_none() && !it.made.is_empty())
}

#[test]
fn who_can_reach_an_address_is_who_gets_a_packet_there_and_an_answer_back() {
    let mut random = fastrand::Rng::with_seed(4);
    let hosts = ["10.101.7.7", "10.101.70.1", "10.20.9.9", "10.20.200.1"];
    let hosts = hosts.map(|it| it.parse::<IpAddr>().unwrap());
    let (mut open, mut closed, mut kept_out, mut untold) = (0, 0, 0, 0);
    for _ in 0..300 {
        let events = openings(&mut random);
        let within = random.usize(1..=events.len());
        let (mut cloud, mut past) = (Cloud::default(), Past::default());
        for (index, event) in events.iter().take(within).enumerate() {
            cloud.follow(event);
            past.follow(&recorded(index, Body::Event(event.clone())));
        }
        for to in hosts {
            let is_local = range("10.20.0.0/16").net().contains(&to);
            let side = if is_local { Side::Local } else { Side::Remote };
            for port in [2113, 443] {
                let ways = who_can_reach(&past, to, Some(port));
                let from = hosts
                    .iter()
                    .filter(|it| range("10.20.0.0/16").net().contains(*it) != is_local);
                for from in from {
                    let gets_there = cloud.lets(side, *from, to, port);
                    let told = ways.iter().any(|way| {
                        let mut sources = way.sources.iter();
                        way.verdict == Verdict::Reachable
                            && sources.any(|it| it.net().contains(from))
                    });
                    // Between an entry and what was seen to come of all of them it is not told.
                    if is_unsettled(&past, side) {
                        let perhaps = Verdict::Undetermined(Unknown::PerhapsDenied);
                        let is_said = told || ways.iter().any(|it| it.verdict == perhaps);
                        assert!(is_said || !gets_there, "{from} to {to}:{port}: {ways:#?}");
                        untold += 1;
                        continue;
                    }
                    assert_eq!(told, gets_there, "{from} to {to}:{port} after {events:#?}");
                    *if told { &mut open } else { &mut closed } += 1;
                    let denied = Verdict::Unreachable(Drop::Denied);
                    kept_out += usize::from(ways.iter().any(|it| it.verdict == denied));
                }
                for way in ways.iter().filter(|it| it.verdict == Verdict::Reachable) {
                    assert_eq!(way.decisions[0].event_type, "PeeringRequested");
                    assert!(way.seen.is_some() && !way.rules.is_empty() && !way.tables.is_empty());
                }
            }
        }
    }
    assert!(open > 50 && closed > 50, "{open} open, {closed} closed");
    assert!(kept_out > 10, "{kept_out} kept out, and {untold} untold");
}

#[test]
fn an_ingress_from_several_nodes_is_the_decision_behind_each_of_its_rules() {
    let rule = |source: &str| InboundRule {
        source: range(source).into(),
        port: 5432,
        target: Some(range("10.101.7.0/24")),
    };
    let rules = [rule("10.20.1.4/32"), rule("10.20.2.4/32")];
    let mut allowed: Value =
        serde_json::from_str(&samples()["ConnectorIngressAllowed.v1"]).unwrap();
    allowed["peering_id"] = Value::from(PEERING);
    allowed["rule"] = serde_json::to_value(rules[0]).unwrap();
    allowed["also"] = serde_json::to_value([rules[1]]).unwrap();
    let allowed = event("ConnectorIngressAllowed", &allowed.to_string());
    let mut past = Past::default();
    past.follow(&recorded(0, Body::Event(allowed)));
    for rule in rules {
        let opening = crate::decision::Opening::Rule(Side::Remote, rule);
        let decision = past.decisions.on(PEERING.parse().unwrap(), opening);
        assert_eq!(
            decision.map(|it| it.event_type.clone()),
            Some("ConnectorIngressAllowed".to_owned()),
            "{rule:?}"
        );
    }
}

#[test]
fn what_is_kept_of_a_state_is_the_same_state_and_folds_on_the_same_way() {
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..20 {
        let events = history(&mut random, 60);
        let whole = folded(&events, Until::End);
        for cut in 0..events.len() {
            let told = folded(&events[..cut], Until::End);
            let (kept, size) = told.store().unwrap();
            let (mut restored, same) = Told::restore(&kept).unwrap();
            assert_eq!(same, size);
            assert_eq!(restored, told, "at {cut}");
            for event in &events[cut..] {
                let _ = restored.take(event, Until::End);
            }
            assert_eq!(restored, whole, "on from {cut}");
        }
    }
}

#[test]
fn bytes_that_are_no_state_are_none() {
    let mut random = fastrand::Rng::with_seed(6);
    let told = folded(&history(&mut random, 40), Until::End);
    let (kept, _) = told.store().unwrap();
    assert!(Told::restore(&kept).is_some());
    for cut in [0, 3, 4, kept.len() / 2, kept.len() - 1] {
        assert_eq!(Told::restore(&kept[..cut]), None, "{cut}");
    }
    let mut larger = kept;
    larger[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(
        Told::restore(&larger),
        None,
        "nobody is made to find room for it"
    );
}

#[test]
fn a_comparison_that_begins_behind_a_kept_state_finds_the_same() {
    let mut random = fastrand::Rng::with_seed(7);
    let events = history(&mut random, 60);
    let place = |index: usize| Until::Position(events[index].position);
    for (kept, from, to) in [(0, 10, 50), (10, 10, 50), (9, 10, 10), (30, 31, 59)] {
        let (from, to) = (place(from), place(to));
        let mut whole = Comparison::new(from, to);
        let _ = events.iter().try_for_each(|it| whole.take(it));
        let told = folded(&events, place(kept));
        let mut behind = Comparison::behind(told, from, to);
        let _ = events[kept + 1..].iter().try_for_each(|it| behind.take(it));
        let [whole, behind] = [whole, behind].map(|it| it.finish().unwrap());
        assert_eq!(format!("{behind:?}"), format!("{whole:?}"), "behind {kept}");
    }
}
