//! `peerage node`: the embedded event store alone, for any KurrentDB client.

use super::Trouble;
use crate::{config::Log, logging};
use clap::Args;
use embedded::{EmbeddedNode, StartError};
use std::{net::SocketAddr, path::PathBuf};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Debug, Args)]
pub(super) struct Node {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:2113", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Where the events are.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Node {
    pub(super) async fn run(self) -> Result<(), Trouble> {
        logging::start(&Log::default()).map_err(Trouble::usage)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(Trouble::failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Trouble::failed)?;
        let node = EmbeddedNode::builder().listen(self.listen).data_dir(self.data).start().await.map_err(|error| {
            let usage = matches!(error, StartError::DirectoryInUse { .. } | StartError::AddressInUse { .. });
            let text = crate::api::full_text(&error);
            if usage { Trouble::usage(text) } else { Trouble::failed(text) }
        })?;
        // The string for others: without what only a client in the node's own process wants of it.
        let connection_string = format!("kurrentdb://{}?tls=false", node.address());
        tracing::info!(connection_string, "serving");
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        node.shutdown().await;
        tracing::info!("stopped");
        Ok(())
    }
}
