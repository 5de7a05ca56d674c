//! One way at a time: what it is made of, whose word it goes back to, and what cannot be told.

use super::{PEERING, event, range, recorded, samples};
use crate::{Drop, Past, Unknown, Verdict, Way, who_can_reach};
use domain::Side;
use journal::Body;
use serde_json::{Value, json};
use std::net::IpAddr;

const LOCAL: &str = "10.20.9.9";
const PEERS: &str = "10.101.7.7";

/// A history that is made event by event.
#[derive(Default)]
struct Story {
    past: Past,
    events: usize,
}

impl Story {
    fn says(mut self, name: &str, data: &Value) -> Self {
        let mut data = data.clone();
        if !name.starts_with("Network") {
            data["peering_id"] = json!(PEERING);
        }
        let event = event(name, &data.to_string());
        self.past.follow(&recorded(self.events, Body::Event(event)));
        self.events += 1;
        self
    }

    fn sample(self, name: &str) -> Self {
        let data: Value = serde_json::from_str(&samples()[name]).unwrap();
        self.says(name.split('.').next().unwrap(), &data)
    }

    /// A peering that is active, requested like this.
    fn active(requested: &str) -> Self {
        Self::default()
            .sample("NetworkRegistered.v1")
            .sample(requested)
            .sample("PeeringInitiationStarted.v1")
            .sample("PeeringInitiated.v1")
            .sample("PeeringAccepted.v1")
            .sample("PeeringActivated.v1")
    }

    /// With a route each way, seen in a table, and a group on each side.
    fn routed(self) -> Self {
        let group = |side: &str| json!({ "side": side, "group": "sg-0e1f2a3b4c5d6e7f8" });
        self.route("local", "10.101.0.0/16")
            .route("remote", "10.20.0.0/16")
            .says("FirewallGroupCreated", &group("local"))
            .says("FirewallGroupCreated", &group("remote"))
    }

    fn route(self, side: &str, to: &str) -> Self {
        let thing = json!({ "kind": "route", "where": { "table": "rtb-01" }, "destination": to });
        let started = json!({ "side": side, "things": [thing] });
        let installed = json!({ "side": side, "destination": to, "route_table": "rtb-01" });
        self.says("RouteAccepted", &json!({ "side": side, "destination": to }))
            .says("InstallationStarted", &started)
            .says("RouteInstalled", &installed)
    }

    /// A source that is admitted, and seen to be.
    fn admits(self, side: &str, source: &str, port: u16) -> Self {
        let rule = json!({ "source": source, "port": port });
        let id = format!("sgr-{side}-{port}-{}", source.replace(['.', '/', ':'], "-"));
        let authorized = json!({ "side": side, "rule": rule, "rule_id": id });
        let story = self.says(
            "FirewallRestricted",
            &json!({ "side": side, "admit": [rule] }),
        );
        story.says("FirewallRuleAuthorized", &authorized)
    }

    fn exposed(self, side: &str, admits: &str, cannot_tell: bool) -> Self {
        let mut exposure = json!({
            "admits": admits, "group": "sg-0d4e5f60718293a4b", "group_name": "default",
            "owner": "444455556601", "rule_id": format!("sgr-{}", admits.len()),
        });
        if cannot_tell {
            exposure["cannot_tell"] = json!(true);
        }
        self.says(
            "FirewallExposed",
            &json!({ "side": side, "exposure": exposure }),
        )
    }

    fn attached(self, side: &str, interfaces: u32) -> Self {
        let group = json!({
            "side": side, "group": "sg-0e1f2a3b4c5d6e7f8", "interfaces": interfaces,
        });
        self.says("FirewallAttachmentSeen", &group)
    }

    fn way(&self, to: &str, port: u16) -> Way {
        let to: IpAddr = to.parse().unwrap();
        let mut ways = who_can_reach(&self.past, to, Some(port));
        assert_eq!(ways.len(), 1, "{ways:#?}");
        ways.remove(0)
    }

    fn verdict(&self, to: &str, port: u16) -> Verdict {
        self.way(to, port).verdict
    }
}

/// A peering of two networks with addresses of both families.
fn of_both_families() -> Story {
    Story::default()
        .sample("NetworkRegistered.v1.dual_stack")
        .sample("PeeringRequested.v1.dual_stack")
        .sample("PeeringInitiationStarted.v1")
        .sample("PeeringInitiated.v1")
        .sample("PeeringAccepted.v1")
        .sample("PeeringActivated.v1")
        .routed()
        .admits("local", "10.101.0.0/16", 2113)
}

