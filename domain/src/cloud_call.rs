//! Calls to a cloud as they stand beside the outcome that they led to: what was called, where and
//! when, how long it took and how it ended. No bodies and no credentials, and only so many of them.

use crate::network::Thing;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One try of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudCall {
    /// What was called, like `create_link`.
    pub operation: String,
    /// Whether it changes something; a read otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changes: bool,
    /// What the change is about, where that is a thing on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thing: Option<Thing>,
    /// The account that was called.
    pub account: String,
    /// The region.
    pub region: String,
    /// When it began.
    pub started: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Which try it was, from 1.
    pub attempt: u32,
    /// How it ended: `ok`, or the kind of failure, like `throttled`.
    pub outcome: String,
    /// The provider's code of a failure, like `RequestLimitExceeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The provider's name for the call, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl CloudCall {
    /// How a call ended that did what it was asked.
    pub const OK: &'static str = "ok";
    /// No text of a call is longer, in bytes.
    pub const LONGEST_TEXT: usize = 128;

    fn bounded(mut self) -> Self {
        let own = [
            &mut self.operation,
            &mut self.account,
            &mut self.region,
            &mut self.outcome,
        ];
        let given = [&mut self.code, &mut self.request_id];
        for text in own.into_iter().chain(given.into_iter().flatten()) {
            text.truncate(text.floor_char_boundary(Self::LONGEST_TEXT));
        }
        self
    }

    fn bytes(&self) -> usize {
        serde_json::to_vec(self).map_or(CloudCalls::MOST_BYTES, |it| it.len())
    }
}

/// The calls since the outcome before, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudCalls {
    /// What is kept of them: changes before reads, later ones before earlier ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<CloudCall>,
    /// How many were left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl CloudCalls {
    /// How many are kept at most.
    pub const MOST: usize = 32;
    /// How many bytes of JSON they have on record at most.
    pub const MOST_BYTES: usize = 8 * 1024;

    /// Takes a call in.
    pub fn note(&mut self, call: CloudCall) {
        self.calls.push(call.bounded());
        if self.calls.len() > Self::MOST {
            self.leave_one_out();
        }
    }

    /// These with as many of the calls as fit into a record.
    #[must_use]
    pub fn for_the_record(mut self) -> Self {
        let mut bytes: usize = self.calls.iter().map(|it| it.bytes() + 1).sum();
        while bytes > Self::MOST_BYTES {
            bytes -= self.leave_one_out().bytes() + 1;
        }
        self
    }

    fn leave_one_out(&mut self) -> CloudCall {
        let oldest_read = self.calls.iter().position(|it| !it.changes);
        self.omitted += 1;
        self.calls.remove(oldest_read.unwrap_or(0))
    }

    /// Puts what was noted before in front.
    pub fn put_back(&mut self, before: Self) {
        let since = std::mem::replace(self, before);
        self.omitted += since.omitted;
        since.calls.into_iter().for_each(|it| self.note(it));
    }

    /// Forgets the reads: what they led to is on record, or is nothing.
    pub fn forget_reads(&mut self) {
        self.calls.retain(|it| it.changes);
        self.omitted = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(changes: bool, number: u32) -> CloudCall {
        CloudCall {
            operation: "create_link".to_owned(),
            changes,
            thing: None,
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            started: DateTime::UNIX_EPOCH,
            duration_ms: 12,
            attempt: number,
            outcome: CloudCall::OK.to_owned(),
            code: None,
            request_id: None,
        }
    }

    fn attempts(of: &CloudCalls) -> Vec<u32> {
        of.calls.iter().map(|it| it.attempt).collect()
    }

    #[test]
    fn only_so_many_calls_are_kept_and_what_is_left_out_is_counted_reads_first() {
        let mut calls = CloudCalls::default();
        calls.note(call(true, 1));
        (2..=40).for_each(|it| calls.note(call(false, it)));
        assert_eq!(calls.calls.len(), CloudCalls::MOST);
        assert_eq!((calls.omitted, attempts(&calls)[0]), (8, 1));
        assert_eq!(attempts(&calls)[1..], (10..=40).collect::<Vec<_>>());
        (41..=80).for_each(|it| calls.note(call(true, it)));
        assert_eq!(attempts(&calls), (49..=80).collect::<Vec<_>>());
        assert_eq!(calls.omitted, 48);
    }

    #[test]
    fn texts_and_the_whole_are_bounded_in_bytes() {
        let mut calls = CloudCalls::default();
        for number in 0..64 {
            calls.note(CloudCall {
                account: "é".repeat(4_000),
                code: Some("x".repeat(4_000)),
                request_id: Some("y".repeat(4_000)),
                ..call(true, number)
            });
        }
        let calls = calls.for_the_record();
        let longest = calls.calls.iter().map(|it| it.account.len()).max();
        assert_eq!(longest, Some(CloudCall::LONGEST_TEXT));
        let bytes = serde_json::to_vec(&calls).expect("json").len();
        assert!(bytes < CloudCalls::MOST_BYTES + 64, "{bytes}");
        assert_eq!(calls.calls.len() as u64 + calls.omitted, 64);
    }

    #[test]
    fn what_was_not_recorded_comes_before_what_was_noted_since() {
        let (mut before, mut calls) = (CloudCalls::default(), CloudCalls::default());
        before.note(call(true, 1));
        calls.note(call(false, 2));
        calls.put_back(before);
        assert_eq!(attempts(&calls), [1, 2]);
        calls.forget_reads();
        assert_eq!(attempts(&calls), [1]);
    }

    #[test]
    fn a_call_without_a_request_id_a_code_or_a_thing_is_written_without_them() {
        let json = serde_json::to_value(call(false, 1)).expect("json");
        let names: Vec<_> = json
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect();
        assert_eq!(
            names,
            [
                "account",
                "attempt",
                "duration_ms",
                "operation",
                "outcome",
                "region",
                "started"
            ]
        );
        let calls = CloudCalls::default();
        assert_eq!(serde_json::to_string(&calls).expect("json"), "{}");
    }
}
