//! The bad day: a quarantine closes both sides in one command and keeps the link, a freeze opens
//! nothing, an exposure takes the routes into the peer away, and all are shown and taken back; and
//! the own side is cleaned up of a peering that is given up.

use super::peering::Life;
use super::worlds::{Change, RunningWorld};
use peerage::api::v1::{Peering, Side};
use std::sync::Arc;

in_world!(
    on_the_simulated_cloud, Simulated, of:
    a_quarantine_closes_both_sides_and_keeps_the_link_until_it_is_lifted,
    a_frozen_network_opens_nothing_and_closes_all_the_same
);

in_world!(
    on_the_strict_cloud, Strict, of:
    an_exposure_withdraws_the_routes_into_the_peer_where_the_policy_blocks_until_it_is_gone,
    the_own_side_of_a_peering_that_is_given_up_is_cleaned_up_with_the_link_on_request
);

async fn an_exposure_withdraws_the_routes_into_the_peer_where_the_policy_blocks_until_it_is_gone(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    life.converged().await;
    let policy = |exposure| ["network", "policy", &life.network, "--exposure", exposure];
    life.says(&policy("block")).await;
    let group = life
        .people()
        .open(&life.pair.remote, "legacy", &[(22, "10.0.0.0/8")]);
    life.checks().await;
    life.told("RoutesSuspended", 1).await;
    let suspended = life
        .api
        .peering_when(
            "routes that are withdrawn",
            &life.peering,
            |it: &Peering| {
                let own = it.routes.iter().filter(|it| it.side() == Side::Local);
                !it.suspended_routes.is_empty()
                    && own.into_iter().all(|it| it.installed_in.is_empty())
            },
        )
        .await;
    assert!(!suspended.converged, "{suspended:#?}");
    let shown = life.engine.cli(&["peering", "show", &life.peering]).await;
    assert!(shown.stdout.contains("suspended"), "{}", shown.stdout);
    let mut expected = life.expected();
    expected.route_tables[1].routes.clear();
    expected.given_security_groups = vec![group];
    life.judge(&expected);

    // It stands on; what is done about it is another thing now.
    life.says(&policy("report")).await;
    life.told("RoutesResumed", 1).await;
    let resumed = life.converged().await;
    assert!(resumed.suspended_routes.is_empty(), "{resumed:#?}");
    expected.route_tables = life.expected().route_tables;
    life.judge(&expected);
    life.ends().await;
}

async fn the_own_side_of_a_peering_that_is_given_up_is_cleaned_up_with_the_link_on_request(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    let seen = life.converged().await;
    let remote = life.pair.remote.place.account.clone();
    life.running.deny(&remote, Change::DeleteRoute).await;
    life.says(&[
        "peering",
        "abandon",
        &life.peering,
        "--clean",
        "local",
        "--reason",
        "the peer has taken the role away",
        "--yes",
    ])
    .await;
    let gone = life.lives("abandoned").await;
    let mut expected = life.expected();
    expected.peerings.clear();
    // What is left there leads nowhere; its owner takes it away.
    life.running.permit(&remote, Change::DeleteRoute).await;
    life.somebody_deletes_the_peers_route();
    for table in &mut expected.route_tables {
        table.routes.clear();
    }
    expected.security_groups.remove(0);
    life.judge(&expected);
    let listed = format!("{:?}", gone.leftovers);
    assert!(!listed.contains(&seen.link), "the link is gone: {listed}");
    assert!(
        listed.contains(&life.pair.remote.main_route_table)
            && !listed.contains(&life.pair.local.extra_route_table),
        "{listed}"
    );
    life.ends().await;
}

