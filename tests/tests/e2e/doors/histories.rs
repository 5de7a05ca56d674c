//! What somebody does to the streams of a store behind the engine's back: limits that would drop
//! events, events that nobody can read, and events that are gone.

use super::network;
use crate::support::{REQUEST, SOON};
use kurrentdb::{AppendToStreamOptions, Client, EventData, operations};
use peerage_tests::{
    engine::{Engine, Launch, peerage},
    http,
    node::NodePlace,
    ports,
    process::Running,
    wait,
};
use serde_json::{Value, json};
use std::path::Path;

/// An engine whose store others may write to, and the port of that.
fn launch(data: &Path) -> (Launch, Client) {
    let port = ports::free();
    let launch = Launch::new(data)
        .own_store()
        .set("store.embedded_listen", &format!("127.0.0.1:{port}"))
        .set("store.embedded_open", "true");
    let store = format!("kurrentdb://127.0.0.1:{port}?tls=false&discoveryInterval=0");
    (launch, Client::new(store.parse().unwrap()).unwrap())
}

/// Registers a network with an active peering; their ids.
async fn peered(engine: &Engine) -> (String, String) {
    let made = engine.json(&network("orders", "payments")).await;
    let asked = engine.json(&REQUEST).await;
    let id = |of: &Value, key: &str| of[key].as_str().unwrap().to_owned();
    let (network, peering) = (id(&made, "networkId"), id(&asked, "peeringId"));
    let converged = || async {
        let shown = engine.json(&["peering", "show", &peering]).await;
        (shown["peering"]["converged"] == true).then_some(())
    };
    wait::until("the peering", SOON, converged).await;
    (network, peering)
}

async fn put(store: &Client, stream: &str, event_type: &str, data: Value) {
    let event = EventData::json(event_type, &data).unwrap();
    let options = AppendToStreamOptions::default();
    store
        .append_to_stream(stream, &options, event)
        .await
        .unwrap();
}

async fn tell(store: &Client, stream: &str, metadata: Value) {
    put(store, &format!("$${stream}"), "$metadata", metadata).await;
}

/// What is wrong with the network's history, as it is shown.
async fn fault(engine: &Engine) -> Value {
    let shown = engine.json(&["network", "show", "orders"]).await;
    shown["network"]["historyFault"].clone()
}

async fn until_kind(engine: &Engine, kind: &str) -> Value {
    let reached = || async {
        let fault = fault(engine).await;
        (fault["kind"].as_str().unwrap_or_default() == kind).then_some(fault)
    };
    wait::until(kind, SOON, reached).await
}

async fn figure(engine: &Engine, line: &str) -> bool {
    let server = engine.server();
    let port = server.rsplit(':').next().unwrap().parse().unwrap();
    let (status, metrics) = http::ask(port, "GET", "/metrics", "").await.unwrap();
    assert_eq!(status, 200, "{metrics}");
    metrics.lines().any(|it| it == line)
}

const AT_RISK: &str = "HISTORY_FAULT_KIND_AT_RISK";
const UNREADABLE: &str = "HISTORY_FAULT_KIND_UNREADABLE";

