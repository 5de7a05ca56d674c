//! The judge judged: a world built by hand passes, and each damage done to it is found and named.
#![allow(clippy::unwrap_used)]

use peerage_tests::moto::Moto;
use peerage_tests::oracle::{
    Denial, End, Expected, Network, Oracle, Peering, Place, Route, RouteTable, Rule, SecurityGroup,
    Wanted,
};
use serde_json::json;
use std::collections::BTreeMap;

const LOCAL: &str = "111111111111";
const REMOTE: &str = "222222222222";
const NAME: &str = "2f6f4b0e-peering";

/// A world with one peering across accounts and regions, as an engine should have made it.
struct World {
    _moto: Moto,
    oracle: Oracle,
    local: Network,
    remote: Network,
    link: String,
    group: String,
}

impl World {
    async fn build() -> Self {
        let moto = Moto::start().await;
        let oracle = Oracle::new(moto.endpoint());
        let wanted = |name: &str, account: &str, region: &str, cidr: &str| Wanted {
            name: name.to_owned(),
            place: Place {
                account: account.to_owned(),
                region: region.to_owned(),
            },
            cidr: cidr.to_owned(),
        };
        let mut made = oracle.prepare(&[
            wanted("local", LOCAL, "eu-west-1", "10.10.0.0/16"),
            wanted("remote", REMOTE, "us-east-1", "10.20.0.0/16"),
        ]);
        let (local, remote) = (
            made.remove("local").unwrap(),
            made.remove("remote").unwrap(),
        );
        let link = peer(&oracle, &local, &remote);
        for (network, table) in [
            (&local, &local.main_route_table),
            (&local, &local.extra_route_table),
            (&remote, &remote.main_route_table),
        ] {
            let destination = if network.vpc == local.vpc {
                &remote.cidr
            } else {
                &local.cidr
            };
            let route = json!({"RouteTableId": table, "DestinationCidrBlock": destination, "VpcPeeringConnectionId": link});
            oracle.act(&network.place, "create_route", &route);
        }
        let group = security_group(&oracle, &local, "clients");
        open(&oracle, &local, &group, &remote.cidr);
        Self {
            _moto: moto,
            oracle,
            local,
            remote,
            link,
            group,
        }
    }

    fn expected(&self) -> Expected {
        let table = |id: &str, destination: Option<&str>| RouteTable {
            id: id.to_owned(),
            routes: destination
                .map(|destination| Route {
                    destination: destination.to_owned(),
                    peering: NAME.to_owned(),
                })
                .into_iter()
                .collect(),
        };
        let tags = BTreeMap::from([
            ("peerage:peering".to_owned(), NAME.to_owned()),
            ("Name".to_owned(), "*".to_owned()),
        ]);
        Expected {
            peerings: vec![Peering {
                peering: NAME.to_owned(),
                requester: end(&self.local),
                accepter: end(&self.remote),
                state: "active".to_owned(),
                tags: Some(tags.clone()),
            }],
            route_tables: vec![
                table(&self.local.main_route_table, Some(&self.remote.cidr)),
                table(&self.local.extra_route_table, Some(&self.remote.cidr)),
                table(&self.remote.main_route_table, Some(&self.local.cidr)),
                table(&self.remote.extra_route_table, None),
            ],
            security_groups: vec![SecurityGroup {
                peering: NAME.to_owned(),
                end: end(&self.local),
                ingress: vec![Rule {
                    protocol: "tcp".to_owned(),
                    from: 2113,
                    to: 2113,
                    source: self.remote.cidr.clone(),
                    tags: None,
                }],
                egress: None,
                tags: Some(tags),
            }],
            given_security_groups: Vec::new(),
            denials: Vec::new(),
        }
    }

    fn places(&self) -> [Place; 2] {
        [self.local.place.clone(), self.remote.place.clone()]
    }

    fn difference(&self, expected: &Expected) -> String {
        self.oracle
            .check(&self.places(), expected)
            .expect_err("a wrong world passed")
    }
}

fn end(network: &Network) -> End {
    End {
        place: network.place.clone(),
        vpc: network.vpc.clone(),
    }
}

