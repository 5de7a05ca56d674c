//! A disk that takes no more: appends fail and say so, what was acknowledged stays readable, and
//! once there is room the node goes on by itself. The process is forbidden to make its files
//! longer, which the operating system answers as it does a full disk.

use crate::node_process::NodeProcess;
use kurrentdb::{AppendToStreamOptions, Client, EventData, ReadStreamOptions, StreamState};
use peerage_tests::wait;
use std::process::Command;
use std::time::Duration;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(60);

/// How long the files of a process may be. `None` when this machine has no way to say so.
fn limit(node: &NodeProcess, bytes: &str) -> Option<()> {
    let arguments = [
        "--pid".to_owned(),
        node.id().to_string(),
        format!("--fsize={bytes}:unlimited"),
    ];
    match Command::new("prlimit").args(arguments).status() {
        Ok(status) => {
            assert!(status.success(), "prlimit: {status}");
            Some(())
        }
        Err(_) => {
            eprintln!("stands aside: prlimit is not installed");
            None
        }
    }
}

async fn append(client: &Client, expected: StreamState, id: Uuid) -> Result<u64, kurrentdb::Error> {
    let options = AppendToStreamOptions::default().stream_state(expected);
    let event = EventData::binary("Kept", vec![b'x'; 10_000].into()).id(id);
    Ok(client
        .append_to_stream("s", &options, event)
        .await?
        .next_expected_version)
}

async fn ids(client: &Client) -> Vec<Uuid> {
    let mut read = client
        .read_stream("s", &ReadStreamOptions::default())
        .await
        .unwrap();
    let mut ids = Vec::new();
    while let Some(event) = read.next().await.unwrap() {
        ids.push(event.get_original_event().id);
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_fails_appends_cleanly_and_the_node_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = NodeProcess::start_where_long_files_are_errors(folder.path()).await;
    let client = Client::new(node.connection_string.parse().unwrap()).unwrap();
    let mut written: Vec<Uuid> = (0..5).map(|_| Uuid::new_v4()).collect();
    for (number, id) in written.iter().enumerate() {
        let expected = number.checked_sub(1).map_or(StreamState::NoStream, |last| {
            StreamState::StreamRevision(last as u64)
        });
        append(&client, expected, *id).await.unwrap();
    }
    for round in 0..3_u64 {
        if limit(&node, "1").is_none() {
            return;
        }
        let (last, next) = (StreamState::StreamRevision(4 + round), Uuid::new_v4());
        for _ in 0..3 {
            let failed = append(&client, last, next).await.unwrap_err();
            assert!(
                matches!(failed, kurrentdb::Error::ServerError(_)),
                "{failed:?}"
            );
            assert_eq!(ids(&client).await, written);
        }
        limit(&node, "unlimited");
        let again = || async { append(&client, last, next).await.ok() };
        assert_eq!(
            wait::until("an append once there is room", SOON, again).await,
            5 + round
        );
        written.push(next);
        assert_eq!(ids(&client).await, written);
    }
    node.kill();
    let mut node = NodeProcess::start(folder.path()).await;
    assert_eq!(
        ids(&Client::new(node.connection_string.parse().unwrap()).unwrap()).await,
        written
    );
    node.kill();
}
