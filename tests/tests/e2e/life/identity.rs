//! One network at a cloud, registered twice; and a link that another network's peering made.

use super::peering::{Life, text};
use super::worlds::RunningWorld;
use std::sync::Arc;

in_every_world!(
    a_network_is_registered_once_and_a_link_is_one_peerings_whoever_has_the_ends_on_record,
);

async fn a_network_is_registered_once_and_a_link_is_one_peerings_whoever_has_the_ends_on_record(
    running: Arc<RunningWorld>,
) {
    let mut life = Life::active(running).await;
    let (local, remote) = (life.pair.local.clone(), life.pair.remote.clone());
    let register = |network: &peerage_tests::oracle::Network| {
        [
            "network",
            "register",
            "--name",
            "again",
            "--account",
            &network.place.account,
            "--region",
            &network.place.region,
            "--vpc",
            &network.vpc,
            "--range",
            &network.cidr,
        ]
        .map(str::to_owned)
    };
    let words = |command: &[String]| command.to_vec();
    let command = words(&register(&local));
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let refused = life.engine.cli(&command).await;
    let said = &refused.stderr;
    assert!(
        said.contains("[NETWORK_ALREADY_REGISTERED]") && said.contains(&life.network),
        "{refused:?}"
    );

    // The peer is a private network itself, and somebody takes it up from that end.
    let there = words(&register(&remote));
    let there: Vec<&str> = there.iter().map(String::as_str).collect();
    let far = text(&life.says(&there).await["networkId"]);
    let link = life.told("PeeringInitiated", 1).await[0]["link"].clone();
    let back = [
        "--network",
        &far,
        "--account",
        &local.place.account,
        "--region",
        &local.place.region,
        "--vpc",
        &local.vpc,
        "--range",
        &local.cidr,
    ];
    let link = text(&link);
    let adopt = [
        &["peering", "adopt"][..],
        &back,
        &["--link", &link, "--yes"],
    ]
    .concat();
    life.is_refused(&adopt, "LINK_ON_RECORD_ELSEWHERE").await;
    let request = [&["peering", "request"][..], &back].concat();
    life.is_refused(&request, "PEER_LINKED_ELSEWHERE").await;
    life.judge(&life.expected());

    life.crashes().await;
    life.is_refused(&command, "NETWORK_ALREADY_REGISTERED")
        .await;
    life.says(&["network", "retire", &far, "--reason", "not needed"])
        .await;
    let anew = text(&life.says(&there).await["networkId"]);
    assert_ne!(anew, far, "a new generation has an id of its own");
    life.ends().await;
}
