//! Networks, subnets and routes, and what a place's credentials are.

use crate::world::{LOCAL, REMOTE, Scene, at, kind, settings};
use cloud::{Cloud, CloudErrorKind, Groundwork as _, RouteState, RouteTarget};
use domain::{CloudMode, Provider};
use gcp_fake::Temper;
use peerage_gcp::{Credentials, GcpCloud, GcpSettings};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_network_has_the_ranges_of_its_subnets_of_every_region_and_no_others() {
    let scene = Scene::set(Temper::instant()).await;
    scene.fake.network(LOCAL, "neighbour");
    for (network, region, name, range) in [
        ("cluster", "us-east1", "far", "10.11.0.0/16"),
        ("neighbour", "europe-west1", "near", "10.30.0.0/16"),
    ] {
        scene.fake.subnet(LOCAL, network, region, name, range);
    }
    let of = [
        scene.local.network.clone(),
        "nowhere".parse().unwrap(),
        "neighbour".parse().unwrap(),
    ];
    for pages in [500, 1] {
        scene.fake.small_pages(pages);
        let found = scene.cloud.networks(&scene.local.at, &of).await.unwrap();
        assert_eq!(found.len(), 2, "what is not there is left out: {found:?}");
        let mut ranges: Vec<_> = found[0].ranges.iter().map(ToString::to_string).collect();
        ranges.sort();
        assert_eq!(ranges, ["10.10.0.0/16", "10.11.0.0/16"]);
        assert_eq!(found[1].ranges, ["10.30.0.0/16".parse().unwrap()]);
        let subnets = scene.cloud.subnets(&scene.local.at, &of).await.unwrap();
        let ids: Vec<_> = subnets.iter().map(|it| it.subnet.as_str()).collect();
        assert_eq!(ids.len(), 3, "{ids:?}");
        assert!(ids.contains(&"regions/us-east1/subnetworks/far"), "{ids:?}");
    }
    let nothing = scene.cloud.networks(&scene.local.at, &of[1..2]).await;
    assert_eq!(nothing.unwrap(), []);
}

/// A name comes back, the number does not.
#[tokio::test]
async fn a_network_that_is_made_again_has_another_number() {
    let scene = Scene::set(Temper::instant()).await;
    let of = ["neighbour".parse().unwrap()];
    let shown = async || {
        let mut views = scene.cloud.networks(&scene.local.at, &of).await.unwrap();
        views.pop().and_then(|it| it.immutable_id)
    };
    let number = || scene.fake.numbers_of(LOCAL, "neighbour").1;
    scene.fake.network(LOCAL, "neighbour");
    let before = shown().await.unwrap();
    assert_eq!(before.as_str(), number());
    let path = format!("/compute/v1/projects/{LOCAL}/global/networks/neighbour");
    scene.fake.answer("DELETE", &path, b"");
    scene.fake.pass(Duration::from_secs(60));
    assert_eq!(shown().await, None, "it is gone");
    scene.fake.network(LOCAL, "neighbour");
    let after = shown().await.unwrap();
    assert_eq!(after.as_str(), number());
    assert_ne!(after, before);
}

#[tokio::test]
async fn a_networks_table_has_its_own_routes_those_of_people_and_those_over_its_links() {
    let scene = Scene::set(Temper::instant()).await;
    scene
        .fake
        .route(LOCAL, "cluster", "default-internet", "0.0.0.0/0");
    scene.fake.route(LOCAL, "cluster", "six", "fd00::/48");
    scene.connected().await;
    let of = [scene.local.network.clone()];
    let tables = scene
        .cloud
        .route_tables(&scene.local.at, &of)
        .await
        .unwrap();
    let [table] = tables.as_slice() else {
        panic!("one table: {tables:?}");
    };
    assert!(table.main && table.subnets.is_empty());
    let target = |to: &str| {
        let found = table
            .routes
            .iter()
            .find(|it| it.destination.to_string() == to);
        let found = found.unwrap();
        assert_eq!(found.state, RouteState::Active);
        found.target.clone()
    };
    assert_eq!(target("10.10.0.0/16"), RouteTarget::Local);
    assert_eq!(target("10.20.0.0/16"), RouteTarget::Link(scene.name()));
    let gateway = RouteTarget::Other("default-internet-gateway".to_owned());
    assert_eq!(target("0.0.0.0/0"), gateway);
    assert_eq!(target("fd00::/48"), gateway);
    assert_eq!(table.others, []);
    let to = "10.20.0.0/16".parse().unwrap();
    let cloud = &scene.cloud;
    let put = cloud
        .install_route(&scene.local.at, &table.table, to, &scene.name())
        .await;
    assert_eq!(kind(put), Some(CloudErrorKind::Unsupported));
}

