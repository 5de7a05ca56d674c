//! Networks, subnets, access lists and DNS: of those that were named, in one answer.

use crate::{Scene, kind, nowhere, support};
use cloud::{Cloud, CloudErrorKind, Direction, DnsSupport, NetworkRef, Source};

#[tokio::test]
async fn subnets_lie_in_zones_and_behind_access_lists() {
    let scene = Scene::set().await;
    let Scene {
        cloud,
        ours,
        stranger,
        ..
    } = &scene;
    let subnet = async |network: &NetworkRef, cidr: &str| {
        let vpc = network.network.as_str().into();
        scene
            .raw()
            .create_subnet(
                &support::local(),
                &vpc,
                cidr.parse().unwrap(),
                &peerage_aws::ec2::Tags::new(),
            )
            .await
            .unwrap()
            .id
    };
    let made = subnet(ours, "10.1.1.0/24").await;
    subnet(stranger, "10.3.1.0/24").await;
    let found = cloud.subnets(&ours.at, &scene.asked()).await.unwrap();
    assert_eq!(
        found
            .iter()
            .map(|found| found.subnet.as_str())
            .collect::<Vec<_>>(),
        [made.as_str()]
    );
    assert_eq!(found[0].network, ours.network);
    assert!(
        found[0]
            .zone
            .as_ref()
            .is_some_and(|zone| zone.starts_with("euw1-az")),
        "{found:?}"
    );

    let lists = cloud.access_lists(&ours.at, &scene.asked()).await.unwrap();
    assert_eq!((lists.len(), &lists[0].network), (1, &ours.network));
    assert_eq!(
        lists[0]
            .subnets
            .iter()
            .map(|subnet| subnet.as_str())
            .collect::<Vec<_>>(),
        [made.as_str()]
    );
    let entries: Vec<_> = lists[0]
        .entries
        .iter()
        .map(|entry| (entry.direction, &entry.traffic.source, entry.allow))
        .collect();
    let all = |ranges: &[&str]| {
        let ranges = ranges.iter().map(|it| it.parse().unwrap());
        Source::Ranges(ranges.collect())
    };
    let (source, anywhere) = (all(&["0.0.0.0/0"]), all(&["0.0.0.0/0", "::/0"]));
    assert_eq!(
        entries,
        [
            (Direction::Inbound, &source, true),
            (Direction::Inbound, &source, false),
            (Direction::Outbound, &anywhere, true),
            (Direction::Outbound, &anywhere, false),
        ],
        "each direction in its order"
    );
}

#[tokio::test]
async fn what_a_network_has_of_dns_is_told() {
    let scene = Scene::set().await;
    let dns = scene.cloud.dns_support(&scene.ours).await.unwrap();
    assert_eq!(
        dns,
        DnsSupport {
            resolution: true,
            hostnames: false
        }
    );
    let gone = NetworkRef {
        network: nowhere(),
        ..scene.ours.clone()
    };
    assert_eq!(
        kind(scene.cloud.dns_support(&gone).await),
        Some(CloudErrorKind::NotFound)
    );
}
