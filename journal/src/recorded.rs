//! An event as the log holds it.

use crate::{Metadata, Position};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{EventId, NetworkId, network::NetworkEvent};

/// One event of the log, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The stream.
    pub stream: String,
    /// The network whose stream this is, if it is one.
    pub network_id: Option<NetworkId>,
    /// The event's number in its stream, from 0.
    pub revision: u64,
    /// Where it is in the store's log.
    pub position: Position,
    /// Unique in its stream.
    pub event_id: EventId,
    /// When the store wrote it, by the store's clock.
    pub created: DateTime<Utc>,
    /// `None` if there is none or it is not ours.
    pub metadata: Option<Metadata>,
    /// Its type and metadata as stored.
    pub stored: Stored,
    /// Its data as stored, byte for byte; JSON in every event of ours.
    pub data: Bytes,
    /// What it says.
    pub body: Body,
}

/// What is read of an event, in the form in which it stands in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Its type; of an older form, not the one that says the same today.
    pub event_type: String,
    /// Its metadata, byte for byte.
    pub metadata: Bytes,
}

impl Recorded {
    /// When it was decided, where that is on record; or else when the store wrote it.
    pub fn time(&self) -> DateTime<Utc> {
        let decided = self.metadata.as_ref().and_then(|it| it.time);
        decided.unwrap_or(self.created)
    }

    /// The type as the log names it.
    pub fn event_type(&self) -> &str {
        match &self.body {
            Body::Event(event) => event.name(),
            Body::Undecodable { event_type, .. } => event_type,
        }
    }
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// One that this version can read.
    Event(NetworkEvent),
    /// An event that this version cannot read: to be parked and reported, never guessed at.
    Undecodable {
        /// The type as the log names it.
        event_type: String,
        /// Why, in words.
        problem: String,
    },
}
