//! A network as its log says it was: the domain's own fold, stopped at a place.
//!
//! A place is a position of the log, or a time. A time means everything before the first event of
//! the network that was decided later: clocks of several servers may differ a little, and what is
//! shown is always a state that there was.

use crate::decision::Decisions;
use chrono::{DateTime, Utc};
use domain::{
    EventId, NetworkId, PeeringId,
    network::{Network, Registered, evolve},
};
use journal::{Body, Journal, JournalError, Position, Recorded};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, ops::ControlFlow};

/// Up to where a history is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Everything that there is.
    End,
    /// This position of the log, itself included.
    Position(Position),
    /// The last event before the first that was decided after this time.
    Time(DateTime<Utc>),
}

impl Until {
    /// Whether the event is within.
    pub fn includes(&self, event: &Recorded) -> bool {
        match self {
            Self::End => true,
            Self::Position(position) => event.position <= *position,
            Self::Time(time) => event.time() <= *time,
        }
    }
}

/// An event's place in its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// In the store's log.
    #[serde(with = "crate::stored::as_text")]
    pub position: Position,
    /// In the network's stream.
    pub revision: u64,
    /// Which event it is.
    pub event_id: EventId,
    /// When it was decided.
    pub time: DateTime<Utc>,
}

impl Place {
    /// Where this event is.
    pub fn of(event: &Recorded) -> Self {
        Self {
            position: event.position,
            revision: event.revision,
            event_id: event.event_id,
            time: event.time(),
        }
    }
}

/// A network at a place of its history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// As it was.
    pub network: Network,
    /// Where the last event is that made it so; `None` before the first one.
    pub last: Option<Place>,
    /// Where the last event is that was about each peering.
    pub peerings: BTreeMap<PeeringId, Place>,
    /// Where the last event is that the engine recorded about each: what it did or saw.
    pub observed: BTreeMap<PeeringId, Place>,
    /// Whose word each opening goes back to.
    #[serde(with = "crate::stored::decisions")]
    pub decisions: Decisions,
    /// How many events this version could not read: what they did is missing.
    pub unreadable: u64,
}

impl Past {
    /// The next event of the history.
    pub fn follow(&mut self, event: &Recorded) {
        let place = Place::of(event);
        self.last = Some(place);
        let Body::Event(body) = &event.body else {
            self.unreadable += 1;
            return;
        };
        if let Some(peering) = body.peering_id() {
            self.peerings.insert(peering, place);
            if body.is_outcome() {
                self.observed.insert(peering, place);
            }
        }
        self.decisions.follow(body, event);
        self.network = evolve(std::mem::take(&mut self.network), body, place.time);
    }

    /// The network, if it was on record then, retired or not.
    pub fn registered(&self) -> Option<&Registered> {
        match &self.network {
            Network::Registered(it) | Network::Retired(it) => Some(it),
            Network::Unregistered | Network::Marked(_) => None,
        }
    }

    /// The folded state as a document; null where nothing was on record.
    pub fn document(&self) -> Result<Value, serde_json::Error> {
        self.registered()
            .map_or(Ok(Value::Null), serde_json::to_value)
    }
}

/// A history, as far as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The network at the place that was asked for.
    pub past: Past,
    /// The first event of all, whether it is within or not.
    pub first: Option<Place>,
}

impl Told {
    /// The next event of the history; breaks at the first that is not within.
    pub fn take(&mut self, event: &Recorded, until: Until) -> ControlFlow<()> {
        self.first.get_or_insert(Place::of(event));
        if !until.includes(event) {
            return ControlFlow::Break(());
        }
        self.past.follow(event);
        ControlFlow::Continue(())
    }
}

/// Reads this network's history part by part, until it ends or there is enough of it.
pub async fn walk(
    journal: &Journal,
    network: NetworkId,
    mut each: impl FnMut(&Recorded) -> ControlFlow<()>,
) -> Result<(), JournalError> {
    let stream = network.stream();
    let mut after = None;
    loop {
        let (events, more) = journal.read_part(&stream, after).await?;
        for event in &events {
            if each(event).is_break() {
                return Ok(());
            }
        }
        after = events.last().map(|it| it.revision);
        if !more {
            return Ok(());
        }
    }
}