#[tokio::test]
async fn a_limit_on_a_networks_stream_is_told_at_once_everywhere_until_it_is_set_back() {
    let data = tempfile::tempdir().unwrap();
    let (launch, store) = launch(data.path());
    let engine = launch.start().await;
    let (id, peering) = peered(&engine).await;
    assert_eq!(fault(&engine).await, Value::Null);
    let stream = format!("network-{id}");
    tell(&store, &stream, json!({ "$maxCount": 1000 })).await;
    let told = until_kind(&engine, AT_RISK).await;
    let message = told["message"].as_str().unwrap();
    assert!(message.contains(&stream) && message.contains("$maxCount 1000"));
    engine.process.prints("is told to drop events").await;
    for words in [
        &["network", "list"][..],
        &["network", "show", "orders"],
        &["peering", "list"],
        &["peering", "show", &peering],
    ] {
        let shown = engine.cli(words).await.done();
        assert!(shown.contains("history at risk"), "{words:?}: {shown}");
    }
    let doctor = engine.cli(&["doctor"]).await;
    assert!(doctor.stdout.contains("$maxCount 1000"), "{doctor:?}");
    assert!(figure(&engine, r#"peerage_streams_limited{of="networks"} 1"#).await);

    // Nothing is lost yet, so commands are carried out.
    engine.json(&["network", "check", "orders"]).await;

    // Other streams of ours have no network to be shown at.
    tell(&store, "access-policy", json!({ "$maxAge": 60 })).await;
    let told = || async {
        let doctor = engine.cli(&["doctor"]).await.stdout;
        doctor.contains("access-policy").then_some(())
    };
    wait::until("the other stream", SOON, told).await;
    assert!(figure(&engine, r#"peerage_streams_limited{of="access"} 1"#).await);

    for stream in [&*stream, "access-policy"] {
        tell(&store, stream, json!({})).await;
    }
    let cleared = || async { fault(&engine).await.is_null().then_some(()) };
    wait::until("nothing at fault", SOON, cleared).await;
    let cleared = || async {
        figure(&engine, r#"peerage_streams_limited{of="access"} 0"#)
            .await
            .then_some(())
    };
    wait::until("no stream at fault", SOON, cleared).await;
    assert!(figure(&engine, r#"peerage_streams_limited{of="networks"} 0"#).await);
    engine.process.prints("keeps the stream whole again").await;
    let doctor = engine.cli(&["doctor"]).await.stdout;
    assert!(!doctor.contains("told to drop"), "{doctor}");
}

#[tokio::test]
async fn a_network_that_was_cut_says_so_after_a_restart_and_is_whole_once_its_events_are_back() {
    let data = tempfile::tempdir().unwrap();
    let (launch, store) = launch(data.path());
    let engine = launch.start().await;
    let (id, peering) = peered(&engine).await;
    engine.stop().await;
    let engine = launch.start().await;
    let stream = format!("network-{id}");
    tell(&store, &stream, json!({ "$maxCount": 1 })).await;
    until_kind(&engine, AT_RISK).await;
    engine.stop().await;

    let engine = launch.start().await;
    let told = until_kind(&engine, UNREADABLE).await;
    assert!(
        told["message"]
            .as_str()
            .unwrap()
            .contains("event 0 is gone")
    );
    let shown = engine.json(&["peering", "show", &peering]).await;
    assert_eq!(shown["peering"]["converged"], false, "{shown:#}");
    let shown = engine.cli(&["peering", "show", &peering]).await.done();
    assert!(shown.contains("blocked: history unreadable"), "{shown}");
    assert!(figure(&engine, "peerage_networks_with_lost_events 1").await);
    let refused = engine.cli(&["network", "check", "orders"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("[HISTORY_UNREADABLE]"),
        "{refused:?}"
    );

    tell(&store, &stream, json!({})).await;
    let carried_out = || async {
        let checked = engine.cli(&["network", "check", "orders"]).await;
        (checked.code == Some(0)).then_some(())
    };
    wait::until("the network to be whole", SOON, carried_out).await;
    let cleared = || async { fault(&engine).await.is_null().then_some(()) };
    wait::until("nothing at fault", SOON, cleared).await;
    assert!(figure(&engine, "peerage_networks_with_lost_events 0").await);
}

#[tokio::test]
async fn an_open_watch_is_told_when_what_is_wrong_with_a_history_becomes_something_else() {
    let data = tempfile::tempdir().unwrap();
    let (launch, store) = launch(data.path());
    let engine = launch.start().await;
    let (id, peering) = peered(&engine).await;
    let mut command = peerage();
    let server = engine.server();
    let watching = ["--output", "json", "--server", &server];
    command
        .args(["peering", "watch", &peering, "--follow"])
        .args(watching);
    let watch = Running::start("peerage peering watch", &mut command);
    watch.prints("\"converged\":true").await;
    let stream = format!("network-{id}");
    tell(&store, &stream, json!({ "$maxCount": 1000 })).await;
    watch.prints(AT_RISK).await;
    put(&store, &stream, "PeeringTeleported", json!({})).await;
    watch.prints(UNREADABLE).await;
    engine.stop().await;
}

#[tokio::test]
async fn with_an_event_that_nobody_can_read_a_network_only_closes_and_can_be_given_up() {
    let data = tempfile::tempdir().unwrap();
    let (launch, store) = launch(data.path());
    let engine = launch.start().await;
    let (id, peering) = peered(&engine).await;
    let ingress = [
        "firewall",
        "allow",
        &peering,
        "--target",
        "10.30.7.0/24",
        "--port",
        "9092",
        "--reason",
        "a sink",
        "--from",
        "10.20.0.0/16",
        "--expires",
        "5s",
    ];
    engine.json(&ingress).await;
    put(
        &store,
        &format!("network-{id}"),
        "PeeringTeleported",
        json!({}),
    )
    .await;
    let told = until_kind(&engine, UNREADABLE).await;
    assert_eq!(told["eventType"], "PeeringTeleported", "{told}");
    let listed = engine.json(&["peering", "list", "--blocked"]).await;
    assert!(listed.to_string().contains(&peering), "{listed}");
    let shown = engine.cli(&["peering", "show", &peering]).await.done();
    assert!(shown.contains("blocked: history unreadable"), "{shown}");
    assert!(figure(&engine, "peerage_networks_unreadable 1").await);
    engine.process.prints("nothing is opened").await;
    let opens = engine
        .cli(&[
            "route",
            "accept",
            &peering,
            "--side",
            "local",
            "--destination",
            "10.30.0.0/16",
        ])
        .await;
    assert!(opens.stderr.contains("[HISTORY_UNREADABLE]"), "{opens:?}");

    // What has an end ends.
    let ended = || async {
        let shown = engine.json(&["peering", "show", &peering]).await;
        let ingress = shown["peering"]["ingress"].as_array();
        ingress.is_none_or(Vec::is_empty).then_some(())
    };
    wait::until("the ingress to end", SOON, ended).await;

    let reason = ["--reason", "its history is lost"];
    engine
        .json(&[&["peering", "abandon", &peering, "--yes"][..], &reason].concat())
        .await;
    let gone = || async {
        let shown = engine.json(&["peering", "show", &peering]).await;
        (shown["peering"]["state"] == "PEERING_STATE_ABANDONED").then_some(())
    };
    wait::until("the peering to be given up", SOON, gone).await;
    engine
        .json(&[&["network", "retire", "orders"][..], &reason].concat())
        .await;
    engine.json(&network("orders", "payments")).await;
}

#[tokio::test]
async fn a_scavenge_makes_no_other_log_of_a_store_for_whoever_follows_it() {
    let data = tempfile::tempdir().unwrap();
    let place = NodePlace::new(&data.path().join("store"));
    let mut node = place.start().await;
    let launch = Launch::new(&data.path().join("engine"))
        .store(&place.connection_string())
        .set("connectors.files", &data.path().display().to_string());
    let engine = launch.start().await;
    let (_, peering) = peered(&engine).await;
    let settings = data.path().join("audit.toml");
    let sink = "initial_position = \"earliest\"\n[sink]\ntype = \"file\"\nname = \"audit.jsonl\"\n";
    std::fs::write(&settings, sink).unwrap();
    let settings = settings.display().to_string();
    let create = [
        "connector",
        "create",
        "audit",
        "--file",
        &settings,
        "--start",
    ];
    let created = engine.cli(&create).await;
    assert_eq!(created.code, Some(0), "{created:?}");
    let file = data.path().join("audit.jsonl");
    let lines = || std::fs::read_to_string(&file).map_or(0, |it| it.lines().count());
    wait::until("what is delivered", SOON, || async {
        (lines() > 3).then_some(())
    })
    .await;

    // The last event of the log is to go too, and whatever streams of ours do not keep.
    let store = Client::new(place.connection_string().parse().unwrap()).unwrap();
    tell(&store, "foreign", json!({ "$maxCount": 1 })).await;
    for n in 0..50 {
        put(&store, "foreign", "Tested", json!({ "n": n })).await;
    }
    let delivered = lines();
    let scavenged = async |node: &Running| {
        let operations = operations::Client::new(place.connection_string().parse().unwrap());
        let started = operations
            .unwrap()
            .start_scavenge(1, 0, &Default::default())
            .await;
        started.unwrap();
        wait::until("the scavenge", SOON, || async {
            node.output().contains("scavenged").then_some(())
        })
        .await;
    };
    scavenged(&node).await;
    // Everybody's following breaks, and the anchors are asked for.
    node.signal("TERM");
    node.finished(SOON).await;
    let node = place.start().await;
    let again = || async {
        let checked = engine.cli(&["network", "check", "orders"]).await;
        (checked.code == Some(0)).then_some(())
    };
    wait::until("the store is back", SOON, again).await;
    wait::until("more is delivered", SOON, || async {
        (lines() > delivered).then_some(())
    })
    .await;
    let unchanged = async |engine: &Engine| {
        let shown = engine.json(&["peering", "show", &peering]).await;
        assert_eq!(shown["peering"]["converged"], true, "{shown:#}");
        let state = engine.json(&["connector", "show", "audit"]).await;
        assert_eq!(state["state"], "CONNECTOR_STATE_RUNNING", "{state:#}");
        let printed = engine.process.output();
        for words in ["another log", "built again", "put back"] {
            assert!(!printed.contains(words), "{words}: {printed}");
        }
    };
    unchanged(&engine).await;
    engine.stop().await;
    let engine = launch.start().await;
    unchanged(&engine).await;
    engine.stop().await;
    drop(node);
}