fn named(kind: &str) -> serde_json::Value {
    json!([{"ResourceType": kind, "Tags": [{"Key": "peerage:peering", "Value": NAME}, {"Key": "Name", "Value": "by hand"}]}])
}

fn peer(oracle: &Oracle, local: &Network, remote: &Network) -> String {
    let request = json!({
        "VpcId": local.vpc, "PeerVpcId": remote.vpc, "PeerOwnerId": remote.place.account, "PeerRegion": remote.place.region,
        "TagSpecifications": named("vpc-peering-connection"),
    });
    let made = oracle.act(&local.place, "create_vpc_peering_connection", &request);
    let link = made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
        .as_str()
        .unwrap()
        .to_owned();
    oracle.act(
        &remote.place,
        "accept_vpc_peering_connection",
        &json!({"VpcPeeringConnectionId": link}),
    );
    link
}

fn security_group(oracle: &Oracle, network: &Network, name: &str) -> String {
    let request = json!({
        "GroupName": name, "Description": "by hand", "VpcId": network.vpc, "TagSpecifications": named("security-group"),
    });
    let made = oracle.act(&network.place, "create_security_group", &request);
    made["GroupId"].as_str().unwrap().to_owned()
}

fn open(oracle: &Oracle, network: &Network, group: &str, source: &str) {
    let permission = json!({"IpProtocol": "tcp", "FromPort": 2113, "ToPort": 2113, "IpRanges": [{"CidrIp": source}]});
    let request = json!({"GroupId": group, "IpPermissions": [permission]});
    oracle.act(&network.place, "authorize_security_group_ingress", &request);
}

