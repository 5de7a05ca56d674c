//! Backups that are read of the store while something else is measured.

use backup::wire::{self, ReadReply, ReadRequest};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinHandle;
use tonic::Streaming;
use tonic::transport::Endpoint;

/// A backup that is read again as soon as it is done, until this is dropped.
pub(crate) struct Reading {
    task: JoinHandle<()>,
    bytes: Arc<AtomicU64>,
}

impl Reading {
    pub(crate) fn start(connection_string: &str) -> Self {
        let bytes = Arc::<AtomicU64>::default();
        let (store, counted) = (connection_string.to_owned(), Arc::clone(&bytes));
        let task = tokio::spawn(async move {
            loop {
                let mut pages = begun(&store).await;
                while let Some(page) = pages.message().await.unwrap() {
                    counted.fetch_add(page.frames.len() as u64, Ordering::Relaxed);
                }
            }
        });
        Self { task, bytes }
    }

    /// How much came so far.
    pub(crate) fn megabytes(&self) -> f64 {
        self.bytes.load(Ordering::Relaxed) as f64 / 1e6
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A backup of which nothing is read but its beginning.
pub(crate) async fn unread(connection_string: &str) -> Streaming<ReadReply> {
    let mut pages = begun(connection_string).await;
    pages.message().await.unwrap();
    pages
}

/// Another one may still be letting go of its turn.
async fn begun(connection_string: &str) -> Streaming<ReadReply> {
    let (_, rest) = connection_string.split_once("://").unwrap();
    let address = rest.split('?').next().unwrap();
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let channel = endpoint.connect().await.unwrap();
    loop {
        match wire::read(channel.clone(), ReadRequest::default(), None).await {
            Ok(pages) => return pages,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}
