//! Route tables and routes.

use crate::{OURS, Scene, kind, nowhere, range, support};
use cloud::{Cloud, CloudErrorKind, RouteState, RouteTarget};

#[tokio::test]
async fn tables_tell_which_subnets_chose_them_and_which_one_serves_the_others() {
    let scene = Scene::set().await;
    let Scene {
        cloud,
        ours,
        stranger,
        ..
    } = &scene;
    let (raw, at, vpc) = (scene.raw(), support::local(), ours.network.as_str().into());
    let subnet = raw
        .create_subnet(
            &at,
            &vpc,
            "10.1.1.0/24".parse().unwrap(),
            &peerage_aws::ec2::Tags::new(),
        )
        .await
        .unwrap()
        .id;
    let own = raw
        .create_route_table(&at, &vpc, "once", &peerage_aws::ec2::Tags::new())
        .await
        .unwrap()
        .id;
    raw.associate_route_table(&at, &own, &subnet).await.unwrap();

    let mut tables = cloud.route_tables(&ours.at, &scene.asked()).await.unwrap();
    tables.sort_by_key(|table| !table.main);
    assert_eq!(
        tables.iter().map(|table| table.main).collect::<Vec<_>>(),
        [true, false]
    );
    assert!(tables[0].subnets.is_empty(), "{tables:?}");
    let chosen: Vec<_> = tables[1]
        .subnets
        .iter()
        .map(|subnet| subnet.as_str())
        .collect();
    assert_eq!(
        (tables[1].table.as_str(), chosen),
        (own.as_str(), vec![subnet.as_str()])
    );
    assert!(tables.iter().all(|table| table.network == ours.network));
    let both = [ours.network.clone(), stranger.network.clone()];
    assert_eq!(cloud.route_tables(&ours.at, &both).await.unwrap().len(), 3);
    assert_eq!(
        cloud.route_tables(&ours.at, &[nowhere()]).await.unwrap(),
        []
    );
}

#[tokio::test]
async fn a_route_is_installed_once_shown_and_removed_once() {
    let scene = Scene::set().await;
    let Scene { cloud, ours, .. } = &scene;
    let link = cloud.create_link(&scene.spec(OURS, ours)).await.unwrap();
    let shown = async || {
        cloud
            .route_tables(&ours.at, &scene.asked())
            .await
            .unwrap()
            .remove(0)
    };
    let table = shown().await.table;
    let install = async || {
        kind(
            cloud
                .install_route(&ours.at, &table, range("10.2.0.0/16"), &link)
                .await,
        )
    };
    assert_eq!(
        [install().await, install().await],
        [None, Some(CloudErrorKind::AlreadyThere)]
    );
    let routes = shown().await.routes;
    let route = routes
        .iter()
        .find(|route| route.target == RouteTarget::Link(link.clone()))
        .unwrap();
    assert_eq!(
        (route.destination.to_string().as_str(), &route.state),
        ("10.2.0.0/16", &RouteState::Active)
    );
    assert!(
        routes
            .iter()
            .any(|route| route.target == RouteTarget::Local)
    );

    let remove = async || {
        kind(
            cloud
                .remove_route(&ours.at, &table, range("10.2.0.0/16"))
                .await,
        )
    };
    assert_eq!(
        [remove().await, remove().await],
        [None, Some(CloudErrorKind::NotFound)]
    );
    assert_eq!(shown().await.routes.len(), routes.len() - 1);
}
