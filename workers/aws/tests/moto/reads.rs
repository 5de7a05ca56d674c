//! What is read for several VPCs at once: of those that were named and of no other.

use crate::support::{LOCAL, local, remote, settings, tags};
use crate::{net, peer, vpc};
use peerage_aws::ec2::{
    CreateSecurityGroup, Ec2, Ec2ErrorKind, IngressRule, IngressSource, NetworkAclEntry,
    PeeringConnectionId, RouteTarget, RuleSource, Scope, SecurityGroup, SubnetId, Tags, VpcDns,
    VpcId,
};
use testkit::moto::Moto;

/// Three VPCs in one place; the first two are asked about, along with one that there is not.
struct Scene {
    ec2: Ec2,
    ours: [VpcId; 2],
    stranger: VpcId,
    asked: Vec<VpcId>,
    _moto: Moto,
}

impl Scene {
    async fn set() -> Self {
        let moto = Moto::start().await;
        let ec2 = Ec2::new(settings(&moto.endpoint()));
        let ours = [
            vpc(&ec2, &local(), "10.1.0.0/16").await,
            vpc(&ec2, &local(), "10.2.0.0/16").await,
        ];
        let stranger = vpc(&ec2, &local(), "10.3.0.0/16").await;
        let asked = [ours.as_slice(), &["vpc-00000000000000000".into()]].concat();
        Self {
            ec2,
            ours,
            stranger,
            asked,
            _moto: moto,
        }
    }

    async fn subnet(&self, vpc: &VpcId, cidr: &str) -> SubnetId {
        self.ec2
            .create_subnet(&local(), vpc, net(cidr), &Tags::new())
            .await
            .unwrap()
            .id
    }

    async fn group(&self, vpc: &VpcId, name: &str) -> peerage_aws::ec2::SecurityGroupId {
        let wanted = CreateSecurityGroup {
            vpc: vpc.clone(),
            name: name.to_owned(),
            description: "a test".to_owned(),
            tags: Tags::new(),
        };
        self.ec2
            .create_security_group(&local(), &wanted)
            .await
            .unwrap()
    }
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = items.into_iter().collect();
    all.sort();
    all
}

#[tokio::test]
async fn of_the_vpcs_asked_for_those_that_are_there_are_shown() {
    let scene = Scene::set().await;
    let found = scene
        .ec2
        .describe_vpcs(&local(), &scene.asked)
        .await
        .unwrap();
    assert_eq!(
        sorted(found.iter().map(|found| &found.id)),
        sorted(&scene.ours)
    );
    let first = found
        .iter()
        .find(|found| found.id == scene.ours[0])
        .unwrap();
    assert_eq!(
        (
            first.account.as_str(),
            first.available,
            first.cidrs.as_slice()
        ),
        (LOCAL, true, [net("10.1.0.0/16")].as_slice())
    );
    assert_eq!(
        (first.ipv6_cidrs.as_slice(), &first.tags),
        ([].as_slice(), &tags([("Name", "test")]))
    );
    assert_eq!(
        scene.ec2.describe_vpcs(&local(), &[]).await.unwrap(),
        [],
        "nothing asked, nothing shown"
    );
    assert_eq!(
        scene
            .ec2
            .describe_vpcs(&remote(), &scene.ours)
            .await
            .unwrap(),
        [],
        "another account's"
    );
}

#[tokio::test]
async fn what_a_vpc_does_about_names_is_told() {
    let scene = Scene::set().await;
    let dns = scene
        .ec2
        .describe_vpc_dns(&local(), &scene.ours[0])
        .await
        .unwrap();
    assert_eq!(
        dns,
        VpcDns {
            support: true,
            hostnames: false
        }
    );
    let gone = scene
        .ec2
        .describe_vpc_dns(&local(), &"vpc-00000000000000000".into())
        .await
        .unwrap_err();
    assert_eq!(
        (gone.kind, gone.operation),
        (
            Ec2ErrorKind::NotFound,
            peerage_aws::ec2::Action::DescribeVpcAttribute
        ),
        "{gone}"
    );
}

#[tokio::test]
async fn subnets_and_route_tables_of_several_vpcs_come_in_one_list() {
    let scene = Scene::set().await;
    let [one, other] = &scene.ours;
    let subnets = [
        scene.subnet(one, "10.1.1.0/24").await,
        scene.subnet(other, "10.2.1.0/24").await,
    ];
    scene.subnet(&scene.stranger, "10.3.1.0/24").await;
    let found = scene
        .ec2
        .describe_subnets(&local(), &scene.asked)
        .await
        .unwrap();
    assert_eq!(
        sorted(found.iter().map(|found| &found.id)),
        sorted(&subnets)
    );
    let first = found.iter().find(|found| found.id == subnets[0]).unwrap();
    assert_eq!(
        (first.vpc.as_ref(), first.cidr),
        (Some(one), Some(net("10.1.1.0/24")))
    );
    assert!(
        first
            .zone_id
            .as_ref()
            .is_some_and(|zone| zone.starts_with("euw1-az")),
        "{first:?}"
    );

    let tables = scene
        .ec2
        .describe_route_tables(&local(), &scene.asked)
        .await
        .unwrap();
    assert_eq!(
        sorted(tables.iter().filter_map(|table| table.vpc.as_ref())),
        sorted(&scene.ours)
    );
    assert!(tables.iter().all(|table| {
        table.main
            && table
                .routes
                .iter()
                .any(|route| route.target == RouteTarget::Local)
    }));
}

