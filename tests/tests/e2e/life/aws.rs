//! What AWS alone has, on the strict EC2: names of security groups, who uses one, interfaces, tags
//! on both halves, networks that are shared, IPv6 routes, and blackholes of an earlier peering.

use super::peering::{Life, text};
use super::worlds::{RunningWorld, World};
use peerage::api::v1::{Peering, Side, leftover::Leftover as Left};
use peerage_tests::oracle::{Network, Place, Wanted};
use peerage_tests::wait;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a tag says of the machines that KurrentDB runs on.
const APP: (&str, &str) = ("app", "kurrentdb");

impl Life {
    /// One call by hand.
    fn by_hand(&self, place: &Place, call: &str, arguments: &Value) -> Value {
        let (oracle, _) = self.running.notes().expect("an emulated world");
        oracle.act(place, call, arguments)
    }

    /// The engine's group on this side.
    async fn own_group(&self, side: Side) -> String {
        let peering = self.converged().await;
        let firewall = peering.firewall.iter().find(|it| it.side() == side);
        firewall.unwrap().group.clone()
    }

    /// A machine's interface with these groups, and the tag.
    fn machine(&self, network: &Network, groups: &[&str]) -> String {
        let tags = [json!({"Key": APP.0, "Value": APP.1})];
        let tagged = [json!({"ResourceType": "network-interface", "Tags": tags})];
        let wanted =
            json!({"SubnetId": network.subnets[0], "Groups": groups, "TagSpecifications": tagged});
        let made = self.by_hand(&network.place, "create_network_interface", &wanted);
        text(&made["NetworkInterface"]["NetworkInterfaceId"])
    }

    fn groups_of(&self, network: &Network, interface: &str) -> BTreeSet<String> {
        let named = json!({"NetworkInterfaceIds": [interface]});
        let shown = self.by_hand(&network.place, "describe_network_interfaces", &named);
        let groups = shown["NetworkInterfaces"][0]["Groups"].as_array().unwrap();
        groups.iter().map(|it| text(&it["GroupId"])).collect()
    }

    async fn removes(&self) {
        let remove = [
            "peering",
            "remove",
            &self.peering,
            "--reason",
            "over",
            "--no-wait",
        ];
        self.says(&remove).await;
    }
}

async fn strict() -> Arc<RunningWorld> {
    RunningWorld::of(World::Strict).await
}

#[tokio::test]
async fn a_group_whose_name_is_taken_is_named_with_its_id_and_the_engine_makes_its_own_once_it_is_gone()
 {
    let mut life = Life::registered(strict().await).await;
    life.asks(&["--consent", "owner"]).await;
    life.agrees().await;
    let waiting = life.lives("awaiting_acceptance").await;
    let (local, name) = (life.pair.local.clone(), format!("peerage-{}", life.peering));
    let theirs = life
        .people()
        .open(&local, &name, &[(443, "192.168.0.0/16")]);
    life.owner_accepts(&waiting.link).await;
    let blocked = life.is_blocked("conflict").await.block.unwrap();
    assert_eq!(blocked.side(), Side::Local);
    for named in [&theirs, &name] {
        assert!(blocked.message.contains(named), "{blocked:?}");
        assert!(blocked.remedy[0].contains(named), "{blocked:?}");
    }
    assert_eq!(life.people().ports(&local, &theirs), [443], "left alone");
    life.by_hand(
        &local.place,
        "delete_security_group",
        &json!({"GroupId": theirs}),
    );
    assert_ne!(life.own_group(Side::Local).await, theirs);
    life.ends().await;
}

#[tokio::test]
async fn who_uses_a_group_is_named_when_it_is_to_go_interfaces_and_rules() {
    let life = Life::active(strict().await).await;
    let (local, group) = (life.pair.local.clone(), life.own_group(Side::Local).await);
    let machine = life.machine(&local, &[&group]);
    let user = life.people().open(&local, "web", &[]);
    let pairs = [json!({"GroupId": group})];
    let rule =
        json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": pairs});
    let refers = json!({"GroupId": user, "IpPermissions": [rule]});
    life.by_hand(&local.place, "authorize_security_group_ingress", &refers);
    life.removes().await;
    let blocked = life.is_blocked("in_use").await.block.unwrap();
    for named in [&group, &machine, &user] {
        assert!(blocked.message.contains(named), "{blocked:?}");
    }
    let remedy = blocked.remedy.join("\n");
    assert!(
        remedy.contains(&machine) && remedy.contains("peerage peering abandon"),
        "{remedy}"
    );
    life.people().close(&local, &user);
    let detached = json!({"NetworkInterfaceId": machine, "Groups": [user]});
    life.by_hand(
        &local.place,
        "modify_network_interface_attribute",
        &detached,
    );
    life.lives("removed").await;
    life.ends().await;
}

