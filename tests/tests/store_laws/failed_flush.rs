//! A flush that answers EIO: the operating system has dropped what was written, and says so once.
//! A repeated append must be written again, not acknowledged from what memory holds, and readers
//! go on meanwhile. What fails the flush is a small library, built here, that is loaded before the
//! node.

use crate::node_process::NodeProcess;
use kurrentdb::{AppendToStreamOptions, Client, EventData, ReadStreamOptions, StreamState};
use peerage_tests::{preload, wait};
use std::{fs, time::Duration};
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(60);

async fn append(client: &Client, expected: StreamState, id: Uuid) -> Result<u64, kurrentdb::Error> {
    let options = AppendToStreamOptions::default().stream_state(expected);
    let event = EventData::binary("Kept", vec![b'x'; 3_000].into()).id(id);
    Ok(client
        .append_to_stream("s", &options, event)
        .await?
        .next_expected_version)
}

/// What the stream holds; nothing while it is not there.
async fn ids(client: &Client) -> Vec<Uuid> {
    let options = ReadStreamOptions::default();
    let mut read = client.read_stream("s", &options).await.unwrap();
    let mut ids = Vec::new();
    loop {
        match read.next().await {
            Ok(Some(event)) => ids.push(event.get_original_event().id),
            Ok(None) | Err(kurrentdb::Error::ResourceNotFound) => return ids,
            Err(error) => panic!("a read that fails: {error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failed_flush_lost_is_written_again_before_it_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (data, fails) = (folder.path().join("data"), folder.path().join("fails"));
    let source = include_str!("failed_flush.c");
    let library = preload::library(folder.path(), "failed_flush", source);
    let variables = [
        ("LD_PRELOAD", library),
        ("FLUSH_FAILS", fails.clone()),
        ("FLUSH_FAILS_BELOW", data.clone()),
    ];
    let mut node = NodeProcess::start_with(&data, &variables).await;
    let mut written: Vec<Uuid> = Vec::new();
    for round in 0..4_u64 {
        let client = Client::new(node.connection_string.parse().unwrap()).unwrap();
        assert_eq!(
            ids(&client).await,
            written,
            "none of it is in the process alone"
        );
        let first = Uuid::new_v4();
        let before = written.len() as u64;
        let last = match before.checked_sub(1) {
            None => StreamState::NoStream,
            Some(last) => StreamState::StreamRevision(last),
        };
        append(&client, last, first).await.unwrap();
        written.push(first);
        let (last, next) = (StreamState::StreamRevision(before), Uuid::new_v4());
        fs::write(&fails, "").unwrap();
        for _ in 0..=round {
            let failed = append(&client, last, next).await.unwrap_err();
            assert!(
                matches!(failed, kurrentdb::Error::ServerError(_)),
                "{failed:?}"
            );
            assert_eq!(ids(&client).await, written, "readers go on meanwhile");
        }
        fs::remove_file(&fails).unwrap();
        let again = || async { append(&client, last, next).await.ok() };
        let number = wait::until("an append once the disk flushes", SOON, again).await;
        assert_eq!(number, before + 1);
        written.push(next);
        assert_eq!(ids(&client).await, written);
        node.kill();
        node = NodeProcess::start_with(&data, &variables).await;
    }
    let client = Client::new(node.connection_string.parse().unwrap()).unwrap();
    assert_eq!(ids(&client).await, written);
    node.kill();
}
