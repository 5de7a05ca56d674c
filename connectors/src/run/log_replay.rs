//! Parts of the log that somebody wants delivered again: beside the live flow, one record after the
//! other, marked as such. How far that is goes on record now and then, so that a crash repeats
//! little.

use super::{
    delivery::{Dealt, Delivery, End},
    names::NameBook,
};
use crate::{
    checkpoint::{Landmark, place, told},
    filter::{Matcher, wants},
    lane::lane,
    parked::ParkedError,
    replays::{LogReplay, has},
    sink::Item,
};
use domain::connector::LogPosition;
use journal::{Followed, Recorded, Signal};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// After how many records, or how long, it goes on record how far it is.
const AFTER: usize = 100;
const EVERY: Duration = Duration::from_secs(5);

const ANOTHER_LOG: &str = "the log became another one while a part of it was delivered again";

/// How far a replay is, and what of that is on record.
struct Progress {
    position: Option<LogPosition>,
    told: Option<LogPosition>,
    since: usize,
    at: Instant,
}

impl Delivery {
    pub(super) async fn next_log_replay(&self) -> Option<LogReplay> {
        let parked = self.parked.lock().await;
        let replays = parked.parked.log_replays.values();
        replays.min_by_key(|it| it.revision).cloned()
    }

    /// Delivers what is wanted of the log, in the order in which it was asked for; nothing if that
    /// is done.
    pub(super) async fn replay_log(&self, names: &mut NameBook) -> Option<Dealt> {
        while let Some(replay) = self.next_log_replay().await {
            match self.replay_part(&replay, names).await {
                Ok(End::Delivered | End::Parked) => {}
                Ok(End::Apart | End::Unfinished) => return Some(Dealt::Replayed),
                Ok(End::Fenced) | Err(ParkedError::Fenced) => return Some(Dealt::Fenced),
                Ok(End::Failed(failure)) => {
                    let numbers = Vec::new();
                    return Some(Dealt::Failed { failure, numbers });
                }
                Ok(End::Broke(message)) => return Some(Dealt::Broke(message)),
                Err(error) => return Some(Dealt::Broke(domain::error_chain(&error).to_string())),
            }
        }
        None
    }

    async fn replay_part(
        &self,
        replay: &LogReplay,
        names: &mut NameBook,
    ) -> Result<End, ParkedError> {
        let Ok(matcher) = Matcher::new(self.settings.filter.as_ref()) else {
            return Ok(End::Broke("its filter cannot be read".to_owned()));
        };
        let mut progress = Progress {
            position: replay.next(),
            told: replay.position,
            since: 0,
            at: Instant::now(),
        };
        let after = replay.next().map(place);
        let mut follower = self.journal.follow(after, Followed::Deliverable);
        let mut last = None;
        loop {
            let Some(signal) = self.draining.run_until_cancelled(follower.next()).await else {
                self.told(replay, &progress).await?;
                return Ok(End::Unfinished);
            };
            let recorded = match signal {
                Ok(Signal::Event(recorded)) => recorded,
                Ok(Signal::Checkpoint(position)) if told(position) >= replay.range.until => break,
                Ok(Signal::CaughtUp) => break,
                Ok(Signal::Checkpoint(_)) => continue,
                Ok(Signal::Resumed) if self.is_same_log(last.as_ref()).await? => continue,
                Ok(Signal::Resumed) => return Ok(End::Broke(ANOTHER_LOG.to_owned())),
                Err(error) => return Ok(End::Broke(domain::error_chain(&error).to_string())),
            };
            last = Some(Landmark::of(&recorded));
            let position = told(recorded.position);
            if position > replay.range.until {
                break;
            }
            let is_meant = has(&replay.range, &recorded)
                && wants(&self.id, &self.settings, &matcher, &recorded);
            if is_meant {
                match self.replay_from_log(recorded, names).await? {
                    End::Delivered | End::Parked => {}
                    end @ (End::Apart
                    | End::Unfinished
                    | End::Fenced
                    | End::Failed(_)
                    | End::Broke(_)) => {
                        if matches!(end, End::Unfinished | End::Apart) {
                            self.told(replay, &progress).await?;
                        }
                        return Ok(end);
                    }
                }
            }
            progress.position = Some(position);
            progress.since += 1;
            if position == replay.range.until {
                break;
            }
            if !self.is_wanted(replay).await {
                return Ok(End::Delivered);
            }
            if progress.since >= AFTER || progress.at.elapsed() >= EVERY {
                self.told(replay, &progress).await?;
                progress = Progress {
                    told: progress.position,
                    since: 0,
                    at: Instant::now(),
                    ..progress
                };
            }
        }
        let until = replay.range.until;
        let mut parked = self.parked.lock().await;
        parked
            .log_replayed(replay.id, until, true, self.now())
            .await?;
        Ok(End::Delivered)
    }

    /// Whether the log has the last record that was read, after following was broken off. The run
    /// begins anew where it does not: a restored log may not even have the wish.
    async fn is_same_log(&self, last: Option<&Landmark>) -> Result<bool, ParkedError> {
        match last {
            Some(last) => Ok(last.is_in(&self.journal).await?),
            None => Ok(true),
        }
    }

    /// Whether nobody has ended it meanwhile.
    async fn is_wanted(&self, replay: &LogReplay) -> bool {
        let parked = self.parked.lock().await;
        parked.parked.log_replays.contains_key(&replay.id)
    }

    /// Puts on record how far it is, if that is news.
    async fn told(&self, replay: &LogReplay, progress: &Progress) -> Result<(), ParkedError> {
        let Some(position) = progress
            .position
            .filter(|_| progress.position != progress.told)
        else {
            return Ok(());
        };
        let mut parked = self.parked.lock().await;
        if parked.parked.log_replays.contains_key(&replay.id) {
            let now = self.now();
            parked.log_replayed(replay.id, position, false, now).await?;
        }
        Ok(())
    }

    async fn replay_from_log(
        &self,
        recorded: Recorded,
        names: &mut NameBook,
    ) -> Result<End, ParkedError> {
        let (event_id, key) = (recorded.event_id, lane(self.settings.lanes, &recorded));
        let item = Item {
            names: names.of(&recorded).await?,
            recorded: Arc::new(recorded),
            // It is outside of the order.
            sequence: 0,
            changed: None,
        };
        let end = self.settle(&key, vec![item], true).await;
        if let End::Delivered = end {
            let mut parked = self.parked.lock().await;
            if parked.parked.records.contains_key(&event_id) {
                parked.replayed(event_id, self.now()).await?;
            }
        }
        Ok(end)
    }
}
