//! The store that a command is about: a data directory, or a connection string of any KurrentDB.
//!
//! A data directory is served by a node of this process's own for as long as the command takes, so
//! that there is one way to read and write events, the official client.

use super::{CliError, failed, refused};
use clap::Args;
use embedded::EmbeddedNode;
use kurrentdb::ClientSettings;
use std::path::PathBuf;

/// The most that a node takes in one message. A data directory may hold what other nodes limit.
const LARGEST_APPEND: usize = 16_000_000;

/// Where a command finds its store.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Place {
    /// A data directory that no node uses, like ./events.
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// A running store, ours or a KurrentDB, as kurrentdb://admin:PASSWORD@host:2113?tls=true
    #[arg(long, value_name = "CONNECTION STRING")]
    pub(super) store: Option<String>,
}

/// Whether a data directory is made where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Refused,
    Made,
}

/// A store that is connected to, and the node that serves it if it is a data directory.
pub(super) struct Opened {
    node: Option<EmbeddedNode>,
    pub(super) store: transfer::Store,
}

impl Place {
    pub(super) async fn open(&self, missing: Missing) -> Result<Opened, CliError> {
        let (node, text, name) = match (&self.data, &self.store) {
            (Some(data), _) => {
                let builder = EmbeddedNode::builder()
                    .data_dir(data)
                    .system_projections_as_found()
                    .max_append_size(LARGEST_APPEND);
                let builder = if missing == Missing::Refused {
                    builder.existing_only()
                } else {
                    builder
                };
                let node = builder.start().await.map_err(|error| refused(&error))?;
                let text = node.connection_string();
                (Some(node), text, Some(data.display().to_string()))
            }
            (None, Some(store)) => (None, store.clone(), None),
            (None, None) => {
                return Err(CliError::usage(
                    "say which store: --data DIR or --store CONNECTION STRING",
                ));
            }
        };
        let settings: ClientSettings = text
            .parse()
            .map_err(|error| CliError::usage(format!("--store: {error}")))?;
        let store = transfer::Store::connect(settings).map_err(failed)?;
        let store = match name {
            Some(name) => store.named(name),
            None => store,
        };
        Ok(Opened { node, store })
    }
}

impl Opened {
    /// Lets go of it; a data directory is closed in good order.
    pub(super) async fn close(self) {
        drop(self.store);
        if let Some(node) = self.node {
            node.shutdown().await;
        }
    }
}
