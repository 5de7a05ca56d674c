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
use workers::provisioner::{Progress, ProgressReport};

/// How long the event store has to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// For how long networks may be due while no pass ends, before the provisioner counts as stuck.
const STUCK: Duration = Duration::from_secs(600);

/// The part that every command and every read of the log needs.
const STORE: &str = "the event store";

/// Whether the event store answered when it was looked last; so it did when this began.
pub(super) fn store_answers(readiness: &Readiness) -> bool {
    let store = readiness.iter().find(|it| it.name == STORE);
    store.is_none_or(|it| it.ready)
}

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
        vec![
            part(STORE, store, "it does not answer"),
            part(
                "the read models",
                whole,
                "they do not hold the whole log yet",
            ),
            provisioner(&self.provisioner.report()),
        ]
    }
}

fn provisioner(report: &ProgressReport) -> PartHealth {
    let why = match (report.caught_up, report.stalled < STUCK) {
        (false, _) => "it has not read the whole log yet",
        (true, false) => "networks are due, and no pass has ended for ten minutes",
        (true, true) => "",
    };
    part("the provisioner", why.is_empty(), why)
}

fn part(name: &'static str, ready: bool, why: &'static str) -> PartHealth {
    let why = if ready { "" } else { why };
    PartHealth { name, ready, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(caught_up: bool, stalled: Duration) -> ProgressReport {
        ProgressReport {
            caught_up,
            stalled,
            ..Progress::default().report()
        }
    }

    #[test]
    fn the_provisioner_is_ready_once_it_has_read_the_log_and_while_passes_end() {
        let nearly = STUCK - Duration::from_secs(1);
        assert!(provisioner(&report(true, nearly)).ready);
        for (report, why) in [
            (report(false, Duration::ZERO), "not read the whole log"),
            (report(true, STUCK), "no pass has ended"),
        ] {
            let part = provisioner(&report);
            assert!(!part.ready && part.why.contains(why), "{part:?}");
        }
    }

    #[test]
    fn the_store_counts_as_answering_until_it_was_seen_not_to() {
        assert!(store_answers(&Vec::new()));
        assert!(store_answers(&vec![part(STORE, true, "")]));
        let away = vec![
            part("the read models", true, ""),
            part(STORE, false, "it does not answer"),
        ];
        assert!(!store_answers(&away));
    }
}
