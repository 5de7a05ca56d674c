//! The stored forms: each event type has a sample that decodes for ever, and each refusal a reason
//! that callers rely on.
//!
//! A sample is the data of one event as the log holds it, in `golden/{event type}.v{version}.json`;
//! further samples of the same type and version, in `golden/{event type}.v{version}.{what is
//! different}.json`. Samples are added, never changed: a history somewhere has such an event. Each
//! is written as the first version of this program that knew it would write it.

mod fold_version;
mod one_of_each;
mod refusals;

use super::super::*;
use one_of_each::{findings, one_of_each, variants};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

struct Sample {
    event_type: String,
    version: u32,
    variant: Option<String>,
    data: Value,
}

impl Sample {
    fn read(path: &std::path::Path) -> Self {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let (event_type, version) = stem
            .split_once(".v")
            .expect("a sample is named {event type}.v{version}[.{variant}].json");
        let (version, variant) = version
            .split_once('.')
            .map_or((version, None), |(version, variant)| {
                (version, Some(variant))
            });
        let data = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        Self {
            event_type: event_type.to_owned(),
            version: version.parse().unwrap(),
            variant: variant.map(str::to_owned),
            data,
        }
    }

    fn is_first(&self) -> bool {
        (self.version, &self.variant) == (1, &None)
    }

    fn decoded(&self) -> NetworkEvent {
        let event = json!({ "type": self.event_type, "data": self.data });
        serde_json::from_value(event)
            .unwrap_or_else(|error| panic!("{} no longer decodes: {error}", self.event_type))
    }
}

/// Samples of the types of today. Those of older types stay beside them: they are lifted where
/// events are read, and the journal's tests read them.
fn samples() -> Vec<Sample> {
    let files = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .map(|path| Sample::read(&path))
        .filter(|it| NetworkEvent::NAMES.contains(&it.event_type.as_str()))
        .collect()
}

/// The first sample of this type.
fn sample(event_type: &str) -> Sample {
    samples()
        .into_iter()
        .find(|it| it.event_type == event_type && it.is_first())
        .unwrap_or_else(|| panic!("{event_type} has no sample"))
}

#[test]
fn every_event_type_has_a_sample_and_every_sample_an_event_type() {
    let sampled: BTreeSet<_> = samples()
        .into_iter()
        .filter(Sample::is_first)
        .map(|it| it.event_type)
        .collect();
    let named: BTreeSet<_> = NetworkEvent::NAMES
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(sampled, named);
}

#[test]
fn every_sample_decodes_and_encodes_to_itself() {
    for sample in samples() {
        let event = sample.decoded();
        assert_eq!(event.name(), sample.event_type);
        assert_eq!(
            serde_json::to_value(&event).unwrap()["data"],
            sample.data,
            "{}.v{}",
            sample.event_type,
            sample.version
        );
    }
}

#[test]
fn every_sample_says_what_it_said() {
    let expected = one_of_each();
    assert_eq!(
        expected.iter().map(NetworkEvent::name).collect::<Vec<_>>(),
        NetworkEvent::NAMES
    );
    for event in expected {
        assert_eq!(sample(event.name()).decoded(), event);
    }
}

#[test]
fn every_variant_says_what_it_said_and_none_is_unheard_of() {
    let named = |event: &NetworkEvent, variant: &str| format!("{}.{variant}", event.name());
    let mut expected = variants()
        .into_iter()
        .map(|(variant, event)| (named(&event, variant), event))
        .collect::<Vec<_>>();
    let sampled = samples().into_iter().filter(|it| it.variant.is_some());
    let mut sampled = sampled
        .map(|it| {
            (
                format!("{}.{}", it.event_type, it.variant.as_ref().unwrap()),
                it.decoded(),
            )
        })
        .collect::<Vec<_>>();
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    sampled.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(sampled, expected);
}

#[test]
fn an_event_from_before_a_field_with_a_default_still_decodes() {
    let added = [
        ("NetworkRegistered", "", "subnets"),
        ("PeeringRequested", "/peer", "subnets"),
        ("PeeringAdopted", "", "consent"),
        ("PeeringAdopted", "", "external_id"),
        ("NetworkPolicySet", "/policy", "drift"),
        ("NetworkPolicySet", "/policy", "exposure"),
    ];
    for (event_type, pointer, field) in added {
        let mut sample = sample(event_type);
        sample
            .data
            .pointer_mut(pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(field)
            .expect("the sample has the field");
        sample.decoded();
    }
}

#[test]
fn a_request_from_before_there_were_terms_is_on_the_usual_ones() {
    let sample = sample("PeeringRequested");
    assert!(sample.data.get("terms").is_none() && sample.data.get("external_id").is_none());
    let NetworkEvent::PeeringRequested(requested) = sample.decoded() else {
        panic!("another event")
    };
    assert_eq!(
        requested.terms,
        Terms {
            consent: Consent::Delegated,
            deadline: None,
            renew: false,
            accept_open: None,
        }
    );
    assert_eq!(requested.external_id, None);
}

#[test]
fn an_acceptance_from_before_there_was_evidence_has_none() {
    let sample = sample("PeeringAccepted");
    assert!(sample.data.get("evidence").is_none());
    let NetworkEvent::PeeringAccepted(accepted) = sample.decoded() else {
        panic!("another event")
    };
    assert_eq!(accepted.evidence, None);
}

#[test]
fn a_request_on_the_usual_terms_has_the_digest_that_it_had_before_there_were_any() {
    let command = RequestPeering {
        peer: super::samples::peer(1),
        terms: Terms::default(),
        setup: Setup::default(),
    };
    let body = serde_json::to_value(&command).unwrap();
    assert_eq!(
        body.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["peer"]
    );
}

#[test]
fn an_event_with_a_field_from_the_future_still_decodes() {
    for mut sample in samples() {
        sample
            .data
            .as_object_mut()
            .unwrap()
            .insert("from_the_future".to_owned(), json!(1));
        sample.decoded();
    }
}

#[test]
fn every_block_cause_is_stored_under_its_own_name() {
    for cause in BlockCause::ALL {
        assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
    }
    let stored = fs::read_to_string(folder().join("block_causes.txt")).unwrap();
    assert_eq!(
        stored.lines().collect::<Vec<_>>(),
        BlockCause::ALL.map(|it| it.as_str())
    );
}

#[test]
fn every_finding_is_stored_under_its_own_kind_and_as_it_was() {
    let stored: Value =
        serde_json::from_slice(&fs::read(folder().join("stored").join("findings.json")).unwrap())
            .unwrap();
    assert_eq!(serde_json::to_value(findings()).unwrap(), stored);
    assert_eq!(
        serde_json::from_value::<Vec<DriftKind>>(stored).unwrap(),
        findings()
    );
    for finding in findings() {
        assert_eq!(
            serde_json::to_value(&finding).unwrap()["kind"],
            finding.kind()
        );
    }
}

#[test]
fn policies_and_consents_are_stored_under_their_own_names() {
    for policy in DriftPolicy::ALL {
        assert_eq!(serde_json::to_value(policy).unwrap(), policy.as_str());
    }
    for consent in Consent::ALL {
        assert_eq!(serde_json::to_value(consent).unwrap(), consent.as_str());
    }
}
