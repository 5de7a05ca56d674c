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

pub use answer::DOMAIN;
pub use audit_service::Audit;
pub use network_service::Networks;

use super::Acknowledged;
use super::v0 as v1;
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

impl Rooms {
    pub fn of(services: &super::Services) -> Self {
        Self {
            journal: services.journal.clone(),
            projections: services.projections.clone(),
            clock: services.clock.clone(),
            planner: services.planner.clone(),
            read_patience: services.read_patience,
            acknowledged: services.acknowledged.clone(),
            draining: services.draining.clone(),
        }
    }
}
