//! Whether calls should come to this process now, as probes are told.
//!
//! A lease is no part of it: a server that another one works for takes calls as well.

use super::READINESS_LOOK;
use gateway::{PartHealth, Readiness};
use journal::Journal;
use projections::Projections;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use workers::provisioner::Progress;

/// How long the event store has to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is looked at.
pub(super) struct Watched {
    pub(super) journal: Journal,
    pub(super) projections: Projections,
    pub(super) provisioner: Arc<Progress>,
}

impl Watched {
    /// Tells how things are, until cancelled; from `draining` on nothing is ready.
    pub(super) async fn tell(
        self,
        told: watch::Sender<Readiness>,
        draining: CancellationToken,
        cancel: CancellationToken,
    ) {
        let mut look = interval(READINESS_LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut caught_up = self.projections.caught_up();
        while !draining.is_cancelled() {
            let readiness = self.look().await;
            told.send_replace(readiness);
            tokio::select! {
                _ = look.tick() => {}
                _ = caught_up.changed() => {}
                () = draining.cancelled() => {}
                () = cancel.cancelled() => return,
            }
        }
        let stops = part("the server", false, "it stops, and takes no further calls");
        told.send_replace(vec![stops]);
        cancel.cancelled().await;
    }

    async fn look(&self) -> Readiness {
        let answered = timeout(PATIENCE, self.journal.end()).await;
        let store = matches!(answered, Ok(Ok(_)));
        let whole = *self.projections.caught_up().borrow();
        let reads_log = self.provisioner.report().caught_up;
        vec![
            part("the event store", store, "it does not answer"),
            part(
                "the read models",
                whole,
                "they do not hold the whole log yet",
            ),
            part(
                "the provisioner",
                reads_log,
                "it has not read the whole log yet",
            ),
        ]
    }
}

fn part(name: &'static str, ready: bool, why: &'static str) -> PartHealth {
    let why = if ready { "" } else { why };
    PartHealth { name, ready, why }
}