#[test]
fn an_address_is_reached_by_routes_and_rules_of_its_own_family_alone() {
    let (home, ipv4) = ("fd00:20::7", LOCAL);
    let story = of_both_families();
    assert_eq!(story.verdict(ipv4, 2113), Verdict::Reachable);
    assert_eq!(
        story.verdict(home, 2113),
        Verdict::Unreachable(Drop::NoRoute)
    );
    let story = story.route("remote", "fd00:20::/56");
    assert_eq!(
        story.verdict(home, 2113),
        Verdict::Unreachable(Drop::NoRouteBack)
    );
    let story = story.route("local", "fd00:101::/56");
    assert_eq!(
        story.verdict(home, 2113),
        Verdict::Unreachable(Drop::NotAdmitted)
    );
    let story = story.admits("local", "fd00:101:0:7::/64", 2113);
    let way = story.way(home, 2113);
    assert_eq!(way.verdict, Verdict::Reachable);
    assert_eq!(way.sources, [range("fd00:101:0:7::/64")].into());
    assert_eq!(
        story.verdict(home, 443),
        Verdict::Unreachable(Drop::NotAdmitted)
    );
    let story = story.exposed("local", "tcp 443 from fd00:101:0:8::/64", false);
    assert_eq!(story.verdict(home, 443), Verdict::Reachable);
    assert_eq!(
        story.verdict(ipv4, 443),
        Verdict::Unreachable(Drop::NotAdmitted)
    );
    let ways = who_can_reach(&story.past, "fd00:21::7".parse().unwrap(), None);
    assert!(ways.is_empty(), "it is nobody's");
}

#[test]
fn a_way_goes_back_to_the_decisions_on_its_link_its_routes_and_its_rules_and_to_no_others() {
    let story = Story::active("PeeringRequested.v1")
        .routed()
        // Neither leads there, nor does it bring an answer back.
        .says(
            "RouteAccepted",
            &json!({ "side": "local", "destination": "10.101.128.0/17" }),
        )
        .says(
            "RouteAccepted",
            &json!({ "side": "remote", "destination": "10.20.9.0/24" }),
        )
        .admits("local", "10.101.7.0/24", 2113)
        .admits("local", "10.101.200.0/24", 443);
    let way = story.way(LOCAL, 2113);
    assert_eq!((way.verdict, way.side), (Verdict::Reachable, Side::Local));
    assert_eq!(way.sources, [range("10.101.7.0/24")].into());
    assert_eq!(way.rules.len(), 1);
    assert_eq!(way.tables.len(), 1);
    let types: Vec<_> = way
        .decisions
        .iter()
        .map(|it| it.event_type.as_str())
        .collect();
    // The remote side's two routes lead there, the local side's first one back.
    let expected = [
        "PeeringRequested",
        "RouteAccepted",
        "RouteAccepted",
        "RouteAccepted",
        "FirewallRestricted",
    ];
    assert_eq!(types, expected);
    let told: Vec<_> = way
        .decisions
        .iter()
        .map(|it| it.sentence.as_str())
        .collect();
    assert!(
        !told.iter().any(|it| it.contains("10.101.128.0/17")),
        "{told:?}"
    );
    assert!(way.decisions.is_sorted_by_key(|it| it.position));
    let actor = way.decisions[4].actor.as_ref().unwrap();
    assert_eq!(actor.to_string(), "ada");
    // One command that admits two sources is one decision.
    let rule = |source: &str| json!({ "source": source, "port": 22 });
    let both = [rule("10.101.1.0/24"), rule("10.101.2.0/24")];
    let mut twice = story.says(
        "FirewallRestricted",
        &json!({ "side": "local", "admit": both }),
    );
    for (id, rule) in ["sgr-a", "sgr-b"].into_iter().zip(both) {
        let seen = json!({ "side": "local", "rule": rule, "rule_id": id });
        twice = twice.says("FirewallRuleAuthorized", &seen);
    }
    let way = twice.way(LOCAL, 22);
    assert_eq!((way.rules.len(), way.sources.len()), (2, 2));
    let restricted = way
        .decisions
        .iter()
        .filter(|it| it.event_type == "FirewallRestricted");
    assert_eq!(restricted.count(), 1);
}