#[tokio::test]
async fn a_group_is_attached_to_what_carries_the_tag_beside_its_other_groups_and_detached_at_the_end()
 {
    let life = Life::active(strict().await).await;
    let (local, group) = (life.pair.local.clone(), life.own_group(Side::Local).await);
    let own = life.people().open(&local, "own", &[]);
    let machine = life.machine(&local, &[&own]);
    let attach = [
        "firewall",
        "attach",
        &life.peering,
        "--to",
        "tag:app=kurrentdb",
    ];
    life.says(&attach).await;
    let made = life.told("FirewallGroupAttached", 1).await;
    assert_eq!(
        (&made[0]["interface"], &made[0]["group"]),
        (&json!(machine), &json!(group))
    );
    let both = BTreeSet::from([own.clone(), group]);
    assert_eq!(life.groups_of(&local, &machine), both);
    let shown = life.converged().await;
    let firewall = shown.firewall.iter().find(|it| it.side() == Side::Local);
    assert!(format!("{firewall:?}").contains(&machine), "{firewall:#?}");
    life.removes().await;
    life.lives("removed").await;
    assert_eq!(life.groups_of(&local, &machine), BTreeSet::from([own]));
    life.ends().await;
}

/// All tags of a thing, as this account sees them.
fn tags(life: &Life, place: &Place, id: &str) -> BTreeMap<String, String> {
    let of = json!({"Filters": [{"Name": "resource-id", "Values": [id]}]});
    let found = life.by_hand(place, "describe_tags", &of);
    let found = found["Tags"].as_array().unwrap();
    found
        .iter()
        .map(|it| (text(&it["Key"]), text(&it["Value"])))
        .collect()
}

#[tokio::test]
async fn tags_that_an_organisation_asks_for_are_on_everything_that_is_made_on_both_halves_too() {
    let running = strict().await;
    let mut life = Life::with(running, |launch| {
        launch.set("cloud.aws.tags.cost-centre", "cc-4711")
    })
    .await;
    life.asks(&[]).await;
    life.agrees().await;
    let peering = life.converged().await;
    let [local, remote] = life.pair.places();
    let has_it = |place: &Place, id: &str| {
        let tags = tags(&life, place, id);
        let cost = tags.get("cost-centre").map(String::as_str);
        assert_eq!(cost, Some("cc-4711"), "{id} in {}: {tags:?}", place.account);
        let owner = format!("{}/{}", life.network, life.peering);
        assert_eq!(tags.get("peerage:peering"), Some(&owner), "{id}");
    };
    has_it(&local, &peering.link);
    has_it(&remote, &peering.link);
    for it in &peering.firewall {
        let place = if it.side() == Side::Local {
            &local
        } else {
            &remote
        };
        has_it(place, &it.group);
    }
    let group = life.own_group(Side::Local).await;
    let mine = json!({"Filters": [{"Name": "group-id", "Values": [group]}]});
    let rules = life.by_hand(&local, "describe_security_group_rules", &mine);
    let rules = rules["SecurityGroupRules"].as_array().unwrap().clone();
    let inbound = rules.iter().filter(|it| it["IsEgress"] == false);
    let inbound: Vec<_> = inbound.map(|it| text(&it["SecurityGroupRuleId"])).collect();
    assert_eq!(inbound.len(), 1);
    inbound.iter().for_each(|it| has_it(&local, it));
    life.ends().await;
}

