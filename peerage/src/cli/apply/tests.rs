//! What a file asks for, compared with what is on record.

use super::{
    change::Change,
    document::{Document, Network},
    plan::{NetworkPlan, OnRecord, plan},
    twice,
};
use crate::api::v1::{self, PeeringState, Side};
use chrono::{DateTime, Utc};
use prost_types::Timestamp;

const FILE: &str = r#"
[[network]]
project = "payments"
name = "orders"
account = "111122223333"
region = "eu-west-1"
cloud_network = "vpc-0a1b2c3d"
range = "10.20.0.0/16"

[network.policy]
drift = "report"
require_ticket = "OPS-[0-9]+"

[[network.peering]]
account = "444455556666"
region = "us-east-1"
cloud_network = "vpc-0d4c3b2a"
ranges = ["10.30.0.0/16"]
local_routes = ["10.30.0.0/16"]
remote_routes = ["10.20.0.0/16"]
admit = ["10.30.0.0/16"]
dns = ["local"]

[[network.peering.ingress]]
target = "10.30.7.0/24"
port = 5432
reason = "the sink writes to the warehouse"
from = ["10.20.0.0/16"]
expires = 2027-03-01T09:00:00Z
"#;

fn now() -> DateTime<Utc> {
    "2026-11-01T00:00:00Z".parse().unwrap()
}

fn document(text: &str) -> Document {
    Document::read(text, "peerings.toml").unwrap()
}