#[test]
fn nothing_gets_there_without_a_link_a_route_a_way_back_and_a_rule() {
    let active = || Story::active("PeeringRequested.v1");
    let no = |story: &Story| story.verdict(LOCAL, 2113);
    let requested = Story::default()
        .sample("NetworkRegistered.v1")
        .sample("PeeringRequested.v1");
    assert_eq!(no(&requested), Verdict::Unreachable(Drop::NoLink));
    assert_eq!(no(&active()), Verdict::Unreachable(Drop::NoRoute));
    let there = active().route("remote", "10.20.0.0/16");
    assert_eq!(no(&there), Verdict::Unreachable(Drop::NoRouteBack));
    let both = active().routed();
    assert_eq!(no(&both), Verdict::Unreachable(Drop::NotAdmitted));
    let elsewhere = active().routed().admits("local", "10.102.0.0/16", 2113);
    assert_eq!(no(&elsewhere), Verdict::Unreachable(Drop::NotAdmitted));
    assert_eq!(
        elsewhere.way(LOCAL, 2113).rules,
        [],
        "it admits nobody of the peer's"
    );
    let idle = active().routed().admits("local", "10.101.7.0/24", 2113);
    assert_eq!(
        no(&idle),
        Verdict::Reachable,
        "nobody has looked where it is attached"
    );
    let idle = idle.attached("local", 0);
    assert_eq!(no(&idle), Verdict::Unreachable(Drop::NotAttached));
    assert_eq!(no(&idle.attached("local", 1)), Verdict::Reachable);
    let nothing = active().routed().attached("local", 0);
    assert_eq!(no(&nothing), Verdict::Unreachable(Drop::NotAdmitted));
}

#[test]
fn while_a_peering_is_removed_its_link_stands_until_it_was_seen_to_be_gone() {
    let open = Story::active("PeeringRequested.v1")
        .routed()
        .admits("local", "10.101.0.0/16", 2113);
    let removing = open.sample("PeeringRemovalRequested.v1");
    assert_eq!(removing.verdict(LOCAL, 2113), Verdict::Reachable);
    let gone = removing.sample("LinkRemoved.v1");
    assert_eq!(
        gone.verdict(LOCAL, 2113),
        Verdict::Unreachable(Drop::NoLink)
    );
    let route = json!({ "side": "remote", "destination": "10.20.0.0/16" });
    let withdrawn = Story::active("PeeringRequested.v1")
        .routed()
        .admits("local", "10.101.0.0/16", 2113)
        .says("RouteWithdrawn", &route);
    assert_eq!(
        withdrawn.verdict(LOCAL, 2113),
        Verdict::Reachable,
        "it still stands"
    );
    let mut removed = route;
    removed["route_table"] = json!("rtb-01");
    let removed = withdrawn.says("RouteRemoved", &removed);
    assert_eq!(
        removed.verdict(LOCAL, 2113),
        Verdict::Unreachable(Drop::NoRoute)
    );
}

#[test]
fn what_others_admit_counts_wherever_it_is_attached_and_what_cannot_be_read_is_undetermined() {
    let routed = || Story::active("PeeringRequested.v1").routed();
    let exposed = routed().exposed("remote", "tcp 20-30 from 10.0.0.0/8", false);
    let exposed = exposed.attached("remote", 0);
    for (port, verdict) in [
        (20, Verdict::Reachable),
        (30, Verdict::Reachable),
        (31, Verdict::Unreachable(Drop::NotAdmitted)),
        (19, Verdict::Unreachable(Drop::NotAdmitted)),
    ] {
        assert_eq!(exposed.verdict(PEERS, port), verdict, "{port}");
    }
    let way = exposed.way(PEERS, 22);
    assert_eq!((way.exposures.len(), way.rules.len()), (1, 0));
    assert_eq!(way.sources, [range("10.20.0.0/16")].into());
    let last = way.decisions.last().map(|it| it.event_type.as_str());
    assert_eq!(last, Some("FirewallExposed"));
    assert!(exposed.way(PEERS, 31).exposures.is_empty());
    let others = routed().exposed("remote", "tcp 22 from 192.168.0.0/16", false);
    let way = others.way(PEERS, 22);
    assert_eq!(way.verdict, Verdict::Unreachable(Drop::NotAdmitted));
    assert!(way.exposures.is_empty(), "nobody of the network's is meant");

    let undetermined = Verdict::Undetermined(Unknown::RuleOfOthers);
    for (admits, cannot_tell) in [
        ("tcp 22 from 10.0.0.0/8", true),
        ("everything from VirtualNetwork", false),
        ("tcp 22 from sg-1", false),
        ("udp 22 from 10.0.0.0/8", false),
    ] {
        let unread = routed().exposed("remote", admits, cannot_tell);
        assert_eq!(unread.verdict(PEERS, 22), undetermined, "{admits}");
        assert_eq!(unread.way(PEERS, 22).exposures.len(), 1, "{admits}");
        // What the engine admits itself is certain.
        let rule = json!({ "source": "10.20.9.0/24", "port": 22, "target": "10.101.7.0/24" });
        let seen = json!({ "side": "remote", "rule": rule, "rule_id": "sgr-own" });
        let own = unread.says("FirewallRuleAuthorized", &seen);
        assert_eq!(own.verdict(PEERS, 22), Verdict::Reachable, "{admits}");
    }
}

