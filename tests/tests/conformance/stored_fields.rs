//! What is stored of an event, and what comes back.

use crate::support::{store, unused};
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use kurrentdb::{EventData, RecordedEvent};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

async fn stored(event: EventData) -> RecordedEvent {
    let (store, stream) = (store().await, unused("conformance-"));
    store.write(&stream, vec![event]).await;
    store.read(&stream).await.unwrap().remove(0)
}

#[tokio::test]
async fn an_event_comes_back_with_its_id_type_data_metadata_stream_and_number() {
    let (store, stream, id) = (store().await, unused("conformance-ä-"), Uuid::new_v4());
    let event = EventData::json("Größe", &json!({"n": 1}))
        .unwrap()
        .id(id)
        .metadata_as_json(&json!({"by": "x"}))
        .unwrap();
    store.write(&stream, vec![event]).await;
    let read = store.read(&stream).await.unwrap().remove(0);
    assert_eq!(
        (
            read.id,
            read.event_type.as_str(),
            read.stream_id(),
            read.revision
        ),
        (id, "Größe", stream.as_str(), 0)
    );
    assert_eq!(
        (&read.data[..], &read.custom_metadata[..]),
        (&br#"{"n":1}"#[..], &br#"{"by":"x"}"#[..])
    );
    assert!(read.is_json);
}

#[tokio::test]
async fn the_metadata_map_is_type_created_and_content_type() {
    let (store, stream) = (store().await, unused("conformance-"));
    store
        .write(&stream, vec![EventData::binary("Tested", "x".into())])
        .await;
    let (came, _) =
        crate::raw::call("Streams/Read", &[crate::raw::read_of(&stream, &json!({}))]).await;
    let keys: BTreeSet<&str> = came[0]["event"]["event"]["metadata"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, BTreeSet::from(["type", "created", "content-type"]));
}

#[tokio::test]
async fn any_content_type_but_json_comes_back_as_octet_stream() {
    let stream = unused("conformance-");
    let metadata = json!({"type": "Tested", "content-type": "text/plain"});
    let event = crate::raw::proposed(&Uuid::new_v4().to_string(), &metadata);
    crate::raw::call("Streams/Append", &[crate::raw::append_to(&stream), event]).await;
    let (came, _) =
        crate::raw::call("Streams/Read", &[crate::raw::read_of(&stream, &json!({}))]).await;
    assert_eq!(
        came[0]["event"]["event"]["metadata"]["content-type"],
        "application/octet-stream"
    );
}

#[tokio::test]
async fn json_is_not_validated() {
    let stream = unused("conformance-");
    let metadata = json!({"type": "Tested", "content-type": "application/json"});
    let mut event = crate::raw::proposed(&Uuid::new_v4().to_string(), &metadata);
    event["proposed_message"]["data"] = json!("{broken");
    let (_, ending) =
        crate::raw::call("Streams/Append", &[crate::raw::append_to(&stream), event]).await;
    assert_eq!(ending.code, "OK");
    let read = store().await.read(&stream).await.unwrap().remove(0);
    assert!(read.is_json);
    assert_eq!(&read.data[..], b"{broken");
}

#[tokio::test]
async fn empty_data_and_every_byte_come_back_as_they_were() {
    let all: Bytes = (0..=u8::MAX).collect::<Vec<u8>>().into();
    let read = stored(EventData::binary("Tested", all.clone()).metadata(all.clone())).await;
    assert_eq!(
        (&read.data, &read.custom_metadata, read.is_json),
        (&all, &all, false)
    );
    let read = stored(EventData::binary("Tested", Bytes::new())).await;
    assert!(read.data.is_empty() && read.custom_metadata.is_empty());
}

#[tokio::test]
async fn the_time_an_event_was_created_is_the_servers() {
    let before = Utc::now();
    let created = stored(EventData::binary("Tested", "x".into()))
        .await
        .created;
    // The client cuts the time to whole seconds, and a server elsewhere has another clock.
    assert!(
        (created - before).abs() < TimeDelta::seconds(60),
        "{created} and {before}"
    );
}

#[tokio::test]
async fn a_structured_id_is_the_same_as_its_text() {
    let (stream, id) = (unused("conformance-"), Uuid::new_v4());
    let (most, least) = id.as_u64_pair();
    let metadata = json!({"type": "Tested", "content-type": "application/json"});
    let mut event = crate::raw::proposed("", &metadata);
    event["proposed_message"]["id"] = json!({"structured": {
        "most_significant_bits": most.cast_signed().to_string(), "least_significant_bits": least.cast_signed().to_string(),
    }});
    crate::raw::call("Streams/Append", &[crate::raw::append_to(&stream), event]).await;
    assert_eq!(store().await.ids(&stream).await, [id]);
}
