//! The event store inside `serve`: no second door.

use super::network;
use crate::support::SOON;
use journal::{Journal, JournalSettings};
use kurrentdb::{
    AppendToStreamOptions, Client, EventData, ReadStreamOptions, StreamPosition, operations,
};
use peerage_tests::{engine::Launch, ports};
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;
use uuid::Uuid;

/// Appends an event that the engine would act on; whether it was taken.
async fn forges(store: &str) -> bool {
    let client = Client::new(store.parse().unwrap()).unwrap();
    let event = EventData::json("NetworkRegistered", &json!({ "forged": true })).unwrap();
    let stream = format!("network-{}", Uuid::new_v4());
    let options = AppendToStreamOptions::default();
    client
        .append_to_stream(stream, &options, event)
        .await
        .is_ok()
}

async fn shuts_down(store: &str) -> bool {
    let operations = operations::Client::new(store.parse().unwrap()).unwrap();
    operations.shutdown(&Default::default()).await.is_ok()
}

async fn reads(store: &str) -> bool {
    let client = Client::new(store.parse().unwrap()).unwrap();
    let options = ReadStreamOptions::default().position(StreamPosition::Start);
    match client.read_stream("network-none", &options).await {
        Ok(mut stream) => matches!(
            stream.next().await,
            Ok(_) | Err(kurrentdb::Error::ResourceNotFound)
        ),
        Err(_) => false,
    }
}

#[tokio::test]
async fn the_store_inside_the_engine_answers_nobody_else_and_its_password_is_printed_nowhere() {
    let (data, port) = (tempfile::tempdir().unwrap(), ports::free());
    let launch = Launch::new(data.path())
        .own_store()
        .set("store.embedded_listen", &format!("127.0.0.1:{port}"));
    let mut engine = launch.start().await;
    for who in [
        "",
        "admin:changeit@",
        "ops:changeit@",
        "peerage:peerage@",
        "peerage:@",
    ] {
        let store = format!("kurrentdb://{who}127.0.0.1:{port}?tls=false&discoveryInterval=0");
        assert!(!forges(&store).await, "{who}");
        assert!(!reads(&store).await, "{who}");
        assert!(!shuts_down(&store).await, "{who}");
        let journal = Journal::open(JournalSettings::new(&store)).unwrap();
        assert!(journal.ready().await.is_err(), "{who}");
    }
    let listed = engine.json(&["network", "list"]).await;
    assert_eq!(listed, json!([]), "nothing was forged, and it serves");
    let info = engine.json(&["server", "info"]).await;
    let address = format!("kurrentdb://127.0.0.1:{port}?tls=false&discoveryInterval=0");
    assert_eq!(info["storeAddress"], address, "{info:#}");
    let printed = engine.process.output();
    assert!(
        !printed.contains('@') && !printed.contains("peerage:"),
        "{printed}"
    );
    engine.process.kill();
    // Another start has another password, and the log is as it was.
    let again = launch.start().await;
    let made = again.cli(&network("orders", "payments")).await;
    assert_eq!(made.code, Some(0), "{made:?}");
}

#[tokio::test]
async fn opened_to_others_it_answers_them_and_its_end_ends_the_engine() {
    let (data, port) = (tempfile::tempdir().unwrap(), ports::free());
    let launch = Launch::new(data.path())
        .own_store()
        .set("store.embedded_listen", &format!("127.0.0.1:{port}"))
        .set("store.embedded_open", "true");
    let mut engine = launch.start().await;
    let store = format!("kurrentdb://127.0.0.1:{port}?tls=false&discoveryInterval=0");
    assert!(reads(&store).await);
    let journal = Journal::open(JournalSettings::new(&store)).unwrap();
    journal.ready().await.unwrap();
    assert!(shuts_down(&store).await);
    let ended = engine.process.finished(SOON).await;
    assert_eq!(ended.code(), Some(1), "{}", engine.process.output());
    let printed = engine.process.output();
    assert!(
        printed.contains("the event store") && printed.contains("shut it down"),
        "{printed}"
    );
}

#[tokio::test]
async fn what_the_engine_writes_is_its_users_alone() {
    let data = tempfile::tempdir().unwrap();
    let place = data.path().join("kept");
    let engine = Launch::new(&place).own_store().start().await;
    let made = engine.cli(&network("orders", "payments")).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let mut folders = vec![place];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let own = std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
        assert_eq!(own, 0o700, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let Ok(found) = std::fs::metadata(&path) else {
                continue;
            };
            if found.is_dir() {
                folders.push(path);
                continue;
            }
            seen += 1;
            let mode = found.permissions().mode() & 0o777;
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
        }
    }
    assert!(seen > 3, "the log, the read models, and the lock");
}
