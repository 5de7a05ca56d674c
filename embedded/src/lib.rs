//! A single-node event store that speaks KurrentDB's gRPC protocol, in this process.
//!
//! It gives official clients the answers a real KurrentDB gives: expected revisions and idempotency, reads in every
//! shape, catch-up subscriptions with filters and checkpoints, soft deletes and tombstones, stream metadata and
//! truncation. Events are kept in memory or, durably, in a directory.
//!
//! ```no_run
//! # async fn example() -> Result<(), embedded::StartError> {
//! let node = embedded::EmbeddedNode::builder()
//!     .data_dir("./events")
//!     .start()
//!     .await?;
//! println!("connect to {}", node.connection_string());
//! node.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! From the wire inwards: `net` serves connections, `grpc` has a file for each call, `persistent` runs persistent
//! subscriptions, `read` makes pages and subscriptions of the log, `engine` decides writes (pure functions) and commits them in groups (one writer), `log`
//! keeps the records, `model` is the vocabulary of all of them. Inner layers do not know the outer ones.
//!
//! It knows no cluster, and nothing of what its events mean.

mod engine;
mod error;
mod grpc;
mod log;
mod model;
mod net;
mod node;
mod persistent;
mod read;
mod security;
mod source;

pub use error::{Cause, StartError};
pub use log::Durability;
pub use net::TlsError;
pub use node::{Builder, EmbeddedNode};
