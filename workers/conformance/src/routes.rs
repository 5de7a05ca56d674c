//! Routes: installed once, removed once, never replaced; and where they lead.

use crate::OneObject as _;
use crate::stage::{Stage, kind, range};
use cloud::{CloudErrorKind, LinkState, NetworkRef, RouteState, RouteTarget, RouteView};
use domain::{Range, text::RouteTable};

async fn route(
    stage: &Stage,
    network: &NetworkRef,
    table: &RouteTable,
    to: Range,
) -> Vec<RouteView> {
    let mut found = stage.tables(network).await;
    found.retain(|it| it.table == *table);
    assert_eq!(found.len(), 1, "{table}");
    let mut routes = found.remove(0).routes;
    routes.retain(|it| it.destination.to_string() == to.to_string());
    routes
}

pub(crate) async fn a_route_is_installed_once_and_nothing_is_replaced(stage: Stage) {
    let link = stage.active().await;
    let (at, to) = (&stage.local.at, range("10.20.0.0/16"));
    let table = stage.main_table(&stage.local).await.table;
    let install = async |to| kind(stage.cloud.install_route(at, &table, to, &link).await);
    assert_eq!(install(to).await, None);
    let there = Some(CloudErrorKind::AlreadyThere);
    assert_eq!(install(to).await, there, "a repeat");
    let read = async || route(&stage, &stage.local, &table, to).await;
    let found = stage.until("the route", read, |it| !it.is_empty()).await;
    assert_eq!(found.len(), 1, "once: {found:?}");
    assert_eq!(found[0].target, RouteTarget::Link(link.clone()));

    let theirs = range("10.20.128.0/17");
    stage
        .world
        .route_elsewhere(&stage.local, &table, theirs)
        .await;
    assert_eq!(install(theirs).await, there, "another target's");
    let read = async || route(&stage, &stage.local, &table, theirs).await;
    let found = stage.until("their route", read, |it| !it.is_empty()).await;
    assert!(
        matches!(&found[..], [one] if matches!(one.target, RouteTarget::Other(_))),
        "it is not changed: {found:?}"
    );
    assert_eq!(
        install(range("10.10.0.0/16")).await,
        there,
        "the network itself"
    );
}

pub(crate) async fn a_route_is_removed_once(stage: Stage) {
    let link = stage.active().await;
    let (at, to) = (&stage.local.at, range("10.20.0.0/16"));
    let table = stage.main_table(&stage.local).await.table;
    stage
        .cloud
        .install_route(at, &table, to, &link)
        .await
        .unwrap();
    let read = async || route(&stage, &stage.local, &table, to).await;
    stage.until("the route", read, |it| it.len() == 1).await;
    let remove = async |at| kind(stage.cloud.remove_route(at, &table, to).await);
    let gone = Some(CloudErrorKind::NotFound);
    assert_eq!(remove(&stage.remote.at).await, gone, "another account");
    assert_eq!(remove(at).await, None);
    assert_eq!(remove(at).await, gone, "a repeat");
    stage.until("no route", read, Vec::is_empty).await;
}

/// A family's ranges are nothing to the other's, however they begin.
pub(crate) async fn routes_of_both_families_stand_side_by_side(stage: Stage) {
    let link = stage.active().await;
    let (at, cloud) = (&stage.local.at, &stage.cloud);
    let table = stage.main_table(&stage.local).await.table;
    let both = [range("10.20.0.0/16"), range("fd00:20::/56")];
    for to in both {
        let install = async || kind(cloud.install_route(at, &table, to, &link).await);
        assert_eq!(install().await, None, "{to}");
        let there = Some(CloudErrorKind::AlreadyThere);
        assert_eq!(install().await, there, "{to}, a repeat");
        let read = async || route(&stage, &stage.local, &table, to).await;
        let what = format!("the route to {to}");
        let found = stage.until(&what, read, |it| it.len() == 1).await;
        assert_eq!(found[0].target, RouteTarget::Link(link.clone()), "{to}");
        assert_eq!(found[0].state, RouteState::Active, "{to}");
    }
    let [v4, v6] = both;
    let remove = async || kind(cloud.remove_route(at, &table, v6).await);
    assert_eq!(remove().await, None);
    assert_eq!(remove().await, Some(CloudErrorKind::NotFound), "a repeat");
    let read = async || route(&stage, &stage.local, &table, v6).await;
    stage.until("no route of IPv6", read, Vec::is_empty).await;
    assert_eq!(route(&stage, &stage.local, &table, v4).await.len(), 1);
}

pub(crate) async fn a_route_leads_nowhere_without_an_active_link(stage: Stage) {
    let link = stage.pending().await;
    let (at, to) = (&stage.local.at, range("10.20.0.0/16"));
    let table = stage.main_table(&stage.local).await.table;
    stage
        .cloud
        .install_route(at, &table, to, &link)
        .await
        .unwrap();
    let state = async |wanted: RouteState| {
        let read = async || {
            let found = route(&stage, &stage.local, &table, to).await;
            found.into_iter().map(|it| it.state).collect::<Vec<_>>()
        };
        let right = |it: &Vec<RouteState>| *it == [wanted.clone()];
        stage.until(&format!("{wanted:?}"), read, right).await;
    };
    state(RouteState::Blackhole).await;
    let accepter = &stage.remote;
    stage.cloud.accept_link(&accepter.at, &link).await.unwrap();
    stage.shown(&stage.local, &link, LinkState::Active).await;
    state(RouteState::Active).await;
    stage.shown(accepter, &link, LinkState::Active).await;
    stage.cloud.delete_link(&accepter.at, &link).await.unwrap();
    state(RouteState::Blackhole).await;
}

pub(crate) async fn a_route_needs_a_table_and_a_link_that_are_there(stage: Stage) {
    let link = stage.active().await;
    let (at, to) = (&stage.local.at, range("10.20.0.0/16"));
    let table = stage.main_table(&stage.local).await.table;
    let theirs = stage.main_table(&stage.remote).await.table;
    let gone = Some(CloudErrorKind::NotFound);
    let install = stage.cloud.install_route(at, &theirs, to, &link).await;
    assert_eq!(kind(install), gone, "a table of another account");
    let unknown = "pcx-00000000000000000".parse().unwrap();
    let install = stage.cloud.install_route(at, &table, to, &unknown).await;
    assert_eq!(kind(install), gone, "no such link");
    assert_eq!(route(&stage, &stage.local, &table, to).await, []);
}
