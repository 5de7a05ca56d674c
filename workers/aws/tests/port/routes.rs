//! Route tables and routes.

use crate::{Scene, nowhere, support};
use cloud::Cloud;

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
