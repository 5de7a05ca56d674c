//! The port to a cloud, over EC2, against an emulator: two accounts, two regions, and someone else's links beside ours.

#![allow(clippy::unwrap_used)]

#[path = "../ec2/tests/support/mod.rs"]
mod support;

use domain::{
    PeeringId, Provider, Range, Region,
    network::InboundRule,
    text::{CloudNetwork, Link, Subnet},
};
use support::{LOCAL, REMOTE, Server};
use uuid::Uuid;
use workers::cloud::{
    Cloud, CloudErrorKind, Groundwork, LinkEnd, LinkSpec, LinkState, NetworkRef, Place, RouteState, RouteTarget, group_name,
};
use workers::clouds::aws::AwsCloud;

const OURS: PeeringId = PeeringId(Uuid::from_u128(1));
const STRANGERS: PeeringId = PeeringId(Uuid::from_u128(2));

fn place(account: &str, region: &str) -> Place {
    Place { provider: Provider::Aws, account: account.parse().unwrap(), region: Region::of(Provider::Aws, region).unwrap() }
}

fn range(text: &str) -> Range {
    text.parse().unwrap()
}

/// A private network and a peer, in an emulator of their own.
struct Scene {
    cloud: AwsCloud,
    ours: NetworkRef,
    theirs: NetworkRef,
    moto: Server,
}

impl Scene {
    async fn set() -> Self {
        let moto = Server::moto().await;
        let cloud = AwsCloud::new(support::settings(&moto.endpoint()));
        let make =
            async |at: Place, cidr: &str| NetworkRef { network: cloud.create_network(&at, range(cidr), "test").await.unwrap(), place: at };
        let ours = make(place(LOCAL, "eu-west-1"), "10.1.0.0/16").await;
        let theirs = make(place(REMOTE, "us-east-1"), "10.2.0.0/16").await;
        Self { cloud, ours, theirs, moto }
    }

    fn spec(&self, peering: PeeringId, requester: &NetworkRef) -> LinkSpec {
        let end = |network: &NetworkRef| LinkEnd { network: network.clone(), ranges: Vec::new() };
        LinkSpec { peering, requester: end(requester), accepter: end(&self.theirs) }
    }
}

#[tokio::test]
async fn a_link_is_made_found_among_strangers_and_accepted_by_its_accepter() {
    let scene = Scene::set().await;
    let Scene { cloud, ours, theirs, .. } = &scene;
    for at in [&ours.place, &theirs.place] {
        assert_eq!(cloud.identity(at).await.unwrap(), at.account);
    }
    let stranger = NetworkRef {
        network: cloud.create_network(&ours.place, range("10.3.0.0/16"), "stranger").await.unwrap(),
        place: ours.place.clone(),
    };
    cloud.create_link(&scene.spec(STRANGERS, &stranger)).await.unwrap();
    let link = cloud.create_link(&scene.spec(OURS, ours)).await.unwrap();

    for at in [&ours.place, &theirs.place] {
        let found = cloud.links(at, ours, theirs).await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((&found[0].link, found[0].owner, &found[0].state), (&link, Some(OURS), &LinkState::Pending));
        assert_eq!((&found[0].requester.network, &found[0].accepter.network), (ours, theirs));
    }
    assert_eq!(cloud.accept_link(&ours.place, &link).await.unwrap_err().kind, CloudErrorKind::WrongState);
    cloud.accept_link(&theirs.place, &link).await.unwrap();
    assert_eq!(cloud.accept_link(&theirs.place, &link).await.unwrap_err().kind, CloudErrorKind::WrongState);
    assert_eq!(cloud.links(&ours.place, theirs, ours).await.unwrap()[0].state, LinkState::Active);
    let unknown: Link = "pcx-00000000000000000".parse().unwrap();
    assert_eq!(cloud.accept_link(&theirs.place, &unknown).await.unwrap_err().kind, CloudErrorKind::NotFound);
}

