//! The gRPC API as it was before its first version: served until every caller has moved.
//!
//! `parse` turns messages into commands and reports every wrong field at once; `answer` turns
//! refusals and failures into statuses with google.rpc details; `show` turns read models into
//! messages. `commands`, `reads`, `watch` and `plan` are the four ways of a call; the services
//! themselves only connect these.

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

use super::v0 as v1;
use journal::{Clock, Journal, Position};
use projections::Projections;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use workers::provisioner::Planner;

/// What the services work with.
#[derive(Clone)]
pub struct Rooms {
    pub journal: Journal,
    pub projections: Projections,
    pub clock: Clock,
    pub planner: Planner,
    /// How long a read waits for the read models to show what it has to.
    pub read_patience: Duration,
    /// What reads have to show: whoever was told that something is done may look at it at once.
    pub acknowledged: Acknowledged,
    /// Cancelled when the process drains: open watches end.
    pub draining: tokio_util::sync::CancellationToken,
}

impl std::fmt::Debug for Rooms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rooms").finish_non_exhaustive()
    }
}

/// The furthest position that a caller of this server was told of.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged(Arc<Mutex<Position>>);

impl Acknowledged {
    fn note(&self, position: Position) {
        let mut furthest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *furthest = position.max(*furthest);
    }

    fn furthest(&self) -> Position {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
