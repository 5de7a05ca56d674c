//! Who gets which event of a group, what comes again, what is given up. A machine without I/O or
//! clock.
//!
//! ```text
//!            read                 deliver                ack, skip
//! (source) ───────▶ waiting ─────────────────▶ in flight ─────────▶ done
//!                   retries ◀──────────────────────┤
//!                     nack, time out, consumer gone │ once too often, or asked for
//!                                                   ▼
//!                                                parked
//! ```
//!
//! Retries go before what waits.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    mem::size_of,
    time::Duration,
};

use tokio::time::Instant;
use uuid::Uuid;

use super::{
    figures::Took,
    held::{Held, Weight},
    settings::{Settings, Strategy},
};
use crate::read::Resolved;

/// An event's place in the group's source: its number in a stream, its position in `$all`.
pub(super) type Cursor = u64;

/// A connected consumer.
pub(super) type ConsumerId = Uuid;

/// What a consumer says of an event it will not process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NackAction {
    Retry,
    Park,
    Skip,
}

/// An event on its way to a consumer.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) event: Resolved,
    /// None for a parked event that is played again: progress does not wait for it.
    pub(super) cursor: Option<Cursor>,
    pub(super) retries: u32,
    /// What it counts for as long as it is here, or a consumer has not read it.
    pub(super) weight: Weight,
}

/// An event given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parked {
    pub(super) event: Resolved,
    pub(super) reason: String,
}

#[derive(Debug)]
struct Consumer {
    id: ConsumerId,
    capacity: usize,
    in_flight: usize,
    /// Kept where the group was asked to.
    took: Option<Took>,
}

#[derive(Debug)]
struct Flight {
    item: Item,
    consumer: ConsumerId,
    given: Instant,
    due: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Delivery {
    strategy: Strategy,
    is_timed: bool,
    max_retries: u32,
    timeout: Option<Duration>,
    consumers: Vec<Consumer>,
    turn: usize,
    waiting: VecDeque<Item>,
    retries: VecDeque<Item>,
    in_flight: HashMap<Uuid, Flight>,
    /// What was read and is not yet done with, and what is done behind something that is not.
    pending: VecDeque<(Cursor, bool)>,
    /// What `pending` counts, in steps.
    pending_weight: Vec<Weight>,
    settled: Option<Cursor>,
    held: Held,
}

/// So many places of `pending` are counted at once.
const PLACES: usize = 1024;

impl Delivery {
    pub(super) fn new(settings: &Settings, held: Held) -> Self {
        let timeout = u64::from(settings.message_timeout_ms);
        Self {
            strategy: settings.strategy,
            is_timed: settings.extra_statistics,
            max_retries: settings.max_retry_count,
            timeout: (timeout > 0).then(|| Duration::from_millis(timeout)),
            consumers: Vec::new(),
            turn: 0,
            waiting: VecDeque::new(),
            retries: VecDeque::new(),
            in_flight: HashMap::new(),
            pending: VecDeque::new(),
            pending_weight: Vec::new(),
            settled: None,
            held,
        }
    }

    /// Adds an event read from the source.
    pub(super) fn read(&mut self, event: Resolved, cursor: Cursor) {
        self.pending.push_back((cursor, false));
        if self.pending.len() / PLACES > self.pending_weight.len() {
            let bytes = PLACES * size_of::<(Cursor, bool)>();
            self.pending_weight.push(self.held.bytes(bytes));
        }
        self.waiting.push_back(Item {
            weight: self.held.event(&event),
            event,
            cursor: Some(cursor),
            retries: 0,
        });
    }

    /// Whether a good part more may be read.
    pub(super) fn has_much_room_for_more(&self) -> bool {
        self.held.has_much_room()
    }

    /// Whether more may be read.
    pub(super) fn has_room_for_more(&self) -> bool {
        self.held.has_room()
    }

    /// Adds a parked event that is played again.
    pub(super) fn replay(&mut self, event: Resolved) {
        self.retries.push_back(Item {
            weight: self.held.event(&event),
            event,
            cursor: None,
            retries: 0,
        });
    }

