//! What is changed while a link stands: the peer's ranges, the subnets of both ends, who answers
//! and until when; as the person at the terminal sees it.

use crate::support::{REGISTER, REQUEST, SOON};
use peerage_tests::engine::{Engine, Launch};
use serde_json::Value;
use tempfile::TempDir;
use testkit::wait;

const PEER: &str = "444455556666/vpc-0d4c3b2a";

/// An engine with a network and an active peering on the simulated cloud.
async fn engine(request: &[&str]) -> (Engine, TempDir) {
    let data = TempDir::new().unwrap();
    let engine = Launch::new(data.path()).start().await;
    engine.json(&REGISTER).await;
    engine.json(&[&REQUEST[..], request].concat()).await;
    (engine, data)
}

async fn peering(engine: &Engine) -> Value {
    let shown = engine.json(&["peering", "show", PEER]).await;
    shown["peering"].clone()
}

async fn comes_to(engine: &Engine, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    wait::until(what, SOON, || async {
        Some(peering(engine).await).filter(|it| holds(it))
    })
    .await
}

#[tokio::test]
async fn an_owner_and_an_end_are_named_shown_changed_asked_for_and_kept() {
    let admit = ["--admit", "10.30.0.0/16", "--admit-expires", "24h"];
    let tenure = ["--owner", "team-orders", "--expires", "30d"];
    let (engine, _data) = engine(&[&admit[..], &tenure].concat()).await;
    comes_to(&engine, "an active link", |it| it["converged"] == true).await;
    let shown = engine.cli(&["peering", "show", PEER]).await.stdout;
    for told in ["team-orders", "ends", "→ TCP 2113 until "] {
        assert!(shown.contains(told), "{told} in {shown}");
    }
    let listed = engine.cli(&["peering", "list"]).await.stdout;
    assert!(listed.contains("team-orders"), "{listed}");

    let policy = ["--require-owner", "--longest-admission", "2d"];
    engine
        .json(&[&["network", "policy", "orders"][..], &policy].concat())
        .await;
    let shown = engine.cli(&["network", "show", "orders"]).await.stdout;
    assert!(
        shown.contains("admitted sources end within 2days"),
        "{shown}"
    );
    let another = [
        "firewall",
        "restrict",
        PEER,
        "--admit",
        "10.30.0.0/16",
        "--admit",
        "10.30.7.0/24",
    ];
    let refused = engine.cli(&another).await;
    assert!(refused.stderr.contains("EXPIRY_REQUIRED"), "{refused:?}");
    let too_far = engine
        .cli(&[&another[..], &["--expires", "3d"]].concat())
        .await;
    assert!(too_far.stderr.contains("EXPIRY_TOO_FAR"), "{too_far:?}");
    let nobody = engine.cli(&["peering", "tenure", PEER, "--no-owner"]).await;
    assert!(nobody.stderr.contains("OWNER_REQUIRED"), "{nobody:?}");
    engine
        .json(&[&another[..], &["--expires", "1d"]].concat())
        .await;

    // The guest's end comes, and its rule goes; the rest stays.
    let guest = ["--admit", "10.30.7.0/24", "--expires", "4s"];
    engine
        .json(&[&["peering", "tenure", PEER][..], &guest].concat())
        .await;
    let after = comes_to(&engine, "the end of what was admitted", |it| {
        let local = &it["firewall"][0];
        local["admit"].as_array().map(Vec::len) == Some(1) && it["converged"] == true
    })
    .await;
    assert_eq!(after["firewall"][0]["admit"][0]["source"], "10.30.0.0/16");
    engine
        .json(&["peering", "tenure", PEER, "--expires", "4s"])
        .await;
    let ended = comes_to(&engine, "the end of the peering", |it| {
        it["state"] == "PEERING_STATE_REMOVED"
    })
    .await;
    assert!(ended["removal"]["expiryPassed"].is_string(), "{ended}");
    let events = engine.cli(&["audit"]).await.stdout;
    for event in ["PeeringTenureSet", "AdmissionExpired", "PeeringTenureEnded"] {
        assert!(events.contains(event), "{event} in {events}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn ranges_and_subnets_are_changed_while_the_link_stands() {
    let (engine, _data) = engine(&["--local-route", "10.30.0.0/16"]).await;
    comes_to(&engine, "an active link", |it| it["converged"] == true).await;
    engine
        .json(&["peering", "ranges", "add", PEER, "10.31.0.0/16"])
        .await;
    let shown = peering(&engine).await;
    assert_eq!(shown["peer"]["ranges"][1], "10.31.0.0/16");
    let shown = engine.cli(&["peering", "show", PEER]).await.stdout;
    assert!(
        shown.contains("10.31.0.0/16 (not seen at the peer yet)"),
        "{shown}"
    );
    let unknown = engine
        .cli(&["peering", "ranges", "drop", PEER, "10.32.0.0/16"])
        .await;
    assert!(
        unknown.stderr.contains("PEER_RANGE_NOT_ON_RECORD"),
        "{unknown:?}"
    );
    engine
        .json(&["peering", "ranges", "drop", PEER, "10.31.0.0/16"])
        .await;
    let last = engine
        .cli(&["peering", "ranges", "drop", PEER, "10.30.0.0/16"])
        .await;
    assert!(last.stderr.contains("PEER_RANGES_MISSING"), "{last:?}");

    engine.json(&["peering", "subnets", "all", PEER]).await;
    assert_eq!(peering(&engine).await["peer"]["subnets"][0], "*");
    engine.json(&["network", "subnets", "all", "orders"]).await;
    let network = engine.json(&["network", "show", "orders"]).await;
    assert_eq!(network["network"]["subnets"][0], "*", "{network}");
    let after = comes_to(&engine, "routes that moved along", |it| {
        it["converged"] == true
    })
    .await;
    assert_eq!(after["routes"][0]["destination"], "10.30.0.0/16");
    engine.stop().await;
}
