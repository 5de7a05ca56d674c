//! What is sent: one body under one id, with the headers that tell a receiver what it is.
//!
//! The headers are those of KurrentDB's HTTP sink under our prefix, and three of our own that make
//! order visible: the lane, the record's number in it, and whether this is a replay.

use crate::{
    format::Format,
    record::Record,
    values::{encoded, id, rfc3339, truth},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use uuid::Uuid;

/// Room for the headers of a message and of its endpoint.
const CAPACITY: usize = 48;

const CONNECTOR_ID: HeaderName = HeaderName::from_static("peerage-connector-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("peerage-request-id");
const LANE: HeaderName = HeaderName::from_static("peerage-lane");
const LANE_SEQUENCE: HeaderName = HeaderName::from_static("peerage-lane-sequence");
const REPLAY: HeaderName = HeaderName::from_static("peerage-replay");
const BATCH_SIZE: HeaderName = HeaderName::from_static("peerage-batch-size");
const RECORD_ID: HeaderName = HeaderName::from_static("peerage-record-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("peerage-record-timestamp");
const REDACTED: HeaderName = HeaderName::from_static("peerage-record-redacted");
const STREAM_ID: HeaderName = HeaderName::from_static("peerage-record-stream-id");
const STREAM_REVISION: HeaderName = HeaderName::from_static("peerage-record-stream-revision");
const LOG_POSITION: HeaderName = HeaderName::from_static("peerage-record-log-position");
const SCHEMA_SUBJECT: HeaderName = HeaderName::from_static("peerage-record-schema-subject");
const SCHEMA_TYPE: HeaderName = HeaderName::from_static("peerage-record-schema-type");
const SCHEMA_VERSION: HeaderName = HeaderName::from_static("peerage-record-schema-version");

/// The most metadata headers.
const MOST_METADATA: usize = 50;

/// The namespace of the ids of batches.
const BATCHES: Uuid = Uuid::from_u128(0x6d1f_3a52_5c0e_5b86_9a3d_0f4c_7e21_b8d4);

/// What a record fills into a URL's path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// `{event-type}`
    pub event_type: String,
    /// `{stream}`
    pub stream: String,
    /// `{schema-subject}`
    pub schema_subject: String,
    /// `{network}`: the network's name, or else its id.
    pub network: String,
}

impl Place {
    /// The place of a record.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let network = record.network.as_ref();
        let network = network.map(|it| it.name.clone().unwrap_or_else(|| it.id.clone()));
        Self {
            event_type: record.event_type.clone(),
            stream: record.stream.clone(),
            schema_subject: record.schema_subject(),
            network: network.unwrap_or_default(),
        }
    }
}

/// Which delivery this is.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The connector's id.
    pub connector_id: String,
    /// This attempt's own id.
    pub request_id: Uuid,
    /// What is kept in order: the network, or the peering.
    pub lane: String,
    /// How many records of the lane the connector's filter has matched, this one (of a batch: its
    /// last one) included.
    pub lane_sequence: u64,
    /// Whether it is sent because somebody asked for it again.
    pub replay: Replay,
    /// Whether metadata headers of the store's own (`$…`) are sent too.
    pub system_headers: SystemHeaders,
}

/// Whether a delivery is of the live flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// It is.
    Live,
    /// It repeats what was there before.
    Replayed,
}

/// What becomes of metadata whose key begins with `$`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemHeaders {
    /// Left out, as the Connectors' default.
    Ignored,
    /// Sent with the others.
    Sent,
}

/// One message: the same however often it is attempted, but for the attempt's id.
#[derive(Clone, Debug)]
pub struct Message {
    /// `webhook-id`: of one record its event's id; of a batch derived from the ids in it.
    pub id: String,
    /// The body.
    pub body: Bytes,
    /// Content type, and what describes the record and the delivery.
    pub headers: HeaderMap,
    /// What the URL is filled in with.
    pub place: Place,
}

impl Message {
    /// The message of these records, in order. `None` without a record, and for several of them in
    /// a format that has no batches ([`Format::batches`]).
    #[must_use]
    pub fn new(format: Format, records: &[Record], delivery: &Delivery) -> Option<Self> {
        let (first, last) = (records.first()?, records.last()?);
        if records.len() > 1 && !format.batches() {
            return None;
        }
        let place = Place::of(first);
        let mut headers = HeaderMap::with_capacity(CAPACITY);
        describe_delivery(&mut headers, delivery);
        let message_id = if records.len() == 1 {
            describe(&mut headers, first, &place, delivery.system_headers);
            first.id.to_string()
        } else {
            headers.insert(BATCH_SIZE, records.len().into());
            headers.insert(LOG_POSITION, last.position.into());
            batch_id(records)
        };
        let (content_type, body) = format.body(records, &mut headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Some(Self {
            id: message_id,
            body,
            headers,
            place,
        })
    }
}

fn batch_id(records: &[Record]) -> String {
    let ids: Vec<&[u8]> = records
        .iter()
        .map(|record| record.id.as_bytes().as_slice())
        .collect();
    Uuid::new_v5(&BATCHES, &ids.concat()).to_string()
}

fn describe_delivery(headers: &mut HeaderMap, delivery: &Delivery) {
    put(headers, CONNECTOR_ID, encoded(&delivery.connector_id));
    put(headers, REQUEST_ID, id(delivery.request_id));
    put(headers, LANE, encoded(&delivery.lane));
    headers.insert(LANE_SEQUENCE, delivery.lane_sequence.into());
    headers.insert(REPLAY, truth(delivery.replay == Replay::Replayed));
}

fn describe(headers: &mut HeaderMap, record: &Record, place: &Place, system: SystemHeaders) {
    put(headers, RECORD_ID, id(record.id));
    put(headers, TIMESTAMP, encoded(&rfc3339(record.time)));
    headers.insert(REDACTED, truth(record.redacted));
    put(headers, STREAM_ID, encoded(&record.stream));
    headers.insert(STREAM_REVISION, record.revision.into());
    headers.insert(LOG_POSITION, record.position.into());
    put(headers, SCHEMA_SUBJECT, encoded(&place.schema_subject));
    headers.insert(SCHEMA_TYPE, HeaderValue::from_static("json"));
    headers.insert(SCHEMA_VERSION, record.schema_version.into());
    let metadata = record.metadata.iter();
    let shown = metadata.filter(|(key, _)| system == SystemHeaders::Sent || !key.starts_with('$'));
    for (key, value) in shown.take(MOST_METADATA) {
        let name = format!("peerage-record-headers-{key}");
        if let (Ok(name), Some(value)) = (name.parse::<HeaderName>(), encoded(value)) {
            headers.insert(name, value);
        }
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.insert(name, value);
    }
}