async fn a_quarantine_closes_both_sides_and_keeps_the_link_until_it_is_lifted(
    running: Arc<RunningWorld>,
) {
    let life = Life::active(running).await;
    let before = life.converged().await;
    let account = life.pair.remote.place.account.clone();
    let impose = [
        "quarantine",
        "--account",
        &account,
        "--reason",
        "a key was lost",
        "--command-id",
        "6d3b9c1e-52f7-4a0b-9e7d-0c1f2a3b4c5d",
    ];
    let answer = life.says(&impose).await;
    let ours = |answer: &serde_json::Value| {
        let networks = answer["networks"].as_array().unwrap().clone();
        let ours = networks
            .into_iter()
            .find(|it| it["networkId"] == life.network.as_str());
        ours.expect("the answer tells of this network")
    };
    assert_eq!(ours(&answer)["eventTypes"][0], "QuarantineImposed");
    assert_eq!(ours(&answer)["peeringsInScope"], 1, "{answer:#}");
    let again = life.says(&impose).await;
    assert_eq!(ours(&again)["repeated"], true, "{again:#}");

    life.told("FirewallRuleRevoked", 1).await;
    let closed = life
        .api
        .peering_when("a closed peering", &life.peering, |it: &Peering| {
            it.routes.iter().all(|route| route.installed_in.is_empty())
        })
        .await;
    assert_eq!(closed.quarantines.len(), 1, "{closed:#?}");
    assert_eq!((&closed.link, closed.converged), (&before.link, false));
    let mut expected = life.expected();
    for table in &mut expected.route_tables {
        table.routes.clear();
    }
    for group in &mut expected.security_groups {
        group.ingress.clear();
    }
    life.judge(&expected);
    for (word, subject, told) in [
        ("network", &life.network, "quarantines: 1"),
        ("peering", &life.peering, "in quarantine"),
    ] {
        let shown = life.engine.cli(&[word, "show", subject]).await;
        assert!(shown.stdout.contains(told), "{}", shown.stdout);
    }

    // One digit short: nobody is closed out, and that is said.
    let mistaken = &account[1..];
    let of_nobody = [
        "quarantine",
        "--account",
        mistaken,
        "--reason",
        "a key was lost",
    ];
    let told = life.engine.cli(&of_nobody).await;
    assert!(told.stderr.contains("nothing is closed"), "{}", told.stderr);
    assert!(told.stdout.contains("0 peerings"), "{}", told.stdout);
    life.says(&["quarantine", "lift", "--account", mistaken])
        .await;

    life.says(&["quarantine", "lift", "--account", &account])
        .await;
    let opened = life.converged().await;
    assert!(opened.quarantines.is_empty(), "{opened:#?}");
    life.judge(&life.expected());
    life.ends().await;
}

async fn a_frozen_network_opens_nothing_and_closes_all_the_same(running: Arc<RunningWorld>) {
    let life = Life::active(running).await;
    life.converged().await;
    let (local, narrow) = (life.pair.local.cidr.clone(), "10.30.0.0/17");
    let freeze = ["freeze", "--network", &life.network, "--reason", "a change"];
    life.says(&freeze).await;
    let route = |word: &'static str, side: &'static str, destination: &str| {
        [
            "route".to_owned(),
            word.to_owned(),
            life.peering.clone(),
            "--side".to_owned(),
            side.to_owned(),
            "--destination".to_owned(),
            destination.to_owned(),
        ]
    };
    let accept = route("accept", "local", narrow);
    life.says(&accept.each_ref().map(String::as_str)).await;
    let withdraw = route("withdraw", "remote", &local);
    life.says(&withdraw.each_ref().map(String::as_str)).await;
    // What closes is done; what opens would have been done before it.
    life.told("RouteRemoved", 1).await;
    let frozen = life.api.peering(&life.peering, "").await.unwrap();
    assert!(frozen.frozen.is_some(), "{frozen:#?}");
    let opened = |it: &Peering| {
        let route = it.routes.iter().find(|it| it.destination == narrow);
        route.is_some_and(|it| !it.installed_in.is_empty())
    };
    assert!(!opened(&frozen), "{frozen:#?}");
    life.says(&["thaw", "--network", &life.network]).await;
    let thawed = life.converged().await;
    assert!(thawed.frozen.is_none() && opened(&thawed), "{thawed:#?}");

    let before = life.history().await.len();
    let all = life
        .says(&[
            "freeze",
            "--all",
            "--reason",
            "a rehearsal",
            "--validate-only",
        ])
        .await;
    assert_eq!(all["validatedOnly"], true, "{all:#}");
    assert_eq!(life.history().await.len(), before, "only tried");
    life.ends().await;
}