    pub(super) fn connect(&mut self, id: ConsumerId, capacity: usize) {
        self.consumers.push(Consumer {
            id,
            capacity,
            in_flight: 0,
            took: self.is_timed.then(Took::default),
        });
    }

    /// What the consumer had in flight comes again, in order.
    pub(super) fn disconnect(&mut self, id: ConsumerId) -> Vec<Parked> {
        self.consumers.retain(|consumer| consumer.id != id);
        let mut gone: Vec<(Option<Cursor>, Uuid)> = self
            .in_flight
            .iter()
            .filter(|(_, flight)| flight.consumer == id)
            .map(|(event, flight)| (flight.item.cursor, *event))
            .collect();
        gone.sort_unstable();
        gone.into_iter()
            .filter_map(|(_, event)| self.again(event))
            .collect()
    }

    /// The events to hand out now, each with its consumer.
    pub(super) fn deliver(&mut self, now: Instant) -> Vec<(ConsumerId, Item)> {
        let mut out = Vec::new();
        let mut retries = std::mem::take(&mut self.retries);
        self.hand_out(&mut retries, now, &mut out);
        self.retries = retries;
        let mut waiting = std::mem::take(&mut self.waiting);
        self.hand_out(&mut waiting, now, &mut out);
        self.waiting = waiting;
        out
    }

    pub(super) fn ack(&mut self, event: Uuid) {
        if let Some(item) = self.land(event) {
            self.done(item.cursor);
        }
    }

    pub(super) fn nack(&mut self, event: Uuid, action: NackAction, reason: &str) -> Option<Parked> {
        match action {
            NackAction::Retry => self.again(event),
            NackAction::Skip => {
                self.ack(event);
                None
            }
            NackAction::Park => {
                let item = self.land(event)?;
                self.done(item.cursor);
                Some(Parked {
                    event: item.event,
                    reason: format!("Client explicitly NAK'ed message.\n{reason}"),
                })
            }
        }
    }

    /// Takes back what was not acknowledged in time.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Parked> {
        let mut late: Vec<(Option<Cursor>, Uuid)> = self
            .in_flight
            .iter()
            .filter(|(_, flight)| flight.due.is_some_and(|due| due <= now))
            .map(|(event, flight)| (flight.item.cursor, *event))
            .collect();
        late.sort_unstable();
        late.into_iter()
            .filter_map(|(_, event)| {
                self.time(event, now);
                self.again(event)
            })
            .collect()
    }

