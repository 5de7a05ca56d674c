//! The links that the system projections write for an event: by category, by type, by correlation.
//!
//! A real server's projections follow the log and write a little later. Here the links are part of
//! the group that holds their event, so they are never missing, late or doubled. What they look
//! like is a real server's.

use bytes::Bytes;
use chrono::DateTime;
use serde::Deserialize;
use uuid::Uuid;

use crate::model::{
    EventType, NewEvent, Position, STREAM_DELETED, STREAM_METADATA, StreamMetadata, StreamName,
    Ticks,
};

const LINK: &str = "$>";
const STREAM_REFERENCE: &str = "$@";

/// An event of which links are to be made.
#[derive(Debug, Clone)]
pub(super) struct Source<'a> {
    pub(super) stream: &'a StreamName,
    pub(super) number: u64,
    pub(super) position: Position,
    pub(super) created: Ticks,
    pub(super) event: &'a NewEvent,
}

/// A link, and the stream it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) stream: StreamName,
    pub(super) event_type: EventType,
    pub(super) data: Bytes,
    pub(super) metadata: Bytes,
}

/// The versions that a real server's projections put into the metadata of their links.
mod version {
    pub(super) const STREAMS_BY_CATEGORY: &str = "2:-1:1:4";
    pub(super) const BY_CATEGORY: &str = "3:-1:1:4";
    pub(super) const BY_EVENT_TYPE: &str = "4:-1:1:4";
    pub(super) const BY_CORRELATION_ID: &str = "5:-1:1:4";
}

/// All links of an event, but those to streams whose names would be longer than any that a client
/// can ask for: types and correlation ids may be as long as their event.
pub(super) fn links(source: &Source<'_>) -> Vec<Link> {
    if &*source.event.event_type == STREAM_REFERENCE {
        return Vec::new();
    }
    [
        by_category(source),
        stream_of_category(source),
        by_event_type(source),
        by_correlation_id(source),
    ]
    .into_iter()
    .flatten()
    .filter(|link| link.stream.can_be_said())
    .collect()
}

/// Events of the category's streams, and what deletes one of them; no other metadata.
fn by_category(source: &Source<'_>) -> Option<Link> {
    let deleted = deleted_stream(source);
    let stream = deleted.as_ref().unwrap_or(source.stream);
    let category = category(stream)?;
    let data = if source.is_link() {
        source.event.data.clone()
    } else {
        source.target()
    };
    let mut metadata = source.metadata(version::BY_CATEGORY);
    metadata.text("$o", stream.as_str());
    if deleted.is_some() {
        metadata.raw("$deleted", "-1");
    }
    metadata.text("$causedBy", &source.event.id.to_string());
    Some(link(format!("$ce-{category}"), LINK, data, metadata))
}

/// One reference for each stream of the category.
fn stream_of_category(source: &Source<'_>) -> Option<Link> {
    let category = category(source.stream).filter(|_| source.number == 0)?;
    let mut metadata = source.metadata(version::STREAMS_BY_CATEGORY);
    metadata.text("$o", source.stream.as_str());
    metadata.text("$causedBy", &source.event.id.to_string());
    let data = Bytes::copy_from_slice(source.stream.as_str().as_bytes());
    Some(link(
        format!("$category-{category}"),
        STREAM_REFERENCE,
        data,
        metadata,
    ))
}

fn by_event_type(source: &Source<'_>) -> Option<Link> {
    if source.is_link() {
        return None;
    }
    let mut metadata = source.metadata(version::BY_EVENT_TYPE);
    metadata.text("$causedBy", &source.event.id.to_string());
    Some(link(
        format!("$et-{}", source.event.event_type),
        LINK,
        source.target(),
        metadata,
    ))
}

fn by_correlation_id(source: &Source<'_>) -> Option<Link> {
    #[derive(Deserialize)]
    struct Correlated {
        #[serde(rename = "$correlationId")]
        correlation_id: String,
    }
    if source.is_link() || source.event.metadata.is_empty() {
        return None;
    }
    let correlated: Correlated = serde_json::from_slice(&source.event.metadata).ok()?;
    let mut metadata = source.metadata(version::BY_CORRELATION_ID);
    let time = DateTime::from_timestamp_nanos(source.created.0.saturating_mul(100));
    metadata.text(
        "$eventTimestamp",
        &time.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true),
    );
    metadata.text("$causedBy", &source.event.id.to_string());
    metadata.text("$correlationId", &correlated.correlation_id);
    Some(link(
        format!("$bc-{}", correlated.correlation_id),
        LINK,
        source.target(),
        metadata,
    ))
}

/// The stream that this event deletes, softly or for ever.
fn deleted_stream(source: &Source<'_>) -> Option<StreamName> {
    match &*source.event.event_type {
        STREAM_DELETED => Some(source.stream.clone()),
        STREAM_METADATA => {
            let described = source.stream.described_stream()?;
            StreamMetadata::parse(&source.event.data)
                .is_soft_deleted()
                .then_some(described)
        }
        _ => None,
    }
}