#[tokio::test]
async fn a_network_that_another_account_shares_is_shown_with_its_real_owner() {
    let mut life = Life::registered(strict().await).await;
    let participant = life.pair.remote.place.account.clone();
    let mut place = life.pair.remote.place.clone();
    place.account = participant.replacen("222222", "333333", 1);
    let owner = place.account.clone();
    let wanted = Wanted {
        name: "shared".to_owned(),
        place,
        cidr: life.pair.remote.cidr.clone(),
    };
    let shared = life.people().prepare(&[wanted]).remove("shared").unwrap();
    let strict = life.running.strict();
    strict.share(&owner, &shared.vpc, &participant).await;
    life.pair.remote.vpc = shared.vpc.clone();
    life.asks(&[]).await;
    let blocked = life.is_blocked("not_found").await.block.unwrap();
    for named in [&owner, &participant, &shared.vpc] {
        assert!(blocked.message.contains(named), "{blocked:?}");
    }
    assert!(blocked.remedy[0].contains(&owner), "{blocked:?}");
    life.ends().await;
}

#[tokio::test]
async fn what_carries_a_group_of_the_peers_is_let_in_until_it_is_admitted_no_longer() {
    let mut life = Life::registered(strict().await).await;
    // A rule names no group across regions: this peer is in the private network's own.
    let mut place = life.pair.remote.place.clone();
    place.region = life.pair.local.place.region.clone();
    let near = Wanted {
        name: "near".to_owned(),
        place: place.clone(),
        cidr: life.pair.remote.cidr.clone(),
    };
    let (oracle, _) = life.running.notes().unwrap();
    life.pair.remote = oracle.prepare(&[near]).remove("near").unwrap();
    let (local, remote) = (life.pair.local.clone(), life.pair.remote.clone());
    let clients = life.people().open(&remote, "clients", &[]);
    let source = format!("{}/{clients}", place.account);
    life.asks(&["--admit", &source, "--local-route", &remote.cidr])
        .await;
    let route = ["route", "accept", &life.peering, "--side", "remote"];
    life.says(&[&route[..], &["--destination", &local.cidr]].concat())
        .await;
    life.converged().await;
    let mut expected = life.expected();
    expected.given_security_groups = vec![clients.clone()];
    expected.security_groups[0].ingress[0].source = clients.clone();
    life.judge(&expected);
    let authorized = life.told("FirewallRuleAuthorized", 1).await;
    assert_eq!(authorized[0]["rule"]["source"], source);
    let shown = life.engine.cli(&["peering", "show", &life.peering]).await;
    let (shown, admits) = (shown.done(), format!("{source} \u{2192} TCP 2113"));
    assert!(shown.contains(&admits), "{shown}");
    let server = format!("{}:2113", local.cidr.replace("0.0/16", "1.1"));
    let asked = ["audit", "who-can-reach", &server];
    let reach = life.engine.json(&asked).await.to_string();
    for told in ["REACH_REASON_NOT_ATTACHED", &source] {
        assert!(reach.contains(told), "{told}: {reach}");
    }

    // A rule that somebody took away is put back, as it was.
    let own = life.own_group(Side::Local).await;
    life.people().close(&local, &own);
    life.checks().await;
    life.told("FirewallRuleAuthorized", 2).await;
    life.converged().await;
    life.judge(&expected);

    // A group that is not there holds up what else is asked for, and is named.
    let nobody = format!("{}/sg-0123456789abcdef0", place.account);
    let restrict = ["firewall", "restrict", &life.peering, "--admit"];
    life.says(&[&restrict[..], &[&nobody]].concat()).await;
    let blocked = life.is_blocked("not_found").await.block.unwrap();
    assert!(blocked.message.contains(&nobody), "{blocked:?}");
    life.says(&[&restrict[..], &[&format!("{}:2113", remote.cidr)]].concat())
        .await;
    life.converged().await;
    expected.security_groups[0].ingress[0].source = remote.cidr.clone();
    life.judge(&expected);
    life.removes().await;
    life.lives("removed").await;
    life.ends().await;
}