#[test]
fn a_side_that_its_owner_keeps_is_undetermined_and_never_closed() {
    let owned = || Story::active("PeeringRequested.v1.on_terms");
    let of_local = owned().verdict(LOCAL, 2113);
    assert_eq!(of_local, Verdict::Unreachable(Drop::NoRouteBack));
    let routed = || owned().route("local", "10.101.0.0/16");
    let closed = routed().verdict(LOCAL, 2113);
    assert_eq!(
        closed,
        Verdict::Unreachable(Drop::NotAdmitted),
        "that is ours to say"
    );
    let admitted = routed().admits("local", "10.101.7.0/24", 2113);
    let unknown = Verdict::Undetermined(Unknown::RoutesOfOwner);
    assert_eq!(admitted.verdict(LOCAL, 2113), unknown);
    let theirs = Verdict::Undetermined(Unknown::RulesOfOwner);
    assert_eq!(routed().verdict(PEERS, 22), theirs);
}

/// Entries that deny before subnets, as the log has them.
impl Story {
    fn enters(self, side: &str, number: u16, denies: &Value) -> Self {
        let denial = json!({ "list": "acl-1", "number": number, "denies": denies });
        self.says("DenialMade", &json!({ "side": side, "denial": denial }))
    }

    /// All that these deny was seen to be kept out of these addresses.
    fn denies(self, side: &str, ranges: &[&str], denies: &[Value]) -> Self {
        let requested = json!({ "side": side, "subnets": ["subnet-a"] });
        let mut story = self.says("DenialRequested", &requested);
        for (number, denies) in (1..).zip(denies) {
            story = story.enters(side, number, denies);
        }
        let subnets = ranges
            .iter()
            .map(|range| json!({ "subnet": "subnet-a", "range": range, "list": "acl-1" }));
        let subnets: Vec<_> = subnets.collect();
        let seen = json!({
            "side": side, "lists": ["acl-1"], "denies": denies, "subnets": subnets,
        });
        story.says("DenialEnforced", &seen)
    }
}

fn all_of(source: &str) -> Value {
    json!({ "source": source })
}

fn tcp(source: &str, first: u16, last: u16) -> Value {
    json!({ "source": source, "ports": { "protocol": "tcp", "first": first, "last": last } })
}

#[test]
fn who_carries_a_group_is_not_on_record_and_what_names_one_is_told_and_undetermined() {
    const GROUP: &str = "210987654321/sg-0e1f2a3b4c5d6e7f8";
    let members = Verdict::Undetermined(Unknown::MembersOfGroup);
    let routed = || Story::active("PeeringRequested.v1").routed();
    let of_group = routed().admits("local", GROUP, 2113);
    let way = of_group.way(LOCAL, 2113);
    assert_eq!((way.verdict, way.rules.len()), (members, 1));
    assert_eq!(way.rules[0].0.source.to_string(), GROUP);
    let not_admitted = Verdict::Unreachable(Drop::NotAdmitted);
    assert_eq!(of_group.verdict(LOCAL, 22), not_admitted, "another port");
    // A range is certain, and the group is told beside it.
    let both = of_group.admits("local", "10.101.7.0/24", 2113);
    let way = both.way(LOCAL, 2113);
    assert_eq!((way.verdict, way.rules.len()), (Verdict::Reachable, 2));
    assert_eq!(way.sources, [range("10.101.7.0/24")].into());
    // What is denied to all of the peer is denied to whoever carries the group.
    let of_group = || routed().admits("local", GROUP, 2113);
    let everything = [all_of("10.101.0.0/16")];
    let kept_out = of_group().denies("local", &["10.20.9.0/24"], &everything);
    let way = kept_out.way(LOCAL, 2113);
    assert_eq!((way.verdict, way.denials.len()), (DENIED, 1));
    let part = [all_of("10.101.0.0/17")];
    let half = of_group().denies("local", &["10.20.9.0/24"], &part);
    assert_eq!(half.verdict(LOCAL, 2113), members);
    let idle = of_group().attached("local", 0);
    let not_attached = Verdict::Unreachable(Drop::NotAttached);
    assert_eq!(idle.verdict(LOCAL, 2113), not_attached);
}

