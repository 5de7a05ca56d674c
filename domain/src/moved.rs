//! What becomes of an event's metadata when its history moves to another store.
//!
//! A store says of itself when it wrote an event, and the next one says another time. So an event
//! of a network that does not say when it was decided keeps, in its metadata, when it was written
//! first. Who compares histories across a move compares this form: it is the same before and after.

use crate::NetworkId;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// What tells the engine's metadata from any other.
#[derive(Deserialize)]
struct Ours {
    #[serde(rename = "command_id")]
    _command_id: Uuid,
    #[serde(rename = "command_digest")]
    _command_digest: String,
    #[serde(rename = "actor")]
    _actor: Value,
    time: Option<Value>,
}

/// The metadata with the time of writing at its end and all else as it was, byte for byte. `None`:
/// it stays as it is, since the stream is no network's, the metadata not the engine's, or the time
/// of the decision in it.
pub fn moved_metadata(stream: &str, metadata: &[u8], written: DateTime<Utc>) -> Option<String> {
    let is_network = NetworkId::from_stream(stream).is_some_and(|id| id.stream() == stream);
    if !is_network {
        return None;
    }
    let ours: Ours = serde_json::from_slice(metadata).ok()?;
    let open = std::str::from_utf8(metadata)
        .ok()?
        .trim_end()
        .strip_suffix('}')?;
    let time = written.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    ours.time
        .is_none()
        .then(|| format!("{},\"time\":\"{time}\"}}", open.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "network-00000000-0000-0000-0000-000000000003";
    const OURS: &str = r#"{"command_id":"00000000-0000-0000-0000-000000000001","command_digest":"d","actor":"ada"}"#;

    fn moved(stream: &str, metadata: &str) -> Option<String> {
        let written = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        moved_metadata(stream, metadata.as_bytes(), written)
    }

    #[test]
    fn an_event_of_a_network_keeps_when_it_was_written_first_and_moves_on_unchanged() {
        let once = moved(STREAM, OURS).expect("a time is added");
        let time = r#","time":"2023-11-14T22:13:20Z"}"#;
        assert_eq!(once, OURS.replace('}', time));
        assert_eq!(moved(STREAM, &once), None);
    }

    #[test]
    fn what_is_not_the_engines_stays_as_it_is() {
        assert_eq!(moved("order-1", OURS), None);
        assert_eq!(moved(&STREAM.to_uppercase(), OURS), None);
        assert_eq!(moved(STREAM, r#"{"mine":1}"#), None);
        assert_eq!(moved(STREAM, ""), None);
    }
}
