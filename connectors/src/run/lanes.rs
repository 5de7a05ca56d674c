//! Records in lanes: their numbers, and what is handed over next.

use super::{
    COUNTED, LANES_KNOWN, Lane, Place, RunError, Running,
    turns::{self, Waiting},
};
use crate::{
    checkpoint::{Landmark, place, told},
    filter::wants,
    lane::lane,
    sink::Item,
};
use journal::Recorded;
use std::sync::Arc;

impl Running {
    /// Takes a record in hand.
    pub(super) async fn take(&mut self, recorded: Arc<Recorded>) -> Result<(), RunError> {
        let position = recorded.position;
        self.run.live.lock().reached = Some(recorded.created);
        let mut place = Place {
            position,
            landmark: Some(Landmark::of(&recorded)),
            records: 1,
            written: Some(recorded.created),
            lane: None,
        };
        if !self.wants(&recorded) {
            self.pass(&recorded, 1);
            return Ok(());
        }
        let key = lane(self.run.defined.settings.lanes, &recorded);
        let sequence = self.sequence(&key, &recorded).await?;
        place.lane = Some((key.clone(), sequence));
        let number = self.tracker.track(position, place);
        let is_dealt_with = self.beyond.remove(&told(position))
            || self.delivery.has_parked(recorded.event_id).await;
        if is_dealt_with {
            self.done(number);
            return Ok(());
        }
        let names = self.names.of(&recorded).await?;
        let item = Item {
            recorded,
            sequence,
            names,
            changed: None,
        };
        self.lane(&key).queue.push_back((number, item));
        self.hand_over(&key);
        Ok(())
    }

    /// Leaves out what the connector does not deliver: so many records, of which this is the last.
    pub(super) fn pass(&mut self, last: &Recorded, records: usize) {
        {
            let mut live = self.run.live.lock();
            live.reached = Some(last.created);
            live.counts.filtered += records as u64;
        }
        let place = Place {
            position: last.position,
            landmark: Some(Landmark::of(last)),
            records,
            written: Some(last.created),
            lane: None,
        };
        let number = self.tracker.track(last.position, place);
        self.done(number);
    }

    /// Whether the connector delivers this record.
    fn wants(&self, recorded: &Recorded) -> bool {
        let run = &self.run;
        wants(&run.id, &run.defined.settings, &run.matcher, recorded)
    }

    pub(super) fn lane(&mut self, key: &str) -> &mut Lane {
        self.lanes.entry(key.to_owned()).or_default()
    }

    /// The record's number in its lane: how many that the connector delivers there came with it,
    /// since its beginning.
    async fn sequence(&mut self, key: &str, recorded: &Recorded) -> Result<u64, RunError> {
        self.tick += 1;
        let tick = self.tick;
        let is_known = self.lanes.contains_key(key);
        if !is_known {
            let before = match self.kept.remove(key) {
                Some(count) => count,
                None => self.count(key, recorded).await?,
            };
            let is_held = self.delivery.holds(key).await;
            let lane = self.lane(key);
            (lane.sequence, lane.is_held) = (before, is_held);
            self.forget_idle();
        }
        let lane = self.lane(key);
        lane.sequence += 1;
        lane.used = tick;
        Ok(lane.sequence)
    }

    /// Counts in the log what came before a record in its lane.
    async fn count(&self, key: &str, recorded: &Recorded) -> Result<u64, RunError> {
        let began = self.settled.began.map(place);
        let (mut from, mut counted) = (0, 0);
        while from < recorded.revision {
            let page = self
                .run
                .journal
                .read_some(&recorded.stream, from, COUNTED)
                .await?;
            let Some(last) = page.last() else {
                break;
            };
            from = last.revision + 1;
            let lanes = self.run.defined.settings.lanes;
            let before = page.iter().filter(|it| {
                it.revision < recorded.revision
                    && Some(it.position) > began
                    && self.wants(it)
                    && lane(lanes, it) == key
            });
            counted += before.count() as u64;
        }
        Ok(counted)
    }

    /// Forgets the lanes that were idle for longest, if there are many: they are counted again.
    fn forget_idle(&mut self) {
        if self.lanes.len() <= LANES_KNOWN {
            return;
        }
        let idle = self.lanes.iter();
        let idle = idle.filter(|(_, it)| it.queue.is_empty() && !it.is_busy && !it.is_held);
        let mut idle: Vec<_> = idle.map(|(key, it)| (it.used, key.clone())).collect();
        idle.sort_unstable();
        for (_, key) in idle.into_iter().take(LANES_KNOWN / 4) {
            self.lanes.remove(&key);
        }
    }

    /// Hands a lane's next records over, unless it is busy.
    pub(super) fn hand_over(&mut self, key: &str) {
        let batch = self.run.sink.batch();
        let Some(lane) = self.lanes.get_mut(key) else {
            return;
        };
        if lane.is_busy || lane.is_held || lane.queue.is_empty() {
            return;
        }
        lane.is_busy = true;
        let (together, most) = match batch {
            Some((most, wait)) => {
                if lane.queue.len() < most && !wait.is_zero() && !lane.has_waited {
                    lane.has_waited = true;
                    let (key, delivery) = (key.to_owned(), Arc::clone(&self.delivery));
                    self.work
                        .spawn(async move { (delivery.wait(key, wait).await, Waiting::new()) });
                    return;
                }
                (most, most)
            }
            None => (1, turns::MOST),
        };
        lane.has_waited = false;
        let most = most.min(lane.queue.len());
        let waiting: Waiting = lane.queue.drain(..most).collect();
        let (key, delivery) = (key.to_owned(), Arc::clone(&self.delivery));
        self.work
            .spawn(async move { delivery.in_turn(key, waiting, together).await });
    }
}
