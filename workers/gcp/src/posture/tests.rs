//! What rules and policies make of each other.

use super::*;
use crate::Asked;
use cloud::{AccountRegion, LetsIn, Operation, Source, Traffic, lets_in};
use domain::{Provider, Region};
use serde_json::{Value, json};

fn at() -> AccountRegion {
    AccountRegion {
        provider: Provider::Gcp,
        account: "project-1".parse().unwrap(),
        region: Region::named("europe-west1").unwrap(),
        external_id: None,
    }
}

fn seen(order: &str, firewalls: Value, policies: Value) -> Seen {
    let shown = json!({
        "name": "network-1",
        "networkFirewallPolicyEnforcementOrder": order,
    });
    Seen {
        network: "network-1".parse().unwrap(),
        shown: serde_json::from_value(shown).unwrap(),
        firewalls: serde_json::from_value(firewalls).unwrap(),
        effective: serde_json::from_value(json!({ "firewallPolicys": policies })).unwrap(),
    }
}

/// Whether TCP 2113 from 10.20.0.0/16 is let in.
fn admits(seen: &Seen) -> LetsIn {
    let at = at();
    let asked = Asked::of(Operation::AccessLists, &at).unwrap();
    let from = ["10.20.0.0/16".parse().unwrap()];
    let traffic = Traffic {
        source: Source::Ranges(from.to_vec()),
        target: None,
        protocol: Some("tcp".to_owned()),
        ports: Some((2113, 2113)),
    };
    lets_in(&in_order(&asked, seen), &traffic, &from)
}

fn rule(more: Value) -> Value {
    let mut rule = json!({
        "name": "web",
        "network": "https://www.googleapis.com/compute/v1/projects/project-1/global/networks/network-1",
        "direction": "INGRESS",
        "priority": 1000,
        "sourceRanges": ["10.0.0.0/8"],
    });
    let all = rule.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    rule
}

fn allow(more: Value) -> Value {
    let mut it = rule(json!({ "allowed": [{ "IPProtocol": "tcp", "ports": ["2000-3000"] }] }));
    it.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    it
}

fn deny(more: Value) -> Value {
    let mut it = rule(json!({ "name": "no", "denied": [{ "IPProtocol": "all" }] }));
    it.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    it
}

const AFTER: &str = "AFTER_CLASSIC_FIREWALL";
const BEFORE: &str = "BEFORE_CLASSIC_FIREWALL";

#[test]
fn what_nothing_admits_is_denied_and_the_defaults_of_an_auto_network_admit_their_own_range() {
    assert_eq!(admits(&seen(AFTER, json!([]), json!([]))), LetsIn::No);
    let internal = |range: &str| {
        let rule = json!({
            "name": "default-allow-internal", "priority": 65534, "sourceRanges": [range],
            "allowed": [{ "IPProtocol": "tcp", "ports": ["0-65535"] }, { "IPProtocol": "icmp" }],
        });
        seen(AFTER, json!([self::rule(rule)]), json!([]))
    };
    assert_eq!(admits(&internal("10.128.0.0/9")), LetsIn::No);
    assert_eq!(admits(&internal("10.0.0.0/9")), LetsIn::Yes);
}

#[test]
fn the_rule_with_the_lower_number_decides_and_of_two_equal_ones_the_denial() {
    for (number, expected) in [(999, LetsIn::No), (1000, LetsIn::No), (1001, LetsIn::Yes)] {
        let rules = json!([allow(json!({})), deny(json!({ "priority": number }))]);
        assert_eq!(admits(&seen(AFTER, rules, json!([]))), expected, "{number}");
    }
}

#[test]
fn a_denial_for_some_machines_or_that_is_not_enforced_keeps_nobody_out() {
    for more in [
        json!({ "targetTags": ["db"] }),
        json!({ "targetServiceAccounts": ["a@b"] }),
        json!({ "disabled": true }),
        json!({ "direction": "EGRESS" }),
        json!({ "sourceRanges": [], "sourceTags": ["web"] }),
        json!({ "denied": [{ "IPProtocol": "tcp", "ports": ["all-of-them"] }] }),
    ] {
        let mut more = more;
        more["priority"] = json!(1);
        let rules = json!([allow(json!({})), deny(more.clone())]);
        assert_eq!(
            admits(&seen(AFTER, rules, json!([]))),
            LetsIn::Yes,
            "{more}"
        );
    }
}

