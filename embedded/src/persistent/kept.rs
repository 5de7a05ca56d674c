//! What a group writes down: how far it has come, and what it has given up.

use bytes::Bytes;
use chrono::DateTime;
use uuid::Uuid;

use super::{
    delivery::{Cursor, Parked},
    settings::{ALL, GroupName},
};
use crate::model::{NewEvent, Record, Ticks};

const CHECKPOINT_EVENT: &str = "$SubscriptionCheckpoint";
const LINK: &str = "$>";

/// What is left of a replay.
pub(super) struct Replaying {
    /// The last event that was parked when it was asked for.
    pub(super) last: u64,
    /// How many more at most.
    pub(super) left: u64,
}

/// The event that says how far a group has come: a number in a stream, a pair of positions in
/// `$all`.
pub(super) fn checkpoint(id: Uuid, name: &GroupName, cursor: Cursor) -> NewEvent {
    NewEvent {
        id,
        event_type: CHECKPOINT_EVENT.into(),
        is_json: true,
        data: format!("\"{}\"", cursor_text(name, cursor)).into(),
        metadata: Bytes::new(),
    }
}

pub(super) fn read_checkpoint(data: &[u8]) -> Option<Cursor> {
    let text: String = serde_json::from_slice(data).ok()?;
    let number = match text.strip_prefix("C:") {
        Some(pair) => pair.split('/').next()?,
        None => &text,
    };
    number.parse().ok()
}

/// A place in a group's source as the protocol's texts write it.
pub(super) fn cursor_text(name: &GroupName, cursor: Cursor) -> String {
    if name.source.as_str() == ALL {
        format!("C:{cursor}/P:{cursor}")
    } else {
        cursor.to_string()
    }
}

/// The link to an event that was given up, with the reason. The form of the metadata is a real
/// server's.
pub(super) fn parked(id: Uuid, parked: &Parked, now: Ticks) -> Option<NewEvent> {
    let added = DateTime::from_timestamp_nanos(now.0.saturating_mul(100))
        .to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    let reason = serde_json::Value::from(parked.reason.as_str());
    Some(NewEvent {
        id,
        event_type: LINK.into(),
        is_json: false,
        data: link_data(parked)?,
        metadata: format!("{{\n  \"added\": \"{added}\",\n  \"reason\": {reason}\n}}").into(),
    })
}

/// What was read, or, if that was parked before, what it linked to.
fn link_data(parked: &Parked) -> Option<Bytes> {
    let link = |record: &Record| Bytes::from(format!("{}@{}", record.number, record.stream()));
    match (&parked.event.event, &parked.event.link) {
        (_, Some(read)) if read.stream().ends_with("-parked") => Some(read.data()),
        (_, Some(read)) | (Some(read), None) => Some(link(read)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StreamName;

    #[test]
    fn a_checkpoint_reads_back_whatever_the_source() {
        for (source, text) in [("s", "\"7\""), (ALL, "\"C:7/P:7\"")] {
            let name = GroupName {
                source: StreamName::new(source),
                group: "g".to_owned(),
            };
            let event = checkpoint(Uuid::from_u128(1), &name, 7);
            assert_eq!(event.data, text);
            assert_eq!(read_checkpoint(&event.data), Some(7));
        }
        assert_eq!(read_checkpoint(b"nonsense"), None);
    }
}