#[tokio::test]
async fn groups_of_several_vpcs_say_whether_their_rules_are_worth_reading() {
    let scene = Scene::set().await;
    let [one, other] = &scene.ours;
    let (closed, open) = (
        scene.group(one, "closed").await,
        scene.group(other, "open").await,
    );
    let strangers = scene.group(&scene.stranger, "strangers").await;
    let rule = IngressRule {
        source: IngressSource::Cidr(net("10.9.0.0/16")),
        port: 2113,
        description: String::new(),
        tags: Tags::new(),
    };
    for group in [&open, &strangers] {
        scene
            .ec2
            .authorize_security_group_ingress(&local(), group, &rule)
            .await
            .unwrap();
    }
    let found = scene
        .ec2
        .describe_security_groups(&local(), &scene.asked)
        .await
        .unwrap();
    let made: Vec<&SecurityGroup> = found
        .iter()
        .filter(|found| found.name != "default")
        .collect();
    let shown = sorted(made.iter().map(|found| {
        (
            found.name.as_str(),
            &found.id,
            found.vpc.as_ref(),
            found.has_ingress,
        )
    }));
    assert_eq!(
        shown,
        [
            ("closed", &closed, Some(one), false),
            ("open", &open, Some(other), true)
        ]
    );
    assert!(
        made.iter()
            .all(|found| found.account == LOCAL && found.description == "a test"),
        "{made:?}"
    );
    assert_eq!(found.len(), 4, "each VPC has a group of EC2's own");

    let rules = scene
        .ec2
        .describe_security_group_rules(&local(), &[closed.clone(), open.clone()])
        .await
        .unwrap();
    assert!(
        rules
            .iter()
            .all(|rule| [Some(&closed), Some(&open)].contains(&rule.group.as_ref())),
        "{rules:?}"
    );
    let inbound: Vec<_> = rules
        .iter()
        .filter(|rule| !rule.egress)
        .map(|rule| (rule.group.as_ref(), &rule.source))
        .collect();
    assert_eq!(
        inbound,
        [(
            Some(&open),
            &RuleSource::Cidr("10.9.0.0/16".parse().unwrap())
        )]
    );
    assert_eq!(rules.len(), 3, "and what each lets out");
    assert_eq!(
        scene
            .ec2
            .describe_security_group_rules(&local(), &[])
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn network_acls_are_shown_with_their_entries_in_the_order_in_which_they_apply() {
    let scene = Scene::set().await;
    let subnet = scene.subnet(&scene.ours[0], "10.1.1.0/24").await;
    let found = scene
        .ec2
        .describe_network_acls(&local(), &scene.asked)
        .await
        .unwrap();
    assert_eq!(
        sorted(found.iter().filter_map(|found| found.vpc.as_ref())),
        sorted(&scene.ours)
    );
    let guard = found
        .iter()
        .find(|found| found.vpc.as_ref() == Some(&scene.ours[0]))
        .unwrap();
    assert_eq!(
        (guard.default, guard.subnets.as_slice()),
        (true, [subnet].as_slice())
    );
    let entry = |rule_number, egress, allow| {
        let cidr = "0.0.0.0/0".parse().unwrap();
        NetworkAclEntry {
            rule_number,
            egress,
            protocol: "-1".to_owned(),
            ports: None,
            cidr,
            allow,
        }
    };
    assert_eq!(
        guard.entries,
        [
            entry(100, false, true),
            entry(32767, false, false),
            entry(100, true, true),
            entry(32767, true, false)
        ]
    );
}

#[tokio::test]
async fn the_peerings_of_some_vpcs_are_those_with_one_of_them_at_either_end() {
    let scene = Scene::set().await;
    let [one, other] = &scene.ours;
    let theirs = vpc(&scene.ec2, &remote(), "10.8.0.0/16").await;
    let asked_for = peer(&scene.ec2, one, &theirs, Tags::new()).await.id;
    let foreign = peer(&scene.ec2, &scene.stranger, &theirs, Tags::new())
        .await
        .id;
    let back = peerage_aws::ec2::CreatePeering {
        vpc: theirs.clone(),
        peer: local(),
        peer_vpc: other.clone(),
        tags: Tags::new(),
    };
    let offered = scene
        .ec2
        .create_vpc_peering_connection(&remote(), &back)
        .await
        .unwrap()
        .id;
    scene
        .ec2
        .delete_vpc_peering_connection(&local(), &asked_for)
        .await
        .unwrap();
    let of = async |at: Scope, vpcs: Vec<VpcId>| -> Vec<PeeringConnectionId> {
        sorted(
            scene
                .ec2
                .describe_vpc_peering_connections_of(&at, &vpcs)
                .await
                .unwrap()
                .into_iter()
                .map(|found| found.id),
        )
    };
    assert_eq!(
        of(local(), scene.asked.clone()).await,
        sorted([asked_for.clone(), offered.clone()]),
        "ended ones too"
    );
    assert_eq!(
        of(local(), vec![other.clone()]).await,
        std::slice::from_ref(&offered)
    );
    assert_eq!(
        of(remote(), vec![theirs]).await,
        sorted([asked_for, foreign, offered])
    );
    assert_eq!(of(local(), Vec::new()).await, []);
}
