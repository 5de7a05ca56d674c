//! What is on record of the records that connectors have set aside, and of those that somebody
//! wants delivered again: the contract of the `connectorParked-…` streams. Names and fields are
//! stored for ever.

use super::LogPosition;
use crate::ids::EventId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event of a connector's parked records. Names and fields are stored for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", content = "data")]
pub enum ParkedEvent {
    /// A record was set aside.
    ConnectorRecordParked(ParkedRecord),
    /// Somebody wants these delivered again.
    ConnectorReplayRequested(Records),
    /// A record that was set aside was delivered.
    ConnectorRecordReplayed(Replayed),
    /// Somebody wants these delivered no more.
    ConnectorRecordsDiscarded(Records),
    /// Another server writes from now on.
    ConnectorParkedClaimed(Claimed),
    /// Somebody wants a part of the log delivered again.
    ConnectorLogReplayRequested(LogReplayWanted),
    /// So much of it is dealt with.
    ConnectorLogReplayed(LogReplayed),
    /// Nobody wants what is left of all that.
    ConnectorLogReplaysEnded {},
}

/// A record that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ParkedRecord {
    /// Its event's id.
    pub event_id: EventId,
    /// Its event's type.
    pub event_type: String,
    /// Its stream.
    pub stream: String,
    /// Its number there.
    pub revision: u64,
    /// Where it is in the log.
    pub position: LogPosition,
    /// Its lane.
    pub lane: String,
    /// Its number in the lane.
    pub sequence: u64,
    /// Why, in words.
    pub cause: String,
    /// The last answer's status, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The beginning of the last answer's body.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried first.
    pub first_tried: DateTime<Utc>,
    /// The lease's term of who parked it.
    pub term: u64,
}

/// Some of the records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Records {
    /// Their events' ids.
    pub records: Vec<EventId>,
}

/// A record that was set aside was delivered after all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Replayed {
    /// Its event's id.
    pub event_id: EventId,
    /// The lease's term of who delivered it.
    pub term: u64,
}

/// Another server writes from now on: what one before it writes is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Claimed {
    /// The lease's term of who writes from now on.
    pub term: u64,
}

/// A part of the log: from behind a position up to one, and of that what was recorded in a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogRange {
    /// Behind this position. Not set: from the log's beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<LogPosition>,
    /// Up to this position, it included.
    pub until: LogPosition,
    /// Not what was recorded before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Only what was recorded before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<DateTime<Utc>>,
}

/// Somebody wants a part of the log again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogReplayWanted {
    /// Its id, which is that of the command that asked for it.
    pub replay_id: Uuid,
    /// The part.
    pub range: LogRange,
    /// How many records there were, or more.
    pub records: u64,
}

/// So much of it was delivered, or set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogReplayed {
    /// Its id.
    pub replay_id: Uuid,
    /// Everything of it up to here is dealt with.
    pub position: LogPosition,
    /// Whether that is all of it.
    pub is_done: bool,
    /// The lease's term of who delivered it.
    pub term: u64,
}

impl ParkedEvent {
    /// Every event type.
    pub const NAMES: [&'static str; 8] = [
        "ConnectorRecordParked",
        "ConnectorReplayRequested",
        "ConnectorRecordReplayed",
        "ConnectorRecordsDiscarded",
        "ConnectorParkedClaimed",
        "ConnectorLogReplayRequested",
        "ConnectorLogReplayed",
        "ConnectorLogReplaysEnded",
    ];

    /// The event type as the log names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConnectorRecordParked(_) => "ConnectorRecordParked",
            Self::ConnectorReplayRequested(_) => "ConnectorReplayRequested",
            Self::ConnectorRecordReplayed(_) => "ConnectorRecordReplayed",
            Self::ConnectorRecordsDiscarded(_) => "ConnectorRecordsDiscarded",
            Self::ConnectorParkedClaimed(_) => "ConnectorParkedClaimed",
            Self::ConnectorLogReplayRequested(_) => "ConnectorLogReplayRequested",
            Self::ConnectorLogReplayed(_) => "ConnectorLogReplayed",
            Self::ConnectorLogReplaysEnded {} => "ConnectorLogReplaysEnded",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::same;
    use serde_json::{Value, json};

