//! What EC2 shows becomes what the port says. The calls themselves are tested against an emulator, in `workers/tests`.

#![allow(clippy::unwrap_used)]

use super::refusals::Asked;
use super::views;
use crate::cloud::{CloudErrorKind, LinkState, NetworkRef, OWNER_TAG, Operation, Place};
use domain::{PeeringId, Provider, Region, network::InboundRule, text::Subnet};
use ec2::{
    PeeringConnection, PeeringEnd, PeeringStatus, Route, RouteDestination, RouteState, RouteTable, RouteTarget, RuleSource,
    SecurityGroupRule, SubnetId, Tags, VpcId,
};
use uuid::Uuid;

const OWNER: PeeringId = PeeringId(Uuid::from_u128(7));

fn place(account: &str, region: &str) -> Place {
    Place { provider: Provider::Aws, account: account.parse().unwrap(), region: Region::of(Provider::Aws, region).unwrap() }
}

fn network(account: &str, region: &str, vpc: &str) -> NetworkRef {
    NetworkRef { place: place(account, region), network: vpc.parse().unwrap() }
}

fn end(account: &str, region: &str, vpc: &str) -> PeeringEnd {
    PeeringEnd { account: account.to_owned(), region: region.to_owned(), vpc: Some(vpc.into()), ..PeeringEnd::default() }
}

fn connection(requester: PeeringEnd, accepter: PeeringEnd) -> PeeringConnection {
    PeeringConnection {
        id: "pcx-1".into(),
        status: PeeringStatus::PendingAcceptance,
        status_message: String::new(),
        requester,
        accepter,
        expires: None,
        tags: Tags::from([(OWNER_TAG.to_owned(), OWNER.to_string())]),
    }
}

fn table(id: &str, main: bool, subnets: &[&str]) -> RouteTable {
    let subnets = subnets.iter().map(|id| SubnetId::from(*id)).collect();
    RouteTable { id: id.into(), vpc: Some(VpcId::from("vpc-1")), main, subnets, routes: Vec::new(), tags: Tags::new() }
}

fn rule(protocol: &str, ports: Option<(i32, i32)>, source: &str) -> SecurityGroupRule {
    SecurityGroupRule {
        id: "sgr-1".into(),
        group: Some("sg-1".into()),
        egress: false,
        protocol: protocol.to_owned(),
        ports,
        source: source.parse().map_or_else(|_| RuleSource::Group(source.into()), RuleSource::Cidr),
        description: String::new(),
        tags: Tags::from([(OWNER_TAG.to_owned(), "somebody else's".to_owned())]),
    }
}

#[test]
fn a_link_is_seen_from_either_side_and_only_between_the_two() {
    let (one, other) = (network("111111111111", "eu-west-1", "vpc-1"), network("222222222222", "us-east-1", "vpc-2"));
    let asked = Asked::of(Operation::Links, &one.place).unwrap();
    let found = connection(end("222222222222", "us-east-1", "vpc-2"), end("111111111111", "eu-west-1", "vpc-1"));
    let link = views::link(&asked, &found, [&one, &other]).unwrap().unwrap();
    assert_eq!((&link.requester.network, &link.accepter.network), (&other, &one));
    assert_eq!((link.state, link.owner, link.message), (LinkState::Pending, Some(OWNER), None));
    let loop_of_one = connection(end("111111111111", "eu-west-1", "vpc-1"), end("111111111111", "eu-west-1", "vpc-1"));
    assert_eq!(views::link(&asked, &loop_of_one, [&one, &other]).unwrap(), None);
}

#[test]
fn a_stranger_with_the_right_network_id_is_shown_as_a_stranger() {
    let (one, other) = (network("111111111111", "eu-west-1", "vpc-1"), network("222222222222", "us-east-1", "vpc-2"));
    let asked = Asked::of(Operation::Links, &one.place).unwrap();
    let stranger = connection(end("666666666666", "eu-west-1", "vpc-1"), end("", "", "vpc-2"));
    let link = views::link(&asked, &stranger, [&one, &other]).unwrap().unwrap();
    assert_eq!(link.requester.network.place.account.as_str(), "666666666666");
    assert_eq!(link.accepter.network, other, "what EC2 leaves out is what was asked about");
}

