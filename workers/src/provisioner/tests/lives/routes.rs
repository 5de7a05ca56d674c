//! Routes that change.

use super::Life;
use crate::provisioner::testing::{CLIENTS, peering_id, range};
use cloud::RouteTarget;
use domain::{
    Side,
    network::{ReplaceRoute, WithdrawRoute},
};

#[tokio::test(start_paused = true)]
async fn a_route_is_replaced_only_once_the_new_one_is_in() {
    let mut life = Life::active().await;
    let before = life.log.events().len();
    life.says(ReplaceRoute {
        peering_id: peering_id(),
        side: Side::Local,
        from: range(CLIENTS),
        to: range("10.50.0.0/17"),
    });
    life.settles().await;
    let names = life.log.names(before);
    let installed = names
        .iter()
        .rposition(|it| *it == "RouteInstalled")
        .unwrap();
    assert!(
        names.iter().position(|it| *it == "RouteRemoved").unwrap() > installed,
        "{names:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_route_goes_and_a_strangers_stays() {
    let mut life = Life::active().await;
    let (local, main) = (life.network(Side::Local), life.main_table(Side::Local));
    life.cloud.out_of_band().route(
        &local,
        &main,
        "10.60.0.0/16".parse().unwrap(),
        RouteTarget::Link(life.link()),
    );
    life.says(WithdrawRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: range(CLIENTS),
    });
    life.settles().await;
    assert_eq!(
        life.routes(Side::Local),
        [(main, "10.60.0.0/16".to_owned())]
    );
    assert_eq!(
        (life.count("RouteRemoved"), life.count("DriftDetected")),
        (2, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_route_in_a_table_that_does_not_serve_is_somebody_elses_and_stays() {
    let mut life = Life::active().await;
    let local = life.network(Side::Local);
    let aside = life
        .cloud
        .out_of_band()
        .add_table(&local, &["subnet-aside".parse().unwrap()])
        .unwrap();
    let to_clients = range(CLIENTS).net();
    life.cloud
        .out_of_band()
        .route(&local, &aside, to_clients, RouteTarget::Link(life.link()));
    life.looks_again().await;
    assert_eq!(life.count("DriftDetected"), 1);
    life.says(WithdrawRoute {
        peering_id: peering_id(),
        side: Side::Local,
        destination: range(CLIENTS),
    });
    life.settles().await;
    assert_eq!(life.routes(Side::Local), [(aside, CLIENTS.to_owned())]);
}
