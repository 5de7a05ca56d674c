//! What the services work with.

use super::{
    access::{Doors, KnownPolicies},
    approvals::Waiting,
    command_figures::CommandFigures,
    connectors::Parts as Connectors,
    evidence::Evidence,
    followers::Followers,
    lag::Lag,
    store_certificate::StoreCertificate,
    v1,
    watch::Hub,
};
use chrono::{DateTime, Utc};
use domain::{
    CloudMode, NetworkId, PeeringId, ServedClouds,
    connector::built_in::{BuiltIn, Stop},
    network::Registered,
    text::{ActorName, Name, Project},
};
use journal::{Clock, Journal, Position, Retention};
use moka::sync::Cache;
use parking_lot::Mutex;
use projections::{FoldedStates, Projections};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use workers::provisioner::{Directory, Planner, Progress, elsewhere};

/// What the services work with. A cheap handle; clones share everything.
#[derive(Clone)]
pub struct Services {
    pub journal: Journal,
    pub projections: Projections,
    /// What networks were, every so many of their events.
    pub states: FoldedStates,
    pub clock: Clock,
    pub planner: Planner,
    pub directory: Directory,
    /// How the provisioner is doing.
    pub progress: Arc<Progress>,
    /// What delivers the log's records elsewhere.
    pub connectors: Connectors,
    /// Peerings that were begun here a moment ago, and that the directory may not have yet.
    pub begun: Cache<PeeringId, NetworkId>,
    /// How long a read waits for the read models to show what it has to.
    pub read_patience: Duration,
    /// What reads have to show: whoever was told that something is done may look at it at once.
    pub acknowledged: Acknowledged,
    /// The tree that proves the log, and what signs it.
    pub evidence: Evidence,
    /// Wakes watches by what they watch.
    pub hub: Hub,
    /// Since when the read models are behind.
    pub lag: Lag,
    /// How far each follower of the log is behind.
    pub followers: Followers,
    /// What networks are called, as far as that was asked for.
    pub called: Cache<NetworkId, (Project, Name)>,
    /// At which clouds networks are, as far as that was asked for and is on record.
    pub at: Cache<NetworkId, CloudMode>,
    /// Who is let in.
    pub doors: Doors,
    /// What each server of the store judges by.
    pub policies: KnownPolicies,
    /// What commands came to.
    pub commands: CommandFigures,
    /// Commands that wait for approval.
    pub waiting: Waiting,
    /// Held by what carries out a command that was approved: one after the other.
    pub executing: Arc<tokio::sync::Mutex<()>>,
    pub server: Arc<Server>,
    /// When the event store's certificate ends.
    pub store_certificate: StoreCertificate,
    /// Which streams of ours the event store does not keep whole.
    pub retention: Retention,
    /// Cancelled when the process drains: open watches end.
    pub draining: CancellationToken,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

/// What the server is, as long as it runs.
#[derive(Clone, Debug)]
pub struct Server {
    pub store: v1::StoreKind,
    /// The store's connection string, without credentials.
    pub store_address: String,
    pub started_at: DateTime<Utc>,
    /// Its machine, and where it listens.
    pub host: ActorName,
    /// What is risky about how it was started.
    pub warnings: Vec<String>,
    /// What is worth knowing about its configuration.
    pub notes: Vec<String>,
    /// What it shows who it is with.
    pub tls: Option<gateway::Tls>,
    /// Where it keeps its files, if it keeps any.
    pub data: Option<PathBuf>,
    /// Which clouds it serves.
    pub clouds: Arc<ServedClouds>,
    /// Whether a cloud that it simulates takes networks to be its own of which nothing of the kind
    /// is on record.
    pub simulation_claims_unmarked: bool,
    /// The tags that everything gets which is made at AWS.
    pub tags: BTreeMap<String, String>,
}

/// When it is asked again where the log ends, if that was not to be had.
const AGAIN: Duration = Duration::from_secs(1);

/// The furthest position that a caller of this server was told of.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged(Arc<Mutex<Position>>);

impl Acknowledged {
    pub(super) fn note(&self, position: Position) {
        let mut furthest = self.0.lock();
        *furthest = position.max(*furthest);
    }

    pub(super) fn furthest(&self) -> Position {
        *self.0.lock()
    }

    /// The log ends there: what was acknowledged beyond it is gone from it.
    fn ends_at(&self, end: Position) {
        let mut furthest = self.0.lock();
        *furthest = end.min(*furthest);
    }
}

impl Services {
    /// Each time when the read models have come to the log's end: where the log is another one by
    /// then, nobody waits any more for what was acknowledged in the one before. Until cancelled.
    pub async fn forget_what_is_gone(&self, cancel: CancellationToken) {
        let mut caught_up = self.projections.caught_up();
        let forget = async {
            while caught_up.wait_for(|it| *it).await.is_ok() {
                match self.journal.end().await {
                    Ok(end) => {
                        let end = end.unwrap_or(Position::START);
                        self.acknowledged.ends_at(end);
                        self.journal.ends_at(end);
                    }
                    Err(error) => {
                        let error = domain::error_chain(&error);
                        tracing::debug!(%error, "where the log ends cannot be asked for now");
                        sleep(AGAIN).await;
                        continue;
                    }
                }
                if caught_up.wait_for(|it| !*it).await.is_err() {
                    return;
                }
            }
        };
        cancel.run_until_cancelled(forget).await;
    }

    /// The stop of one of the engine's own connectors that holds at this server now.
    pub(super) fn stop_of(&self, which: BuiltIn) -> Option<Stop> {
        let stops = self.connectors.catalogue.built_in().stops(which)?;
        stops.at(&self.server.host.to_string(), (self.clock)())
    }

    /// Why this engine leaves the network alone; empty if it does not.
    pub(super) fn left_alone(&self, network: &Registered) -> String {
        let here = self.server.clouds.mode(network.provider).cloned();
        elsewhere(network, here, self.server.simulation_claims_unmarked)
            .map(|why| why.to_string())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_acknowledged_in_a_log_that_is_gone_is_waited_for_by_nobody() {
        let at = |commit| Position {
            commit,
            prepare: commit,
        };
        let acknowledged = Acknowledged::default();
        acknowledged.note(at(7));
        acknowledged.note(at(5));
        assert_eq!(acknowledged.furthest(), at(7));
        acknowledged.ends_at(at(9));
        assert_eq!(acknowledged.furthest(), at(7), "it is in the log");
        acknowledged.ends_at(at(3));
        assert_eq!(acknowledged.furthest(), at(3));
        acknowledged.note(at(4));
        assert_eq!(acknowledged.furthest(), at(4));
    }
}
