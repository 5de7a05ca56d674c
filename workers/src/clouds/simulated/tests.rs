//! The simulated cloud answers as real ones do.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::cloud::{LinkEnd, LinkState, RouteState, RouteTarget};
use domain::{Provider, Region};
use ipnet::IpNet;
use std::time::Duration;
use uuid::Uuid;

const VISIBLE: Duration = Duration::from_secs(60);

fn clock() -> Clock {
    let (start, since) = (DateTime::<Utc>::from_timestamp(1_790_000_000, 0).unwrap(), tokio::time::Instant::now());
    Arc::new(move || start + since.elapsed())
}

fn network(account: &str, region: &str, id: &str) -> NetworkRef {
    let place = Place { provider: Provider::Aws, account: account.parse().unwrap(), region: Region::of(Provider::Aws, region).unwrap() };
    NetworkRef { place, network: id.parse().unwrap() }
}

fn one() -> LinkEnd {
    LinkEnd { network: network("111111111111", "eu-west-1", "vpc-0aaaaaaaaaaaaaaaa"), ranges: vec!["10.1.0.0/16".parse().unwrap()] }
}

fn other() -> LinkEnd {
    LinkEnd { network: network("222222222222", "us-east-1", "vpc-0bbbbbbbbbbbbbbbb"), ranges: vec!["10.2.0.0/16".parse().unwrap()] }
}

fn peering() -> PeeringId {
    PeeringId(Uuid::from_u128(5))
}

fn spec() -> LinkSpec {
    LinkSpec { peering: peering(), requester: one(), accepter: other() }
}

fn reversed() -> LinkSpec {
    LinkSpec { peering: PeeringId(Uuid::from_u128(6)), requester: other(), accepter: one() }
}

fn rule(port: u16) -> InboundRule {
    InboundRule { source: "10.2.0.0/16".parse().unwrap(), port }
}

fn with(settings: SimulatedSettings) -> SimulatedCloud {
    let cloud = SimulatedCloud::new(settings, clock());
    for end in [one(), other()] {
        cloud.hands().build(&end.network, &end.ranges, &[]);
    }
    cloud
}

fn instant() -> SimulatedCloud {
    with(SimulatedSettings::instant(1))
}

async fn shown(cloud: &SimulatedCloud, at: &LinkEnd) -> Vec<LinkView> {
    cloud.links(&at.network.place, &one().network, &other().network).await.unwrap()
}

async fn state(cloud: &SimulatedCloud) -> LinkState {
    shown(cloud, &one()).await.remove(0).state
}

async fn active(cloud: &SimulatedCloud) -> Link {
    let link = cloud.create_link(&spec()).await.unwrap();
    cloud.accept_link(&other().network.place, &link).await.unwrap();
    link
}

