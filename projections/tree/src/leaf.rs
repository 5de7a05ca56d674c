//! What of an event the tree holds, byte for byte.
//!
//! ```text
//! peerage leaf v1
//! 44:network-0190…,1:7,36:0190…,16:PeeringRequested,812:{…},640:{…},
//! ```
//!
//! A line, and six netstrings (the length in bytes as a decimal number, a colon, the bytes, a
//! comma): the stream, the event's number in it, its id, its type, its data, its metadata. Data and
//! metadata are the bytes that the store has; the metadata in the form that a move to another store
//! leaves ([`domain::moved_metadata`]). The position and the store's own time are not in it: they
//! change with a move.

use crate::Hash;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use domain::{
    NetworkId,
    access::{DENIALS_STREAM, POLICY_STREAM},
    moved_metadata,
    text::ConnectorId,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// What a leaf's bytes begin with.
const FORM: &str = "peerage leaf v1\n";

/// Streams that the tree holds.
#[derive(Clone, Copy, Debug)]
pub struct Covered {
    /// What their names begin with.
    pub prefix: &'static str,
    /// Which of those are the engine's: a shared store may have others that begin so.
    pub is_ours: fn(&str) -> bool,
}

/// All that the tree holds. What is added here makes another tree of each log that has such events
/// already, and so a new epoch: a kind of stream belongs here before its first event is written.
pub const COVERED: [Covered; 5] = [
    Covered {
        prefix: "network-",
        is_ours: |stream| NetworkId::from_stream(stream).is_some(),
    },
    Covered {
        prefix: "connector-",
        is_ours: |stream| ConnectorId::of_stream(stream).is_some(),
    },
    Covered {
        // What was asked about records that a connector set aside.
        prefix: "connectorParked-",
        is_ours: |stream| ConnectorId::of_stream(stream).is_some(),
    },
    Covered {
        prefix: "access-",
        is_ours: |stream| [POLICY_STREAM, DENIALS_STREAM].contains(&stream),
    },
    Covered {
        prefix: "approval-",
        is_ours: |stream| stream.strip_prefix("approval-").is_some_and(is_uuid),
    },
];

fn is_uuid(text: &str) -> bool {
    Uuid::parse_str(text).is_ok_and(|it| it.to_string() == text)
}

/// Whether the tree holds what stands in this stream.
pub fn is_covered(stream: &str) -> bool {
    let mut of = COVERED.iter();
    of.any(|it| stream.starts_with(it.prefix) && (it.is_ours)(stream))
}

/// An event as the tree holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Its stream.
    pub stream: String,
    /// Its number in its stream, from 0.
    pub revision: u64,
    /// Its id.
    pub id: Uuid,
    /// Its type.
    pub event_type: String,
    /// Its data, as stored.
    pub data: Vec<u8>,
    /// Its metadata, in the form that a move leaves.
    pub metadata: Vec<u8>,
}

/// Bytes that are no leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("these bytes are no leaf: `peerage leaf v1` and six netstrings")]
pub struct NoLeaf;

impl Leaf {
    /// The metadata of an event as the tree has it: what a move would make of what the store has.
    pub fn metadata_of(stream: &str, stored: &[u8], written: DateTime<Utc>) -> Vec<u8> {
        moved_metadata(stream, stored, written).map_or_else(|| stored.to_vec(), String::into_bytes)
    }

    /// The leaf's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let (revision, id) = (self.revision.to_string(), self.id.to_string());
        let fields = [
            self.stream.as_bytes(),
            revision.as_bytes(),
            id.as_bytes(),
            self.event_type.as_bytes(),
            &self.data,
            &self.metadata,
        ];
        let mut bytes = FORM.as_bytes().to_vec();
        for field in fields {
            bytes.extend_from_slice(field.len().to_string().as_bytes());
            bytes.push(b':');
            bytes.extend_from_slice(field);
            bytes.push(b',');
        }
        bytes
    }

    /// Reads a leaf's bytes.
    ///
    /// # Errors
    /// When they are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoLeaf> {
        let leaf = Self::parts(bytes).ok_or(NoLeaf)?;
        // Each leaf has one form, so that nothing can be told of it that another form would not.
        (leaf.bytes() == bytes).then_some(leaf).ok_or(NoLeaf)
    }

    fn parts(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(FORM.as_bytes())?;
        let mut next = || {
            let colon = rest.iter().position(|it| *it == b':')?;
            let length: usize = std::str::from_utf8(&rest[..colon]).ok()?.parse().ok()?;
            let (field, behind) = rest.get(colon + 1..)?.split_at_checked(length)?;
            rest = behind.strip_prefix(b",")?;
            Some(field)
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(Self {
            stream: text(next()?)?,
            revision: text(next()?)?.parse().ok()?,
            id: text(next()?)?.parse().ok()?,
            event_type: text(next()?)?,
            data: next()?.to_vec(),
            metadata: next()?.to_vec(),
        })
    }

    /// What the tree has of it.
    pub fn hash(&self) -> Hash {
        Hash::leaf(&self.bytes())
    }
}

/// An event in a file of events, a line of JSON. It has nothing but what the tree holds, so that
/// nothing beside the proved passes for proved.
///
/// Data and metadata are texts that hold the stored bytes: what any reader of JSON gives back is
/// what was hashed. Bytes that are no UTF-8 stand in base64, in the field of that name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafRecord {
    /// The event's place among all that the tree holds, from 0.
    pub index: u64,
    /// Its stream.
    pub stream: String,
    /// Its number in its stream, from 0.
    pub revision: u64,
    /// Its id.
    pub id: Uuid,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its data, where it is a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Its data, where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_base64: Option<String>,
    /// Its metadata, where it is a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// Its metadata, where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_base64: Option<String>,
    /// In a file that does not hold all events: the hashes beside its way, from the leaf up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Vec<Hash>>,
}

/// A record that says its data or metadata twice, not at all, or not in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0} must be there once: as a text, or as base64 in {0}_base64")]
pub struct NoContent(&'static str);

impl LeafRecord {
    /// The record of a leaf at this place.
    pub fn of(index: u64, leaf: Leaf) -> Self {
        let (data, data_base64) = written(leaf.data);
        let (metadata, metadata_base64) = written(leaf.metadata);
        Self {
            index,
            stream: leaf.stream,
            revision: leaf.revision,
            id: leaf.id,
            event_type: leaf.event_type,
            data,
            data_base64,
            metadata,
            metadata_base64,
            proof: None,
        }
    }

    /// The leaf that it is of.
    ///
    /// # Errors
    /// When data or metadata are not there once.
    pub fn leaf(&self) -> Result<Leaf, NoContent> {
        Ok(Leaf {
            stream: self.stream.clone(),
            revision: self.revision,
            id: self.id,
            event_type: self.event_type.clone(),
            data: read("data", &self.data, &self.data_base64)?,
            metadata: read("metadata", &self.metadata, &self.metadata_base64)?,
        })
    }
}

fn written(bytes: Vec<u8>) -> (Option<String>, Option<String>) {
    match String::from_utf8(bytes) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
    }
}

fn read(
    name: &'static str,
    text: &Option<String>,
    base64: &Option<String>,
) -> Result<Vec<u8>, NoContent> {
    let bytes = match (text, base64) {
        (Some(text), None) => Some(text.clone().into_bytes()),
        (None, Some(base64)) => STANDARD.decode(base64).ok(),
        (None, None) | (Some(_), Some(_)) => None,
    };
    bytes.ok_or(NoContent(name))
}
