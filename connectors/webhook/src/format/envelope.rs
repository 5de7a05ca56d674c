//! Our own envelope: the event, and beside it what it is about, by name.

use crate::{
    record::{Actor, Named, Record},
    values::rfc3339,
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// The envelope's fields, in the order in which they are documented. What is not there is left out.
#[derive(Debug, Serialize)]
pub struct Envelope<'a> {
    id: Uuid,
    #[serde(rename = "type")]
    event_type: &'a str,
    schema_version: u32,
    time: String,
    stream: &'a str,
    revision: u64,
    position: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<&'a Named>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peering: Option<&'a Named>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a Actor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_id: Option<Uuid>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    redacted: bool,
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
            actor: record.actor.as_ref(),
            reason: record.reason.as_deref(),
            ticket: record.ticket.as_deref(),
            command_id: record.command_id,
            redacted: record.redacted,
            data: &record.data,
        }
    }
}
