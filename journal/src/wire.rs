//! Between the protocol's messages and what this room works with.

use crate::{Position, codec::Raw};
use bytes::Bytes;
use protocol::{
    shared::{
        StreamIdentifier, Uuid as WireUuid,
        uuid::{Structured, Value},
    },
    streams::{append_req::ProposedMessage, read_resp::read_event::RecordedEvent},
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What the name of a stream's metadata begins with.
pub(crate) const METADATA: &str = "$$";

/// The types of the store's own events: what is said of a stream, and that it is deleted for good.
pub(crate) const METADATA_TYPE: &str = "$metadata";
pub(crate) const DELETED_TYPE: &str = "$streamDeleted";

/// As large as the server's own limit on a message, and some room.
pub(crate) const LARGEST_MESSAGE: usize = 17 * 1024 * 1024;

/// An event to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposed {
    pub(crate) id: Uuid,
    pub(crate) event_type: &'static str,
    /// The vocabulary of those who can read it ([`domain::vocabulary`]).
    pub(crate) vocabulary: u32,
    /// JSON.
    pub(crate) data: Bytes,
    /// JSON.
    pub(crate) metadata: Bytes,
}

/// An append that took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) revision: u64,
    pub(crate) position: Option<Position>,
}

/// An append that surely did not take effect because the stream is elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongExpectedVersion;

impl Proposed {
    /// What the store knows of it beside its bytes.
    pub(crate) fn properties(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("type".to_owned(), self.event_type.to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ])
    }

    pub(crate) fn message(&self) -> ProposedMessage {
        ProposedMessage {
            id: Some(uuid(self.id)),
            metadata: self.properties(),
            custom_metadata: self.metadata.clone(),
            data: self.data.clone(),
        }
    }
}

pub(crate) fn stream(name: &str) -> StreamIdentifier {
    StreamIdentifier {
        stream_name: name.to_owned().into_bytes().into(),
    }
}

/// A recorded event; nothing if a part of it is missing or no text where text belongs.
pub(crate) fn raw(mut event: RecordedEvent) -> Option<Raw> {
    let event_id = event.id.and_then(id)?;
    Some(Raw {
        stream: String::from_utf8(event.stream_identifier?.stream_name.to_vec()).ok()?,
        revision: event.stream_revision,
        position: Position {
            commit: event.commit_position,
            prepare: event.prepare_position,
        },
        event_id,
        event_type: event.metadata.remove("type")?,
        created: event.metadata.remove("created"),
        metadata: event.custom_metadata,
        data: event.data,
    })
}

/// An id in either of its forms.
pub(crate) fn id(id: WireUuid) -> Option<Uuid> {
    match id.value? {
        Value::Structured(it) => Some(Uuid::from_u64_pair(
            it.most_significant_bits as u64,
            it.least_significant_bits as u64,
        )),
        Value::String(text) => text.parse().ok(),
    }
}

pub(crate) fn uuid(id: Uuid) -> WireUuid {
    let (most, least) = id.as_u64_pair();
    WireUuid {
        value: Some(Value::Structured(Structured {
            most_significant_bits: most as i64,
            least_significant_bits: least as i64,
        })),
    }
}