    fn time(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    fn position(at: u64) -> LogPosition {
        LogPosition {
            commit: at,
            prepare: at,
        }
    }

    fn record() -> ParkedRecord {
        ParkedRecord {
            event_id: EventId(Uuid::from_u128(7)),
            event_type: "PeeringRequested".to_owned(),
            stream: "network-00000000-0000-0000-0000-000000000001".to_owned(),
            revision: 12,
            position: position(4_711),
            lane: "00000000-0000-0000-0000-000000000001".to_owned(),
            sequence: 8,
            cause: "the receiver refuses the record".to_owned(),
            status: Some(422),
            body: "no such team".to_owned(),
            attempts: 3,
            first_tried: time(0),
            term: 7,
        }
    }

    fn samples() -> Vec<(&'static str, ParkedEvent)> {
        let records = || Records {
            records: vec![EventId(Uuid::from_u128(7)), EventId(Uuid::from_u128(8))],
        };
        let wanted = |range| {
            ParkedEvent::ConnectorLogReplayRequested(LogReplayWanted {
                replay_id: Uuid::from_u128(9),
                range,
                records: 42,
            })
        };
        let whole = LogRange {
            after: None,
            until: position(9_001),
            since: None,
            before: None,
        };
        let of_a_time = LogRange {
            after: Some(position(17)),
            since: Some(time(0)),
            before: Some(time(3_600)),
            ..whole.clone()
        };
        let unanswered = ParkedRecord {
            status: None,
            body: String::new(),
            ..record()
        };
        vec![
            ("", ParkedEvent::ConnectorRecordParked(record())),
            (
                ".unanswered",
                ParkedEvent::ConnectorRecordParked(unanswered),
            ),
            ("", ParkedEvent::ConnectorReplayRequested(records())),
            (
                "",
                ParkedEvent::ConnectorRecordReplayed(Replayed {
                    event_id: EventId(Uuid::from_u128(7)),
                    term: 7,
                }),
            ),
            ("", ParkedEvent::ConnectorRecordsDiscarded(records())),
            ("", ParkedEvent::ConnectorParkedClaimed(Claimed { term: 8 })),
            ("", wanted(whole)),
            (".of_a_time", wanted(of_a_time)),
            (
                "",
                ParkedEvent::ConnectorLogReplayed(LogReplayed {
                    replay_id: Uuid::from_u128(9),
                    position: position(4_711),
                    is_done: false,
                    term: 7,
                }),
            ),
            ("", ParkedEvent::ConnectorLogReplaysEnded {}),
        ]
    }

    #[test]
    fn every_event_is_stored_as_its_sample_and_the_sample_is_read_again() {
        let all = samples();
        let mut names: Vec<_> = all.iter().map(|(_, it)| it.name()).collect();
        names.dedup();
        assert_eq!(names, ParkedEvent::NAMES);
        for (variant, event) in all {
            let Value::Object(mut tagged) = serde_json::to_value(&event).expect("JSON") else {
                panic!("{event:?}")
            };
            assert_eq!(tagged["type"], event.name());
            let data = tagged.remove("data").expect("what it says");
            let text = format!("{}\n", serde_json::to_string_pretty(&data).expect("JSON"));
            same(
                &format!("connector/{}.v1{variant}.json", event.name()),
                &text,
            );
            let stored: Value = serde_json::from_str(&text).expect("JSON");
            let again = json!({ "type": event.name(), "data": stored });
            let again: ParkedEvent = serde_json::from_value(again).expect("it is read");
            assert_eq!(again, event);
        }
    }
}
