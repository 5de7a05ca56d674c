//! Every golden sample of every event, of every version: read, and the current ones written again
//! as they are.
#![allow(clippy::unwrap_used)]

use domain::{Digest, network::NetworkEvent};
use peerage_journal::{Body, Metadata, SCHEMA_VERSION, current_type, decode, encode};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};
use uuid::Uuid;

fn metadata() -> Metadata {
    Metadata {
        correlation_id: Uuid::nil(),
        causation_id: Uuid::nil(),
        command_id: domain::CommandId(Uuid::nil()),
        command_digest: Digest::of(&()).unwrap(),
        actor: "golden".parse().unwrap(),
        schema_version: SCHEMA_VERSION,
        traceparent: None,
        time: None,
        reason: None,
        ticket: None,
        command: None,
        cloud_calls: None,
        cloud: None,
        term: None,
    }
}

/// The event type, the version, and the JSON of each sample.
fn samples() -> Vec<(String, u32, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/golden");
    let mut samples = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let Some((event_type, version)) = name.split_once(".v") else {
            continue;
        };
        // A type may have further samples of a version, each with a word of its own.
        let version = version
            .split_once('.')
            .map_or(version, |(version, _)| version);
        samples.push((
            event_type.to_owned(),
            version.parse().unwrap(),
            fs::read(&path).unwrap(),
        ));
    }
    samples
}

#[test]
fn every_sample_is_read_and_the_current_ones_are_written_as_they_are() {
    for (event_type, version, json) in samples() {
        let event = match decode(&event_type, version, &json) {
            Body::Event(event) => event,
            Body::Undecodable { problem, .. } => {
                panic!("{event_type} version {version}: {problem}")
            }
        };
        assert_eq!(event.name(), current_type(&event_type));
        if version == SCHEMA_VERSION && event.name() == event_type {
            let encoded = encode(&event, metadata()).unwrap();
            assert_eq!(
                encoded.data,
                serde_json::from_slice::<Value>(&json).unwrap(),
                "{event_type}"
            );
        }
    }
}

#[test]
fn name_resolution_of_old_is_an_option_that_says_the_same() {
    let mut lifted = Vec::new();
    for (event_type, version, json) in samples() {
        if current_type(&event_type) == event_type {
            continue;
        }
        let said: Value = serde_json::from_slice(&json).unwrap();
        let Body::Event(event) = decode(&event_type, version, &json) else {
            panic!("{event_type} is not read")
        };
        let mut says = encode(&event, metadata()).unwrap().data;
        let option = says.as_object_mut().unwrap().remove("option").unwrap();
        assert_eq!(
            (option, says),
            ("dns_resolution".into(), said),
            "{event_type}"
        );
        lifted.push(event_type);
    }
    lifted.sort();
    assert_eq!(lifted, ["DnsResolutionApplied", "DnsResolutionSet"]);
}

#[test]
fn every_event_type_has_a_sample_of_every_version() {
    let have: BTreeSet<_> = samples()
        .into_iter()
        .map(|(event_type, version, _)| (event_type, version))
        .collect();
    for event_type in NetworkEvent::NAMES {
        for version in 1..=SCHEMA_VERSION {
            assert!(
                have.contains(&((*event_type).to_owned(), version)),
                "{event_type} version {version} has no sample"
            );
        }
    }
}

/// Metadata as some version of this program wrote it, in `golden/metadata.{what it has}.json`.
/// Samples are added, never changed.
fn stored_metadata(sample: &str) -> (Value, Metadata) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let stored = fs::read(folder.join(format!("metadata.{sample}.json"))).unwrap();
    let decoded = serde_json::from_slice(&stored).unwrap();
    (serde_json::from_slice(&stored).unwrap(), decoded)
}

#[test]
fn metadata_of_the_first_version_decodes_and_its_actor_was_a_claim() {
    let (_, metadata) = stored_metadata("first");
    assert_eq!(metadata.actor, "anna".parse().unwrap());
    assert_eq!(metadata.actor.subject, None);
    assert_eq!((metadata.time, &metadata.command), (None, &None));
    assert_eq!((&metadata.reason, &metadata.ticket), (&None, &None));
}

#[test]
fn metadata_with_all_that_there_is_is_written_as_it_was_read() {
    let (stored, metadata) = stored_metadata("with_context");
    assert_eq!(serde_json::to_value(&metadata).unwrap(), stored);
    let command: domain::network::NetworkCommand =
        serde_json::from_value(metadata.command.unwrap()).unwrap();
    assert_eq!(Digest::of(&command).unwrap(), metadata.command_digest);
}
