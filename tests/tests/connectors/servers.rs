//! The servers on one store: what is not written while one of them could not read it.

use crate::support::{Store, caller, raw};
use chrono::{TimeDelta, Utc};
use connectors::{ExecuteError, LeaseSettings, OlderServer, Servers};
use domain::{
    connector::{
        LEASE_STREAM,
        built_in::{BuiltIn, BuiltInCommand, StopBuiltIn},
    },
    vocabulary::VOCABULARY,
};
use journal::JournalError;
use peerage_tests::wait::{SOON, soon, until};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SERVERS: &str = "connectorLease-servers";
const PROVISIONER: &str = "connectorLease-provisioner-simulated";

fn settings() -> LeaseSettings {
    LeaseSettings {
        ttl: Duration::from_millis(400),
        renewal: Duration::from_millis(100),
    }
}

/// A server with a clock that is so much ahead.
fn ahead(store: &Store, host: &str, instance: u128, ahead: TimeDelta) -> Servers {
    Servers::new(
        store.journal.clone(),
        vec![PROVISIONER.to_owned()],
        settings(),
        host.to_owned(),
        Uuid::from_u128(instance),
        Arc::new(move || Utc::now() + ahead),
    )
}

fn server(store: &Store, host: &str, instance: u128) -> Servers {
    ahead(store, host, instance, TimeDelta::zero())
}

/// A word of a server of this version, or of one that says nothing of what it reads.
async fn says(store: &Store, stream: &str, instance: u128, reads: Option<u32>, released: bool) {
    let mut said = json!({
        "host": format!("db{instance}"), "instance": Uuid::from_u128(instance), "version": "0.0.9",
        "released": released,
    });
    if let Some(reads) = reads {
        said["reads"] = reads.into();
    }
    let last = store.journal.last_record(stream).await.unwrap();
    let record = raw("ConnectorLease", &said);
    let written = store.journal.record(stream, last, &[record]).await.unwrap();
    assert!(written.is_some());
}

/// Whether an event that older versions do not know is written.
async fn writes(store: &Store) -> bool {
    let stop = BuiltInCommand::StopBuiltIn(StopBuiltIn {
        host: None,
        for_ms: Some(60_000),
    });
    let caller = caller();
    let executed =
        store
            .connectors
            .execute_built_in(BuiltIn::Provisioner, &stop, &caller, Utc::now());
    match executed.await {
        Ok(_) => true,
        Err(ExecuteError::Journal(JournalError::NotYetReadable { event_type })) => {
            assert_eq!(event_type, "BuiltInConnectorStopped");
            false
        }
        Err(other) => panic!("{other}"),
    }
}

fn older(instance: u128) -> OlderServer {
    OlderServer {
        host: format!("db{instance}"),
        version: "0.0.9".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_new_is_written_until_it_was_looked_who_is_there_nor_while_an_older_server_is() {
    let store = Store::new().await;
    let servers = server(&store, "db1", 1);
    assert!(!writes(&store).await, "nobody has looked");
    servers.look().await.unwrap();
    assert!(writes(&store).await, "nobody else is there");

    says(&store, SERVERS, 2, None, false).await;
    says(&store, SERVERS, 3, Some(VOCABULARY), false).await;
    says(&store, SERVERS, 4, Some(99), false).await;
    servers.look().await.unwrap();
    assert!(!writes(&store).await);
    assert_eq!(servers.older(), [older(2)], "the others read all there is");
    // What it said before does not hold it up once it has said good-bye; the newer ones stay.
    says(&store, SERVERS, 2, None, true).await;
    servers.look().await.unwrap();
    assert!(writes(&store).await);
    assert_eq!(servers.older(), []);
    // It comes back, and reads more by now.
    says(&store, SERVERS, 2, Some(1), false).await;
    servers.look().await.unwrap();
    assert!(!writes(&store).await);
    says(&store, SERVERS, 2, Some(VOCABULARY), false).await;
    servers.look().await.unwrap();
    assert!(writes(&store).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_holder_of_any_lease_is_there_for_as_long_as_it_renews_it_and_then_no_longer() {
    for lease in [LEASE_STREAM, PROVISIONER] {
        let store = Store::new().await;
        let servers = server(&store, "db1", 1);
        says(&store, lease, 2, None, false).await;
        servers.look().await.unwrap();
        assert!(!writes(&store).await, "{lease}");
        assert_eq!(servers.older(), [older(2)]);
        let heard = Utc::now();
        // What was said before does not count anew each time that it is read.
        let gone = until("it is gone", SOON, async || {
            servers.look().await.unwrap();
            writes(&store).await.then(Utc::now)
        })
        .await;
        let silent = (gone - heard).to_std().unwrap();
        assert!(silent >= settings().ttl * 19 / 10, "{lease}: {silent:?}");
        assert_eq!(servers.older(), []);
        says(&store, lease, 2, None, false).await;
        servers.look().await.unwrap();
        assert!(!writes(&store).await, "{lease}: it renews it");
        says(&store, lease, 2, None, true).await;
        servers.look().await.unwrap();
        assert!(writes(&store).await, "{lease}: given back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_of_long_before_is_no_news_at_the_start_and_what_comes_later_is_whatever_its_time() {
    let store = Store::new().await;
    says(&store, SERVERS, 2, None, false).await;
    let late = ahead(&store, "db1", 1, TimeDelta::minutes(61));
    late.look().await.unwrap();
    assert!(writes(&store).await, "it was said an hour ago");
    says(&store, SERVERS, 2, None, false).await;
    late.look().await.unwrap();
    assert!(!writes(&store).await, "by a clock that is an hour behind");
    let soon_after = ahead(&store, "db3", 3, TimeDelta::minutes(59));
    soon_after.look().await.unwrap();
    assert!(!writes(&store).await, "it was said within the hour");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_says_that_it_is_there_and_that_it_leaves_and_is_not_its_own_company() {
    let store = Store::new().await;
    let (servers, stop) = (server(&store, "db1", 1), CancellationToken::new());
    let (running, stopping) = (servers.clone(), stop.clone());
    let task = tokio::spawn(async move { running.run(stopping).await });
    let told = async || {
        let all = store.journal.records(SERVERS).await.unwrap();
        let read = |it: &journal::Kept| serde_json::from_slice(&it.data).unwrap();
        all.iter().map(read).collect::<Vec<serde_json::Value>>()
    };
    let first = until("it says that it is there", SOON, async || {
        told().await.pop()
    })
    .await;
    assert_eq!(first["host"], "db1");
    assert_eq!(first["released"], false);
    assert_eq!(first["reads"], VOCABULARY);
    // Its own word of an earlier version, before it was started again, holds nobody up.
    says(&store, SERVERS, 1, None, false).await;
    servers.look().await.unwrap();
    assert!(writes(&store).await);
    assert_eq!(servers.older(), []);
    stop.cancel();
    soon(task).await.unwrap();
    let last = told().await.pop().unwrap();
    assert_eq!(last["released"], true);
    let kept = store.journal.records(SERVERS).await.unwrap();
    assert_eq!(kept.len(), 3, "it is said once in a minute, not each time");
}
