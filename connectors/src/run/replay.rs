//! Parked records that somebody wants delivered again: beside the live flow, one after the other,
//! marked as such.

use super::{
    delivery::{Dealt, Delivery, End},
    names::NameBook,
};
use crate::{
    parked::{ParkedError, ParkedState},
    sink::Item,
};
use std::sync::Arc;

impl Delivery {
    /// Whether there is something to replay, and nobody at it.
    pub(super) async fn begins_replay(&self) -> bool {
        let is_wanted =
            self.next_wanted().await.is_some() || self.next_log_replay().await.is_some();
        let mut replays = self.replays.lock();
        let begins = is_wanted && !*replays;
        *replays |= begins;
        begins
    }

    async fn next_wanted(&self) -> Option<ParkedState> {
        let parked = self.parked.lock().await;
        let wanted = parked.parked.records.values().filter(|it| it.is_wanted);
        wanted.min_by_key(|it| it.record.position).cloned()
    }

    /// Delivers what is wanted, oldest first.
    pub(super) async fn replay(&self) -> Dealt {
        let dealt = self.replay_all().await;
        *self.replays.lock() = false;
        dealt
    }

    async fn replay_all(&self) -> Dealt {
        let mut names = NameBook::new(self.journal.networks().clone());
        while let Some(wanted) = self.next_wanted().await {
            match self.replay_one(&wanted, &mut names).await {
                Ok(End::Delivered | End::Parked) => {}
                Ok(End::Apart | End::Unfinished) => break,
                Ok(End::Fenced) | Err(ParkedError::Fenced) => return Dealt::Fenced,
                Ok(End::Failed(failure)) => {
                    let numbers = Vec::new();
                    return Dealt::Failed { failure, numbers };
                }
                Ok(End::Broke(message)) => return Dealt::Broke(message),
                Err(
                    error @ (ParkedError::NotParked(_)
                    | ParkedError::TooMany { .. }
                    | ParkedError::TooManyReplays
                    | ParkedError::Contention
                    | ParkedError::Encoding(_)
                    | ParkedError::Journal(_)),
                ) => return Dealt::Broke(domain::error_chain(&error).to_string()),
            }
        }
        let ended = self.replay_log(&mut names).await;
        ended.unwrap_or(Dealt::Replayed)
    }

    async fn replay_one(
        &self,
        wanted: &ParkedState,
        names: &mut NameBook,
    ) -> Result<End, ParkedError> {
        let record = &wanted.record;
        let found = self
            .journal
            .read_some(&record.stream, record.revision, 1)
            .await?;
        let found = found.into_iter().find(|it| it.event_id == record.event_id);
        let Some(recorded) = found else {
            // It was in the log when it was parked: this is another one, or a stream was deleted.
            let mut parked = self.parked.lock().await;
            let mut again = record.clone();
            again.cause = "the record is not in the log any more".to_owned();
            parked.park(again, self.now()).await?;
            return Ok(End::Parked);
        };
        let item = Item {
            names: names.of(&recorded).await?,
            recorded: Arc::new(recorded),
            sequence: record.sequence,
            changed: None,
        };
        let end = self.settle(&record.lane, vec![item], true).await;
        if let End::Delivered = end {
            let mut parked = self.parked.lock().await;
            parked.replayed(record.event_id, self.now()).await?;
        }
        Ok(end)
    }
}