#[test]
fn the_main_table_serves_whoever_has_chosen_none() {
    let tables =
        [table("rtb-main", true, &["subnet-m"]), table("rtb-a", false, &["subnet-a", "subnet-b"]), table("rtb-c", false, &["subnet-c"])];
    let serving = |subnets: &[&str]| -> Vec<String> {
        let subnets: Vec<Subnet> = subnets.iter().map(|id| id.parse().unwrap()).collect();
        views::serving(&tables, &subnets).map(|table| table.id.to_string()).collect()
    };
    assert_eq!(serving(&[]), ["rtb-main"]);
    assert_eq!(serving(&["subnet-a", "subnet-b"]), ["rtb-a"], "each table once");
    assert_eq!(serving(&["subnet-c", "subnet-x"]), ["rtb-main", "rtb-c"]);
    assert_eq!(serving(&["subnet-m"]), ["rtb-main"]);
}

#[test]
fn routes_keep_their_target_and_those_that_are_not_ipv4_are_left_out() {
    let at = place("111111111111", "eu-west-1");
    let asked = Asked::of(Operation::RouteTables, &at).unwrap();
    let route = |destination, target| Route { destination, target, state: RouteState::Blackhole };
    let to = |cidr: &str| RouteDestination::Ipv4(cidr.parse().unwrap());
    let routes = vec![
        route(to("10.1.0.0/16"), RouteTarget::Local),
        route(to("0.0.0.0/0"), RouteTarget::Other("igw-1".to_owned())),
        route(to("10.2.0.0/16"), RouteTarget::Peering("pcx-1".into())),
        route(RouteDestination::Other("::/0".to_owned()), RouteTarget::Other("eigw-1".to_owned())),
    ];
    let view = views::route_table(&asked, &RouteTable { routes, ..table("rtb-main", true, &[]) }).unwrap();
    let shown: Vec<_> = view.routes.iter().map(|route| format!("{} {} {:?}", route.destination, route.target, route.state)).collect();
    assert_eq!(shown, ["10.1.0.0/16 local Blackhole", "0.0.0.0/0 igw-1 Blackhole", "10.2.0.0/16 pcx-1 Blackhole"]);
}

#[test]
fn only_a_rule_that_we_could_have_made_is_one_in_our_words() {
    let at = place("111111111111", "eu-west-1");
    let asked = Asked::of(Operation::FirewallGroups, &at).unwrap();
    let ours = rule("tcp", Some((2113, 2113)), "10.2.0.0/16");
    let outbound = SecurityGroupRule { egress: true, ..ours.clone() };
    let others = [
        rule("udp", Some((2113, 2113)), "10.2.0.0/16"),
        rule("tcp", Some((2113, 2114)), "10.2.0.0/16"),
        rule("tcp", Some((2113, 2113)), "0.0.0.0/0"),
        rule("tcp", Some((2113, 2113)), "sg-other"),
        rule("-1", Some((-1, -1)), "10.2.0.0/16"),
        rule("-1", None, "10.2.0.0/16"),
    ];
    let rules: Vec<_> = [ours, outbound].into_iter().chain(others).collect();
    let view = views::group(&asked, &"sg-1".into(), &rules).unwrap();
    let texts: Vec<_> = view.rules.iter().map(|rule| rule.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "tcp 2113 from 10.2.0.0/16",
            "udp 2113 from 10.2.0.0/16",
            "tcp 2113 to 2114 from 10.2.0.0/16",
            "tcp 2113 from 0.0.0.0/0",
            "tcp 2113 from sg-other",
            "everything from 10.2.0.0/16",
            "everything from 10.2.0.0/16",
        ]
    );
    let in_our_words: Vec<_> = view.rules.iter().filter_map(|rule| rule.rule).collect();
    assert_eq!(in_our_words, [InboundRule { source: "10.2.0.0/16".parse().unwrap(), port: 2113 }]);
    assert!(view.rules.iter().all(|rule| rule.owner.is_none()), "an owner tag that names no peering names nobody");
}

#[test]
fn another_providers_place_is_not_supported() {
    let at = Place {
        provider: Provider::Gcp,
        account: "orders-prod".parse().unwrap(),
        region: Region::of(Provider::Gcp, "europe-west1").unwrap(),
    };
    let refused = Asked::of(Operation::Links, &at).err().unwrap();
    assert_eq!(refused.kind, CloudErrorKind::Unsupported);
}
