//! What reads answer about networks: those that are named, those that are not there, several.

use crate::stage::{Stage, kind};
use cloud::{AccountRegion, CloudErrorKind, DnsSupport, NetworkRef};
use domain::text::CloudNetwork;
use std::collections::BTreeSet;

/// The networks whose things each kind of read shows.
async fn shown(
    stage: &Stage,
    at: &AccountRegion,
    of: &[CloudNetwork],
) -> [BTreeSet<CloudNetwork>; 5] {
    let cloud = &stage.cloud;
    fn homes<T>(found: Vec<T>, home: impl Fn(T) -> CloudNetwork) -> BTreeSet<CloudNetwork> {
        found.into_iter().map(home).collect()
    }
    [
        homes(cloud.networks(at, of).await.unwrap(), |it| it.network),
        homes(cloud.subnets(at, of).await.unwrap(), |it| it.network),
        homes(cloud.route_tables(at, of).await.unwrap(), |it| it.network),
        homes(cloud.firewall_groups(at, of).await.unwrap(), |it| {
            it.network
        }),
        homes(cloud.access_lists(at, of).await.unwrap(), |it| it.network),
    ]
}

pub(crate) async fn a_read_answers_for_the_networks_that_it_names_and_leaves_out_what_is_not_there(
    stage: Stage,
) {
    let (at, local) = (&stage.local.at, stage.local.network.clone());
    stage.made_group().await;
    let asked = [local.clone(), stage.nowhere()];
    let [networks, subnets, tables, groups, lists] = shown(&stage, at, &asked).await;
    let only = BTreeSet::from([local.clone()]);
    assert_eq!(
        [&networks, &subnets, &tables, &groups],
        [&only; 4],
        "the one that is there, and the neighbour nowhere"
    );
    assert!(lists.is_subset(&only), "{lists:?}");
    let view = stage.cloud.networks(at, &asked).await.unwrap().remove(0);
    assert_eq!(view.ranges, ["10.10.0.0/16".parse().unwrap()]);
    let names = stage.cloud.dns_support(&stage.local).await.unwrap();
    let all = DnsSupport {
        resolution: true,
        hostnames: true,
    };
    assert_eq!(names, all);
    assert_eq!(shown(&stage, at, &[]).await, <[BTreeSet<_>; 5]>::default());
    assert_eq!(stage.cloud.links(at, &[]).await.unwrap(), []);
}

pub(crate) async fn a_network_of_another_account_is_absent_and_no_error(stage: Stage) {
    let of = [stage.local.network.clone()];
    for at in [&stage.remote.at, &stage.elsewhere()] {
        assert_eq!(
            shown(&stage, at, &of).await,
            <[BTreeSet<_>; 5]>::default(),
            "{at}"
        );
        let network = NetworkRef {
            at: at.clone(),
            network: of[0].clone(),
        };
        assert_eq!(
            kind(stage.cloud.dns_support(&network).await),
            Some(CloudErrorKind::NotFound),
            "what is asked of one network that is not there"
        );
    }
}

pub(crate) async fn one_read_serves_several_networks_and_says_whose_each_thing_is(stage: Stage) {
    let both = [stage.local.network.clone(), stage.neighbour.network.clone()];
    for peering in [&stage.local, &stage.neighbour] {
        let group = stage.cloud.create_group(peering, crate::stage::OURS).await;
        let group = group.unwrap();
        let read = async || stage.groups(peering).await;
        stage
            .until("the group", read, |found| {
                found.iter().any(|it| it.group == group)
            })
            .await;
    }
    let all = BTreeSet::from(both.clone());
    let [networks, subnets, tables, groups, lists] = shown(&stage, &stage.local.at, &both).await;
    assert_eq!([&networks, &subnets, &tables, &groups], [&all; 4]);
    assert!(lists.is_subset(&all), "{lists:?}");
    let tables = stage.cloud.route_tables(&stage.local.at, &both).await;
    let main: Vec<_> = tables.unwrap().into_iter().filter(|it| it.main).collect();
    assert_eq!(main.len(), 2, "one main table each: {main:?}");
}
