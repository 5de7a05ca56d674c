//! Routes that change: one takes another's place without a gap, and one goes.

use super::peering::{Life, first, last};
use super::worlds::RunningWorld;
use peerage::api::v1::{Peering, Side};
use peerage_tests::oracle::{Route, Rule, Wanted};
use std::sync::Arc;

in_every_world!(
    a_route_takes_anothers_place_only_once_it_is_in_and_a_withdrawn_one_goes,
    a_route_that_somebody_else_has_is_a_conflict_and_is_never_taken_over,
    one_host_of_a_peer_in_shared_space_is_a_destination_a_source_and_a_target,
    two_networks_with_addresses_of_both_families_are_joined_for_both_and_parted_again,
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

async fn one_host_of_a_peer_in_shared_space_is_a_destination_a_source_and_a_target(
    running: Arc<RunningWorld>,
) {
    const HOST: &str = "100.64.8.9/32";
    const BLOCK: &str = "100.64.8.32/27";
    let mut life = Life::registered(running).await;
    let wanted = Wanted {
        name: "shared".to_owned(),
        place: life.pair.remote.place.clone(),
        cidr: "100.64.8.0/26".to_owned(),
    };
    life.pair.remote = life.people().prepare(&[wanted]).remove("shared").unwrap();
    let own_host = "10.20.3.4/32";
    let admit = format!("{HOST}:2113");
    let setup = [
        "--local-route",
        BLOCK,
        "--remote-route",
        own_host,
        "--admit",
        &admit,
    ];
    life.asks(&setup).await;
    let allow = [
        "firewall",
        "allow",
        &life.peering,
        "--target",
        HOST,
        "--port",
        "9092",
        "--reason",
        "orders go to the peer's broker",
        "--from",
        own_host,
        "--no-expiry",
    ];
    life.says(&allow).await;
    life.converged().await;
    let mut expected = life.expected();
    let route = |destination: &str| {
        vec![Route {
            destination: destination.to_owned(),
            peering: format!("{}/{}", life.network, life.peering),
        }]
    };
    expected.route_tables[1].routes = route(BLOCK);
    expected.route_tables[2].routes = route(own_host);
    expected.security_groups[0].ingress[0].source = HOST.to_owned();
    let ingress = Rule {
        from: 9092,
        to: 9092,
        source: own_host.to_owned(),
        ..expected.security_groups[0].ingress[0].clone()
    };
    expected.security_groups[1].ingress = vec![ingress];
    life.judge(&expected);
    let outside = [
        "route",
        "accept",
        &life.peering,
        "--side",
        "local",
        "--destination",
        "100.64.9.1/32",
    ];
    life.is_refused(&outside, "DESTINATION_OUT_OF_REACH").await;
    life.ends().await;
}

async fn two_networks_with_addresses_of_both_families_are_joined_for_both_and_parted_again(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::registered(running).await;
    let (local, remote) = (life.pair.local.clone(), life.pair.remote.clone());
    let own = life.people().widen_to_ipv6(&local);
    let peers = life.people().widen_to_ipv6(&remote);
    let (network, admit) = (life.network.clone(), format!("{peers}:2113"));
    let peer = life.peer();
    let peer: Vec<&str> = peer.iter().map(String::as_str).collect();
    let plan = [&["peering", "plan"][..], &peer].concat();
    let (plan, account) = (
        life.says(&plan).await["advisories"].to_string(),
        &remote.place.account,
    );
    for to_do in [
        format!("peerage network ipv6 {network} {own}"),
        format!(
            "peerage peering ranges add {account}/{} {peers}",
            remote.vpc
        ),
    ] {
        assert!(plan.contains(&to_do), "{plan}");
    }
    let too_early = ["--range", &peers, "--local-route", &peers];
    let asked = [
        vec!["peering".to_owned(), "request".to_owned()],
        life.peer(),
        too_early.map(str::to_owned).to_vec(),
    ];
    let asked = asked.concat();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    life.is_refused(&asked, "ADDRESS_FAMILY_MISSING").await;
    life.says(&["network", "ipv6", &network, &own]).await;
    life.told("NetworkIpv6RangesSet", 1).await;
    life.asks(&[&too_early[..], &["--remote-route", &own]].concat())
        .await;
    life.agrees().await;
    let admit_ipv4 = format!("{}:2113", remote.cidr);
    let restrict = ["firewall", "restrict", &life.peering];
    let both = ["--admit", &admit_ipv4, "--admit", &admit];
    life.says(&[&restrict[..], &both].concat()).await;
    let allow = [
        "firewall",
        "allow",
        &life.peering,
        "--target",
        &peers,
        "--port",
        "9092",
        "--reason",
        "orders go to the peer's broker",
        "--from",
        &own,
        "--no-expiry",
    ];
    life.says(&allow).await;
    life.converged().await;
    let before = life.expected();
    let mut expected = before.clone();
    let peering = format!("{}/{}", life.network, life.peering);
    let route = |destination: &str| Route {
        destination: destination.to_owned(),
        peering: peering.clone(),
    };
    expected.route_tables[1].routes.push(route(&peers));
    expected.route_tables[2].routes.push(route(&own));
    let rule = expected.security_groups[0].ingress[0].clone();
    let of = |port, source: &str| Rule {
        from: port,
        to: port,
        source: source.to_owned(),
        ..rule.clone()
    };
    expected.security_groups[0].ingress.push(of(2113, &peers));
    expected.security_groups[1].ingress.push(of(9092, &own));
    life.judge(&expected);
    let address = format!("{}7", peers.split('/').next().unwrap());
    let reached = life
        .engine
        .cli(&["audit", "who-can-reach", &format!("[{address}]:9092")])
        .await;
    let reached = reached.done();
    assert!(
        reached.contains("not attached") && reached.contains(&own),
        "{reached}"
    );

    // What somebody takes is put back; what somebody adds stays, and is told.
    let (table, main) = (
        local.extra_route_table.clone(),
        remote.main_route_table.clone(),
    );
    life.people().delete_route(&local, &table, &peers);
    life.checks().await;
    life.told("DriftRepaired", 1).await;
    life.converged().await;
    life.judge(&expected);
    let theirs = format!("{}/60", own.split('/').next().unwrap());
    let link = life.converged().await.link;
    life.people().route_over(&remote, &main, &theirs, &link);
    life.checks().await;
    let drifted = life.told("DriftDetected", 2).await;
    assert_eq!(drifted[1]["finding"]["destination"], theirs, "{drifted:#?}");
    life.people().delete_route(&remote, &main, &theirs);

    life.says(&["network", "ipv6", &network, "--none"]).await;
    life.told("ConnectorIngressRevoked", 1).await;
    life.told("RouteRemoved", 2).await;
    life.told("FirewallRuleRevoked", 2).await;
    life.converged().await;
    life.judge(&before);
    life.says(&["network", "ipv6", &network, &own]).await;
    let again = [
        "route",
        "accept",
        &life.peering,
        "--side",
        "remote",
        "--destination",
        &own,
    ];
    life.says(&again).await;
    life.converged().await;
    let mut expected = before;
    expected.route_tables[2].routes.push(route(&own));
    life.judge(&expected);
    life.ends().await;
}
