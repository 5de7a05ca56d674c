//! The form of a leaf, byte for byte, and its record as a line of JSON.

use crate::{Hash, Leaf, LeafRecord, NoLeaf, is_covered};
use chrono::DateTime;
use uuid::Uuid;

const STREAM: &str = "network-00000000-0000-0000-0000-000000000007";

fn event(data: &[u8]) -> Leaf {
    Leaf {
        stream: STREAM.to_owned(),
        revision: 12,
        id: Uuid::from_u128(9),
        event_type: "RouteAccepted".to_owned(),
        data: data.to_vec(),
        metadata: b"{}".to_vec(),
    }
}

#[test]
fn a_leaf_has_these_bytes_and_this_hash_for_ever() {
    let bytes = "peerage leaf v1\n44:network-00000000-0000-0000-0000-000000000007,2:12,\
        36:00000000-0000-0000-0000-000000000009,13:RouteAccepted,7:{\"n\":1},2:{},";
    let leaf = event(b"{\"n\":1}");
    assert_eq!(String::from_utf8(leaf.bytes()).unwrap(), bytes);
    assert_eq!(Leaf::parse(bytes.as_bytes()), Ok(leaf.clone()));
    assert_eq!(leaf.hash(), Hash::leaf(bytes.as_bytes()));
    assert_eq!(
        leaf.hash().to_string(),
        "88tG0qlEtlqF98jMtOoL7neXysDiA7K7SG5CZJH5OJY="
    );
}

#[test]
fn bytes_that_say_the_same_in_another_form_are_no_leaf() {
    let good = String::from_utf8(event(b"{}").bytes()).unwrap();
    for bad in [
        good.replace("v1", "v2"),
        good.replace("2:12,", "02:12,"),
        good.replace("2:12,", "3:012,"),
        good.replace("2:12,", "2:+2,"),
        good.replace("0009,13", "000A,13"),
        good.replace("13:Route", "14:Route"),
        good.replace("13:Route", "99999999999999999999:Route"),
        good[..good.len() - 1].to_owned(),
        good.clone() + "0:,",
        String::new(),
    ] {
        assert_eq!(Leaf::parse(bad.as_bytes()), Err(NoLeaf), "{bad}");
    }
}

#[test]
fn no_two_events_have_one_leaf_wherever_a_field_ends() {
    let mut one = event(b"{}");
    let mut two = one.clone();
    one.event_type = "A,2:{}".to_owned();
    one.data = Vec::new();
    two.event_type = "A".to_owned();
    two.data = b"{},0:".to_vec();
    assert_ne!(one.bytes(), two.bytes());
    assert_eq!(Leaf::parse(&one.bytes()), Ok(one));
}

#[test]
fn a_record_gives_back_the_bytes_whatever_they_are() {
    for data in [
        &b"{\"a\" : \"\\u00e4\xc3\xa4\"}"[..],
        b"",
        b"null",
        b"\xff\x00",
        b"a\nb",
    ] {
        let leaf = event(data);
        let line = serde_json::to_string(&LeafRecord::of(3, leaf.clone())).unwrap();
        assert!(!line.contains('\n'));
        let record: LeafRecord = serde_json::from_str(&line).unwrap();
        assert_eq!((record.index, record.leaf()), (3, Ok(leaf)));
    }
}

#[test]
fn a_record_with_more_or_less_than_its_leaf_is_refused() {
    let line = serde_json::to_string(&LeafRecord::of(3, event(b"{}"))).unwrap();
    let more = line.replace("{\"index\"", "{\"said\":\"nobody\",\"index\"");
    assert!(serde_json::from_str::<LeafRecord>(&more).is_err());
    let twice = line.replace("\"data\":", "\"data_base64\":\"\",\"data\":");
    assert!(
        serde_json::from_str::<LeafRecord>(&twice)
            .unwrap()
            .leaf()
            .is_err()
    );
    let without = line.replace("\"data\":\"{}\",", "");
    assert!(
        serde_json::from_str::<LeafRecord>(&without)
            .unwrap()
            .leaf()
            .is_err()
    );
}

#[test]
fn the_metadata_of_a_leaf_is_the_same_before_and_after_a_move() {
    let stored = br#"{"command_id":"00000000-0000-0000-0000-000000000001","command_digest":"d","actor":"ada"}"#;
    let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
    let before = Leaf::metadata_of(STREAM, stored, at(1_700_000_000));
    let after = Leaf::metadata_of(STREAM, &before, at(1_800_000_000));
    assert_eq!(before, after);
    assert_ne!(before, stored);
    assert_eq!(Leaf::metadata_of("connector-a", stored, at(1)), stored);
}

#[test]
fn the_tree_covers_networks_connectors_access_and_approvals_and_no_books_of_the_engines() {
    for stream in [
        STREAM,
        "connector-audit-hook",
        "connectorParked-audit-hook",
        "access-policy",
        "access-denials",
        "approval-00000000-0000-0000-0000-000000000007",
    ] {
        assert!(is_covered(stream), "{stream}");
    }
    for stream in [
        "network-mine",
        "networkSnapshot-00000000-0000-0000-0000-000000000007",
        "networkReceipts-00000000-0000-0000-0000-000000000007",
        "connectorCheckpoint-hook",
        "connectorLease-outward",
        "connectorsOfOthers-1",
        "access-log",
        "approval-mine",
        "order-1",
        "$$network-00000000-0000-0000-0000-000000000007",
    ] {
        assert!(!is_covered(stream), "{stream}");
    }
}