#[tokio::test]
async fn routes_go_into_the_table_that_serves_the_subnets_and_only_once() {
    let scene = Scene::set().await;
    let (cloud, ours) = (&scene.cloud, &scene.ours);
    let link = cloud.create_link(&scene.spec(OURS, ours)).await.unwrap();
    let raw = ec2::Ec2::new(support::settings(&scene.moto.endpoint()));
    let (at, vpc) = (support::local(), ours.network.as_str().into());
    let subnet = raw.create_subnet(&at, &vpc, "10.1.1.0/24".parse().unwrap(), &ec2::Tags::new()).await.unwrap().id;
    let bare = raw.create_subnet(&at, &vpc, "10.1.2.0/24".parse().unwrap(), &ec2::Tags::new()).await.unwrap().id;
    let own = raw.create_route_table(&at, &vpc, "once", &ec2::Tags::new()).await.unwrap().id;
    raw.associate_route_table(&at, &own, &subnet).await.unwrap();
    let (subnet, bare): (Subnet, Subnet) = (subnet.as_str().parse().unwrap(), bare.as_str().parse().unwrap());

    let main = cloud.route_tables(ours, &[]).await.unwrap();
    let chosen = cloud.route_tables(ours, std::slice::from_ref(&subnet)).await.unwrap();
    assert_eq!((main.len(), chosen.len(), chosen[0].table.as_str()), (1, 1, own.as_str()));
    assert_eq!(cloud.route_tables(ours, std::slice::from_ref(&bare)).await.unwrap(), main);
    assert_eq!(cloud.route_tables(ours, &[subnet.clone(), bare]).await.unwrap().len(), 2);
    let unknown: Subnet = "subnet-00000000000000000".parse().unwrap();
    assert_eq!(cloud.route_tables(ours, &[unknown]).await.unwrap_err().kind, CloudErrorKind::NotFound);
    let gone: CloudNetwork = "vpc-00000000000000000".parse().unwrap();
    let gone = NetworkRef { network: gone, place: ours.place.clone() };
    assert_eq!(cloud.route_tables(&gone, &[]).await.unwrap_err().kind, CloudErrorKind::NotFound);

    let table = &chosen[0].table;
    cloud.install_route(&ours.place, table, range("10.2.0.0/16"), &link).await.unwrap();
    let again = cloud.install_route(&ours.place, table, range("10.2.0.0/16"), &link).await.unwrap_err();
    assert_eq!(again.kind, CloudErrorKind::AlreadyThere, "{again}");
    let tables = cloud.route_tables(ours, &[subnet]).await.unwrap();
    let route = tables[0].routes.iter().find(|route| route.target == RouteTarget::Link(link.clone())).unwrap();
    assert_eq!((route.destination.to_string().as_str(), &route.state), ("10.2.0.0/16", &RouteState::Active));
    assert!(tables[0].routes.iter().any(|route| route.target == RouteTarget::Local));
}

#[tokio::test]
async fn a_group_admits_what_it_is_told_and_is_told_apart_by_its_owner() {
    let scene = Scene::set().await;
    let (cloud, ours) = (&scene.cloud, &scene.ours);
    assert_eq!(cloud.firewall_groups(ours, OURS).await.unwrap(), []);
    let group = cloud.create_group(ours, OURS).await.unwrap();
    cloud.create_group(ours, STRANGERS).await.unwrap();
    assert_eq!(cloud.create_group(ours, OURS).await.unwrap_err().kind, CloudErrorKind::AlreadyThere);
    let found = cloud.firewall_groups(ours, OURS).await.unwrap();
    assert_eq!(found.iter().map(|found| (&found.group, found.rules.len())).collect::<Vec<_>>(), [(&group, 0)]);

    let rule = InboundRule { source: range("10.2.0.0/16"), port: 2113 };
    let id = cloud.authorize_rule(&ours.place, &group, rule, OURS).await.unwrap();
    assert_eq!(cloud.authorize_rule(&ours.place, &group, rule, OURS).await.unwrap_err().kind, CloudErrorKind::AlreadyThere);
    let shown = cloud.firewall_groups(ours, OURS).await.unwrap().remove(0).rules;
    assert_eq!(shown.len(), 1);
    assert_eq!((&shown[0].id, shown[0].rule, shown[0].owner), (&id, Some(rule), Some(OURS)));
    assert_eq!(shown[0].text, "tcp 2113 from 10.2.0.0/16");
    cloud.revoke_rule(&ours.place, &group, &id).await.unwrap();
    assert_eq!(cloud.revoke_rule(&ours.place, &group, &id).await.unwrap_err().kind, CloudErrorKind::NotFound);

    let raw = ec2::Ec2::new(support::settings(&scene.moto.endpoint()));
    let groups = raw.describe_security_groups(&support::local(), &[ours.network.as_str().into()]).await.unwrap();
    let made = groups.iter().find(|made| made.id.as_str() == group.as_str()).unwrap();
    let tags = support::tags([("peerage:peering", &OURS.to_string()), ("Name", &group_name(OURS))]);
    assert_eq!((made.name.as_str(), &made.tags), (group_name(OURS).as_str(), &tags));
}

#[tokio::test]
async fn an_outage_is_said_to_be_one_and_it_goes_on_by_itself_afterwards() {
    let nobody = format!("http://127.0.0.1:{}", support::free_port());
    let at = place(LOCAL, "eu-west-1");
    let refused = AwsCloud::new(support::settings(&nobody)).identity(&at).await.unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::Unreachable, "{refused}");

    let Scene { cloud, ours, moto, .. } = Scene::set().await;
    moto.reset().await;
    let wrong = cloud.identity(&ours.place).await.unwrap();
    assert_ne!(wrong, ours.place.account, "the emulator takes a key it has forgotten for its own");
    assert_eq!(cloud.identity(&ours.place).await.unwrap(), ours.place.account, "and the next session is a new one");
}
