//! Events as clients get them.

use std::collections::BTreeMap;

use protocol::{shared::StreamIdentifier, streams::read_resp::read_event::RecordedEvent};

use super::convert::IdForm;
use crate::model::Record;

pub(super) fn recorded(record: &Record, ids: IdForm) -> RecordedEvent {
    let content_type = if record.is_json {
        "application/json"
    } else {
        "application/octet-stream"
    };
    RecordedEvent {
        id: Some(ids.write(record.id)),
        stream_identifier: Some(StreamIdentifier {
            stream_name: record.stream_bytes(),
        }),
        stream_revision: record.number,
        prepare_position: record.position.get(),
        commit_position: record.position.get(),
        metadata: BTreeMap::from([
            ("type".to_owned(), record.event_type().to_owned()),
            ("created".to_owned(), record.created.0.to_string()),
            ("content-type".to_owned(), content_type.to_owned()),
        ]),
        custom_metadata: record.metadata(),
        data: record.data(),
    }
}
