//! Our own envelope: the event, and beside it what it is about, by name.

use crate::{
    record::{Actor, Cloud, Named, Record},
    values::rfc3339,
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// The envelope's fields, in the order in which they are documented. What is not there is left out.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Envelope<'a> {
    /// The event's id: the same in every delivery and replay, for ever.
    id: Uuid,
    /// The event's type, which says with `schema_version` what `data` is like.
    #[serde(rename = "type")]
    event_type: &'a str,
    /// The version of the form of `data`.
    schema_version: u32,
    /// When it was recorded.
    #[cfg_attr(test, schemars(with = "chrono::DateTime<chrono::Utc>"))]
    time: String,
    /// The stream that it is in.
    stream: &'a str,
    /// Its number there.
    revision: u64,
    /// Its place in the log: the commit position.
    position: u64,
    /// The private network that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<&'a Named>,
    /// The peering that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    peering: Option<&'a Named>,
    /// The cloud account of that network.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    /// Which cloud that network is at, where it is on record. What is not real is not to be taken
    /// for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud: Option<&'a Cloud>,
    /// Who caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a Actor>,
    /// Why, as the caller put it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// Where the change is tracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
    /// The command that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<Uuid>,
    /// Whether the data was taken out of the event.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    redacted: bool,
    /// The event itself, in the form of its type and version.
    data: &'a Value,
}

impl<'a> Envelope<'a> {
    /// The envelope of a record.
    #[must_use]
    pub fn of(record: &'a Record) -> Self {
        Self {
            id: record.id,
            event_type: &record.event_type,
            schema_version: record.schema_version,
            time: rfc3339(record.time),
            stream: &record.stream,
            revision: record.revision,
            position: record.position,
            network: record.network.as_ref(),
            peering: record.peering.as_ref(),
            account: record.account.as_deref(),
            cloud: record.cloud.as_ref(),
            actor: record.actor.as_ref(),
            reason: record.reason.as_deref(),
            ticket: record.ticket.as_deref(),
            command_id: record.command_id,
            redacted: record.redacted,
            data: &record.data,
        }
    }
}
