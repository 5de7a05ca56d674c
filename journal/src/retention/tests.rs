//! What the metadata of our streams is taken to say, and when it is told.

use super::{Limit, Retention};
use crate::{Memory, Position, Recorded, codec::Raw};
use domain::NetworkId;
use uuid::Uuid;

fn network() -> NetworkId {
    NetworkId(Uuid::from_u128(7))
}

fn recorded(stream: String, event_type: &str, data: &str) -> Recorded {
    let raw = Raw {
        stream,
        revision: 0,
        position: Position::START,
        event_id: Uuid::nil(),
        event_type: event_type.to_owned(),
        created: None,
        metadata: Vec::new().into(),
        data: data.as_bytes().to_vec().into(),
    };
    raw.read()
}

fn metadata(data: &str) -> Recorded {
    recorded(format!("$${}", network().stream()), "$metadata", data)
}

fn told(retention: &Retention) -> Option<Vec<Limit>> {
    retention.of(network()).map(|it| it.limits)
}

fn followed() -> Retention {
    let retention = Retention::default();
    retention.is_whole();
    retention
}

#[test]
fn what_hides_events_of_a_stream_is_told_until_it_is_set_back() {
    let retention = followed();
    for (data, limits) in [
        (r#"{"$maxCount":2}"#, Some(vec![Limit::Count(2)])),
        (r#"{}"#, None),
        (r#"{"$maxAge":60}"#, Some(vec![Limit::Age(60)])),
        (r#"{"$acl":{"$r":"ops"}}"#, None),
        (
            r#"{"$tb":4,"$maxCount":9,"mine":"x"}"#,
            Some(vec![Limit::Before(4), Limit::Count(9)]),
        ),
        (r#"{"$tb":0}"#, None),
        (r#"{"$tb":9223372036854775807}"#, Some(vec![Limit::Deleted])),
        (r#"{"$maxCount":0,"$maxAge":-1}"#, None),
        (r#"{"$maxCount":3}"#, Some(vec![Limit::Count(3)])),
        (r#"{"$maxCount":"3"}"#, None),
        (r#"{"$tb":1.5,"$maxCount":3}"#, None),
        (r#"{"$maxCount":3}"#, Some(vec![Limit::Count(3)])),
        ("no JSON", None),
    ] {
        retention.apply(&metadata(data));
        assert_eq!(told(&retention), limits, "{data}");
    }
}

#[test]
fn a_tombstone_stays_whatever_the_metadata_says_after_it() {
    let retention = followed();
    retention.apply(&recorded(network().stream(), "$streamDeleted", ""));
    retention.apply(&metadata("{}"));
    let limited = retention.of(network()).expect("a limit");
    assert_eq!(limited.limits, [Limit::Tombstone]);
    assert!(limited.is_gone() && limited.is_for_good());
    assert_eq!(limited.told(), "a tombstone");
}

#[test]
fn while_the_log_is_read_again_what_was_told_stands() {
    let retention = Retention::default();
    retention.apply(&metadata(r#"{"$maxCount":2}"#));
    assert_eq!(told(&retention), None, "it may have been set back since");
    retention.is_whole();
    assert_eq!(told(&retention), Some(vec![Limit::Count(2)]));
    retention.forget();
    assert_eq!(told(&retention), Some(vec![Limit::Count(2)]));
    retention.is_whole();
    assert_eq!(told(&retention), None, "it is another log");
}

#[test]
fn a_number_beyond_what_the_store_counts_is_a_deletion_and_others_are_numbers() {
    let retention = followed();
    retention.apply(&metadata(r#"{"$tb":9223372036854775806}"#));
    let limited = retention.of(network()).expect("a limit");
    assert_eq!(limited.limits, [Limit::Before(i64::MAX as u64 - 1)]);
    assert!(!limited.is_gone());
}
