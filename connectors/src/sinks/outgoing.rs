//! Records of the log as they go out.

use crate::sink::{Item, Parcel};
use chrono::{DateTime, Utc};
use domain::{CloudMode, connector::without_ciphertext, text::ConnectorId};
use journal::{Body, Metadata, Recorded, SCHEMA_VERSION, current_data};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;
use webhook::{Actor, Cloud, Delivery, Format, Message, Named, Record, Replay, SystemHeaders};

/// The message of a parcel.
pub(super) fn message(format: Format, parcel: &Parcel, now: DateTime<Utc>) -> Option<Message> {
    let records: Vec<_> = parcel.items.iter().map(record).collect();
    let sequence = parcel.items.last().map_or(0, |it| it.sequence);
    let delivery = Delivery {
        connector_id: parcel.connector.to_string(),
        request_id: request_id(parcel, now),
        lane: parcel.lane.clone(),
        lane_sequence: sequence,
        replay: if parcel.is_replay {
            Replay::Replayed
        } else {
            Replay::Live
        },
        system_headers: SystemHeaders::Ignored,
    };
    Message::new(format, &records, &delivery)
}

/// The id of one attempt: no two of them have the same.
fn request_id(parcel: &Parcel, now: DateTime<Utc>) -> Uuid {
    let event = parcel.items.first().map(|it| it.recorded.event_id.0);
    let (connector, attempt) = (&parcel.connector, parcel.attempt);
    let name = format!("{connector}/{attempt}/{now:?}");
    Uuid::new_v5(&event.unwrap_or_default(), name.as_bytes())
}

/// A record as a receiver may know it.
pub(super) fn record(item: &Item) -> Record {
    let recorded = &item.recorded;
    let metadata = recorded.metadata.as_ref();
    let names = item.names.as_deref();
    let peering = names.and_then(|it| it.peering.as_ref());
    let changed = item.changed.as_deref();
    let subject = changed.map(|it| it.subject.clone());
    let mut headers = metadata.map(shown).unwrap_or_default();
    if let Some(cloud) = cloud(item) {
        headers.insert("cloud-mode".to_owned(), cloud.as_str().to_owned());
    }
    Record {
        id: recorded.event_id.0,
        event_type: subject.unwrap_or_else(|| recorded.event_type().to_owned()),
        schema_version: match &recorded.body {
            Body::Event(_) => SCHEMA_VERSION,
            Body::Undecodable { .. } => metadata.map_or(1, |it| it.schema_version),
        },
        data: changed.map_or_else(|| data(recorded), |it| it.value.clone()),
        metadata: match changed {
            Some(changed) => beside(&headers, &changed.headers),
            None => headers,
        },
        stream: recorded.stream.clone(),
        revision: recorded.revision,
        position: recorded.position.commit,
        time: recorded.time(),
        redacted: recorded.data.is_empty(),
        network: recorded.network_id.map(|id| Named {
            id: id.to_string(),
            name: names.map(|it| format!("{}/{}", it.project, it.network)),
        }),
        peering: peering.map(|it| Named {
            id: it.id.to_string(),
            name: Some(format!("{}/{}", it.account, it.cloud_network)),
        }),
        account: names.map(|it| it.account.to_string()),
        cloud: cloud(item).map(|it| Cloud {
            mode: it.as_str().to_owned(),
            endpoint: it.endpoint().map(ToString::to_string),
        }),
        actor: metadata.and_then(|it| {
            let name = it.actor.name()?.to_string();
            let claimed = it.actor.subject.is_none();
            Some(Actor { name, claimed })
        }),
        reason: metadata.and_then(|it| it.reason.as_ref().map(ToString::to_string)),
        ticket: metadata.and_then(|it| it.ticket.as_ref().map(ToString::to_string)),
        command_id: metadata.map(|it| it.command_id.0),
    }
}

/// Which cloud the record's network is at: as it stands beside the event, or else beside the
/// network.
fn cloud(item: &Item) -> Option<&CloudMode> {
    let metadata = item.recorded.metadata.as_ref();
    let beside = metadata.and_then(|it| it.cloud.as_ref());
    beside.or_else(|| item.names.as_deref()?.cloud.as_ref())
}

/// What a receiver gets of an event: its present form, and of a connector's settings no ciphertext.
fn data(recorded: &Recorded) -> Value {
    let mut data = current_data(recorded);
    if ConnectorId::of_stream(&recorded.stream).is_some() {
        without_ciphertext(&mut data);
    }
    data
}

/// A record as a transform sees it.
pub(crate) fn transformable(item: &Item) -> transform::Record {
    let record = record(item);
    transform::Record {
        record_id: record.id.to_string(),
        position: transform::Position {
            stream_id: record.stream,
            stream_revision: record.revision,
            log_position: record.position,
        },
        is_redacted: record.redacted,
        schema_info: transform::SchemaInfo {
            subject: record.event_type,
            form: "json",
        },
        headers: record.metadata,
        value: record.data,
    }
}

/// What stands beside a record that was transformed: what the transform left, but for the engine's
/// own, which stays as it was.
fn beside(
    own: &BTreeMap<String, String>,
    left: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let is_own = |key: &str| key.starts_with('$') || own.contains_key(key);
    let own = own.iter();
    let left = left.iter().filter(|(key, _)| !is_own(key));
    own.chain(left)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn shown(metadata: &Metadata) -> BTreeMap<String, String> {
    let mut shown = BTreeMap::from([
        (
            "$correlationId".to_owned(),
            metadata.correlation_id.to_string(),
        ),
        ("$causationId".to_owned(), metadata.causation_id.to_string()),
        ("command-id".to_owned(), metadata.command_id.to_string()),
    ]);
    if let Some(traceparent) = &metadata.traceparent {
        shown.insert("traceparent".to_owned(), traceparent.clone());
    }
    shown
}