/// A peer whose clients are let in to every port.
fn wide_open() -> Story {
    let routed = Story::active("PeeringRequested.v1").routed();
    routed.exposed("local", "tcp 0-65535 from 10.0.0.0/8", false)
}

const DENIED: Verdict = Verdict::Unreachable(Drop::Denied);
const PERHAPS: Verdict = Verdict::Undetermined(Unknown::PerhapsDenied);

#[test]
fn what_was_seen_to_be_kept_out_of_a_subnet_does_not_get_to_its_addresses_and_to_all_others() {
    let denied = wide_open().denies("local", &["10.20.9.0/24"], &[all_of("10.101.0.0/16")]);
    let way = denied.way(LOCAL, 22);
    assert_eq!((way.verdict, way.denials.len()), (DENIED, 1));
    let last = way.decisions.last().map(|it| it.event_type.as_str());
    assert_eq!(last, Some("DenialRequested"), "by whose word");
    let beside = denied.way("10.20.10.9", 22);
    assert_eq!(
        (beside.verdict, beside.denials.len()),
        (Verdict::Reachable, 0)
    );
    assert_eq!(denied.verdict("10.20.8.255", 22), Verdict::Reachable);
    // Some of the sources, or some of the ports.
    let sources = [all_of("10.101.0.0/17")];
    let half = wide_open().denies("local", &["10.20.9.0/24"], &sources);
    let way = half.way(LOCAL, 22);
    assert_eq!(way.verdict, Verdict::Reachable);
    assert_eq!(way.sources, [range("10.101.128.0/17")].into());
    let ports = [tcp("10.101.0.0/16", 0, 1023)];
    let low = wide_open().denies("local", &["10.20.9.0/24"], &ports);
    for (port, verdict) in [(1, DENIED), (1023, DENIED), (1024, Verdict::Reachable)] {
        assert_eq!(low.verdict(LOCAL, port), verdict, "{port}");
    }
    assert_eq!(low.way(LOCAL, 1024).denials, [], "none is about that port");
    let to: IpAddr = LOCAL.parse().unwrap();
    let any = who_can_reach(&low.past, to, None).remove(0);
    assert_eq!(any.verdict, Verdict::Reachable, "there are more ports");
    let all = [
        tcp("10.101.0.0/16", 0, 1023),
        tcp("10.101.0.0/16", 1024, 65535),
    ];
    let closed = wide_open().denies("local", &["10.20.9.0/24"], &all);
    let any = who_can_reach(&closed.past, to, None).remove(0);
    assert_eq!((any.verdict, any.denials.len()), (DENIED, 2));
    // UDP is no port of TCP's.
    let udp = json!({
        "source": "10.101.0.0/16", "ports": { "protocol": "udp", "first": 0, "last": 65535 },
    });
    let udp = wide_open().denies("local", &["10.20.9.0/24"], &[udp]);
    assert_eq!(udp.verdict(LOCAL, 22), Verdict::Reachable);
    // The other side's denials are about the other direction.
    let other = wide_open().denies("remote", &["10.101.7.0/24"], &[all_of("10.20.0.0/16")]);
    assert_eq!(other.verdict(LOCAL, 22), Verdict::Reachable);
}

#[test]
fn what_is_denied_needs_a_rule_first_and_one_that_cannot_be_read_is_kept_out_all_the_same() {
    let everything = [all_of("10.101.0.0/16")];
    let routed = || Story::active("PeeringRequested.v1").routed();
    let closed = routed().denies("local", &["10.20.9.0/24"], &everything);
    let not_admitted = Verdict::Unreachable(Drop::NotAdmitted);
    assert_eq!(closed.verdict(LOCAL, 22), not_admitted);
    let unread = routed().exposed("local", "everything from sg-1", true);
    let of_others = Verdict::Undetermined(Unknown::RuleOfOthers);
    assert_eq!(unread.verdict(LOCAL, 22), of_others);
    let kept_out = unread.denies("local", &["10.20.9.0/24"], &everything);
    assert_eq!(kept_out.verdict(LOCAL, 22), DENIED);
    assert_eq!(kept_out.verdict("10.20.10.9", 22), of_others);
    // A group that is attached to nothing admits nothing that could be denied.
    let idle = routed()
        .admits("local", "10.101.7.0/24", 22)
        .attached("local", 0)
        .denies("local", &["10.20.9.0/24"], &everything);
    assert_eq!(
        idle.verdict(LOCAL, 22),
        Verdict::Unreachable(Drop::NotAttached)
    );
    let attached = idle.attached("local", 1);
    assert_eq!(attached.verdict(LOCAL, 22), DENIED);
}

