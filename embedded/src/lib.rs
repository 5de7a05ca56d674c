//! A single-node event store that speaks KurrentDB's gRPC protocol, in this process.
//!
//! It gives official clients the answers a real KurrentDB gives: expected revisions and
//! idempotency, reads in every shape, catch-up subscriptions with filters and checkpoints, soft
//! deletes and tombstones, stream metadata and truncation. Events are kept in memory or, durably,
//! in a directory.
//!
//! ```
//! use peerage_embedded::EmbeddedNode;
//! use kurrentdb::{AppendToStreamOptions, Client, EventData};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let node = EmbeddedNode::builder()
//!     .data_dir(folder.path().join("events")) // or .in_memory()
//!     .start()
//!     .await?;
//! let client = Client::new(node.connection_string().parse()?)?;
//! let event = EventData::json("Greeted", &serde_json::json!({"whom": "you"}))?;
//! let written = client.append_to_stream("greetings", &AppendToStreamOptions::default(), event).await?;
//! assert_eq!(written.next_expected_version, 0);
//! node.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`Builder`] has the rest: the address, TLS, users and access control, the system projections,
//! what an append has to survive, what callers may hold of it ([`LIMITS`]), clock and ids.
//! [`offline`] looks at a data directory without starting a node. `examples/node.rs` is a program
//! to begin with.
//!
//! From the wire inwards: `net` serves connections, `grpc` has a file for each call, `persistent`
//! runs persistent subscriptions, `read` makes pages and subscriptions of the log, `engine` decides
//! writes (pure functions) and commits them in groups (one writer), `log` keeps the records,
//! `model` is the vocabulary of all of them. Inner layers do not know the outer ones.
//!
//! It knows no cluster, and nothing of what its events mean.

#![warn(missing_docs)]

mod advertised;
#[cfg(test)]
mod chance;
mod engine;
mod error;
mod grpc;
mod log;
mod model;
mod net;
mod node;
pub mod offline;
mod persistent;
mod read;
mod scavenging;
mod security;
mod source;
mod vital;

pub use advertised::{Advertise, NotAHost};
pub use error::{Cause, StartError};
pub use limits::Limits;
pub use log::Durability;
pub use net::TlsError;
pub use node::{Builder, EmbeddedNode, LIMITS, Stopped};