#[tokio::test]
async fn the_account_that_calls_act_in_is_the_project_by_its_id() {
    let scene = Scene::set(Temper::instant()).await;
    let identity = scene.cloud.identity(&scene.local.at).await.unwrap();
    assert_eq!(identity, scene.local.at.account);
    let (number, _) = scene.fake.numbers_of(LOCAL, "cluster");
    let by_number = scene.cloud.identity(&at(&number, "europe-west1")).await;
    assert_eq!(by_number.unwrap(), scene.local.at.account);
    let nowhere = scene.cloud.identity(&at("nowhere", "europe-west1")).await;
    assert_eq!(kind(nowhere), Some(CloudErrorKind::NotFound));
}

#[tokio::test]
async fn a_token_that_nobody_takes_is_refused_and_nothing_is_shown_of_it() {
    let scene = Scene::set(Temper::instant()).await;
    scene.fake.take_only("another");
    let refused = scene.cloud.identity(&scene.local.at).await.unwrap_err();
    assert_eq!(refused.kind, CloudErrorKind::CredentialsRefused);
    assert!(!refused.to_string().contains("token"), "{refused}");
    let with = GcpSettings {
        credentials: Credentials::Token("another".to_owned().into()),
        ..settings(&scene.fake)
    };
    let good = GcpCloud::new(&with).unwrap();
    assert!(good.identity(&scene.local.at).await.is_ok());
    assert!(!format!("{with:?} {good:?}").contains("another"));
}

#[tokio::test]
async fn it_stands_for_google_cloud_alone_and_says_what_answers() {
    let scene = Scene::set(Temper::instant()).await;
    let mode = scene.cloud.mode(Provider::Gcp);
    assert!(matches!(mode, Some(CloudMode::Emulator { .. })), "{mode:?}");
    for provider in [Provider::Aws, Provider::Azure] {
        assert_eq!(scene.cloud.mode(provider), None);
        let elsewhere = cloud::AccountRegion {
            provider,
            ..scene.local.at.clone()
        };
        let asked = scene.cloud.identity(&elsewhere).await;
        assert_eq!(kind(asked), Some(CloudErrorKind::Unsupported));
    }
    let real = GcpCloud::new(&GcpSettings::default()).unwrap();
    assert_eq!(real.mode(Provider::Gcp), Some(CloudMode::Real));
    assert!(
        scene
            .cloud
            .dns_support(&scene.local)
            .await
            .unwrap()
            .resolution
    );
}

#[tokio::test]
async fn a_demonstration_gets_a_network_with_one_subnet() {
    let scene = Scene::set(Temper::default()).await;
    let range = "10.40.0.0/16".parse().unwrap();
    let made = scene
        .cloud
        .create_network(&scene.local.at, range, "demo")
        .await;
    let made = made.unwrap();
    let found = scene
        .cloud
        .networks(&scene.local.at, &[made])
        .await
        .unwrap();
    assert_eq!(found[0].ranges, ["10.40.0.0/16".parse().unwrap()]);
    let again = scene
        .cloud
        .create_network(&scene.local.at, range, "demo")
        .await;
    assert_eq!(kind(again), Some(CloudErrorKind::AlreadyThere));
}

#[tokio::test]
async fn members_that_nobody_has_heard_of_are_nothing_to_fail_on() {
    let scene = Scene::set(Temper::instant()).await;
    let news = json!({ "a": [1, 2], "b": null });
    scene
        .fake
        .set_network(LOCAL, "cluster", "somethingNew", news);
    scene.make(domain::Side::Local).await;
    assert_eq!(scene.links(domain::Side::Local).await.len(), 1);
    assert_eq!(
        scene.links(domain::Side::Remote).await,
        [],
        "absent, not empty"
    );
    assert!(scene.fake.halves_of(REMOTE, "orders").is_empty());
}