#[test]
fn where_nobody_has_seen_what_entries_keep_out_it_cannot_be_told() {
    let everything = [all_of("10.101.0.0/16")];
    // A log from before addresses were put on record: which subnet it is cannot be told.
    let nowhere = wide_open().denies("local", &[], &everything);
    assert_eq!(nowhere.verdict(LOCAL, 22), PERHAPS);
    assert_eq!(nowhere.way(LOCAL, 22).denials.len(), 1);
    // An entry that stands, and of the others nothing is known yet.
    let requested = json!({ "side": "local", "subnets": ["subnet-a"] });
    let begun = wide_open().says("DenialRequested", &requested);
    assert_eq!(
        begun.verdict(LOCAL, 22),
        Verdict::Reachable,
        "nothing stands"
    );
    let begun = begun.enters("local", 1, &tcp("10.101.0.0/16", 0, 1023));
    assert_eq!(begun.verdict(LOCAL, 22), PERHAPS);
    assert_eq!(begun.verdict(LOCAL, 2113), Verdict::Reachable);
    // It was seen not to hold any more, and then to hold again.
    let side = json!({ "side": "local" });
    let here = ["10.20.9.0/24"];
    let lapsed = wide_open().denies("local", &here, &everything);
    let lapsed = lapsed.says("DenialLapsed", &side);
    assert_eq!(lapsed.verdict(LOCAL, 22), PERHAPS);
    let again = lapsed.denies("local", &here, &everything);
    assert_eq!(again.verdict(LOCAL, 22), DENIED);
    // Nobody asks for it any more: it is kept out until the entry is seen to be gone.
    let stopped = again.says("DenialWithdrawn", &side);
    assert_eq!(stopped.verdict(LOCAL, 22), PERHAPS);
    let denial = json!({ "list": "acl-1", "number": 1, "denies": everything[0] });
    let gone = json!({ "side": "local", "denial": denial });
    let gone = stopped.says("DenialRemoved", &gone);
    assert_eq!(gone.verdict(LOCAL, 22), Verdict::Reachable);
}

#[test]
fn an_entry_that_was_seen_to_be_missing_keeps_nothing_out() {
    let both = [
        tcp("10.101.0.0/16", 0, 1023),
        tcp("10.101.0.0/16", 1024, 65535),
    ];
    let denied = || wide_open().denies("local", &["10.20.9.0/24"], &both);
    let denial = json!({ "list": "acl-1", "number": 1, "denies": both[0] });
    let finding = json!({ "kind": "denial_missing", "side": "local", "denial": denial });
    for event in ["DriftDetected", "DriftAdopted"] {
        let at = json!({ "finding": finding, "detected_at": "2026-03-01T09:00:00Z" });
        let missing = denied().says(event, &at);
        assert_eq!(missing.verdict(LOCAL, 22), Verdict::Reachable, "{event}");
        assert_eq!(missing.verdict(LOCAL, 2113), DENIED, "{event}");
        let of_another_side =
            json!({ "kind": "denial_missing", "side": "remote", "denial": denial });
        let at = json!({ "finding": of_another_side, "detected_at": "2026-03-01T09:00:00Z" });
        let other = denied().says(event, &at);
        assert_eq!(other.verdict(LOCAL, 22), DENIED, "{event}");
    }
}

#[test]
fn an_answer_is_as_of_what_was_seen_last_and_no_command_makes_it_newer() {
    let story = of_both_families();
    let seen = story.way("10.20.0.5", 2113).seen.unwrap();
    let again = json!({ "side": "local", "destination": "10.101.0.0/16" });
    let decided = story.says("RouteAccepted", &again);
    let way = decided.way("10.20.0.5", 2113);
    assert_eq!(way.seen, Some(seen), "only accepted, not looked at");
    let installed = json!({
        "side": "local", "destination": "10.101.0.0/16", "route_table": "rtb-07",
    });
    let looked = decided.says("RouteInstalled", &installed);
    let later = looked.way("10.20.0.5", 2113).seen.unwrap();
    assert!(later.revision > seen.revision);
}