#[tokio::test]
async fn the_right_world_passes_and_every_damage_to_it_is_named() {
    let world = World::build().await;
    let (oracle, local, remote) = (&world.oracle, &world.local, &world.remote);
    let expected = world.expected();
    assert_eq!(oracle.check(&world.places(), &expected), Ok(()));
    assert!(
        oracle
            .dump(&world.places())
            .to_string()
            .contains(&world.link)
    );

    let route =
        json!({"RouteTableId": remote.main_route_table, "DestinationCidrBlock": local.cidr});
    oracle.act(&remote.place, "delete_route", &route);
    let missing = world.difference(&expected);
    assert!(
        missing.contains("missing route 10.10.0.0/16") && missing.lines().count() == 1,
        "{missing}"
    );
    let mut back = route.clone();
    back["VpcPeeringConnectionId"] = json!(world.link);
    oracle.act(&remote.place, "create_route", &back);

    back["RouteTableId"] = json!(remote.extra_route_table);
    oracle.act(&remote.place, "create_route", &back);
    let extra = world.difference(&expected);
    assert!(
        extra.contains("extra route 10.10.0.0/16") && extra.lines().count() == 1,
        "{extra}"
    );
    oracle.act(
        &remote.place,
        "delete_route",
        &json!({"RouteTableId": remote.extra_route_table, "DestinationCidrBlock": local.cidr}),
    );

    open(oracle, local, &world.group, "0.0.0.0/0");
    let rule = world.difference(&expected);
    assert!(
        rule.contains("extra ingress rule") && rule.contains("0.0.0.0/0"),
        "{rule}"
    );
    let everyone = json!({"IpProtocol": "tcp", "FromPort": 2113, "ToPort": 2113, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
    let revoke = json!({"GroupId": world.group, "IpPermissions": [everyone]});
    oracle.act(&local.place, "revoke_security_group_ingress", &revoke);
    assert_eq!(
        oracle.check(&world.places(), &expected),
        Ok(()),
        "every damage was undone"
    );

    let stranger = security_group(oracle, remote, "stranger");
    let group = world.difference(&expected);
    assert!(
        group.contains("extra security group") && group.contains(&stranger),
        "{group}"
    );
    let tolerant = Expected {
        given_security_groups: vec![stranger],
        ..expected.clone()
    };
    assert_eq!(oracle.check(&world.places(), &tolerant), Ok(()));

    let list = &oracle.dump(std::slice::from_ref(&remote.place))[0]["access_lists"];
    let list = list
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["vpc"] == *remote.vpc);
    let list = list.unwrap()["id"].as_str().unwrap().to_owned();
    let entry = json!({
        "NetworkAclId": list, "RuleNumber": 7, "Protocol": "6", "RuleAction": "deny",
        "Egress": false, "CidrBlock": "10.9.0.0/16", "PortRange": {"From": 22, "To": 23},
    });
    oracle.act(&remote.place, "create_network_acl_entry", &entry);
    let denied = world.difference(&tolerant);
    assert!(
        denied.contains("extra denial") && denied.contains(&list),
        "{denied}"
    );
    let denial = Denial {
        list: list.clone(),
        number: 7,
        protocol: "tcp".to_owned(),
        from: 22,
        to: 23,
        source: "10.9.0.0/16".to_owned(),
    };
    let with = |denial: Denial| Expected {
        denials: vec![denial],
        ..tolerant.clone()
    };
    assert_eq!(oracle.check(&world.places(), &with(denial.clone())), Ok(()));
    for other in [
        Denial {
            number: 8,
            ..denial.clone()
        },
        Denial {
            to: 24,
            ..denial.clone()
        },
        Denial {
            source: "10.8.0.0/16".to_owned(),
            ..denial
        },
    ] {
        let wrong = world.difference(&with(other));
        assert!(
            wrong.contains("extra denial") && wrong.contains("missing denial"),
            "{wrong}"
        );
    }
    let entry = json!({"NetworkAclId": list, "RuleNumber": 7, "Egress": false});
    oracle.act(&remote.place, "delete_network_acl_entry", &entry);
    assert_eq!(oracle.check(&world.places(), &tolerant), Ok(()));

    let second = peer(oracle, local, remote);
    let twice = world.difference(&tolerant);
    assert!(
        twice.contains("wanted exactly one, found 2") && twice.contains("extra peering"),
        "{twice}"
    );
    for link in [&second, &world.link] {
        oracle.act(
            &local.place,
            "delete_vpc_peering_connection",
            &json!({"VpcPeeringConnectionId": link}),
        );
    }
    let gone = world.difference(&tolerant);
    assert!(gone.contains("wanted exactly one, found 0"), "{gone}");
}

#[tokio::test]
async fn a_world_that_differs_from_what_was_asked_is_named() {
    let world = World::build().await;
    let right = world.expected();

    let mut other_port = right.clone();
    other_port.security_groups[0].ingress[0].from = 1113;
    let rule = world.difference(&other_port);
    assert!(
        rule.contains("missing ingress rule") && rule.contains("extra ingress rule"),
        "{rule}"
    );

    let mut tagged_rule = right.clone();
    tagged_rule.security_groups[0].ingress[0].tags = Some(BTreeMap::from([(
        "peerage:peering".to_owned(),
        "*".to_owned(),
    )]));
    assert!(
        world
            .difference(&tagged_rule)
            .contains("missing tag peerage:peering")
    );

    let mut other_tags = right.clone();
    other_tags.peerings[0].tags = Some(BTreeMap::from([(
        "peerage:peering".to_owned(),
        "another".to_owned(),
    )]));
    let tags = world.difference(&other_tags);
    assert!(
        tags.contains("tag peerage:peering is") && tags.contains("extra tag Name"),
        "{tags}"
    );

    let mut other_way = right.clone();
    let (requester, accepter) = (
        right.peerings[0].requester.clone(),
        right.peerings[0].accepter.clone(),
    );
    other_way.peerings[0].requester = accepter;
    other_way.peerings[0].accepter = requester;
    assert!(world.difference(&other_way).contains("extra peering"));

    let mut pending = right.clone();
    pending.peerings[0].state = "pending-acceptance".to_owned();
    let state = world.difference(&pending);
    assert_eq!(
        state.matches("is active").count(),
        2,
        "seen from both sides: {state}"
    );

    let mut closed = right.clone();
    closed.security_groups[0].egress = Some(Vec::new());
    assert!(world.difference(&closed).contains("extra egress rule"));

    let nothing = Expected::default();
    let all = world.difference(&nothing);
    assert!(
        all.contains("extra peering")
            && all.contains("extra route")
            && all.contains("extra security group"),
        "{all}"
    );
}
