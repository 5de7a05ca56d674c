//! What a file of recordings holds: cases of steps, as `golden/README.md` describes them.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Which server answered.
    pub recorded_from: String,
    /// Played in this order against a fresh node.
    pub cases: Vec<Case>,
}

/// A conversation on streams of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name, with the file's in front.
    pub case: String,
    /// What it settles.
    pub what: String,
    /// The names of positions in ascending order of their numbers.
    #[serde(default)]
    pub position_order: Vec<String>,
    /// What the node must have switched on, `projections` or `security`.
    pub needs: Option<String>,
    /// In order.
    pub steps: Vec<Step>,
}

/// One step. Which fields are there says which kind it is: see [`Step::kind`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `Service/Method`, of one RPC from start to end, or with `open` of one that stays open.
    pub call: Option<String>,
    /// The name of a call that stays open.
    pub open: Option<String>,
    /// The name of an open call that messages then came on.
    #[serde(rename = "await")]
    pub awaited: Option<String>,
    /// The name of an open call that a further request goes out on.
    pub send: Option<String>,
    /// The name of an open call that the client cancels.
    pub close: Option<String>,
    /// A remark on something too large to show, or on time.
    pub note: Option<String>,
    /// Request metadata.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The request messages; a text in their place when they are too large to show.
    pub requests: Option<Value>,
    /// The response messages.
    pub responses: Option<Vec<Value>>,
    /// The final status.
    pub status: Option<Status>,
    /// The messages that came on an awaited call.
    #[serde(default)]
    pub messages: Vec<Value>,
    /// The final status of an awaited call, if it ended.
    pub ended: Option<Status>,
    /// The digest of a node's features: `service/method feature,feature`.
    pub methods: Option<Vec<String>>,
    /// The node's version, beside `methods`.
    pub version: Option<String>,
    /// The digest of a node's gossip.
    pub members: Option<Value>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// The code's name in capitals.
    pub code: String,
    /// Its text.
    pub message: String,
    /// The response trailers that matter.
    #[serde(default)]
    pub trailers: BTreeMap<String, String>,
    /// The error came before any response header.
    #[serde(default)]
    pub trailers_only: bool,
}

/// The kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// One RPC from start to end.
    Call(&'a str),
    /// The start of a call that stays open: its name and its method.
    Open(&'a str, &'a str),
    /// What then came on an open call.
    Await(&'a str),
    /// A further request on an open call.
    Send(&'a str),
    /// The end of an open call from the client's side.
    Close(&'a str),
    /// Nothing to do but what the note says.
    Note,
}

impl Step {
    /// Which kind of step this is.
    ///
    /// # Panics
    /// When its fields fit no kind: the recording is not one that this player knows.
    #[must_use]
    pub fn kind(&self) -> Kind<'_> {
        let fields = [
            &self.call,
            &self.open,
            &self.awaited,
            &self.send,
            &self.close,
        ]
        .map(Option::as_deref);
        match fields {
            [Some(call), None, None, None, None] => Kind::Call(call),
            [Some(call), Some(name), None, None, None] => Kind::Open(name, call),
            [None, None, Some(name), None, None] => Kind::Await(name),
            [None, None, None, Some(name), None] => Kind::Send(name),
            [None, None, None, None, Some(name)] => Kind::Close(name),
            [None, None, None, None, None] if self.note.is_some() => Kind::Note,
            _ => panic!("a step of no known kind: {self:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_step_is_known_by_its_fields() {
        let kind = |text: &str| {
            let step: Step = serde_json::from_str(text).unwrap();
            format!("{:?}", step.kind())
        };
        assert_eq!(
            kind(
                r#"{"call":"A/B","requests":[],"responses":[],"status":{"code":"OK","message":""}}"#
            ),
            r#"Call("A/B")"#
        );
        assert_eq!(
            kind(r#"{"open":"sub","call":"A/B","requests":[]}"#),
            r#"Open("sub", "A/B")"#
        );
        assert_eq!(kind(r#"{"await":"sub","messages":[]}"#), r#"Await("sub")"#);
        assert_eq!(kind(r#"{"note":"later"}"#), "Note");
    }

    #[test]
    fn a_field_that_nobody_knows_is_refused() {
        assert!(serde_json::from_str::<Step>(r#"{"call":"A/B","surprise":1}"#).is_err());
    }
}
