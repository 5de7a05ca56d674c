//! One event as one line of JSON, and back, byte for byte.
//!
//! ```text
//! {"format":"peerage events","version":1,"from":"kurrentdb://db1:2113"}
//! {"stream":"order-1","revision":0,"id":"…","type":"Placed","created":"…","position":"4096/4096","data":{"n":1}}
//! {"stream":"order-1","revision":1,"id":"…","type":"Seen","content_type":"application/octet-stream",…,"data_base64":"AP8="}
//! ```
//!
//! The first line says which version of this form follows; a file without it is read as this one.
//! Data and metadata that are JSON stand in the line as the very text they are; anything else, a
//! text of several lines too, is base64. What is absent is empty.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::{ids::is_derived, moved_metadata as moved};
use kurrentdb::{EventData, Position, RecordedEvent};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};
use serde_json::value::RawValue;
use std::borrow::Cow;
use uuid::Uuid;

const FORMAT: &str = "peerage events";
const VERSION: u32 = 1;
const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";
/// The type and the number of the event that ends a stream for ever.
const TOMBSTONE: (&str, u64) = ("$streamDeleted", i64::MAX as u64);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header<'a> {
    format: Cow<'a, str>,
    version: u32,
    from: Cow<'a, str>,
}

/// What a line says.
#[derive(Debug)]
pub(crate) enum Said {
    Header,
    Event(Box<Event>),
}

/// An event on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) stream: String,
    pub(crate) revision: u64,
    pub(crate) id: Uuid,
    pub(crate) event_type: String,
    pub(crate) is_json: bool,
    pub(crate) data: Bytes,
    pub(crate) metadata: Bytes,
    /// Where it stood, and when it was written: what the next store says itself.
    pub(crate) position: Option<Position>,
    pub(crate) created: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    stream: Cow<'a, str>,
    revision: u64,
    id: Uuid,
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    content_type: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    position: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    data: Option<&'a RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata_base64: Option<String>,
}

/// The first line of an export.
pub(crate) fn header(from: &str) -> String {
    let header = Header {
        format: FORMAT.into(),
        version: VERSION,
        from: from.into(),
    };
    serde_json::to_string(&header).unwrap_or_default()
}

/// Reads a line.
pub(crate) fn parse(line: &str) -> Result<Said, String> {
    if let Ok(header) = serde_json::from_str::<Header<'_>>(line) {
        return match (&*header.format, header.version) {
            (FORMAT, VERSION) => Ok(Said::Header),
            (FORMAT, other) => Err(format!(
                "it has version {other} of the form, and this program reads version {VERSION}"
            )),
            (other, _) => Err(format!(
                "it has the form {other:?}, and this program reads {FORMAT:?}"
            )),
        };
    }
    let line: Line<'_> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let is_json = match line.content_type.as_deref() {
        None | Some(JSON) => true,
        Some(BYTES) => false,
        Some(other) => {
            return Err(format!(
                "a content type is {JSON} or {BYTES}, not {other:?}"
            ));
        }
    };
    let position = line
        .position
        .map(|text| parse_position(&text).ok_or(format!("{text:?} is no position")))
        .transpose()?;
    let created = line
        .created
        .map(|text| text.parse().map_err(|_| format!("{text:?} is no time")))
        .transpose()?;
    Ok(Said::Event(Box::new(Event {
        stream: line.stream.into_owned(),
        revision: line.revision,
        id: line.id,
        event_type: line.event_type.into_owned(),
        is_json,
        data: content("data", line.data, line.data_base64)?,
        metadata: content("metadata", line.metadata, line.metadata_base64)?,
        position,
        created,
    })))
}

fn parse_position(text: &str) -> Option<Position> {
    let (commit, prepare) = text.split_once('/')?;
    Some(Position {
        commit: commit.parse().ok()?,
        prepare: prepare.parse().ok()?,
    })
}

fn content(name: &str, raw: Option<&RawValue>, base64: Option<String>) -> Result<Bytes, String> {
    match (raw, base64) {
        (None, None) => Ok(Bytes::new()),
        (Some(raw), None) => Ok(Bytes::copy_from_slice(raw.get().as_bytes())),
        (None, Some(text)) => STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(|error| format!("{name}_base64: {error}")),
        (Some(_), Some(_)) => Err(format!("{name} and {name}_base64 cannot both be there")),
    }
}

/// The JSON that these bytes are, if a line can hold it and give it back as it is.
fn verbatim(bytes: &[u8]) -> Option<&RawValue> {
    let raw: &RawValue = serde_json::from_slice(bytes).ok()?;
    let is_one_line = !raw.get().contains(['\n', '\r']);
    // A null would come back as nothing.
    (raw.get().len() == bytes.len() && is_one_line && raw.get() != "null").then_some(raw)
}

fn base64(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty() && verbatim(bytes).is_none()).then(|| STANDARD.encode(bytes))
}