/// The text before the first dash of a name that is no system stream's.
fn category(stream: &StreamName) -> Option<&str> {
    if stream.as_str().starts_with('$') {
        return None;
    }
    let (category, _) = stream.as_str().split_once('-')?;
    (!category.is_empty()).then_some(category)
}

impl Source<'_> {
    fn is_link(&self) -> bool {
        &*self.event.event_type == LINK
    }

    fn target(&self) -> Bytes {
        format!("{}@{}", self.number, self.stream).into()
    }

    fn metadata(&self, version: &str) -> Metadata {
        let mut metadata = Metadata(String::from("{"));
        metadata.text("$v", version);
        let position = self.position.get().to_string();
        metadata.raw("$c", &position);
        metadata.raw("$p", &position);
        metadata
    }
}

fn link(stream: String, event_type: &str, data: Bytes, Metadata(mut metadata): Metadata) -> Link {
    metadata.push('}');
    Link {
        stream: StreamName::new(&stream),
        event_type: event_type.into(),
        data,
        metadata: metadata.into(),
    }
}

impl Link {
    pub(super) fn into_event(self, id: Uuid) -> (StreamName, NewEvent) {
        let event = NewEvent {
            id,
            event_type: self.event_type,
            is_json: false,
            data: self.data,
            metadata: self.metadata,
        };
        (self.stream, event)
    }
}

/// A JSON object being written, its keys in the order a real server writes them.
struct Metadata(String);

impl Metadata {
    fn text(&mut self, key: &str, value: &str) {
        self.raw(key, &serde_json::Value::from(value).to_string());
    }

    fn raw(&mut self, key: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&format!("\"{key}\":{value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(
        stream: &str,
        number: u64,
        event_type: &str,
        data: &'static str,
        metadata: &'static str,
    ) -> Vec<String> {
        let event = NewEvent {
            id: Uuid::from_u128(1),
            event_type: event_type.into(),
            is_json: true,
            data: Bytes::from_static(data.as_bytes()),
            metadata: Bytes::from_static(metadata.as_bytes()),
        };
        let stream = StreamName::new(stream);
        let source = Source {
            stream: &stream,
            number,
            position: Position::new(64),
            created: Ticks(0),
            event: &event,
        };
        let shown = |link: Link| {
            format!(
                "{} {} {}",
                link.stream,
                link.event_type,
                String::from_utf8_lossy(&link.data)
            )
        };
        links(&source).into_iter().map(shown).collect()
    }

    #[test]
    fn an_event_is_linked_by_category_type_and_correlation() {
        assert_eq!(
            linked("order-1-a", 3, "Placed", "{}", r#"{"$correlationId":"c"}"#),
            [
                "$ce-order $> 3@order-1-a",
                "$et-Placed $> 3@order-1-a",
                "$bc-c $> 3@order-1-a"
            ]
        );
    }

    #[test]
    fn the_first_event_of_a_stream_puts_it_into_its_category() {
        assert_eq!(
            linked("order-1", 0, "Placed", "{}", ""),
            [
                "$ce-order $> 0@order-1",
                "$category-order $@ order-1",
                "$et-Placed $> 0@order-1"
            ]
        );
        assert_eq!(
            linked("order", 0, "Placed", "{}", ""),
            ["$et-Placed $> 0@order"]
        );
    }

    #[test]
    fn a_category_sees_deletes_but_no_other_metadata() {
        assert_eq!(
            linked(
                "$$order-1",
                0,
                STREAM_METADATA,
                r#"{"$tb":9223372036854775807}"#,
                ""
            ),
            ["$ce-order $> 0@$$order-1", "$et-$metadata $> 0@$$order-1"]
        );
        assert_eq!(
            linked("$$order-1", 0, STREAM_METADATA, r#"{"x":1}"#, ""),
            ["$et-$metadata $> 0@$$order-1"]
        );
    }

    #[test]
    fn a_link_is_passed_on_to_its_category_and_indexed_nowhere_else() {
        assert_eq!(
            linked("list-1", 2, "$>", "0@order-1", r#"{"$correlationId":"c"}"#),
            ["$ce-list $> 0@order-1"]
        );
        assert!(linked("$ce-order", 2, "$>", "0@order-1", "").is_empty());
        assert!(linked("$category-order", 0, "$@", "order-1", "").is_empty());
    }

    #[test]
    fn the_metadata_of_a_link_is_written_as_by_a_real_server() {
        let event = NewEvent {
            id: Uuid::from_u128(1),
            event_type: "Placed".into(),
            is_json: true,
            data: Bytes::new(),
            metadata: Bytes::new(),
        };
        let stream = StreamName::new("order-1");
        let source = Source {
            stream: &stream,
            number: 1,
            position: Position::new(64),
            created: Ticks(0),
            event: &event,
        };
        assert_eq!(
            links(&source)[0].metadata,
            r#"{"$v":"3:-1:1:4","$c":64,"$p":64,"$o":"order-1","$causedBy":"00000000-0000-0000-0000-000000000001"}"#
        );
    }
}
