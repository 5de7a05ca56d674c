//! Groups, rules and access lists.

use super::*;
use crate::ec2::{NetworkAcl, NetworkAclEntry, RuleSource, SecurityGroup, SecurityGroupRule};
use cloud::{GroupView, Source, Traffic};
use domain::network::InboundRule;

fn rule(protocol: &str, ports: Option<(i32, i32)>, source: &str) -> SecurityGroupRule {
    SecurityGroupRule {
        id: "sgr-1".into(),
        group: Some("sg-1".into()),
        egress: false,
        protocol: protocol.to_owned(),
        ports,
        source: match source.parse() {
            Ok(cidr) => RuleSource::Cidr(cidr),
            Err(_) if source.starts_with("pl-") => RuleSource::PrefixList(source.into()),
            Err(_) => RuleSource::Group {
                group: source.into(),
                account: None,
                vpc: None,
            },
        },
        description: String::new(),
        tags: Tags::from([(OWNER_TAG.to_owned(), "somebody else's".to_owned())]),
    }
}

fn group(id: &str, name: &str) -> SecurityGroup {
    SecurityGroup {
        id: id.into(),
        vpc: Some("vpc-1".into()),
        name: name.to_owned(),
        description: String::new(),
        account: "111111111111".to_owned(),
        has_ingress: true,
        tags: Tags::new(),
    }
}

fn views_of(groups: &[SecurityGroup], rules: &[SecurityGroupRule]) -> Vec<GroupView> {
    let at = here();
    let lists = views::Lists::from([("pl-1".into(), vec!["10.2.0.0/16".parse().unwrap()])]);
    views::groups(
        &Asked::of(Operation::FirewallGroups, &at).unwrap(),
        groups,
        rules,
        &lists,
        &views::homes(groups),
    )
    .unwrap()
}

#[test]
fn only_a_rule_that_we_could_have_made_is_one_in_our_words() {
    let ours = rule("tcp", Some((2113, 2113)), "10.2.0.0/16");
    let outbound = SecurityGroupRule {
        egress: true,
        ..ours.clone()
    };
    let others = [
        rule("udp", Some((2113, 2113)), "10.2.0.0/16"),
        rule("tcp", Some((2113, 2114)), "10.2.0.0/16"),
        rule("tcp", Some((2113, 2113)), "0.0.0.0/0"),
        rule("tcp", Some((2113, 2113)), "sg-other"),
        rule("tcp", Some((2113, 2113)), "pl-1"),
        rule("-1", Some((-1, -1)), "10.2.0.0/16"),
        rule("-1", None, "10.2.0.0/16"),
        rule("icmp", Some((3, 4)), "10.2.0.0/16"),
    ];
    let rules: Vec<_> = [ours, outbound].into_iter().chain(others).collect();
    let view = views_of(&[group("sg-1", "web")], &rules).remove(0);
    let texts: Vec<_> = view.rules.iter().map(|rule| rule.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "tcp 2113 from 10.2.0.0/16",
            "udp 2113 from 10.2.0.0/16",
            "tcp 2113 to 2114 from 10.2.0.0/16",
            "tcp 2113 from 0.0.0.0/0",
            "tcp 2113 from sg-other",
            "tcp 2113 from pl-1",
            "everything from 10.2.0.0/16",
            "everything from 10.2.0.0/16",
            "icmp from 10.2.0.0/16",
        ]
    );
    let in_our_words: Vec<_> = view.rules.iter().filter_map(|rule| rule.rule).collect();
    assert_eq!(
        in_our_words,
        [InboundRule {
            source: "10.2.0.0/16".parse().unwrap(),
            port: 2113,
            target: None
        }]
    );
    assert!(
        view.rules.iter().all(|rule| rule.owner.is_none()),
        "an owner tag that names no peering names nobody"
    );
}

#[test]
fn what_a_rule_admits_is_told_whoever_made_it() {
    let rules = [
        rule("tcp", Some((1, 9)), "0.0.0.0/0"),
        rule("-1", Some((-1, -1)), "fd00::/56"),
        rule("tcp", Some((0, 65_535)), "sg-other"),
        rule("tcp", Some((22, 22)), "pl-1"),
        rule("tcp", Some((22, 22)), "pl-unread"),
        rule("icmp", Some((3, 4)), "10.2.0.0/16"),
    ];
    let admits: Vec<_> = views_of(&[group("sg-1", "web")], &rules)
        .remove(0)
        .rules
        .into_iter()
        .map(|rule| rule.admits)
        .collect();
    let traffic = |source: &str, protocol: Option<&str>, ports| Traffic {
        source: match source.parse() {
            Ok(range) => Source::Ranges(vec![range]),
            Err(_) if source.starts_with("sg-") => Source::Group {
                group: source.to_owned(),
                network: None,
            },
            Err(_) => Source::Named(source.to_owned()),
        },
        protocol: protocol.map(str::to_owned),
        target: None,
        ports,
    };
    assert_eq!(
        admits,
        [
            traffic("0.0.0.0/0", Some("tcp"), Some((1, 9))),
            traffic("fd00::/56", None, None),
            traffic("sg-other", Some("tcp"), Some((0, 65_535))),
            traffic("10.2.0.0/16", Some("tcp"), Some((22, 22))),
            traffic("pl-unread", Some("tcp"), Some((22, 22))),
            traffic("10.2.0.0/16", Some("icmp"), None),
        ]
    );
}