impl Event {
    /// An event as a store gives it.
    pub(crate) fn recorded(event: &RecordedEvent) -> Self {
        // The client cuts the time to seconds; the ticks it was made of are still there.
        let ticks = event
            .metadata
            .get("created")
            .and_then(|ticks| ticks.parse::<i64>().ok());
        let created = ticks.map_or(event.created, |ticks| {
            DateTime::from_timestamp_nanos(ticks.saturating_mul(100))
        });
        Self {
            stream: event.stream_id().to_owned(),
            revision: event.revision,
            id: event.id,
            event_type: event.event_type.clone(),
            is_json: event.is_json,
            data: event.data.clone(),
            metadata: event.custom_metadata.clone(),
            position: Some(event.position),
            created: Some(created),
        }
    }

    /// The event as it is to be written to another store. That store will say that it was written
    /// now; an event of a network keeps in its metadata when it was written first, unless it says
    /// when it was decided. What other applications wrote stays as it is, byte for byte.
    pub(crate) fn with_its_time(mut self) -> Self {
        if let Some(created) = self.created
            && let Some(metadata) = moved(&self.stream, &self.metadata, created)
        {
            self.metadata = metadata.into();
        }
        self
    }

    /// The line of it.
    pub(crate) fn line(&self) -> String {
        let line = Line {
            stream: (&*self.stream).into(),
            revision: self.revision,
            id: self.id,
            event_type: (&*self.event_type).into(),
            content_type: (!self.is_json).then_some(BYTES.into()),
            created: self
                .created
                .map(|created| created.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            position: self
                .position
                .map(|position| format!("{}/{}", position.commit, position.prepare)),
            data: verbatim(&self.data),
            data_base64: base64(&self.data),
            metadata: verbatim(&self.metadata),
            metadata_base64: base64(&self.metadata),
        };
        serde_json::to_string(&line).unwrap_or_default()
    }

    /// The event for a client to append. None: it is marked as JSON and is no text at all, which
    /// the client cannot send.
    pub(crate) fn proposed(&self) -> Option<EventData> {
        let event = match (self.is_json, std::str::from_utf8(&self.data)) {
            (false, _) => EventData::binary(&self.event_type, self.data.clone()),
            (true, Ok(text)) => EventData::json(&self.event_type, &AsItIs(text)).ok()?,
            (true, Err(_)) => return None,
        };
        let event = event.id(self.id);
        Some(if self.metadata.is_empty() {
            event
        } else {
            event.metadata(self.metadata.clone())
        })
    }

    /// About what it counts against a limit on one append.
    pub(crate) fn size(&self) -> usize {
        self.data.len() + self.metadata.len() + 2 * self.event_type.len()
    }

    pub(crate) fn is_tombstone(&self) -> bool {
        (&*self.event_type, self.revision) == TOMBSTONE
    }

    /// Whether it is of a stream that holds the metadata of another.
    pub(crate) fn is_metadata(&self) -> bool {
        self.stream.starts_with("$$")
    }

    /// Whether it belongs to the store rather than to its user's history: links and books that each
    /// store keeps of its own, and what is derived from networks' streams. Of the latter a store
    /// keeps the newest events alone, and where they are missing they are made again.
    pub(crate) fn is_of_the_store(&self) -> bool {
        let stream = self.stream.strip_prefix("$$").unwrap_or(&self.stream);
        stream.starts_with('$') || is_derived(stream)
    }
}

/// A text that is written as JSON without being looked at: stores do not validate what is marked as
/// JSON, and the client takes only what serialises to it. This is what `RawValue` does, less its
/// check.
struct AsItIs<'a>(&'a str);

