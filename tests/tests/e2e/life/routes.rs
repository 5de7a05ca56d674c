//! Routes that change: one takes another's place without a gap, and one goes.

use super::peering::{Life, first, last};
use super::worlds::RunningWorld;
use peerage::api::v1::{Peering, Side};
use peerage_tests::oracle::Route;
use std::sync::Arc;

in_every_world!(
    a_route_takes_anothers_place_only_once_it_is_in_and_a_withdrawn_one_goes,
    a_route_that_somebody_else_has_is_a_conflict_and_is_never_taken_over,
);

const HALF: &str = "10.30.0.0/17";

async fn a_route_takes_anothers_place_only_once_it_is_in_and_a_withdrawn_one_goes(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    let (remote, before) = (life.pair.remote.cidr.clone(), life.history().await.len());
    life.says(&[
        "route",
        "replace",
        &life.peering,
        "--side",
        "local",
        "--from",
        &remote,
        "--to",
        HALF,
    ])
    .await;
    life.told("RouteRemoved", 1).await;
    life.converged().await;
    let types = life.types(before).await;
    assert!(
        last(&types, "RouteInstalled") < first(&types, "RouteRemoved"),
        "{types:?}"
    );
    let mut expected = life.expected();
    expected.route_tables[1].routes = vec![Route {
        destination: HALF.to_owned(),
        peering: format!("{}/{}", life.network, life.peering),
    }];
    life.judge(&expected);
    if let Some(changes) = life.running.changes(&life.pair).await {
        let at = |action: &str, range: &str| {
            changes.iter().position(|it| {
                it.action == action
                    && it
                        .parameters
                        .get("DestinationCidrBlock")
                        .is_some_and(|it| it == range)
            })
        };
        assert!(
            at("CreateRoute", HALF).unwrap() < at("DeleteRoute", &remote).unwrap(),
            "{changes:#?}"
        );
    }

    life.says(&[
        "route",
        "withdraw",
        &life.peering,
        "--side",
        "remote",
        "--destination",
        &life.pair.local.cidr,
    ])
    .await;
    life.told("RouteRemoved", 2).await;
    life.converged().await;
    expected.route_tables[2].routes.clear();
    life.judge(&expected);
    life.ends().await;
}

async fn a_route_that_somebody_else_has_is_a_conflict_and_is_never_taken_over(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::registered(running).await;
    let (local, table, destination) = (
        life.pair.local.clone(),
        life.pair.local.extra_route_table.clone(),
        life.pair.remote.cidr.clone(),
    );
    let gateway = life.people().route_elsewhere(&local, &table, &destination);
    life.asks(&[]).await;
    life.agrees().await;
    let in_place = |it: &Peering| {
        let theirs = it
            .routes
            .iter()
            .find(|it| it.side() == Side::Remote)
            .is_some_and(|it| !it.installed_in.is_empty());
        theirs && it.firewall.iter().all(|it| it.enforced)
    };
    life.is_blocked("conflict").await;
    let peering = life
        .api
        .peering_when("all else in place", &life.peering, in_place)
        .await;
    let conflicts: Vec<_> = peering
        .routes
        .iter()
        .flat_map(|it| &it.conflicts)
        .map(|it| (&it.route_table, it.target.clone()))
        .collect();
    assert_eq!(conflicts, [(&table, gateway)]);
    let mut expected = life.expected();
    expected.route_tables[1].routes.clear();
    life.judge(&expected);

    life.people().delete_route(&local, &table, &destination);
    assert_eq!(life.converged().await.block, None);
    life.judge(&life.expected());
    life.ends().await;
}