#[test]
fn a_group_that_a_rule_names_is_followed_to_its_vpc() {
    let names = |group: &str, vpc: Option<&str>| SecurityGroupRule {
        source: RuleSource::Group {
            group: group.into(),
            account: None,
            vpc: vpc.map(Into::into),
        },
        ..rule("tcp", Some((22, 22)), "10.2.0.0/16")
    };
    let outbound = SecurityGroupRule {
        egress: true,
        ..names("sg-3", None)
    };
    let rules = [
        names("sg-1", None),
        names("sg-2", Some("vpc-2")),
        names("sg-9", None),
        outbound,
    ];
    let networks: Vec<_> = views_of(&[group("sg-1", "web")], &rules)
        .remove(0)
        .rules
        .into_iter()
        .map(|rule| match rule.admits.source {
            Source::Group { network, .. } => network.map(|it| it.to_string()),
            other @ (Source::Ranges(_) | Source::Named(_)) => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        networks,
        [Some("vpc-1".to_owned()), Some("vpc-2".to_owned()), None]
    );
    let homeless = views::homeless(&[group("sg-1", "web")], &rules);
    assert_eq!(
        homeless.into_iter().collect::<Vec<_>>(),
        ["sg-9".into()],
        "those that neither the rule nor the groups place are looked up"
    );
}

#[test]
fn each_group_has_its_own_rules_and_says_whose_it_is() {
    let named = SecurityGroup {
        tags: Tags::from([
            ("Name".to_owned(), "Web servers".to_owned()),
            (OWNER_TAG.to_owned(), OWNER.to_string()),
        ]),
        ..group("sg-2", "web")
    };
    let theirs = SecurityGroupRule {
        group: Some("sg-2".into()),
        ..rule("tcp", Some((1, 1)), "10.2.0.0/16")
    };
    let views = views_of(&[group("sg-1", "default"), named], &[theirs]);
    assert_eq!(
        views.iter().map(|it| it.rules.len()).collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(
        views.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
        ["default", "web"]
    );
    let whose: Vec<_> = views.iter().map(|it| it.belongs_to.as_str()).collect();
    assert_eq!(
        whose,
        ["111111111111 (default)", "111111111111 (Web servers)"]
    );
    assert_eq!(
        views.iter().map(|it| it.owner).collect::<Vec<_>>(),
        [None, Some(OWNER)]
    );
}

#[test]
fn an_access_list_keeps_its_entries_with_their_numbers_and_directions() {
    let entry = |rule_number, egress, protocol: &str, ports, cidr: &str, allow| NetworkAclEntry {
        rule_number,
        egress,
        protocol: protocol.to_owned(),
        ports,
        cidr: cidr.parse().unwrap(),
        allow,
    };
    let found = NetworkAcl {
        id: "acl-1".into(),
        vpc: Some("vpc-1".into()),
        default: false,
        subnets: vec!["subnet-1".into()],
        entries: vec![
            entry(100, false, "6", Some((2113, 2113)), "10.2.0.0/16", true),
            entry(200, false, "-1", None, "0.0.0.0/0", false),
            entry(100, true, "-1", None, "0.0.0.0/0", true),
        ],
        tags: Tags::new(),
    };
    let at = here();
    let view =
        views::access_list(&Asked::of(Operation::AccessLists, &at).unwrap(), &found).unwrap();
    let entries: Vec<_> = view
        .entries
        .iter()
        .map(|it| {
            let traffic = &it.traffic;
            let to = traffic.target.as_deref().map(|it| it.len());
            let protocol = traffic.protocol.as_deref();
            (
                it.direction,
                it.priority,
                protocol,
                traffic.ports,
                to,
                it.allow,
            )
        })
        .collect();
    let (inbound, outbound) = (cloud::Direction::Inbound, cloud::Direction::Outbound);
    assert_eq!(
        entries,
        [
            (inbound, 100, Some("tcp"), Some((2113, 2113)), None, true),
            (inbound, 200, None, None, None, false),
            (outbound, 100, None, None, Some(1), true),
        ]
    );
    assert_eq!((view.network.as_str(), view.subnets.len()), ("vpc-1", 1));
}

#[test]
fn only_the_lists_that_inbound_rules_name_are_read() {
    let outbound = SecurityGroupRule {
        egress: true,
        ..rule("-1", None, "pl-2")
    };
    let rules = [
        rule("tcp", Some((1, 1)), "pl-1"),
        rule("udp", Some((1, 1)), "pl-1"),
        rule("tcp", Some((1, 1)), "sg-1"),
        outbound,
    ];
    assert_eq!(views::named_lists(&rules), [&"pl-1".into()].into());
}
