//! Keeping states ahead of questions, for as long as the process lives.

use super::{FoldedStates, Histories, rows::New};
use crate::Projections;
use audit::{Told, Until};
use chrono::{DateTime, Utc};
use domain::NetworkId;
use journal::{Journal, JournalError, Recorded};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::task;
use tokio_util::sync::CancellationToken;

/// How long a look at which networks have grown is good for.
const LOOK: Duration = Duration::from_secs(1);

/// A network's history, folded on.
struct Folding {
    told: Told,
    latest: DateTime<Utc>,
    /// How many events came since the last state that was kept, and how large that was.
    since: u64,
    size: u64,
}

impl FoldedStates {
    /// Keeps states of networks as they grow, until cancelled.
    pub async fn run(
        &self,
        journal: &Journal,
        projections: &Projections,
        cancel: CancellationToken,
    ) {
        let _ = cancel
            .run_until_cancelled(self.follow(journal, projections))
            .await;
    }

    pub(super) async fn follow(&self, histories: &impl Histories, projections: &Projections) {
        let mut position = projections.position();
        // Up to where each was read the last time, whether or not a state was kept then.
        let mut read = HashMap::new();
        loop {
            position.borrow_and_update();
            // While they cannot be asked there is nothing to be known of them.
            let grown = projections
                .longer_than(self.every)
                .await
                .unwrap_or_default();
            for (network, revision) in grown {
                if !self.is_due(network, revision, read.get(&network).copied()) {
                    continue;
                }
                match self.fill(histories, network).await {
                    Ok(()) => drop(read.insert(network, revision)),
                    Err(error) => {
                        tracing::debug!(%error, %network, "its history cannot be read for now");
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
            if position.changed().await.is_err() {
                return;
            }
        }
    }

    /// Whether a network that goes up to this event has grown by enough. What was read and left no
    /// state, since that is large, or too large, is read again the later the more it is.
    pub(super) fn is_due(&self, network: NetworkId, revision: u64, read: Option<u64>) -> bool {
        let kept = self.kept(network).map_or(0, |it| it + 1);
        let read = read.map_or(0, |it| it + 1).max(kept);
        revision >= read + self.every.max(read - kept)
    }

    /// Reads on in this network's history to its end, and keeps a state every so many events.
    pub(super) async fn fill(
        &self,
        histories: &impl Histories,
        network: NetworkId,
    ) -> Result<(), JournalError> {
        let kept = self.nearest(histories, network, &[Until::End]).await?;
        let mut folding = kept.map_or_else(Folding::new, |it| Folding {
            told: it.told,
            latest: it.latest,
            since: 0,
            size: it.size as u64,
        });
        let stream = network.stream();
        loop {
            let after = folding.told.past.last.map(|it| it.revision);
            let events = histories.part(&stream, after, self.part).await?;
            let more = events.len() == self.part;
            let (rows, every, worth) = (Arc::clone(&self.rows), self.every, self.worth);
            let folded = task::spawn_blocking(move || {
                let states = folding.follow(&events, every, worth);
                if !states.is_empty() {
                    rows.lock().keep(network, &states);
                }
                folding
            });
            match folded.await {
                Ok(folded) if more => folding = folded,
                Ok(_) | Err(_) => return Ok(()),
            }
        }
    }
}

impl Folding {
    fn new() -> Self {
        Self {
            told: Told::default(),
            latest: DateTime::<Utc>::MIN_UTC,
            since: 0,
            size: 0,
        }
    }

    /// Takes these events in. Gives the states that are to be kept.
    fn follow(&mut self, events: &[Recorded], every: u64, worth: u64) -> Vec<New> {
        let mut states = Vec::new();
        for event in events {
            // Nothing lies beyond the end.
            let _ = self.told.take(event, Until::End);
            self.latest = self.latest.max(event.time());
            self.since += 1;
            if self.since < every.max(self.size / worth) {
                continue;
            }
            self.since = 0;
            let Some((state, size)) = self.told.store() else {
                continue;
            };
            self.size = size as u64;
            states.push(New {
                revision: event.revision,
                position: event.position,
                latest: self.latest,
                state,
            });
        }
        states
    }
}
