//! A network that was made in one cloud, and an engine of another on the same data.

use crate::support::SOON;
use peerage_tests::engine::{Engine, Launch};
use peerage_tests::wait;
use serde_json::Value;
use std::io::ErrorKind;
use std::net::TcpListener;
use tempfile::TempDir;

const NETWORK: [&str; 8] = [
    "--account",
    "111122223333",
    "--vpc",
    "vpc-0a1b2c3d",
    "--range",
    "10.20.0.0/16",
    "--region",
    "eu-west-1",
];

async fn asks_for_a_peering(engine: &Engine) -> String {
    let register = [&["network", "register", "--name", "orders"][..], &NETWORK].concat();
    engine.json(&register).await;
    let peer = [
        "--region",
        "us-east-1",
        "--account",
        "444455556666",
        "--vpc",
        "vpc-0d4c3b2a",
        "--range",
        "10.30.0.0/16",
    ];
    let request = [&["peering", "request", "--network", "orders"][..], &peer].concat();
    engine.json(&request).await["peeringId"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn shown(engine: &Engine) -> Value {
    engine.json(&["network", "show", "orders"]).await["network"].clone()
}

async fn events(engine: &Engine) -> usize {
    let events = engine.json(&["audit", "--network", "orders"]).await;
    events.as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn what_was_made_in_a_simulation_is_marked_and_an_engine_of_aws_leaves_it_alone() {
    let data = TempDir::new().unwrap();
    let launch = || Launch::new(data.path()).own_store();
    let simulation = launch().start().await;
    let peering = asks_for_a_peering(&simulation).await;
    assert_eq!(
        shown(&simulation).await["cloud"]["mode"],
        "CLOUD_MODE_SIMULATED"
    );
    let table = simulation.cli(&["network", "list"]).await.done();
    assert!(table.contains("simulated"), "{table}");
    let table = simulation.cli(&["peering", "list"]).await.done();
    assert!(table.contains("simulated"), "{table}");
    simulation.stop().await;

    // Whoever would ask it anything would connect.
    let emulator = TcpListener::bind("127.0.0.1:0").unwrap();
    emulator.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", emulator.local_addr().unwrap());
    let other = launch()
        .aws(&endpoint)
        .with(&["--cloud", "aws"])
        .start()
        .await;
    let before = events(&other).await;
    let told = || async { other.process.output().contains("left alone").then_some(()) };
    wait::until("the network to be left alone", SOON, told).await;
    let why = format!("(simulated) than this engine's (emulator at {endpoint})");
    let left_alone = shown(&other).await["leftAlone"].clone();
    assert!(left_alone.as_str().unwrap().contains(&why), "{left_alone}");
    let told = other.cli(&["peering", "show", &peering]).await.done();
    assert!(told.contains("LEFT ALONE"), "{told}");
    let plan = other.cli(&["peering", "plan", &peering]).await;
    assert_eq!(plan.code, Some(1), "{plan:?}");
    assert!(plan.stderr.contains("[NETWORK_ELSEWHERE]"), "{plan:?}");
    assert_eq!(events(&other).await, before, "and nothing was written");
    let asked = emulator.accept().map(drop).map_err(|it| it.kind());
    assert_eq!(asked, Err(ErrorKind::WouldBlock), "and nothing was asked");

    let gcp = [
        "network",
        "register",
        "--name",
        "g",
        "--provider",
        "gcp",
        "--region",
        "europe-west1",
        "--account",
        "orders-prod",
        "--vpc",
        "orders",
        "--range",
        "10.21.0.0/16",
    ];
    let gcp = other.cli(&gcp).await;
    assert_eq!(gcp.code, Some(1), "{gcp:?}");
    assert!(gcp.stderr.contains("[PROVIDER_NOT_SERVED]"), "{gcp:?}");
    other.stop().await;

    let simulation = launch().start().await;
    assert_eq!(shown(&simulation).await["leftAlone"], "");
    let clouds = simulation.json(&["server", "info"]).await["clouds"].clone();
    assert_eq!(clouds.as_array().map(Vec::len), Some(3), "{clouds}");
    simulation.stop().await;
}