/// The record after all of [`FILE`] was carried out.
fn on_record() -> OnRecord {
    let rule = |source: &str, port| v1::InboundRule {
        source: source.to_owned(),
        port,
        ..Default::default()
    };
    let route = |side: Side, destination: &str| v1::Route {
        side: side.into(),
        destination: destination.to_owned(),
        ..Default::default()
    };
    let network = v1::Network {
        network_id: "network".to_owned(),
        project: "payments".to_owned(),
        name: "orders".to_owned(),
        provider: v1::Provider::Aws.into(),
        region: "eu-west-1".to_owned(),
        account: "111122223333".to_owned(),
        cloud_network: "vpc-0a1b2c3d".to_owned(),
        range: "10.20.0.0/16".to_owned(),
        policy: Some(v1::Policy {
            drift: v1::DriftPolicy::Report.into(),
            exposure: Some(v1::policy::Exposure::ReportExposures(
                v1::ReportExposures {},
            )),
            ticket: Some(v1::Requirement {
                required: true,
                pattern: "OPS-[0-9]+".to_owned(),
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let peering = v1::Peering {
        peering_id: "peering".to_owned(),
        peer: Some(v1::Peer {
            provider: v1::Provider::Aws.into(),
            account: "444455556666".to_owned(),
            region: "us-east-1".to_owned(),
            cloud_network: "vpc-0d4c3b2a".to_owned(),
            ranges: vec!["10.30.0.0/16".to_owned()],
            subnets: Vec::new(),
        }),
        state: PeeringState::Active.into(),
        consent: v1::Consent::Delegated.into(),
        link: "pcx-1".to_owned(),
        origin: v1::Origin::Requested.into(),
        routes: vec![
            route(Side::Local, "10.30.0.0/16"),
            route(Side::Remote, "10.20.0.0/16"),
        ],
        firewall: vec![v1::Firewall {
            side: Side::Local.into(),
            admit: vec![rule("10.30.0.0/16", 2113)],
            ..Default::default()
        }],
        dns: vec![v1::DnsResolution {
            side: Side::Local.into(),
            requested: true,
            enabled: false,
        }],
        ingress: vec![v1::Ingress {
            ingress_id: "ingress".to_owned(),
            target: "10.30.7.0/24".to_owned(),
            rule: Some(rule("10.20.0.0/16", 5432)),
            reason: "the sink writes to the warehouse".to_owned(),
            expires_at: Some(Timestamp {
                seconds: 1_803_891_600,
                nanos: 0,
            }),
            ..Default::default()
        }],
        ..Default::default()
    };
    OnRecord {
        network: Some(network),
        peerings: vec![peering],
        cloud: None,
    }
}

fn planned(text: &str, is: &OnRecord, prune: bool) -> NetworkPlan {
    let plans = plan(&document(text), std::slice::from_ref(is), prune, now());
    let [plan] = <[_; 1]>::try_from(plans).unwrap();
    plan
}

fn told(plan: &NetworkPlan) -> Vec<String> {
    plan.steps.iter().map(|it| it.change.told()).collect()
}

#[test]
fn what_is_not_on_record_is_made_whole_the_network_first() {
    let plan = planned(FILE, &OnRecord::default(), false);
    assert_eq!(
        told(&plan),
        [
            "+ register 111122223333/vpc-0a1b2c3d in eu-west-1, 10.20.0.0/16",
            "~ set the policy",
            "+ request a peering (10.30.0.0/16): local route to 10.30.0.0/16, \
             remote route to 10.20.0.0/16, admit 10.30.0.0/16:2113, names of the local side",
            "+ ingress 10.30.7.0/24:5432 from 10.20.0.0/16 until 2027-03-01 09:00:00 UTC: \
             the sink writes to the warehouse",
        ]
    );
    let can_be_asked: Vec<_> = plan
        .steps
        .iter()
        .map(|it| !it.change.needs(&it.about))
        .collect();
    assert_eq!(can_be_asked, [true, false, false, false]);
}

#[test]
fn what_is_as_the_file_says_is_not_touched_and_what_is_exported_is_such_a_file() {
    let is = on_record();
    let same = planned(FILE, &is, true);
    assert_eq!(told(&same), Vec::<String>::new(), "{same:?}");
    assert!(
        same.conflicts.is_empty() && same.left.is_empty(),
        "{same:?}"
    );
    let network = Network::on_record(is.network.as_ref().unwrap(), &is.peerings);
    let exported = toml::to_string(&Document {
        networks: vec![network.clone()],
    })
    .unwrap();
    assert_eq!(document(&exported).networks, [network]);
    let again = planned(&exported, &is, true);
    assert_eq!(told(&again), Vec::<String>::new(), "{exported}");
    assert!(again.conflicts.is_empty() && again.left.is_empty());
}

#[test]
fn what_the_file_does_not_name_is_left_alone_and_told_and_pruning_closes_it_before_anything_opens()
{
    let mut is = on_record();
    let mut other = is.peerings[0].clone();
    other.peering_id = "other".to_owned();
    other.peer.as_mut().unwrap().cloud_network = "vpc-other".to_owned();
    is.peerings.push(other);
    let text = FILE
        .replace(
            "local_routes = [\"10.30.0.0/16\"]",
            "local_routes = [\"10.30.1.0/24\"]",
        )
        .replace(
            "admit = [\"10.30.0.0/16\"]",
            "admit = [\"10.30.9.0/24:2113\"]",
        )
        .replace("dns = [\"local\"]", "")
        .replace("port = 5432", "port = 5433");
    let left = planned(&text, &is, false);
    assert_eq!(
        told(&left),
        [
            "+ local route to 10.30.1.0/24",
            "+ admit 10.30.9.0/24:2113",
            "+ ingress 10.30.7.0/24:5433 from 10.20.0.0/16 until 2027-03-01 09:00:00 UTC: \
             the sink writes to the warehouse",
        ]
    );
    assert_eq!(
        left.left,
        [
            "444455556666/vpc-0d4c3b2a: local route to 10.30.0.0/16",
            "444455556666/vpc-0d4c3b2a: admit 10.30.0.0/16:2113",
            "444455556666/vpc-0d4c3b2a: names of the local side",
            "444455556666/vpc-0d4c3b2a: ingress 10.30.7.0/24:5432",
            "444455556666/vpc-other: the peering",
        ]
    );
    let pruned = planned(&text, &is, true);
    assert!(pruned.left.is_empty());
    assert_eq!(
        told(&pruned),
        [
            "- local route to 10.30.0.0/16",
            "+ admit 10.30.9.0/24:2113, - admit 10.30.0.0/16:2113",
            "- names of the local side",
            "- ingress 10.30.7.0/24:5432",
            "- remove the peering",
            "+ local route to 10.30.1.0/24",
            "+ ingress 10.30.7.0/24:5433 from 10.20.0.0/16 until 2027-03-01 09:00:00 UTC: \
             the sink writes to the warehouse",
        ]
    );
    let removed = &pruned.steps[4].about;
    assert_eq!(
        removed.peering_id, "other",
        "only the one that is not named"
    );
}

#[test]
fn what_no_command_changes_stands_in_the_way_and_is_told_with_both_values() {
    let differ = |from: &str, to: &str| planned(&FILE.replace(from, to), &on_record(), false);
    for (from, to, word) in [
        (
            "10.20.0.0/16\"\n\n[network.policy",
            "10.21.0.0/16\"\n\n[network.policy",
            "range",
        ),
        ("eu-west-1", "eu-west-2", "region"),
        ("us-east-1", "us-east-2", "region"),
        ("dns =", "link = \"pcx-2\"\ndns =", "link"),
        ("dns =", "consent = \"owner\"\ndns =", "consent"),
        ("dns =", "renew = true\ndns =", "renew"),
        (
            "dns =",
            "deadline = 2027-01-01T00:00:00Z\ndns =",
            "deadline",
        ),
        ("2027-03-01", "2027-04-01", "ingress"),
        (
            "from = [\"10.20.0.0/16\"]",
            "from = [\"10.20.1.0/24\"]",
            "open from",
        ),
    ] {
        let plan = differ(from, to);
        let [conflict] = &plan.conflicts[..] else {
            panic!("{from}: {plan:?}");
        };
        assert!(
            conflict.contains(word)
                && conflict.contains("in the file")
                && conflict.contains("on record"),
            "{conflict}"
        );
    }
    let mut is = on_record();
    is.peerings[0].state = PeeringState::Removing.into();
    let plan = planned(FILE, &is, true);
    assert!(
        plan.steps.is_empty() && plan.conflicts[0].contains("being removed"),
        "{plan:?}"
    );
}

#[test]
fn a_difference_of_ranges_or_subnets_is_a_change_and_nothing_is_given_up_unless_pruning() {
    let text = FILE
        .replace(
            "ranges = [\"10.30.0.0/16\"]",
            "ranges = [\"10.40.0.0/16\"]\nsubnets = [\"*\"]",
        )
        .replace(
            "range = \"10.20.0.0/16\"",
            "range = \"10.20.0.0/16\"\nsubnets = [\"subnet-1\"]",
        )
        .replace("local_routes = [\"10.30.0.0/16\"]", "")
        .replace("\nadmit = [\"10.30.0.0/16\"]", "")
        .replace("target = \"10.30.7.0/24\"", "target = \"10.40.7.0/24\"");
    let plan = planned(&text, &on_record(), true);
    assert_eq!(
        told(&plan),
        [
            "+ ranges 10.40.0.0/16",
            "- local route to 10.30.0.0/16",
            "- admit 10.30.0.0/16:2113",
            "- ingress 10.30.7.0/24:5432",
            "- ranges 10.30.0.0/16",
            "~ subnets: subnet-1",
            "~ subnets of the peer: all",
            "+ ingress 10.40.7.0/24:5432 from 10.20.0.0/16 until 2027-03-01 09:00:00 UTC: \
             the sink writes to the warehouse",
        ]
    );
    assert!(plan.conflicts.is_empty(), "{plan:?}");
    let left = planned(&text, &on_record(), false);
    assert!(
        !told(&left).iter().any(|it| it.starts_with('-')),
        "{left:?}"
    );
    assert!(
        left.left
            .iter()
            .any(|it| it.ends_with("ranges 10.30.0.0/16")),
        "{left:?}"
    );
}

#[test]
fn an_adopted_link_is_adopted_and_opened_command_by_command() {
    let text = FILE.replace("dns =", "link = \"pcx-9\"\ndns =");
    let is = OnRecord {
        peerings: Vec::new(),
        ..on_record()
    };
    let plan = planned(&text, &is, false);
    assert_eq!(
        told(&plan)[..4],
        [
            "+ adopt pcx-9",
            "+ local route to 10.30.0.0/16",
            "+ remote route to 10.20.0.0/16",
            "+ admit 10.30.0.0/16:2113",
        ]
    );
    assert!(plan.conflicts.is_empty(), "{plan:?}");
    let in_time = text.replace("dns =", "deadline = 2027-01-01T00:00:00Z\ndns =");
    let refused = planned(&in_time, &is, false);
    assert!(refused.conflicts[0].contains("deadline"), "{refused:?}");
    assert!(!plan.steps[0].change.needs(&plan.steps[0].about));
    assert!(plan.steps[1].change.needs(&plan.steps[1].about));
}

#[test]
fn where_the_nodes_are_is_on_record_before_what_is_open_from_there() {
    let text = FILE
        .replace(
            "range = \"10.20.0.0/16\"",
            "range = \"10.20.0.0/16\"\nnodes = [\"10.20.1.0/24\"]",
        )
        .replace("from = [\"10.20.0.0/16\"]\n", "");
    let plan = planned(&text, &OnRecord::default(), false);
    let steps = told(&plan);
    assert_eq!(steps[1], "~ nodes: 10.20.1.0/24", "{steps:?}");
    assert!(
        steps[4].starts_with("+ ingress 10.30.7.0/24:5432 from the nodes until"),
        "{steps:?}"
    );
    let again = planned(&text, &on_record(), false);
    assert_eq!(told(&again), ["~ nodes: 10.20.1.0/24"]);
    let mut is = on_record();
    let network = is.network.as_mut().unwrap();
    network.nodes = vec!["10.20.1.0/24".to_owned()];
    assert!(told(&planned(&text, &is, true)).is_empty());
}

#[test]
fn ipv6_ranges_come_with_the_network_and_one_that_goes_closes() {
    let own = "range = \"10.20.0.0/16\"\nipv6_ranges = [\"fd00:20::/56\"]";
    let text = FILE.replace("range = \"10.20.0.0/16\"", own);
    let plan = planned(&text, &OnRecord::default(), false);
    let steps = told(&plan);
    assert!(
        steps[0].ends_with(", 10.20.0.0/16, fd00:20::/56"),
        "{steps:?}"
    );
    let again = planned(&text, &on_record(), false);
    assert_eq!(told(&again), ["~ IPv6 ranges: fd00:20::/56"]);
    assert!(!again.steps[0].change.closes());
    let mut is = on_record();
    let network = is.network.as_mut().unwrap();
    network.ipv6_ranges = vec!["fd00:20::/56".to_owned()];
    assert!(told(&planned(&text, &is, true)).is_empty());
    assert!(
        told(&planned(FILE, &is, false)).is_empty(),
        "no word about it"
    );
    let network = is.network.as_mut().unwrap();
    network.ipv6_ranges.push("fd00:21::/56".to_owned());
    let fewer = planned(&text, &is, false);
    assert_eq!(
        told(&fewer),
        ["~ IPv6 ranges: fd00:20::/56, without fd00:21::/56 and what needs it"]
    );
    assert!(fewer.steps[0].change.closes());
}

#[test]
fn an_ingress_whose_end_has_passed_is_not_opened_again() {
    let text = FILE.replace("2027-03-01", "2026-03-01");
    let mut is = on_record();
    is.peerings[0].ingress.clear();
    let plan = planned(&text, &is, false);
    assert!(plan.steps.is_empty(), "{plan:?}");
    assert!(plan.left[0].contains("its end has passed"), "{plan:?}");
}

#[test]
fn a_wrong_file_is_one_line_with_the_place_and_nothing_is_named_twice() {
    for (wrong, at, word) in [
        (
            FILE.replace("dns =", "dnss ="),
            "peerings.toml:22: ",
            "dnss",
        ),
        (FILE.replace("5432", "70000"), "peerings.toml:26: ", "70000"),
        (
            FILE.replace("2027-03-01T09:00:00Z", "\"soon\""),
            "peerings.toml:",
            "2027-03-01T09:00:00Z",
        ),
        (
            FILE.replace("admit = [\"10.30.0.0/16\"]", "admit = [\":80\"]"),
            "peerings.toml:",
            "SOURCE:PORT",
        ),
        (
            FILE.replace("drift = \"report\"", "drift = \"ignore\""),
            "peerings.toml:",
            "ignore",
        ),
        (
            FILE.replace("name = \"orders\"", ""),
            "peerings.toml:",
            "name",
        ),
    ] {
        let error = Document::read(&wrong, "peerings.toml").unwrap_err();
        assert!(
            error.text.starts_with(at) && error.text.contains(word),
            "{error:?}"
        );
        assert_eq!(error.text.lines().count(), 1, "{error:?}");
    }
    assert_eq!(twice(&document(FILE)), Vec::<String>::new());
    let double = format!("{FILE}{FILE}");
    assert_eq!(
        twice(&document(&double)),
        [
            "payments/orders",
            "payments/orders 444455556666/vpc-0d4c3b2a"
        ]
    );
}

/// The same file, which denies before these subnets of the local side.
fn denying(subnets: &str) -> String {
    let deny = format!("[[network.peering.deny]]\nwith = \"network-acl\"\nsubnets = [{subnets}]\n");
    FILE.replace(
        "[[network.peering.ingress]]",
        &format!("{deny}\n[[network.peering.ingress]]"),
    )
}

/// The record after that was carried out.
fn denied(subnets: &[&str]) -> OnRecord {
    let mut is = on_record();
    is.peerings[0].firewall[0].denials = Some(v1::Denials {
        subnets: subnets.iter().map(|it| (*it).to_owned()).collect(),
        ..Default::default()
    });
    is
}

#[test]
fn denials_of_a_new_peering_come_after_its_request_and_before_what_is_opened_for_connectors() {
    let plan = planned(
        &denying("\"subnet-a\", \"subnet-b\""),
        &OnRecord::default(),
        false,
    );
    let steps = told(&plan);
    let deny = "+ deny before subnet-a, subnet-b of the local side";
    let at = |it: &str| steps.iter().position(|step| step.starts_with(it)).unwrap();
    assert!(
        at("+ request") < at(deny) && at(deny) < at("+ ingress"),
        "{steps:?}"
    );
    let step = &plan.steps[at(deny)];
    assert!(
        step.change.needs(&step.about),
        "which peering is not known yet"
    );
    let adopted = denying("\"subnet-a\"").replace("dns =", "link = \"pcx-1\"\ndns =");
    let steps = told(&planned(&adopted, &OnRecord::default(), false));
    let at = |it: &str| steps.iter().position(|step| step.starts_with(it)).unwrap();
    assert!(
        at("+ adopt") < at("+ deny") && at("+ deny") < at("+ local route"),
        "{steps:?}"
    );
}

#[test]
fn denials_as_the_file_says_are_not_touched_and_are_exported() {
    let is = denied(&["subnet-b", "subnet-a"]);
    let same = planned(&denying("\"subnet-a\", \"subnet-b\""), &is, true);
    assert_eq!(told(&same), Vec::<String>::new(), "{same:?}");
    let network = Network::on_record(is.network.as_ref().unwrap(), &is.peerings);
    let exported = Document {
        networks: vec![network],
    }
    .written();
    assert!(exported.contains("with = \"network-acl\""), "{exported}");
    let again = planned(&exported, &is, true);
    assert!(
        told(&again).is_empty() && again.left.is_empty(),
        "{exported}"
    );
}

#[test]
fn denials_that_the_file_does_not_name_are_left_alone_until_it_is_pruned() {
    let is = denied(&["subnet-a", "subnet-b"]);
    let plan = planned(FILE, &is, false);
    assert_eq!(told(&plan), Vec::<String>::new());
    assert_eq!(
        plan.left,
        ["444455556666/vpc-0d4c3b2a: deny before subnet-a, subnet-b of the local side"]
    );
    let pruned = planned(FILE, &is, true);
    assert_eq!(
        told(&pruned),
        ["- deny before subnet-a, subnet-b of the local side"]
    );
    assert!(!pruned.steps[0].change.closes(), "that lets through again");
    // Some of them, and another one.
    let other = denying("\"subnet-a\", \"subnet-c\"");
    let plan = planned(&other, &is, false);
    assert_eq!(told(&plan), ["+ deny before subnet-c of the local side"]);
    assert_eq!(
        plan.left,
        ["444455556666/vpc-0d4c3b2a: deny before subnet-b"]
    );
    let Change::Deny { subnets, .. } = &plan.steps[0].change else {
        panic!("{plan:?}")
    };
    assert_eq!(*subnets, ["subnet-a", "subnet-b", "subnet-c"]);
    assert!(plan.steps[0].change.closes());
    let pruned = planned(&other, &is, true);
    let both = "+ deny before subnet-c of the local side, - deny before subnet-b of the local side";
    assert_eq!(told(&pruned), [both]);
    let Change::Deny { subnets, .. } = &pruned.steps[0].change else {
        panic!("{pruned:?}")
    };
    assert_eq!(*subnets, ["subnet-a", "subnet-c"]);
    let fewer = planned(&denying("\"subnet-a\""), &is, false);
    assert_eq!(told(&fewer), Vec::<String>::new());
    assert_eq!(
        fewer.left,
        ["444455556666/vpc-0d4c3b2a: deny before subnet-b"]
    );
}

#[test]
fn denials_come_before_what_opens_and_are_of_the_side_that_they_name() {
    let text = denying("\"subnet-a\"").replace(
        "with = \"network-acl\"",
        "side = \"remote\"\nwith = \"network-acl\"",
    );
    let text = text.replace(
        "admit = [\"10.30.0.0/16\"]",
        "admit = [\"10.30.0.0/16\", \"10.30.9.0/24:443\"]",
    );
    let steps = told(&planned(&text, &on_record(), false));
    assert_eq!(
        steps,
        [
            "+ deny before subnet-a of the remote side",
            "+ admit 10.30.9.0/24:443"
        ]
    );
    let unknown = Document::read(&text.replace("network-acl", "magic"), "peerings.toml");
    assert!(unknown.is_err());
}

/// What the plan says of each step that it refuses.
fn refused(plan: &NetworkPlan) -> Vec<(String, String)> {
    let steps = plan.steps.iter();
    let refused = steps.filter_map(|it| Some((it.change.told(), it.refused.clone()?)));
    refused.collect()
}

#[test]
fn what_the_policy_of_a_new_network_asks_of_owners_and_ends_is_told_before_anything_is_made() {
    let policy = |line: &str| FILE.replace("drift = \"report\"", line);
    let new = |text: &str| planned(text, &OnRecord::default(), false);
    assert_eq!(refused(&new(FILE)), []);
    // An ingress has its end.
    let longest = policy("longest_admission = \"2900h\"");
    let plan = new(&longest);
    let all = refused(&plan);
    let [(change, why)] = &all[..] else {
        panic!("{plan:?}")
    };
    assert!(change.starts_with("+ request a peering"), "{change}");
    assert!(
        why.contains("asks for an end") && why.ends_with(" [EXPIRY_REQUIRED]"),
        "{why}"
    );
    let within = longest.replace("dns =", "admit_expires = 2026-12-01T00:00:00Z\ndns =");
    assert_eq!(refused(&new(&within)), []);
    let nothing = longest.replace("admit = [\"10.30.0.0/16\"]\n", "");
    assert_eq!(
        refused(&new(&nothing)),
        [],
        "nothing is admitted that could end"
    );
    for (text, of, code) in [
        (
            within.replace("2900h", "100d"),
            "+ ingress",
            "EXPIRY_TOO_FAR",
        ),
        (
            within.replace("2026-12-01", "2026-10-01"),
            "+ request",
            "EXPIRY_PASSED",
        ),
        (
            policy("longest_peering = \"90d\""),
            "+ request",
            "EXPIRY_REQUIRED",
        ),
        (
            policy("require_owner = true"),
            "+ request",
            "OWNER_REQUIRED",
        ),
        (
            policy("require_owner = true").replace("dns =", "link = \"pcx-1\"\ndns ="),
            "+ adopt",
            "OWNER_REQUIRED",
        ),
        (
            longest.replace("dns =", "link = \"pcx-1\"\ndns ="),
            "+ admit",
            "EXPIRY_REQUIRED",
        ),
    ] {
        let plan = new(&text);
        let all = refused(&plan);
        let [(change, why)] = &all[..] else {
            panic!("{code}: {plan:?}")
        };
        assert!(
            change.starts_with(of) && why.ends_with(&format!(" [{code}]")),
            "{change}: {why}"
        );
    }
    let owned = policy("require_owner = true").replace("dns =", "owner = \"team\"\ndns =");
    assert_eq!(refused(&new(&owned)), []);
}

#[test]
fn a_policy_that_the_file_changes_is_asked_for_what_comes_after_it_and_not_before() {
    let text = FILE
        .replace("drift = \"report\"", "longest_admission = \"90d\"")
        .replace("admit = [\"10.30.0.0/16\"]", "admit = [\"10.30.9.0/24\"]");
    let plan = planned(&text, &on_record(), false);
    let told: Vec<_> = refused(&plan).into_iter().map(|(told, _)| told).collect();
    assert_eq!(told, ["+ admit 10.30.9.0/24:2113"], "{plan:?}");
    // One that closes as well comes before the policy, and is judged by the one on record.
    let plan = planned(&text, &on_record(), true);
    assert_eq!(refused(&plan), [], "{plan:?}");
    let mut is = on_record();
    is.network.as_mut().unwrap().policy.as_mut().unwrap().tenure = Some(v1::TenurePolicy {
        longest_admission_seconds: 60,
        ..Default::default()
    });
    assert_eq!(refused(&planned(FILE, &is, true)), [], "nothing is opened");
    let plan = planned(&text, &is, true);
    assert_eq!(refused(&plan).len(), 1, "{plan:?}");
}

/// The same file, which admits this.
fn admitting(admit: &str) -> String {
    FILE.replace("admit = [\"10.30.0.0/16\"]", &format!("admit = [{admit}]"))
}

const OWNED: &str = "{ source = \"10.30.1.0/24\", owner = \"team-orders\" }";
const ENDING: &str = "{ source = \"10.30.2.0/24:443\", expires = 2026-12-01T00:00:00Z }";
const BOTH: &str =
    "{ source = \"10.30.3.0/24\", owner = \"team-orders\", expires = \"2026-12-01T00:00:00Z\" }";

/// The record after these were admitted, each with the owner and the end that the file names.
fn admitted_as(text: &str) -> OnRecord {
    let mut is = on_record();
    let wanted = document(text);
    let admit = &wanted.networks[0].peerings[0].admit;
    is.peerings[0].firewall[0].admit = admit.iter().map(|it| it.rule.clone()).collect();
    let said = admit
        .iter()
        .filter(|it| it.owner.is_some() || it.expires.is_some());
    let said = said.map(|it| v1::Admission {
        rule: Some(it.rule.clone()),
        tenure: Some(v1::Tenure {
            owner: it.owner.clone().unwrap_or_default(),
            expires_at: it.expires.map(crate::cli::args::timestamp),
        }),
    });
    is.peerings[0].admissions = said.collect();
    is
}

/// What the file says that an export of this writes.
fn exported(is: &OnRecord) -> String {
    let network = Network::on_record(is.network.as_ref().unwrap(), &is.peerings);
    let written = Document {
        networks: vec![network.clone()],
    }
    .written();
    assert_eq!(document(&written).networks, [network], "{written}");
    written
}

#[test]
fn who_answers_for_what_is_admitted_and_until_when_is_exported_and_read_again() {
    for admit in [
        "\"10.30.9.0/24:80\"".to_owned(),
        OWNED.to_owned(),
        format!("{OWNED}, {ENDING}, {BOTH}"),
        format!("\"10.30.9.0/24:80\", {BOTH}, {ENDING}"),
    ] {
        let text = admitting(&admit);
        let is = admitted_as(&text);
        let written = exported(&is);
        for of in [&text, &written] {
            let plan = planned(of, &is, true);
            assert_eq!(told(&plan), Vec::<String>::new(), "{of}");
            assert!(
                plan.left.is_empty() && plan.conflicts.is_empty(),
                "{plan:?}"
            );
        }
        let wanted = |text: &str| document(text).networks[0].peerings[0].admit.clone();
        assert_eq!(wanted(&written), wanted(&text), "{written}");
    }
}

#[test]
fn a_new_peering_admits_with_each_owner_and_end_by_a_command_of_its_own() {
    let text = admitting(&format!(
        "{BOTH}, \"10.30.9.0/24\", {ENDING}, {OWNED}, \"10.30.8.0/24\""
    ));
    let plan = planned(&text, &OnRecord::default(), false);
    let steps = told(&plan);
    assert_eq!(
        steps[2..6],
        [
            "+ request a peering (10.30.0.0/16): local route to 10.30.0.0/16, remote route to \
             10.20.0.0/16, admit 10.30.9.0/24:2113, admit 10.30.8.0/24:2113, names of the local side",
            "+ admit 10.30.2.0/24:443 until 2026-12-01 00:00:00 UTC",
            "+ admit 10.30.1.0/24:2113 of team-orders",
            "+ admit 10.30.3.0/24:2113 of team-orders until 2026-12-01 00:00:00 UTC",
        ]
    );
    let mut counts = Vec::new();
    for step in &plan.steps {
        if let Change::Restrict { admit, .. } = &step.change {
            assert!(step.change.needs(&step.about));
            counts.push(admit.len());
        }
    }
    assert_eq!(counts, [3, 4, 5], "each keeps what the one before admitted");
    // Where nothing is without, the request names what the first have, and one command is enough.
    let text = admitting(ENDING);
    let plan = planned(&text, &OnRecord::default(), false);
    let Change::Request(peering) = &plan.steps[2].change else {
        panic!("{plan:?}")
    };
    let admission = peering.spec().admission.unwrap();
    assert_eq!(admission.expires_at.unwrap().seconds, 1_796_083_200);
    assert!(told(&plan)[2].contains("admit 10.30.2.0/24:443 until 2026-12-01 00:00:00 UTC"));
    assert_eq!(plan.steps.len(), 4);
    let text = admitting(OWNED);
    let plan = planned(&text, &OnRecord::default(), false);
    let Change::Request(peering) = &plan.steps[2].change else {
        panic!("{plan:?}")
    };
    assert_eq!(peering.spec().admission.unwrap().owner, "team-orders");
}

#[test]
fn an_end_that_all_share_is_that_of_what_names_none() {
    let text = admitting(&format!("\"10.30.9.0/24\", {ENDING}"));
    let text = text.replace("dns =", "admit_expires = 2027-01-01T00:00:00Z\ndns =");
    let is = admitted_as(&admitting(""));
    let plan = planned(&text, &is, false);
    assert_eq!(
        told(&plan),
        [
            "+ admit 10.30.2.0/24:443 until 2026-12-01 00:00:00 UTC",
            "+ admit 10.30.9.0/24:2113 until 2027-01-01 00:00:00 UTC",
        ]
    );
}

#[test]
fn another_owner_or_end_of_what_is_admitted_is_a_change_and_no_word_of_it_is_none() {
    let is = admitted_as(&admitting(BOTH));
    let steps = |admit: &str| told(&planned(&admitting(admit), &is, true));
    assert_eq!(steps("\"10.30.3.0/24\""), Vec::<String>::new());
    assert_eq!(
        steps(&BOTH.replace("team-orders", "team-audit")),
        ["~ admit 10.30.3.0/24:2113 owner team-audit"]
    );
    assert_eq!(
        steps(&BOTH.replace("2026-12", "2027-01")),
        ["~ admit 10.30.3.0/24:2113 ends 2027-01-01 00:00:00 UTC"]
    );
    let plan = planned(&admitting(&BOTH.replace("2026-12", "2027-01")), &is, false);
    let Change::Tenure {
        of: Some(of),
        owner,
        ..
    } = &plan.steps[0].change
    else {
        panic!("{plan:?}")
    };
    assert_eq!((&*of.source, of.port, owner), ("10.30.3.0/24", 2113, &None));
    // The policy is asked about it, too.
    let capped = |most: &str| {
        let policy = format!("longest_admission = \"{most}\"");
        let text = admitting(&BOTH.replace("2026-12", "2027-01"));
        refused(&planned(
            &text.replace("drift = \"report\"", &policy),
            &is,
            false,
        ))
    };
    assert_eq!(capped("90d"), []);
    assert!(capped("30d")[0].1.ends_with("[EXPIRY_TOO_FAR]"));
}

#[test]
fn what_is_admitted_no_more_goes_with_the_first_command_and_once() {
    let is = admitted_as(&admitting("\"10.30.9.0/24\""));
    let text = admitting(&format!("{OWNED}, {ENDING}"));
    let left = planned(&text, &is, false);
    assert_eq!(
        told(&left),
        [
            "+ admit 10.30.2.0/24:443 until 2026-12-01 00:00:00 UTC",
            "+ admit 10.30.1.0/24:2113 of team-orders",
        ]
    );
    assert_eq!(
        left.left,
        ["444455556666/vpc-0d4c3b2a: admit 10.30.9.0/24:2113"]
    );
    let pruned = planned(&text, &is, true);
    assert_eq!(
        told(&pruned),
        [
            "+ admit 10.30.2.0/24:443 until 2026-12-01 00:00:00 UTC, - admit 10.30.9.0/24:2113",
            "+ admit 10.30.1.0/24:2113 of team-orders",
        ]
    );
    let counts = pruned.steps.iter().map(|it| {
        let Change::Restrict { admit, .. } = &it.change else {
            panic!("{it:?}")
        };
        admit.len()
    });
    assert_eq!(counts.collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn what_was_admitted_until_a_time_gone_by_is_not_admitted_again() {
    let text = admitting(&format!(
        "{}, \"10.30.9.0/24\"",
        ENDING.replace("2026-12", "2026-10")
    ));
    for is in [
        OnRecord::default(),
        admitted_as(&admitting("\"10.30.9.0/24\"")),
    ] {
        let plan = planned(&text, &is, true);
        assert_eq!(
            plan.left,
            ["444455556666/vpc-0d4c3b2a: admit 10.30.2.0/24:443: its end has passed"]
        );
        let steps = told(&plan).join("\n");
        assert!(!steps.contains("10.30.2.0/24"), "{steps}");
        assert_eq!(refused(&plan), []);
    }
}

#[test]
fn what_is_admitted_is_a_text_or_a_table_and_nothing_else() {
    for (admit, word) in [
        (
            "{ source = \"10.30.1.0/24\", end = 2027-01-01T00:00:00Z }",
            "end",
        ),
        ("{ owner = \"team\" }", "source"),
        ("{ source = \":80\" }", "SOURCE:PORT"),
        (
            "{ source = \"10.30.1.0/24\", expires = \"soon\" }",
            "2027-03-01T09:00:00Z",
        ),
        ("7", "SOURCE[:PORT]"),
    ] {
        let error = Document::read(&admitting(admit), "peerings.toml").unwrap_err();
        assert!(error.text.starts_with("peerings.toml:"), "{error:?}");
        assert!(error.text.contains(word), "{error:?}");
        assert_eq!(error.text.lines().count(), 1, "{error:?}");
    }
    let same = admitting("\"10.30.1.0/24\", \"10.30.1.0/24:2113\"");
    assert_eq!(twice(&document(&same)), Vec::<String>::new());
    let other = admitting(&format!("\"10.30.1.0/24\", {OWNED}"));
    assert_eq!(
        twice(&document(&other)),
        ["payments/orders 444455556666/vpc-0d4c3b2a admit 10.30.1.0/24:2113"]
    );
}

/// The same file, which attaches the group of a side.
fn attaching(lines: &str) -> String {
    let attach = format!("[[network.peering.attach]]\n{lines}\n");
    FILE.replace(
        "[[network.peering.ingress]]",
        &format!("{attach}\n[[network.peering.ingress]]"),
    )
}

fn attached(to: v1::attach_to::To) -> OnRecord {
    let mut is = on_record();
    is.peerings[0].firewall[0].attachment = Some(v1::Attachment {
        wanted: Some(v1::AttachTo { to: Some(to) }),
        ..Default::default()
    });
    is
}

fn tag(followed: bool) -> v1::attach_to::To {
    v1::attach_to::To::Tag(v1::InterfaceTag {
        key: "app".to_owned(),
        value: "kurrentdb".to_owned(),
        followed,
    })
}

fn interfaces(ids: &[&str]) -> v1::attach_to::To {
    v1::attach_to::To::Interfaces(v1::Interfaces {
        ids: ids.iter().map(|it| (*it).to_owned()).collect(),
    })
}

const ONCE: &str = "to = [\"tag:app=kurrentdb\"]";
const FOLLOWED: &str = "to = [\"tag:app=kurrentdb\"]\nfollow = true";
const THESE: &str = "side = \"local\"\nto = [\"eni-2\", \"eni-1\"]";

#[test]
fn what_a_group_is_attached_to_is_exported_and_what_is_as_the_file_says_is_not_attached_again() {
    for (lines, to) in [
        (ONCE, tag(false)),
        (FOLLOWED, tag(true)),
        (THESE, interfaces(&["eni-1", "eni-2"])),
    ] {
        let is = attached(to);
        for text in [attaching(lines), exported(&is)] {
            let plan = planned(&text, &is, true);
            assert_eq!(told(&plan), Vec::<String>::new(), "{text}");
            assert!(
                plan.left.is_empty() && plan.conflicts.is_empty(),
                "{plan:?}"
            );
        }
    }
    assert!(!exported(&on_record()).contains("attach"));
}

#[test]
fn a_group_is_attached_as_the_file_says_and_detached_only_by_pruning() {
    let all = [ONCE, FOLLOWED, THESE];
    let records = [tag(false), tag(true), interfaces(&["eni-1", "eni-2"])];
    let reads = [
        "+ attach the local side's group to tag:app=kurrentdb",
        "+ attach the local side's group to tag:app=kurrentdb, and later ones",
        "+ attach the local side's group to eni-2, eni-1",
    ];
    for (n, lines) in all.into_iter().enumerate() {
        let text = attaching(lines);
        for (m, to) in records.iter().enumerate().filter(|(m, _)| *m != n) {
            let plan = planned(&text, &attached(to.clone()), true);
            assert_eq!(told(&plan), [reads[n]], "{m}");
            assert!(!plan.steps[0].change.closes());
        }
        assert_eq!(told(&planned(&text, &on_record(), false)), [reads[n]]);
    }
    let is = attached(tag(true));
    let left = planned(FILE, &is, false);
    assert_eq!(told(&left), Vec::<String>::new());
    let what = "attach the local side's group to tag:app=kurrentdb, and later ones";
    assert_eq!(left.left, [format!("444455556666/vpc-0d4c3b2a: {what}")]);
    let pruned = planned(FILE, &is, true);
    assert_eq!(told(&pruned), [format!("- {what}")]);
    assert!(pruned.steps[0].change.closes());
    let remote = attaching(&format!("side = \"remote\"\n{ONCE}"));
    let both = planned(&remote, &is, true);
    assert_eq!(
        told(&both),
        [
            format!("- {what}"),
            "+ attach the remote side's group to tag:app=kurrentdb".to_owned()
        ]
    );
}

#[test]
fn the_group_of_a_new_peering_is_attached_once_that_is_there() {
    let plan = planned(&attaching(ONCE), &OnRecord::default(), false);
    let steps = told(&plan);
    let attach = "+ attach the local side's group to tag:app=kurrentdb";
    let at = |it: &str| steps.iter().position(|step| step.starts_with(it)).unwrap();
    assert!(at("+ request") < at(attach), "{steps:?}");
    let step = &plan.steps[at(attach)];
    assert!(step.change.needs(&step.about));
    let adopted = attaching(ONCE).replace("dns =", "link = \"pcx-1\"\ndns =");
    let steps = told(&planned(&adopted, &OnRecord::default(), false));
    assert!(steps.iter().any(|it| it == attach), "{steps:?}");
}

#[test]
fn interfaces_are_named_as_the_flags_name_them_and_each_side_once() {
    for (lines, word) in [
        ("to = [\"tag:app\"]", "tag:KEY=VALUE"),
        ("to = [\"tag:a=b\", \"eni-1\"]", "one tag"),
        ("to = [\"eni-1\"]\nfollow = true", "follow is for a tag"),
        ("to = [\"eni-1\"]\nfollows = true", "follows"),
        ("side = \"local\"", "to"),
    ] {
        let error = Document::read(&attaching(lines), "peerings.toml").unwrap_err();
        assert!(error.text.starts_with("peerings.toml:"), "{error:?}");
        assert!(error.text.contains(word), "{error:?}");
    }
    let double = attaching(&format!("{ONCE}\n\n[[network.peering.attach]]\n{THESE}"));
    assert_eq!(
        twice(&document(&double)),
        ["payments/orders 444455556666/vpc-0d4c3b2a attach local"]
    );
}

#[test]
fn the_file_that_the_documents_show_is_one_that_is_read_and_that_its_own_policy_takes() {
    let docs = testkit::workspace::root().join("docs/files.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let (_, rest) = text.split_once("```toml\n").unwrap();
    let (file, _) = rest.split_once("```").unwrap();
    let shown = document(file);
    assert_eq!(twice(&shown), Vec::<String>::new());
    let [peering] = &shown.networks[0].peerings[..] else {
        panic!("{shown:?}")
    };
    assert_eq!(peering.admit.len(), 2);
    assert_eq!(peering.attach.len(), 1);
    assert_eq!(refused(&planned(file, &OnRecord::default(), false)), []);
}