impl Serialize for AsItIs<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        const TOKEN: &str = "$serde_json::private::RawValue";
        let mut raw = to.serialize_struct(TOKEN, 1)?;
        raw.serialize_field(TOKEN, self.0)?;
        raw.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::NetworkId;

    fn event(is_json: bool, data: &[u8], metadata: &[u8]) -> Event {
        Event {
            stream: "order-\"ä\" 1".to_owned(),
            revision: 7,
            id: Uuid::from_u128(9),
            event_type: "Größe".to_owned(),
            is_json,
            data: Bytes::copy_from_slice(data),
            metadata: Bytes::copy_from_slice(metadata),
            position: Some(Position {
                commit: 10,
                prepare: 9,
            }),
            created: DateTime::from_timestamp(1_700_000_000, 123_456_700),
        }
    }

    const OURS: &str = r#"{"$correlationId":"00000000-0000-0000-0000-000000000001","$causationId":"00000000-0000-0000-0000-000000000002","command_id":"00000000-0000-0000-0000-000000000003","command_digest":"6f8d49719b250a0282b9512ebefb8253","actor":"anna","schema_version":1}"#;

    fn of(stream: &str, metadata: &str) -> Event {
        Event {
            stream: stream.to_owned(),
            ..event(true, b"{}", metadata.as_bytes())
        }
    }

    #[test]
    fn an_event_of_a_network_keeps_when_it_was_written_first_and_says_it_once() {
        let stream = NetworkId(Uuid::from_u128(7)).stream();
        let moved = of(&stream, OURS).with_its_time();
        let metadata = String::from_utf8(moved.metadata.to_vec()).unwrap();
        let (before, time) = metadata.split_at(OURS.len() - 1);
        assert_eq!(before, &OURS[..OURS.len() - 1]);
        assert_eq!(time, r#","time":"2023-11-14T22:13:20.123456700Z"}"#);
        assert_eq!(
            moved.clone().with_its_time(),
            moved,
            "decided then, wherever it goes"
        );
        let decoded: journal::Metadata = serde_json::from_str(&metadata).unwrap();
        assert_eq!(decoded.time, moved.created);
    }

    #[test]
    fn what_another_application_wrote_stays_as_it_is() {
        let network = NetworkId(Uuid::from_u128(7)).stream();
        for event in [
            of("order-1", OURS),
            of("network-of-friends", OURS),
            of(&network, r#"{"by":"hand"}"#),
            of(&network, ""),
            of(&network, "[1]"),
        ] {
            assert_eq!(event.clone().with_its_time(), event);
        }
    }

    #[test]
    fn every_byte_comes_back_as_it_was() {
        let contents: [&[u8]; 14] = [
            b"",
            b"null",
            b"{}",
            br#"{"b":1.50,"a":[1e3,"\u00e4"],"a":2}"#,
            b" {}",
            b"{} ",
            b"{\n  \"pretty\": true\n}",
            b"{\r}",
            b"\"text\"",
            b"12345678901234567890123",
            b"no JSON",
            b"{\"cut",
            &[0, 255, 7],
            "ä".as_bytes(),
        ];
        for data in contents {
            for metadata in contents {
                for is_json in [true, false] {
                    let event = event(is_json, data, metadata);
                    let line = event.line();
                    assert!(!line.contains('\n'), "{line}");
                    match parse(&line) {
                        Ok(Said::Event(read)) => assert_eq!(*read, event, "{line}"),
                        other => panic!("{line}: {other:?}"),
                    }
                }
            }
        }
    }

    #[test]
    fn json_stands_in_the_line_as_text_and_other_bytes_as_base64() {
        let line = event(true, br#"{"n":1}"#, b"").line();
        assert!(
            line.ends_with(r#""position":"10/9","data":{"n":1}}"#),
            "{line}"
        );
        let line = event(false, &[0, 255], b"").line();
        assert!(
            line.contains(r#""content_type":"application/octet-stream""#)
                && line.ends_with(r#""data_base64":"AP8="}"#),
            "{line}"
        );
    }

    #[test]
    fn a_text_is_written_as_json_whether_it_is_or_not() {
        for text in ["", "{\"cut", "no JSON", "{\n}", "null"] {
            assert_eq!(serde_json::to_string(&AsItIs(text)).unwrap(), text);
        }
        assert!(event(true, &[255], b"").proposed().is_none());
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        let good =
            r#"{"stream":"s","revision":0,"id":"00000000-0000-0000-0000-000000000009","type":"T"}"#;
        assert!(matches!(parse(good), Ok(Said::Event(_))));
        assert!(matches!(parse(&header("kurrentdb://x")), Ok(Said::Header)));
        for (line, problem) in [
            ("nonsense".to_owned(), "expected"),
            (good.replace("\"type\"", "\"typ\""), "typ"),
            (
                good.replace(
                    "\"type\":\"T\"",
                    "\"type\":\"T\",\"content_type\":\"text/plain\"",
                ),
                "text/plain",
            ),
            (
                good.replace(
                    "\"type\":\"T\"",
                    "\"type\":\"T\",\"data\":1,\"data_base64\":\"\"",
                ),
                "cannot both",
            ),
            (
                good.replace("\"type\":\"T\"", "\"type\":\"T\",\"data_base64\":\"?\""),
                "data_base64",
            ),
            (
                good.replace("\"type\":\"T\"", "\"type\":\"T\",\"position\":\"7\""),
                "no position",
            ),
            (
                header("x").replace("\"version\":1", "\"version\":2"),
                "version 2",
            ),
            (header("x").replace(FORMAT, "other"), "the form \"other\""),
        ] {
            let found = parse(&line).map(|_| ()).unwrap_err();
            assert!(found.contains(problem), "{line}: {found}");
        }
    }

    #[test]
    fn what_each_store_keeps_of_its_own_is_told_from_history() {
        let of = |stream: &str| {
            Event {
                stream: stream.to_owned(),
                ..event(true, b"", b"")
            }
            .is_of_the_store()
        };
        assert!(
            [
                "$ce-order",
                "$users",
                "$$$users",
                "$$$ce-order",
                "$persistentsubscription-a::b-parked",
                "networkSnapshot-00000000-0000-0000-0000-000000000003",
                "$$networkSnapshot-00000000-0000-0000-0000-000000000003",
                "networkReceipts-00000000-0000-0000-0000-000000000003",
            ]
            .into_iter()
            .all(of)
        );
        assert!(
            !["order-1", "$$order-1", "networkSnapshot-1"]
                .into_iter()
                .any(of)
        );
    }
}