async fn main_table(cloud: &SimulatedCloud, end: &LinkEnd) -> RouteTableView {
    cloud.route_tables(&end.network, &[]).await.unwrap().remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_link_goes_through_its_states_with_time() {
    let seconds = |n| Duration::from_secs(n)..=Duration::from_secs(n);
    let cloud = with(SimulatedSettings { initiating: seconds(2), provisioning: seconds(3), ..SimulatedSettings::instant(1) });
    let link = cloud.create_link(&spec()).await.unwrap();
    assert_eq!(state(&cloud).await, LinkState::Initiating);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(state(&cloud).await, LinkState::Pending);
    cloud.accept_link(&other().network.place, &link).await.unwrap();
    assert_eq!(state(&cloud).await, LinkState::Provisioning);
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(state(&cloud).await, LinkState::Active);
}

#[tokio::test(start_paused = true)]
async fn a_new_thing_comes_into_sight_late_and_stays() {
    let cloud = with(SimulatedSettings {
        visibility: Duration::from_secs(5)..=Duration::from_secs(5),
        stale_reads: 2..=2,
        ..SimulatedSettings::instant(1)
    });
    cloud.create_link(&spec()).await.unwrap();
    assert_eq!(shown(&cloud, &one()).await, []);
    tokio::time::advance(Duration::from_secs(5)).await;
    let mut counts = Vec::new();
    for _ in 0..4 {
        counts.push(shown(&cloud, &one()).await.len());
    }
    assert_eq!(counts, [0, 0, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_tag_is_visible_only_where_it_was_set() {
    let cloud = instant();
    cloud.create_link(&spec()).await.unwrap();
    assert_eq!(shown(&cloud, &one()).await[0].owner, Some(peering()));
    assert_eq!(shown(&cloud, &other()).await[0].owner, None);
}

#[tokio::test(start_paused = true)]
async fn the_accepters_ranges_are_told_only_after_it_accepted() {
    let cloud = instant();
    let link = cloud.create_link(&spec()).await.unwrap();
    assert_eq!(shown(&cloud, &other()).await[0].accepter.ranges, Vec::<IpNet>::new());
    cloud.accept_link(&other().network.place, &link).await.unwrap();
    assert_eq!(shown(&cloud, &other()).await[0].accepter.ranges, other().ranges);
}

#[tokio::test(start_paused = true)]
async fn a_second_request_gives_the_first_link_or_another_one() {
    let cloud = instant();
    assert_eq!(cloud.create_link(&spec()).await.unwrap(), cloud.create_link(&spec()).await.unwrap());
    let cloud = with(SimulatedSettings { second_request: SecondRequest::AnotherLink, ..SimulatedSettings::instant(1) });
    assert_ne!(cloud.create_link(&spec()).await.unwrap(), cloud.create_link(&spec()).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_reversed_pair_is_refused_when_it_is_accepted() {
    let cloud = instant();
    active(&cloud).await;
    let second = cloud.create_link(&reversed()).await.unwrap();
    let error = cloud.accept_link(&one().network.place, &second).await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Conflict);
}

#[tokio::test(start_paused = true)]
async fn what_could_never_work_fails_after_a_while_with_a_reason() {
    let nowhere = LinkEnd { network: network("333333333333", "us-east-1", "vpc-0ccccccc"), ..other() };
    let cloud = instant();
    cloud.hands().build(&other().network, &["10.1.128.0/17".parse().unwrap()], &[]);
    for accepter in [other(), nowhere] {
        let (requester, at) = (one(), one().network.place);
        let spec = LinkSpec { peering: peering(), requester: requester.clone(), accepter: accepter.clone() };
        cloud.create_link(&spec).await.unwrap();
        let views = cloud.links(&at, &requester.network, &accepter.network).await.unwrap();
        assert_eq!((views[0].state.clone(), views[0].message.is_some()), (LinkState::Failed, true));
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_accepter_accepts_and_only_once() {
    let cloud = instant();
    let link = cloud.create_link(&spec()).await.unwrap();
    let kind = async |at: &LinkEnd| cloud.accept_link(&at.network.place, &link).await.err().map(|error| error.kind);
    assert_eq!(kind(&one()).await, Some(CloudErrorKind::WrongState));
    assert_eq!(kind(&other()).await, None);
    assert_eq!(kind(&other()).await, Some(CloudErrorKind::WrongState));
}

#[tokio::test(start_paused = true)]
async fn an_unaccepted_link_expires_by_the_told_clock() {
    let cloud = instant();
    cloud.create_link(&spec()).await.unwrap();
    assert!(shown(&cloud, &one()).await[0].expires_at.is_some());
    tokio::time::advance(Duration::from_secs(168 * 3600)).await;
    assert_eq!(state(&cloud).await, LinkState::Expired);
}

#[tokio::test(start_paused = true)]
async fn a_network_does_one_operation_at_a_time() {
    let cloud = with(SimulatedSettings { busy: Duration::from_secs(9)..=Duration::from_secs(9), ..SimulatedSettings::instant(1) });
    let link = cloud.create_link(&spec()).await.unwrap();
    let at = other().network.place;
    assert_eq!(cloud.accept_link(&at, &link).await.unwrap_err().kind, CloudErrorKind::Busy);
    tokio::time::advance(Duration::from_secs(9)).await;
    cloud.accept_link(&at, &link).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_route_goes_nowhere_until_its_link_is_active_and_is_never_doubled() {
    let cloud = instant();
    let (at, destination) = (one().network.place, "10.2.0.0/16".parse().unwrap());
    let link = cloud.create_link(&spec()).await.unwrap();
    let table = main_table(&cloud, &one()).await.table;
    cloud.install_route(&at, &table, destination, &link).await.unwrap();
    let state = async || main_table(&cloud, &one()).await.routes.pop().map(|route| (route.target, route.state));
    assert_eq!(state().await, Some((RouteTarget::Link(link.clone()), RouteState::Blackhole)));
    assert_eq!(cloud.install_route(&at, &table, destination, &link).await.unwrap_err().kind, CloudErrorKind::AlreadyThere);
    cloud.accept_link(&other().network.place, &link).await.unwrap();
    assert_eq!(state().await, Some((RouteTarget::Link(link.clone()), RouteState::Active)));
    let elsewhere = cloud.install_route(&other().network.place, &table, destination, &link).await.unwrap_err();
    assert_eq!(elsewhere.kind, CloudErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn the_tables_of_the_chosen_subnets_are_found_with_the_main_one_as_fallback() {
    let cloud = instant();
    let subnets = ["subnet-1", "subnet-2", "subnet-3"].map(|id| id.parse::<Subnet>().unwrap());
    cloud.hands().build(&one().network, &one().ranges, &subnets[..2]);
    let count = async |chosen: &[Subnet]| cloud.route_tables(&one().network, chosen).await.unwrap().len();
    assert_eq!((count(&[]).await, count(&subnets[..1]).await, count(&subnets[..2]).await, count(&subnets).await), (1, 1, 2, 3));
    let unknown = network("111111111111", "eu-west-1", "vpc-0ddddddd");
    assert_eq!(cloud.route_tables(&unknown, &[]).await.unwrap_err().kind, CloudErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_one_by_its_name_and_its_rules_have_ids() {
    let cloud = with(SimulatedSettings { rules: 2, ..SimulatedSettings::instant(1) });
    let (network, at) = (one().network, one().network.place);
    let group = cloud.create_group(&network, peering()).await.unwrap();
    assert_eq!(cloud.create_group(&network, peering()).await.unwrap_err().kind, CloudErrorKind::AlreadyThere);
    let id = cloud.authorize_rule(&at, &group, rule(1), peering()).await.unwrap();
    let kind = async |port| cloud.authorize_rule(&at, &group, rule(port), peering()).await.err().map(|error| error.kind);
    assert_eq!([kind(1).await, kind(2).await, kind(3).await], [Some(CloudErrorKind::AlreadyThere), None, Some(CloudErrorKind::Quota)]);
    cloud.revoke_rule(&at, &group, &id).await.unwrap();
    assert_eq!(cloud.revoke_rule(&at, &group, &id).await.unwrap_err().kind, CloudErrorKind::NotFound);
    let views = cloud.firewall_groups(&network, peering()).await.unwrap();
    assert_eq!(views[0].rules.iter().map(|it| (it.rule, it.owner)).collect::<Vec<_>>(), [(Some(rule(2)), Some(peering()))]);
    assert_eq!(cloud.firewall_groups(&network, PeeringId(Uuid::from_u128(9))).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_the_deed_done_and_a_lost_request_does_not() {
    let cloud = with(SimulatedSettings { lost_answers: 1.0, ..SimulatedSettings::instant(1) });
    assert_eq!(cloud.create_link(&spec()).await.unwrap_err().kind, CloudErrorKind::Ambiguous);
    assert_eq!(cloud.world().links.len(), 1);
    let cloud = with(SimulatedSettings { lost_requests: 1.0, ..SimulatedSettings::instant(1) });
    assert!(cloud.create_link(&spec()).await.is_err());
    let cloud_throttled = with(SimulatedSettings { throttled: 1.0, ..SimulatedSettings::instant(1) });
    let error = cloud_throttled.create_link(&spec()).await.unwrap_err();
    assert!(error.definitely_not_applied() && error.worth_a_retry());
    assert_eq!((cloud.world().links.len(), cloud_throttled.world().links.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lenient_cloud_makes_the_networks_it_is_told_of() {
    let cloud = SimulatedCloud::new(SimulatedSettings::calm(1), clock());
    let link = cloud.create_link(&spec()).await.unwrap();
    tokio::time::advance(VISIBLE).await;
    cloud.accept_link(&other().network.place, &link).await.unwrap();
    assert_eq!(main_table(&cloud, &other()).await.routes.len(), 1);
    let strict = SimulatedCloud::new(SimulatedSettings::instant(1), clock());
    assert_eq!(strict.create_link(&spec()).await.unwrap_err().kind, CloudErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_made_network_is_a_network_of_its_provider() {
    for (provider, region, account) in [
        (Provider::Aws, "eu-west-1", "111111111111"),
        (Provider::Gcp, "europe-west1", "orders-prod"),
        (Provider::Azure, "westeurope", "8e9b2f0a-3f4d-4d2a-9f0e-5b8a4a0c1d2e"),
    ] {
        let at = Place { provider, account: account.parse().unwrap(), region: Region::of(provider, region).unwrap() };
        let network = instant().create_network(&at, "10.9.0.0/16".parse().unwrap(), "orders").await.unwrap();
        assert_eq!(provider.check_network(&network), Ok(()), "{network}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_and_calls_give_the_same_world() {
    let run = async |seed| {
        let cloud = with(SimulatedSettings::stormy(seed));
        for _ in 0..5 {
            let _ = cloud.create_link(&spec()).await;
            let _ = shown_quietly(&cloud).await;
        }
        serde_json::to_string(&cloud.world().links.keys().collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(run(4).await, run(4).await);
    assert_ne!(run(4).await, run(5).await);
}

async fn shown_quietly(cloud: &SimulatedCloud) -> Result<Vec<LinkView>, CloudError> {
    cloud.links(&one().network.place, &one().network, &other().network).await
}

#[tokio::test(start_paused = true)]
async fn a_kept_world_comes_back_and_no_id_is_given_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.json");
    let clock = clock();
    let open = || SimulatedCloud::kept_in(&path, SimulatedSettings::calm(1), Arc::clone(&clock)).unwrap();
    let first = open();
    let link = first.create_link(&spec()).await.unwrap();
    let world = first.world();
    drop(first);
    let second = open();
    assert_eq!(second.world(), world);
    assert_ne!(second.create_link(&reversed()).await.unwrap(), link);
    std::fs::write(&path, "no world").unwrap();
    let broken = SimulatedCloud::kept_in(&path, SimulatedSettings::calm(1), Arc::clone(&clock));
    assert!(matches!(broken, Err(KeepingError::Form { .. })));
}