    /// The last event up to which every one is done with.
    pub(super) fn settled(&self) -> Option<Cursor> {
        self.settled
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn retrying(&self) -> usize {
        self.retries.len()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    pub(super) fn in_flight_of(&self, id: ConsumerId) -> (usize, usize) {
        let consumer = self.consumers.iter().find(|consumer| consumer.id == id);
        consumer.map_or((0, 0), |consumer| {
            (
                consumer.in_flight,
                consumer.capacity.saturating_sub(consumer.in_flight),
            )
        })
    }

    /// What a consumer's last events took; nothing where that is not kept.
    pub(super) fn took(&self, id: ConsumerId) -> Vec<(&'static str, u64)> {
        let consumer = self.consumers.iter().find(|it| it.id == id);
        let took = consumer.and_then(|it| it.took.as_ref());
        took.map(Took::told).unwrap_or_default()
    }

    /// An event in flight is answered, or its time is over.
    pub(super) fn time(&mut self, event: Uuid, now: Instant) {
        let Some(flight) = self.in_flight.get(&event).filter(|_| self.is_timed) else {
            return;
        };
        let consumer = self
            .consumers
            .iter_mut()
            .find(|it| it.id == flight.consumer);
        if let Some(took) = consumer.and_then(|it| it.took.as_mut()) {
            took.note(now - flight.given);
        }
    }

    fn hand_out(
        &mut self,
        queue: &mut VecDeque<Item>,
        now: Instant,
        out: &mut Vec<(ConsumerId, Item)>,
    ) {
        let mut at = 0;
        while at < queue.len() && self.has_room() {
            let id = ack_id(&queue[at].event);
            match self
                .choose(&queue[at].event)
                .filter(|_| !self.in_flight.contains_key(&id))
            {
                None if self.is_pinned() => at += 1,
                None => return,
                Some(index) => {
                    let Some(item) = queue.remove(at) else { return };
                    self.consumers[index].in_flight += 1;
                    let consumer = self.consumers[index].id;
                    out.push((consumer, item.clone()));
                    let due = self.timeout.map(|timeout| now + timeout);
                    self.in_flight.insert(
                        id,
                        Flight {
                            item,
                            consumer,
                            given: now,
                            due,
                        },
                    );
                }
            }
        }
    }

    fn has_room(&self) -> bool {
        self.consumers.iter().any(Consumer::has_room)
    }

    fn is_pinned(&self) -> bool {
        matches!(
            self.strategy,
            Strategy::Pinned | Strategy::PinnedByCorrelation
        )
    }

    /// The consumer that gets an event now.
    fn choose(&mut self, event: &Resolved) -> Option<usize> {
        let len = self.consumers.len();
        match self.strategy {
            Strategy::DispatchToSingle => self.consumers.iter().position(Consumer::has_room),
            Strategy::RoundRobin => {
                let index = (0..len)
                    .map(|step| (self.turn + step) % len)
                    .find(|index| self.consumers[*index].has_room())?;
                self.turn = (index + 1) % len;
                Some(index)
            }
            Strategy::Pinned => self.pinned(&source_stream(event)),
            Strategy::PinnedByCorrelation => {
                let key = correlation(event).unwrap_or_else(|| source_stream(event));
                self.pinned(&key)
            }
        }
    }

    fn pinned(&self, key: &str) -> Option<usize> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let len = u64::try_from(self.consumers.len())
            .ok()
            .filter(|len| *len > 0)?;
        let index = usize::try_from(hasher.finish() % len).ok()?;
        self.consumers[index].has_room().then_some(index)
    }

    /// Takes an event out of flight.
    fn land(&mut self, event: Uuid) -> Option<Item> {
        let flight = self.in_flight.remove(&event)?;
        if let Some(consumer) = self
            .consumers
            .iter_mut()
            .find(|consumer| consumer.id == flight.consumer)
        {
            consumer.in_flight -= 1;
        }
        Some(flight.item)
    }

    /// Queues an event again, or parks it if it has been tried often enough.
    fn again(&mut self, event: Uuid) -> Option<Parked> {
        let mut item = self.land(event)?;
        if item.retries >= self.max_retries {
            self.done(item.cursor);
            let reason = format!("Reached retry count of {}", self.max_retries);
            return Some(Parked {
                event: item.event,
                reason,
            });
        }
        item.retries += 1;
        self.retries.push_back(item);
        None
    }

    fn done(&mut self, cursor: Option<Cursor>) {
        let Some(cursor) = cursor else { return };
        if let Ok(at) = self
            .pending
            .binary_search_by_key(&cursor, |(cursor, _)| *cursor)
        {
            self.pending[at].1 = true;
        }
        while let Some((cursor, true)) = self.pending.front() {
            self.settled = Some(*cursor);
            self.pending.pop_front();
        }
        self.pending_weight.truncate(self.pending.len() / PLACES);
    }
}

impl Consumer {
    fn has_room(&self) -> bool {
        self.in_flight < self.capacity
    }
}

/// The id under which an event is acknowledged: that of the link, if it came over one.
pub(super) fn ack_id(event: &Resolved) -> Uuid {
    let read = event.link.as_ref().or(event.event.as_ref());
    read.map(|record| record.id).unwrap_or_default()
}

fn source_stream(event: &Resolved) -> String {
    let record = event.event.as_ref().or(event.link.as_ref());
    record
        .map(|record| record.stream().to_owned())
        .unwrap_or_default()
}

fn correlation(event: &Resolved) -> Option<String> {
    let metadata: serde_json::Value =
        serde_json::from_slice(&event.event.as_ref()?.metadata()).ok()?;
    Some(metadata.get("$correlationId")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests;
