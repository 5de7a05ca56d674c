//! The stored forms: each event type has a sample that decodes for ever, and each refusal a reason that callers rely on.
//!
//! A sample is the data of one event as the log holds it, in `golden/{event type}.v{version}.json`. Samples are added, never
//! changed: a history somewhere has such an event.

use super::{super::*, reason, samples::*};
use crate::side::Side;
use chrono::{DateTime, TimeZone, Utc};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// Every sample: its event type, its version, and its data.
fn samples() -> Vec<(String, u32, Value)> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let samples = files.filter(|path| path.extension().is_some_and(|it| it == "json"));
    samples
        .map(|path| {
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let (name, version) = stem.split_once(".v").expect("a sample is named {event type}.v{version}.json");
            (name.to_owned(), version.parse().unwrap(), serde_json::from_slice(&fs::read(&path).unwrap()).unwrap())
        })
        .collect()
}

fn decoded(name: &str, data: &Value) -> NetworkEvent {
    serde_json::from_value(json!({ "type": name, "data": data })).unwrap_or_else(|error| panic!("{name} no longer decodes: {error}"))
}

#[test]
fn every_event_type_has_a_sample_and_every_sample_an_event_type() {
    let sampled: BTreeSet<_> = samples().into_iter().filter(|(_, version, _)| *version == 1).map(|(name, _, _)| name).collect();
    let named: BTreeSet<_> = NetworkEvent::NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(sampled, named);
}

#[test]
fn every_sample_decodes_and_encodes_to_itself() {
    for (name, version, data) in samples() {
        let event = decoded(&name, &data);
        assert_eq!(event.name(), name);
        assert_eq!(serde_json::to_value(&event).unwrap()["data"], data, "{name}.v{version}");
    }
}

#[test]
fn every_sample_says_what_it_said() {
    let expected = one_of_each();
    assert_eq!(expected.len(), NetworkEvent::NAMES.len());
    for event in expected {
        let (_, _, data) = samples().into_iter().find(|(name, version, _)| name == event.name() && *version == 1).unwrap();
        assert_eq!(decoded(event.name(), &data), event);
    }
}

#[test]
fn an_event_from_before_a_field_with_a_default_still_decodes() {
    for (name, pointer, field) in [("NetworkRegistered", "", "subnets"), ("PeeringRequested", "/peer", "subnets")] {
        let (_, _, mut data) = samples().into_iter().find(|(it, _, _)| it == name).unwrap();
        data.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(field);
        decoded(name, &data);
    }
}

#[test]
fn an_event_with_a_field_from_the_future_still_decodes() {
    for (name, _, mut data) in samples() {
        data.as_object_mut().unwrap().insert("from_the_future".to_owned(), json!(1));
        decoded(&name, &data);
    }
}

fn at(hour: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 1, hour, 30, 15).unwrap()
}

/// The events of the samples, in the order of [`NetworkEvent::NAMES`].
fn one_of_each() -> Vec<NetworkEvent> {
    let peering_id = PeeringId(uuid::Uuid::from_u128(0x5b0c_1f1a_7f5e_4f0d_9a52_0d6d_5c1e_77a1));
    let side = Side::Local;
    let destination = range("10.101.0.0/16");
    let subnets = vec![text("subnet-0c2a4f60718293a4b")];
    let started_at = at(9) + chrono::Duration::milliseconds(250);
    vec![
        registered_as(register(), NetworkId(uuid::Uuid::from_u128(0x0b9f_6a52_3c1d_4e8f_8a7b_6c5d_4e3f_2a1b))),
        PeeringRequested { peering_id, peer: Peer { subnets, ..peer(1) }, requested_at: at(9) }.into(),
        RouteAccepted { peering_id, side, destination }.into(),
        FirewallRestricted { peering_id, side, admit: vec![clients()] }.into(),
        PeeringInitiationStarted { peering_id, attempt: 1, started_at }.into(),
        PeeringInitiationRefused { peering_id, attempt: 1 }.into(),
        PeeringInitiated { peering_id, link: link(), expires_at: Some(at(10)) }.into(),
        PeeringAccepted { peering_id, link: link() }.into(),
        PeeringActivated { peering_id, link: link() }.into(),
        PeeringRejected { peering_id, link: link() }.into(),
        PeeringExpired { peering_id, link: link() }.into(),
        PeeringFailed { peering_id, ..failed(Some(link())) }.into(),
        RouteInstalled { peering_id, ..route_installed(side, "10.101.0.0/16", "rtb-0d1e2f30415263748") }.into(),
        RouteConflicted { peering_id, ..route_conflicted(side, "10.101.0.0/16", "rtb-0d1e2f30415263748", "tgw-0a1b2c3d4e5f60718") }.into(),
        FirewallGroupCreated { peering_id, ..group_created(side, "sg-0e1f2a3b4c5d6e7f8") }.into(),
        FirewallRuleAuthorized { peering_id, ..rule_authorized(side, clients(), "sgr-0f1e2d3c4b5a69788") }.into(),
        FirewallRuleRevoked { peering_id, ..rule_revoked(side, clients(), "sgr-0f1e2d3c4b5a69788") }.into(),
        FirewallEnforced { peering_id, ..enforced(side, "sg-0e1f2a3b4c5d6e7f8", &[clients()]) }.into(),
        ProvisioningBlocked { peering_id, ..blocked(BlockCause::PermissionDenied) }.into(),
        ProvisioningUnblocked { peering_id }.into(),
    ]
}

