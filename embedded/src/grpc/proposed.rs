//! Events as clients propose them.

use std::collections::BTreeMap;

use bytes::Bytes;
use protocol::{shared::Uuid as WireUuid, streams};
use tonic::Status;

use super::{convert::read_id, status};
use crate::model::NewEvent;

const TYPE: &str = "type";
const CONTENT_TYPE: &str = "content-type";
const JSON: &str = "application/json";

/// Why a proposed event is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    MissingProperty(&'static str),
    NoId,
    EmptyType,
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::MissingProperty(property) => status::missing_metadata_property(property),
            Refusal::NoId => Self::invalid_argument("An event's id must be a UUID, and not nil."),
            Refusal::EmptyType => Self::invalid_argument("An event's type must not be empty."),
        }
    }
}

pub(super) fn appended(message: streams::append_req::ProposedMessage) -> Result<NewEvent, Refusal> {
    let streams::append_req::ProposedMessage {
        id,
        metadata,
        custom_metadata,
        data,
    } = message;
    event(id.as_ref(), &metadata, custom_metadata, data)
}

pub(super) fn batched(
    message: streams::batch_append_req::ProposedMessage,
) -> Result<NewEvent, Refusal> {
    let streams::batch_append_req::ProposedMessage {
        id,
        metadata,
        custom_metadata,
        data,
    } = message;
    event(id.as_ref(), &metadata, custom_metadata, data)
}

fn event(
    id: Option<&WireUuid>,
    properties: &BTreeMap<String, String>,
    metadata: Bytes,
    data: Bytes,
) -> Result<NewEvent, Refusal> {
    let property = |name| properties.get(name).ok_or(Refusal::MissingProperty(name));
    let event_type = property(TYPE)?;
    let content_type = property(CONTENT_TYPE)?;
    if event_type.is_empty() {
        return Err(Refusal::EmptyType);
    }
    let id = read_id(id).filter(|id| !id.is_nil()).ok_or(Refusal::NoId)?;
    Ok(NewEvent {
        id,
        event_type: event_type.as_str().into(),
        is_json: content_type == JSON,
        data,
        metadata,
    })
}
