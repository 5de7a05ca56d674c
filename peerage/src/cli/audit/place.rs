//! A place in the log, as it is written: a position, a time, or how long ago.

use crate::{
    api::v1::LogPlace,
    cli::{CliError, args::time_gone},
};
use chrono::{DateTime, Utc};
use journal::Position;
use prost_types::Timestamp;
use std::fmt;
use uuid::Uuid;

/// A position like 4711/4711, a time like 2026-03-01T09:00:00Z, or how long ago, like 24h.
pub(super) fn place(text: &str) -> Result<LogPlace, String> {
    if is_position(text) {
        return Ok(at_position(text));
    }
    match time_gone(text) {
        Ok(time) => Ok(at_time(time)),
        Err(_) => Err(
            "write a position like 4711/4711, a time like 2026-03-01T09:00:00Z, or how long ago, like 24h"
                .to_owned(),
        ),
    }
}

/// Refuses what begins where it ends or behind that, as far as both are written alike.
pub(super) fn in_order(from: Option<&LogPlace>, to: Option<&LogPlace>) -> Result<(), CliError> {
    let (Some(from), Some(to)) = (from, to) else {
        return Ok(());
    };
    let number = |it: &LogPlace| it.position.parse::<Position>().ok();
    let time = |it: &LogPlace| it.time.map(|it| (it.seconds, it.nanos));
    let positions = number(from).zip(number(to)).is_some_and(|(a, b)| a >= b);
    let times = time(from).zip(time(to)).is_some_and(|(a, b)| a >= b);
    if positions || times {
        return Err(CliError::usage("--from lies behind --to, or is the same"));
    }
    Ok(())
}

/// Refuses what begins in the future: nothing can be on record of it.
pub(super) fn is_past(from: Option<&LogPlace>, now: DateTime<Utc>) -> Result<(), CliError> {
    let time = from.and_then(|it| it.time.as_ref());
    let time =
        time.and_then(|it| DateTime::from_timestamp(it.seconds, u32::try_from(it.nanos).ok()?));
    if time.is_some_and(|it| it > now) {
        let text = "--from lies in the future: nothing is on record of it";
        return Err(CliError::usage(text));
    }
    Ok(())
}

/// Whether it is written as a position is, like 4711/4711.
pub(super) fn is_position(text: &str) -> bool {
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    text.split_once('/')
        .is_some_and(|(commit, prepare)| is_number(commit) && is_number(prepare))
}

/// An event: its id, or its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EventName {
    Id(Uuid),
    Position(String),
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Position(position) => f.write_str(position),
        }
    }
}

/// An id like 3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e, or a position like 4711/4711.
pub(super) fn event(text: &str) -> Result<EventName, String> {
    if is_position(text) {
        return Ok(EventName::Position(text.to_owned()));
    }
    Uuid::parse_str(text).map(EventName::Id).map_err(|_| {
        "write an event's id (a UUID), or its position, like 4711/4711, as `peerage audit log -o json` shows them"
            .to_owned()
    })
}

pub(super) fn at_position(position: &str) -> LogPlace {
    LogPlace {
        position: position.to_owned(),
        time: None,
    }
}

pub(super) fn at_time(time: DateTime<Utc>) -> LogPlace {
    LogPlace {
        position: String::new(),
        time: Some(exact(time)),
    }
}

/// A time as the log has it.
pub(super) fn exact(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_where_it_begins_or_before_is_refused_and_the_rest_is_for_the_log_to_say() {
        let at = |text: &str| place(text).unwrap();
        let refused = |from: &str, to: &str| in_order(Some(&at(from)), Some(&at(to))).is_err();
        assert!(refused("7/7", "7/7") && refused("8/8", "7/7") && refused("10/10", "9/9"));
        assert!(refused("2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"));
        assert!(!refused("7/7", "8/8") && !refused("9/9", "10/10"));
        assert!(!refused("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"));
        assert!(!refused("7/7", "2026-03-01T00:00:00Z"), "not written alike");
        assert!(in_order(None, Some(&at("7/7"))).is_ok());
    }

    #[test]
    fn what_begins_in_the_future_is_refused() {
        let now = "2026-03-01T09:00:00Z".parse().unwrap();
        let of = |text: &str| is_past(Some(&place(text).unwrap()), now);
        assert!(of("2026-03-01T09:00:01Z").is_err());
        assert!(of("2026-03-01T09:00:00Z").is_ok() && of("7/7").is_ok());
        assert!(is_past(None, now).is_ok());
    }

    #[test]
    fn an_event_is_named_by_its_id_or_its_position() {
        let id = "3f0c6a3e-6c5b-4a57-9d4e-0d1c2b3a4f5e";
        assert_eq!(event(id), Ok(EventName::Id(id.parse().unwrap())));
        let position = EventName::Position("64/64".to_owned());
        assert_eq!(event("64/64"), Ok(position));
        for wrong in ["", "64", "orders", "/", "-1/2"] {
            assert!(event(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_place_is_a_position_a_time_or_how_long_ago() {
        assert_eq!(place("64/64").unwrap().position, "64/64");
        let at = place("2026-03-01T09:00:00.5Z").unwrap().time.unwrap();
        assert_eq!((at.seconds, at.nanos), (1_772_355_600, 500_000_000));
        assert!(place("24h").unwrap().time.is_some());
        for wrong in ["", "64", "/", "64/", "yesterday"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
