//! Routes and the tables that hold them.
use super::*;
use cloud::{RouteState, RouteTarget};
use domain::text::Subnet;

#[tokio::test(start_paused = true)]
async fn a_route_goes_nowhere_again_once_its_link_is_gone_and_stays() {
    let cloud = instant();
    let (at, link) = (one().network.at, active(&cloud).await);
    let table = main_table(&cloud, &one()).await.table;
    cloud
        .install_route(&at, &table, "10.2.0.0/16".parse().unwrap(), &link)
        .await
        .unwrap();
    let state = async || {
        main_table(&cloud, &one())
            .await
            .routes
            .pop()
            .map(|route| route.state)
    };
    assert_eq!(state().await, Some(RouteState::Active));
    cloud.delete_link(&at, &link).await.unwrap();
    assert_eq!(state().await, Some(RouteState::Blackhole));
    cloud.out_of_band().forget(&link);
    assert_eq!(state().await, Some(RouteState::Blackhole));
}

#[tokio::test(start_paused = true)]
async fn a_table_names_its_network_and_the_subnets_that_chose_it() {
    let cloud = instant();
    let subnets = ["subnet-1", "subnet-2"].map(|id| id.parse::<Subnet>().unwrap());
    cloud
        .out_of_band()
        .build(&one().network, &one().ranges, &subnets);
    let at = one().network.at;
    let tables = cloud.route_tables(&at, &id(&one())).await.unwrap();
    let shape: Vec<_> = tables
        .iter()
        .map(|table| (table.main, table.subnets.as_slice()))
        .collect();
    assert_eq!(
        shape,
        [
            (true, &[][..]),
            (false, &subnets[..1]),
            (false, &subnets[1..])
        ]
    );
    assert!(
        tables
            .iter()
            .all(|table| table.network == one().network.network && table.routes.len() == 1)
    );
    // One call for several networks; one that is not there is no error.
    let near = end(
        network("111111111111", "eu-west-1", "vpc-0cccccccc"),
        "10.3.0.0/16",
    );
    cloud.out_of_band().build(&near.network, &near.ranges, &[]);
    let of = [id(&near), id(&one()), ["vpc-0dddddddd".parse().unwrap()]].concat();
    assert_eq!(cloud.route_tables(&at, &of).await.unwrap().len(), 4);
    let moved = cloud
        .out_of_band()
        .add_table(&one().network, &subnets)
        .unwrap();
    let tables = cloud.route_tables(&at, &id(&one())).await.unwrap();
    assert_eq!(
        tables
            .iter()
            .find(|table| table.table == moved)
            .unwrap()
            .subnets,
        subnets
    );
    assert!(
        tables
            .iter()
            .all(|table| table.table == moved || table.subnets.is_empty())
    );
}

#[tokio::test(start_paused = true)]
async fn a_route_is_removed_late_for_readers_and_at_once_for_callers() {
    let cloud = with(SimulatedSettings {
        visibility: secs(5),
        ..SimulatedSettings::instant(1)
    });
    let (at, destination) = (one().network.at, "10.2.0.0/16".parse().unwrap());
    let link = cloud
        .out_of_band()
        .join(&one(), &other(), LinkState::Active, None);
    let table = main_table(&cloud, &one()).await.table;
    cloud
        .install_route(&at, &table, destination, &link)
        .await
        .unwrap();
    tokio::time::advance(VISIBLE).await;
    let count = async || main_table(&cloud, &one()).await.routes.len();
    assert_eq!(count().await, 2);
    cloud.remove_route(&at, &table, destination).await.unwrap();
    assert_eq!(count().await, 2);
    assert_eq!(
        kind(cloud.remove_route(&at, &table, destination).await),
        Some(CloudErrorKind::NotFound)
    );
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(count().await, 1);
    let local = cloud
        .remove_route(&at, &table, "10.1.0.0/16".parse().unwrap())
        .await;
    assert_eq!(kind(local), Some(CloudErrorKind::InvalidRequest));
}

#[tokio::test(start_paused = true)]
async fn a_route_needs_a_live_link_of_its_own_network_and_room() {
    let cloud = with(SimulatedSettings {
        routes: 1,
        ..SimulatedSettings::instant(1)
    });
    let at = one().network.at;
    let near = end(
        network("111111111111", "eu-west-1", "vpc-0cccccccc"),
        "10.3.0.0/16",
    );
    let link = active(&cloud).await;
    let [strangers, over] = [LinkState::Active, LinkState::Rejected]
        .map(|state| cloud.out_of_band().join(&near, &other(), state, None));
    let table = main_table(&cloud, &one()).await.table;
    let install = async |range: &str, link: &Link| {
        kind(
            cloud
                .install_route(&at, &table, range.parse().unwrap(), link)
                .await,
        )
    };
    assert_eq!(
        install("10.2.0.0/16", &strangers).await,
        Some(CloudErrorKind::InvalidRequest)
    );
    assert_eq!(
        install("10.2.0.0/16", &over).await,
        Some(CloudErrorKind::NotFound)
    );
    assert_eq!(
        install("10.1.0.0/16", &link).await,
        Some(CloudErrorKind::AlreadyThere),
        "the network's own range"
    );
    assert_eq!(
        install("10.1.7.0/24", &link).await,
        Some(CloudErrorKind::InvalidRequest),
        "a part of it"
    );
    assert_eq!(install("10.2.0.0/16", &link).await, None);
    assert_eq!(
        install("10.4.0.0/16", &link).await,
        Some(CloudErrorKind::Quota)
    );
    assert_eq!(cloud.limits(&at, Default::default()).routes, 1);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_route_stands_in_the_way_and_is_shown_with_its_target() {
    let cloud = instant();
    let (at, destination) = (one().network.at, "10.2.0.0/16");
    let link = active(&cloud).await;
    let table = main_table(&cloud, &one()).await.table;
    let other = RouteTarget::Other("tgw-1".to_owned());
    cloud.out_of_band().route(
        &one().network,
        &table,
        destination.parse().unwrap(),
        other.clone(),
    );
    let refused = cloud
        .install_route(&at, &table, destination.parse().unwrap(), &link)
        .await;
    assert_eq!(kind(refused), Some(CloudErrorKind::AlreadyThere));
    assert_eq!(
        main_table(&cloud, &one())
            .await
            .routes
            .pop()
            .unwrap()
            .target,
        other
    );
    cloud
        .out_of_band()
        .unroute(&one().network, &table, destination.parse().unwrap());
    assert_eq!(main_table(&cloud, &one()).await.routes.len(), 1);
}
