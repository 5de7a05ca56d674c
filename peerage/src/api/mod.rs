//! The gRPC API: requests in, commands to the log, read models out.
//!
//! `parse` turns messages into commands and reports every wrong field at once; `answer` turns refusals and failures into statuses
//! with google.rpc details; `show` turns read models into messages. `commands`, `reads`, `watch` and `plan` are the four ways of a
//! call; the services themselves only connect these.

mod answer;
mod audit_service;
mod commands;
mod guidance;
mod network_service;
mod parse;
mod plan;
mod reads;
mod show;
mod watch;

pub use answer::{DOMAIN, full_text};
pub use audit_service::Audit;
pub use network_service::Networks;

/// What the compiler makes of `proto/`.
#[allow(clippy::all, clippy::pedantic, clippy::wildcard_enum_match_arm, missing_debug_implementations, unreachable_pub)]
pub mod v1 {
    tonic::include_proto!("peerage.v1");

    /// The descriptors of the API, for reflection.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/peerage.binpb"));
}

use journal::{Clock, Journal};
use projections::Projections;
use std::time::Duration;
use workers::provisioner::Planner;

/// What the services work with.
#[derive(Clone)]
pub struct Rooms {
    pub journal: Journal,
    pub projections: Projections,
    pub clock: Clock,
    pub planner: Planner,
    /// How long a read waits for the read models to reach the position that it asks for.
    pub read_patience: Duration,
    /// Cancelled when the process drains: open watches end.
    pub draining: tokio_util::sync::CancellationToken,
}

impl std::fmt::Debug for Rooms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rooms").finish_non_exhaustive()
    }
}
