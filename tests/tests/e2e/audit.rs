//! The audit as people read it: what happened in sentences, found by what is asked for.

use peerage_tests::engine::{Launch, peerage};
use serde_json::Value;
use std::process::Stdio;
use tempfile::TempDir;
use testkit::wait;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const REGISTER: [&str; 12] = [
    "network",
    "register",
    "--name",
    "orders",
    "--region",
    "eu-west-1",
    "--account",
    "111122223333",
    "--vpc",
    "vpc-0a1b2c3d",
    "--range",
    "10.20.0.0/16",
];

const REQUEST: [&str; 16] = [
    "peering",
    "request",
    "--network",
    "orders",
    "--region",
    "us-east-1",
    "--account",
    "444455556666",
    "--vpc",
    "vpc-0d4c3b2a",
    "--range",
    "10.30.0.0/16",
    "--ticket",
    "OPS-7",
    "--reason",
    "the orders team moves",
];

/// The types of these events, in their order.
fn types(events: &Value) -> Vec<&str> {
    let events = events.as_array().unwrap().iter();
    events.map(|it| it["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_log_tells_in_sentences_who_did_what_and_why_and_is_found_by_ticket_account_and_range()
{
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let _ = engine.cli(&REGISTER).await.done();
    let requested = engine.json(&REQUEST).await;
    let peering = requested["peeringId"].as_str().unwrap().to_owned();
    let _ = engine.cli(&["peering", "watch", &peering]).await.done();

    let told = engine.cli(&["audit", "log"]).await.done();
    // However it was wrapped.
    let plain = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "registered network default/orders with 10.20.0.0/16 (aws vpc-0a1b2c3d in eu-west-1)",
        "requested a peering with 444455556666/vpc-0d4c3b2a (10.30.0.0/16)",
        "reason: the orders team moves; ticket: OPS-7",
        "default/orders",
        "is active",
    ] {
        assert!(plain.contains(words), "{words} in\n{told}");
    }
    for line in told.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let place = |words: &str| told.find(words).unwrap();
    assert!(
        place("requested a peering") < place("is active"),
        "the newest last"
    );

    let of_ticket = engine.json(&["audit", "log", "--ticket", "OPS-7"]).await;
    assert_eq!(types(&of_ticket)[0], "PeeringRequested");
    assert!(types(&of_ticket).iter().all(|it| *it != "PeeringActivated"));
    let of_account = engine
        .json(&["audit", "log", "--account", "444455556666"])
        .await;
    assert!(types(&of_account).contains(&"PeeringActivated"));
    assert!(!types(&of_account).contains(&"NetworkRegistered"));
    // Both ways: what contains the range, and what is a part of it.
    let around = engine.json(&["audit", "log", "--range", "10.20.5.5"]).await;
    assert_eq!(types(&around)[0], "NetworkRegistered");
    let within = engine
        .json(&["audit", "log", "--range", "10.24.0.0/13"])
        .await;
    assert_eq!(types(&within)[0], "PeeringRequested");
    let elsewhere = engine
        .json(&["audit", "log", "--range", "192.168.0.0/16"])
        .await;
    assert_eq!(types(&elsewhere), Vec::<&str>::new());

    let last_two = engine.json(&["audit", "log", "--limit", "2"]).await;
    let all = engine.json(&["audit", "log"]).await;
    assert_eq!(types(&last_two), types(&all)[types(&all).len() - 2..]);
    let first = all[0]["position"].as_str().unwrap();
    let up_to_first = engine.json(&["audit", "log", "--up-to", first]).await;
    assert_eq!(types(&up_to_first), ["NetworkRegistered"]);
    let wrong = ["audit", "log", "--range", "10.20.0.1/16"];
    let wrong = engine.cli(&wrong).await;
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.stderr.contains("did you mean 10.20.0.0/16?"),
        "{}",
        wrong.stderr
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_log_that_is_followed_tells_what_is_new_and_nothing_twice() {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    let _ = engine.cli(&REGISTER).await.done();
    let mut command = tokio::process::Command::from(peerage());
    let arguments = ["audit", "log", "--follow", "--output", "json", "--server"];
    let mut follower = command
        .args(arguments)
        .arg(engine.server())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut next = async || {
        let line = wait::soon(lines.next_line()).await;
        serde_json::from_str::<Value>(&line.unwrap().unwrap()).unwrap()
    };
    assert_eq!(next().await["type"], "NetworkRegistered");
    let _ = engine
        .cli(&["freeze", "--network", "orders", "--reason", "an incident"])
        .await
        .done();
    let _ = engine
        .cli(&["thaw", "--network", "orders", "--reason", "it is over"])
        .await
        .done();
    let mut told = vec![next().await, next().await];
    while told.last().unwrap()["type"] != "NetworkThawed" {
        told.push(next().await);
    }
    let mut places: Vec<_> = told.iter().map(|it| it["position"].to_string()).collect();
    places.dedup();
    assert_eq!(places.len(), told.len());
    assert!(told.iter().any(|it| it["type"] == "NetworkFrozen"));
    follower.kill().await.unwrap();
    engine.stop().await;
}
