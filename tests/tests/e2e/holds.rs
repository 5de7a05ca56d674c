//! The bad day: what is held in every network holds for networks that are registered later too.

use peerage_tests::engine::{Engine, Launch};
use serde_json::{Value, json};
use tempfile::TempDir;

const ACCOUNT: &str = "444455556666";

async fn register(engine: &Engine, name: &str, number: u8, more: &[&str]) -> Value {
    let (vpc, range) = (
        format!("vpc-0a1b2c{number:02x}"),
        format!("10.{number}.0.0/16"),
    );
    let network = [
        "network",
        "register",
        "--name",
        name,
        "--region",
        "eu-west-1",
        "--account",
        "111122223333",
        "--vpc",
        &vpc,
        "--range",
        &range,
    ];
    engine.json(&[&network[..], more].concat()).await
}

/// Whether a network is frozen, and the accounts that are in quarantine there: each only if that
/// was meant for every network.
async fn held(engine: &Engine, name: &str) -> (bool, Vec<Value>) {
    let shown = engine.json(&["network", "show", name]).await["network"].clone();
    let quarantines = shown["quarantines"].as_array().unwrap().iter();
    let everywhere = |it: &&Value| it["hold"]["everywhere"] == true;
    let accounts = quarantines.filter(everywhere);
    let accounts = accounts.map(|it| it["scope"]["peerAccount"].clone());
    (shown["frozen"]["everywhere"] == true, accounts.collect())
}

#[tokio::test]
async fn what_is_held_in_every_network_holds_for_those_that_are_registered_while_it_stands() {
    let data = TempDir::new().unwrap();
    let launch = Launch::new(data.path()).own_store();
    let engine = launch.start().await;
    let says = async |engine: &Engine, arguments: &[&str]| {
        let _ = engine.cli(arguments).await.done();
    };
    register(&engine, "first", 10, &[]).await;
    register(&engine, "second", 11, &[]).await;
    let incident = ["--reason", "an incident"];
    // Of one network alone, which is nothing to others.
    says(
        &engine,
        &[&["freeze", "--network", "first"][..], &incident].concat(),
    )
    .await;
    register(&engine, "apart", 12, &[]).await;
    assert_eq!(held(&engine, "apart").await, (false, vec![]));
    assert_eq!(held(&engine, "first").await, (false, vec![]));

    says(&engine, &[&["freeze", "--all"][..], &incident].concat()).await;
    says(
        &engine,
        &[&["quarantine", "--account", ACCOUNT][..], &incident].concat(),
    )
    .await;
    let all = (true, vec![json!(ACCOUNT)]);
    for known in ["first", "second", "apart"] {
        assert_eq!(held(&engine, known).await, all, "{known}");
    }
    let id = "00000000-0000-4000-8000-000000000017";
    register(&engine, "later", 13, &["--command-id", id]).await;
    assert_eq!(held(&engine, "later").await, all);
    let peering = [
        "peering",
        "request",
        "--network",
        "later",
        "--account",
        ACCOUNT,
        "--region",
        "us-east-1",
        "--vpc",
        "vpc-0d4c3b2a",
        "--range",
        "10.30.0.0/16",
    ];
    let asked = engine.json(&peering).await;
    let id_of_peering = asked["peeringId"].as_str().unwrap();
    let shown = engine.json(&["peering", "show", id_of_peering]).await;
    assert!(shown["peering"]["frozen"].is_object(), "{shown:#}");

    // The one that is sent again is answered as it was, and says nothing twice.
    let events = async |engine: &Engine| {
        let told = engine.json(&["audit", "log", "--network", "later"]).await;
        let types = told.as_array().unwrap().iter();
        let is_hold =
            |it: &&Value| it["type"] == "NetworkFrozen" || it["type"] == "QuarantineImposed";
        types.filter(is_hold).count()
    };
    let again = register(&engine, "later", 13, &["--command-id", id]).await;
    assert_eq!(again["repeated"], true, "{again:#}");
    assert_eq!(events(&engine).await, 2);
    engine.stop().await;

    // An engine that begins at its checkpoint knows it too.
    let engine = launch.start().await;
    register(&engine, "after", 14, &[]).await;
    assert_eq!(held(&engine, "after").await, all);
    says(&engine, &["thaw", "--all"]).await;
    register(&engine, "thawed", 15, &[]).await;
    assert_eq!(held(&engine, "thawed").await, (false, vec![json!(ACCOUNT)]));
    says(&engine, &["quarantine", "lift", "--account", ACCOUNT]).await;
    register(&engine, "free", 16, &[]).await;
    for known in ["first", "later", "thawed", "free"] {
        assert_eq!(held(&engine, known).await, (false, vec![]), "{known}");
    }
    engine.stop().await;
}