#[test]
fn what_admits_some_machines_or_not_the_peer_is_told_as_what_it_is() {
    for (more, expected) in [
        (json!({ "targetTags": ["db"] }), LetsIn::Yes),
        (json!({ "sourceRanges": [] }), LetsIn::Yes),
        (
            json!({ "sourceRanges": [], "sourceTags": ["web"] }),
            LetsIn::No,
        ),
        (
            json!({ "sourceRanges": ["10.20.7.0/24"], "sourceTags": ["web"] }),
            LetsIn::Yes,
        ),
        (json!({ "disabled": true }), LetsIn::No),
        (json!({ "allowed": [{ "IPProtocol": "6" }] }), LetsIn::Yes),
        (json!({ "allowed": [{ "IPProtocol": "udp" }] }), LetsIn::No),
        (json!({ "sourceRanges": ["10.21.0.0/16"] }), LetsIn::No),
    ] {
        let rules = json!([allow(more.clone())]);
        assert_eq!(admits(&seen(AFTER, rules, json!([]))), expected, "{more}");
    }
}

fn policy(kind: &str, rules: Value) -> Value {
    json!({ "name": "123", "shortName": "guard", "type": kind, "rules": rules })
}

fn of_policy(action: &str, priority: i64, more: Value) -> Value {
    let mut it = json!({
        "action": action, "direction": "INGRESS", "priority": priority,
        "match": { "srcIpRanges": ["10.0.0.0/8"], "layer4Configs": [{ "ipProtocol": "all" }] },
    });
    it.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    it
}

#[test]
fn the_organisations_policy_decides_before_the_network_and_the_networks_own_where_it_says() {
    let denial = || json!([of_policy("deny", 5, json!({}))]);
    let classic = || json!([allow(json!({}))]);
    let with = |order, kind| seen(order, classic(), json!([policy(kind, denial())]));
    assert_eq!(admits(&with(AFTER, "HIERARCHY")), LetsIn::No);
    assert_eq!(admits(&with(AFTER, "NETWORK")), LetsIn::Yes);
    assert_eq!(admits(&with(BEFORE, "NETWORK")), LetsIn::No);
    let admitting = json!([policy("NETWORK", json!([of_policy("allow", 5, json!({}))]))]);
    assert_eq!(admits(&seen(AFTER, json!([]), admitting)), LetsIn::Yes);
}

#[test]
fn a_denial_behind_a_rule_that_hands_over_is_not_counted_on() {
    let rules = json!([
        of_policy("goto_next", 1, json!({})),
        of_policy("deny", 2, json!({})),
    ]);
    let handed = seen(
        AFTER,
        json!([allow(json!({}))]),
        json!([policy("HIERARCHY", rules)]),
    );
    assert_eq!(admits(&handed), LetsIn::Yes);
}

#[test]
fn a_policy_counts_where_it_is_aimed_at_and_what_cannot_be_read_is_not_taken_for_a_denial() {
    let elsewhere = json!({ "targetResources": ["projects/project-1/global/networks/network-2"] });
    let here = json!({ "targetResources": ["projects/project-1/global/networks/network-1"] });
    let named = json!({ "match": { "srcAddressGroups": ["g"], "layer4Configs": [] } });
    let targets = json!({ "match": { "destFqdns": ["example.com"], "layer4Configs": [] } });
    for (more, expected) in [
        (elsewhere, LetsIn::Yes),
        (here, LetsIn::No),
        (named, LetsIn::CannotTell),
        (targets, LetsIn::Yes),
        (
            json!({ "targetSecureTags": [{ "name": "t" }] }),
            LetsIn::Yes,
        ),
        (json!({ "disabled": true }), LetsIn::Yes),
    ] {
        let rules = json!([of_policy("deny", 5, more.clone())]);
        let policies = json!([policy("HIERARCHY", rules)]);
        let seen = seen(AFTER, json!([allow(json!({}))]), policies);
        assert_eq!(admits(&seen), expected, "{more}");
    }
}