#[test]
fn every_block_cause_is_stored_under_its_own_name() {
    use BlockCause::*;
    let all = [EndpointUnreachable, CredentialsRefused, PermissionDenied, WrongAccount, QuotaExceeded, NotFound, Conflict, Unexpected];
    for cause in all {
        assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
    }
}

macro_rules! refusals {
    ($($name:ident $fields:tt => $kind:ident,)*) => {
        /// One of each, so that a new one does not compile until its reason is on the list.
        fn kinds() -> Vec<(Refusal, RefusalKind)> {
            fn is_listed(refusal: &Refusal) {
                match refusal {
                    $(Refusal::$name { .. } => {})*
                }
            }
            let all = vec![$((Refusal::$name $fields, RefusalKind::$kind)),*];
            all.iter().for_each(|(refusal, _)| is_listed(refusal));
            all
        }
    };
}

refusals! {
    NetworkUnknown {} => Unknown,
    NetworkAlreadyRegistered { network_id: network_id() } => Exists,
    RegionUnknown { provider: Provider::Aws, region: "eu-west-9".to_owned() } => Invalid,
    AccountMalformed { account: "orders".to_owned(), form: "an AWS account id has 12 digits" } => Invalid,
    CloudNetworkMalformed { cloud_network: "vpc-".to_owned(), form: "an AWS VPC id looks like vpc-0a1b2c3d4e5f60718" } => Invalid,
    ProviderMismatch { network: Provider::Aws, peer: Provider::Gcp } => Invalid,
    PeerIsTheNetwork { cloud_network: "vpc-0a1b2c3d4e5f60718".to_owned() } => Invalid,
    PeerAlreadyLinked { peering_id: peering_id(1), life: "active" } => Exists,
    PeeringQuotaReached { live: 125, most: 125 } => Quota,
    PeerRangesMissing {} => Invalid,
    TooManyRanges { given: 33, most: 32 } => Invalid,
    RangeOverlapsNetwork { range: range("10.20.1.0/24"), network: range("10.20.0.0/16") } => Precondition,
    RangeOverlapsPeering { range: range("10.101.1.0/24"), other: range("10.101.0.0/16"), peering_id: peering_id(1) } => Precondition,
    RangesOverlapEachOther { range: range("10.101.0.0/16"), other: range("10.101.1.0/24") } => Invalid,
    PeeringUnknown { peering_id: peering_id(1) } => Unknown,
    PeeringEnded { peering_id: peering_id(1), ending: "expired" } => Precondition,
    DestinationOutOfReach { side: Side::Local, destination: range("10.0.0.0/8"), reachable: ranges(&["10.101.0.0/16"]) } => Invalid,
    RouteAlreadyAccepted { peering_id: peering_id(1), side: Side::Local, destination: range("10.101.0.0/16") } => Exists,
    RemoteInboundDenied { peering_id: peering_id(1) } => Invalid,
    SourceOutsidePeer { from: range("10.0.0.0/8"), ranges: ranges(&["10.101.0.0/16"]) } => Invalid,
    PortZero {} => Invalid,
    TooManyRules { given: 61, most: 60 } => Invalid,
    OutcomeOutOfOrder { peering_id: peering_id(1), life: "requested", outcome: "an active link" } => Precondition,
    LinkMismatch { peering_id: peering_id(1), recorded: "pcx-1".to_owned(), reported: "pcx-2".to_owned() } => Precondition,
    RouteNotAccepted { peering_id: peering_id(1), side: Side::Local, destination: range("10.101.0.0/16") } => Precondition,
}

#[test]
fn the_reasons_of_refusals_are_the_ones_on_the_list_and_each_is_of_its_kind() {
    let listed = fs::read_to_string(folder().join("refusals.txt")).unwrap();
    let reasons: Vec<_> = kinds().iter().map(|(refusal, _)| reason(refusal)).collect();
    assert_eq!(listed.lines().collect::<Vec<_>>(), reasons);
    for (refusal, kind) in kinds() {
        assert_eq!(refusal.kind(), kind, "{refusal:?}");
    }
}

#[test]
fn a_refusals_message_tells_its_facts() {
    for (refusal, _) in kinds() {
        let facts = serde_json::to_value(&refusal).unwrap();
        let facts = facts.as_object().unwrap().iter().filter(|(key, value)| *key != "reason" && !value.is_array());
        let message = refusal.to_string();
        let untold: Vec<_> = facts.filter(|(_, fact)| !message.contains(&fact.to_string().replace('"', ""))).collect();
        assert!(untold.is_empty(), "`{message}` leaves out {untold:?}");
    }
}
