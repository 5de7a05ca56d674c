//! A disk that refuses one flush and drops what was to be flushed: what is acknowledged afterwards
//! is on it.

use crate::support::SOON;
use kurrentdb::{AppendToStreamOptions, Client, EventData, ReadStreamOptions, StreamState};
use peerage_tests::{engine::peerage, ports, preload, process::Running, wait};
use std::{fs, path::Path};
use uuid::Uuid;

struct Node {
    process: Running,
    client: Client,
}

impl Node {
    async fn start(data: &Path, preloaded: Option<(&Path, &Path)>) -> Self {
        let address = format!("127.0.0.1:{}", ports::free());
        let mut command = peerage();
        command.args(["node", "--listen", &address, "--data"]);
        command.arg(data);
        if let Some((library, refused)) = preloaded {
            command.env("LD_PRELOAD", library);
            command.env("FAIL_FLUSH", refused);
        }
        let mut process = Running::start("node", &mut command);
        let reached = || {
            let address = address.clone();
            async move { tokio::net::TcpStream::connect(address).await.ok() }
        };
        process.until_ready(SOON, reached).await;
        let way = format!("kurrentdb://{address}?tls=false&discoveryInterval=0");
        let client = Client::new(way.parse().unwrap()).unwrap();
        Self { process, client }
    }

    async fn append(&self, n: u128) -> Result<(), kurrentdb::Error> {
        let event = EventData::binary("Counted", format!("{n}").into());
        let options = AppendToStreamOptions::default().stream_state(StreamState::Any);
        let event = event.id(Uuid::from_u128(n));
        let appended = self.client.append_to_stream("counted-1", &options, event);
        appended.await.map(drop)
    }

    async fn ids(&self) -> Vec<Uuid> {
        let options = ReadStreamOptions::default();
        let read = self.client.read_stream("counted-1", &options).await;
        let (mut read, mut ids) = (read.unwrap(), Vec::new());
        while let Some(event) = read.next().await.unwrap() {
            ids.push(event.get_original_event().id);
        }
        ids
    }
}

#[tokio::test]
async fn what_is_acknowledged_after_a_flush_that_failed_was_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let (data, refused) = (folder.path().join("data"), folder.path().join("refused"));
    let library = preload::library(folder.path(), "flush", include_str!("flush.c"));
    let mut node = Node::start(&data, Some((&library, &refused))).await;
    node.append(1).await.unwrap();
    let mut all = vec![Uuid::from_u128(1)];
    for n in [2, 3] {
        fs::write(&refused, "").unwrap();
        assert!(node.append(n).await.is_err(), "its flush failed");
        assert!(!refused.exists(), "the flush was refused");
        // Readers go on from what they had, and see nothing that is not on the disk.
        assert_eq!(node.ids().await, all);
        wait::until("it is taken", SOON, || async { node.append(n).await.ok() }).await;
        all.push(Uuid::from_u128(n));
        assert_eq!(node.ids().await, all);
        node.process.signal("KILL");
        let _ = node.process.finished(SOON).await;
        node = Node::start(&data, Some((&library, &refused))).await;
        assert_eq!(node.ids().await, all, "after event {n}");
        node.append(100 + n).await.unwrap();
        all.push(Uuid::from_u128(100 + n));
    }
}