#[tokio::test]
async fn an_ipv6_route_over_the_link_is_a_finding_opens_what_is_open_to_all_of_ipv6_and_is_named_when_left_behind()
 {
    let life = Life::active(strict().await).await;
    let link = life.converged().await.link;
    let (local, remote) = (life.pair.local.clone(), life.pair.remote.clone());
    for network in [&local, &remote] {
        let wanted = json!({"VpcId": network.vpc, "AmazonProvidedIpv6CidrBlock": true});
        life.by_hand(&network.place, "associate_vpc_cidr_block", &wanted);
    }
    let open = life.people().open(&remote, "web", &[]);
    let ranges = [json!({"CidrIpv6": "::/0"})];
    let rule = json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "Ipv6Ranges": ranges});
    let opened = json!({"GroupId": open, "IpPermissions": [rule]});
    life.by_hand(&remote.place, "authorize_security_group_ingress", &opened);
    life.checks().await;
    assert_eq!(
        life.converged().await.exposures,
        [],
        "no IPv6 leads over it"
    );
    let (table, range) = (local.main_route_table.clone(), "fd00:2::/56");
    let route = json!({"RouteTableId": table, "DestinationIpv6CidrBlock": range, "VpcPeeringConnectionId": link});
    life.by_hand(&local.place, "create_route", &route);
    life.checks().await;
    let drifted = life.told("DriftDetected", 1).await;
    assert_eq!(drifted[0]["finding"]["destination"], range, "{drifted:#?}");
    let exposed = life.told("FirewallExposed", 1).await;
    assert_eq!(exposed[0]["exposure"]["group"], open, "{exposed:#?}");
    life.removes().await;
    let removed = life.lives("removed").await;
    let [left] = &removed.leftovers[..] else {
        panic!("one route is left: {:#?}", removed.leftovers)
    };
    let Some(Left::OtherRoute(left)) = &left.leftover else {
        panic!("another owner's route: {left:#?}")
    };
    assert_eq!(
        (
            left.side(),
            left.route_table.as_str(),
            left.destination.as_str()
        ),
        (Side::Local, table.as_str(), range)
    );
    let shown = life.engine.cli(&["peering", "show", &life.peering]).await;
    assert!(shown.done().contains(range));
    life.ends().await;
}

#[tokio::test]
async fn a_blackhole_that_an_earlier_peering_left_is_told_to_be_its_own_and_cleared_by_its_id() {
    let mut life = Life::active(strict().await).await;
    let (first, link) = (life.peering.clone(), life.converged().await.link);
    let abandon = ["peering", "abandon", &first, "--reason", "sold", "--yes"];
    life.says(&abandon).await;
    life.lives("abandoned").await;
    life.people().delete_link(&life.pair.remote.place, &link);
    life.shows(&life.pair.local.place.clone(), &link, "deleted")
        .await;
    life.asks(&[]).await;
    let remote = life.pair.remote.cidr.clone();
    let accept = [
        "route",
        "accept",
        &life.peering,
        "--side",
        "local",
        "--destination",
        &remote,
    ];
    life.says(&accept).await;
    let blocked = life.is_blocked("conflict").await.block.unwrap();
    assert!(blocked.message.contains(&first), "{blocked:?}");
    let is_on_the_list = |it: &Peering| {
        let block = it.block.as_ref();
        block.is_some_and(|it| it.remedy[0].starts_with("let Peerage remove it"))
    };
    let known = life
        .api
        .peering_when("a route that can be cleared", &life.peering, is_on_the_list)
        .await;
    let left_by: Vec<_> = known
        .routes
        .iter()
        .flat_map(|it| &it.conflicts)
        .map(|it| it.left_by.as_str())
        .collect();
    assert_eq!(left_by, [first.as_str()]);
    let shown = life.engine.cli(&["peering", "show", &life.peering]).await;
    let shown = shown.done();
    assert!(
        shown.contains("(left behind") && shown.contains("peerage orphans remove"),
        "{shown}"
    );
    let orphan = format!("{}/{remote}", life.pair.local.extra_route_table);
    let remove = [
        "orphans",
        "remove",
        &orphan,
        "--reason",
        "a new peering needs it",
    ];
    life.says(&remove).await;
    wait::until("the way to be free", crate::support::SOON, || async {
        let shown = life.api.peering(&life.peering, "").await.unwrap();
        shown.block.is_none().then_some(())
    })
    .await;
    assert_eq!(life.converged().await.block, None);
    life.ends().await;
}
