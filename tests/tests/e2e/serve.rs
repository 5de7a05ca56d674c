//! `serve` against an EC2 emulator in two accounts and two regions, driven by the command line as a
//! user would.

use crate::support::SOON;
use crate::support::api::{Api, assert_valid};
use crate::support::world::{Pair, World};
use peerage_tests::engine::{Engine, Launch};
use peerage_tests::wait;
use serde_json::Value;
use std::time::Duration;
use tempfile::TempDir;

/// Network and peering, by the commands of the README.
pub(crate) async fn peer(engine: &Engine, pair: &Pair) -> (String, String) {
    let (local, remote) = (&pair.local, &pair.remote);
    let register = [
        "network",
        "register",
        "--name",
        "orders",
        "--account",
        &local.place.account,
        "--region",
        &local.place.region,
    ];
    let own = [
        "--vpc",
        &local.vpc,
        "--range",
        &local.cidr,
        "--subnet",
        &local.subnets[1],
    ];
    let network = text(&engine.json(&[&register[..], &own[..]].concat()).await["networkId"]);
    let request = [
        "peering",
        "request",
        "--network",
        &network,
        "--account",
        &remote.place.account,
        "--region",
        &remote.place.region,
    ];
    let peering = text(
        &engine
            .json(
                &[
                    &request[..],
                    &["--vpc", &remote.vpc, "--range", &remote.cidr],
                ]
                .concat(),
            )
            .await["peeringId"],
    );
    for (side, destination) in [("local", &remote.cidr), ("remote", &local.cidr)] {
        let accept = [
            "route",
            "accept",
            &peering,
            "--side",
            side,
            "--destination",
            destination,
        ];
        let answer = engine.cli(&accept).await.done();
        assert!(answer.contains("RouteAccepted"), "{answer}");
    }
    let admit = format!("{}:2113", remote.cidr);
    let answer = engine
        .cli(&["firewall", "restrict", &peering, "--admit", &admit])
        .await
        .done();
    assert!(answer.contains("FirewallRestricted"), "{answer}");
    (network, peering)
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text, not {value}"))
        .to_owned()
}

#[tokio::test]
async fn a_peering_asked_for_on_the_command_line_becomes_real_in_two_accounts_and_regions_and_nothing_else()
 {
    let (world, data) = (World::new().await, TempDir::new().unwrap());
    let pair = world.pair();
    let launch = Launch::new(data.path()).aws(&world.moto.endpoint());
    let engine = launch.start().await;
    let (network, peering) = peer(&engine, &pair).await;

    let watched = engine.cli(&["peering", "watch", &peering]).await.done();
    for event in [
        "PeeringRequested",
        "PeeringInitiationStarted",
        "PeeringInitiated",
        "PeeringAccepted",
        "PeeringActivated",
    ] {
        assert_eq!(
            watched.matches(&format!("  {event} ")).count(),
            1,
            "{event}:\n{watched}"
        );
    }
    world.judge(&pair, &format!("{network}/{peering}"));

    let shown = engine.json(&["peering", "show", &peering]).await;
    assert_eq!(
        (
            shown["peering"]["state"].as_str(),
            shown["peering"]["converged"].as_bool()
        ),
        (Some("PEERING_STATE_ACTIVE"), Some(true)),
        "{shown:#}"
    );
    let installed = |side: &str| {
        let routes = shown["peering"]["routes"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["side"] == side);
        routes
            .flat_map(|it| it["installedIn"].as_array().unwrap())
            .map(text)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        installed("SIDE_LOCAL"),
        std::slice::from_ref(&pair.local.extra_route_table)
    );
    assert_eq!(
        installed("SIDE_REMOTE"),
        std::slice::from_ref(&pair.remote.main_route_table)
    );
    let codes: Vec<_> = shown["advisories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["code"]).replace("ADVISORY_CODE_", ""))
        .collect();
    assert_eq!(
        codes,
        [
            "CROSS_REGION",
            "INTER_REGION_LIMITS",
            "PRIVATE_NAMES",
            "NON_TRANSITIVE",
            "EDGE_ROUTING",
            "ATTACH_GROUP"
        ]
    );
    let listed = engine
        .json(&["peering", "list", "--network", &network])
        .await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed:#}");
    let audit = engine.cli(&["audit", "--peering", &peering]).await.done();
    assert!(
        audit.contains("PeeringActivated") && audit.contains("PeeringRequested"),
        "{audit}"
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_second_start_on_a_finished_world_changes_nothing_at_the_cloud_or_in_the_log() {
    let (world, data) = (World::new().await, TempDir::new().unwrap());
    let pair = world.pair();
    let launch = Launch::new(data.path()).aws(&world.moto.endpoint());
    let engine = launch.start().await;
    let (network, peering) = peer(&engine, &pair).await;
    let api = Api::connect(&engine.server()).await;
    api.converged(&peering).await;
    let history = api.history(&network).await;
    assert_valid(&history);
    engine.stop().await;
    let before = world.oracle.dump(&pair.places());

    world.moto.record().await;
    let engine = launch.start().await;
    let api = Api::connect(&engine.server()).await;
    wait::until("a look at all there is", SOON, || async {
        let called = world.moto.recorded();
        let looked = |call: &&str| called.iter().any(|it| it == call);
        [
            "DescribeVpcPeeringConnections",
            "DescribeRouteTables",
            "DescribeSecurityGroups",
        ]
        .iter()
        .all(looked)
        .then_some(())
    })
    .await;
    // Five more turns of the provisioner, were there anything to do.
    wait::elapse(Duration::from_secs(1)).await;
    let called = world.moto.recorded();
    let reads = |call: &&String| {
        call.starts_with("Describe") || ["AssumeRole", "GetCallerIdentity"].contains(&call.as_str())
    };
    let changing: Vec<_> = called.iter().filter(|call| !reads(call)).collect();
    assert!(changing.is_empty(), "{changing:?}");
    assert_eq!(
        api.history(&network).await,
        history,
        "the log tells nothing new"
    );
    assert_eq!(
        world.oracle.dump(&pair.places()),
        before,
        "the cloud is as it was"
    );
    engine.stop().await;
}
