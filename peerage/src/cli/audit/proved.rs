//! Whether a file of evidence says the truth: each of its events has a proof, and is shown as the
//! proof has it.
//!
//! What the file explains beside the events (how they came about, the network before and after) is
//! what the server made of them, and is proved by nothing but them.

use super::{evidence::FORMAT, place::exact, stored};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use tree::{Against, Leaf, Proved, Verdict};

/// What each event of such a file shows. Of what a later version shows besides, an older file shows
/// nothing, and that is no change of it.
const MEMBERS: [&str; 18] = [
    "position",
    "networkId",
    "peeringId",
    "stream",
    "revision",
    "type",
    "actor",
    "commandId",
    "reason",
    "ticket",
    "time",
    "created",
    "data",
    "rawData",
    "command",
    "problem",
    "eventId",
    "cloud",
];

/// As much of such a file as is checked, and what else it has: nothing that no version writes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(rename = "format")]
    _format: IgnoredAny,
    version: u32,
    events: Vec<Value>,
    #[serde(default)]
    proofs: Vec<String>,
    #[serde(default, rename = "question")]
    _question: IgnoredAny,
    #[serde(default, rename = "explained")]
    _explained: IgnoredAny,
    #[serde(default, rename = "networks")]
    _networks: IgnoredAny,
}

impl File {
    /// The text of a file, if it is one of evidence, or why it is none that can be believed.
    pub(super) fn read(text: &str) -> Option<Result<Self, String>> {
        let whole: Value = serde_json::from_str(text).ok()?;
        if whole["format"] != FORMAT {
            return None;
        }
        Some(serde_json::from_value(whole).map_err(|error| error.to_string()))
    }

    /// What it proves, or why it is not believed.
    pub(super) fn verify(&self, against: &Against) -> Result<Verdict, String> {
        if self.version != 1 {
            return Err(format!("evidence of version {} is not known", self.version));
        }
        if self.proofs.is_empty() {
            return Err("the file was made without proofs".to_owned());
        }
        let (events, proofs) = (self.events.len(), self.proofs.len());
        if events != proofs {
            return Err(format!("it has {events} events and {proofs} proofs"));
        }
        let mut seen: Option<Verdict> = None;
        for (at, (event, proof)) in self.events.iter().zip(&self.proofs).enumerate() {
            let verdict = tree::verify(proof.as_bytes(), against)
                .map_err(|error| format!("event {at}: {}", domain::error_chain(&error)))?;
            let Proved::Event { leaf, .. } = &verdict.what else {
                return Err(format!(
                    "event {at}: what stands there is no proof of an event"
                ));
            };
            if let Some(member) = differs(event, leaf)? {
                return Err(format!("event {at}: `{member}` is not what was recorded"));
            }
            let is_further = seen.as_ref().is_none_or(|it| it.size < verdict.size);
            if is_further {
                seen = Some(verdict);
            }
        }
        let further = seen.ok_or("it has no events")?;
        Ok(Verdict {
            what: Proved::SomeEvents(events),
            ..further
        })
    }
}

/// What of the event is not as the proof has it. Where it stands in this store's log, and when it
/// was written there, is in no proof: both are others after a move.
fn differs(shown: &Value, leaf: &Leaf) -> Result<Option<String>, String> {
    let created = shown["created"].as_str().unwrap_or_default();
    let created = chrono::DateTime::parse_from_rfc3339(created)
        .map_err(|_| "an event does not say when it was written".to_owned())?;
    let position = shown["position"].as_str().unwrap_or_default();
    let proved = stored::event(leaf, position, Some(exact(created.to_utc())));
    let proved = proved.and_then(|it| stored::document(&it));
    let proved = proved.map_err(|error| error.text)?;
    let (Value::Object(shown), Value::Object(proved)) = (shown, &proved) else {
        return Err("what stands there is no event".to_owned());
    };
    let known = MEMBERS.into_iter();
    let mut members = known.chain(shown.keys().map(String::as_str));
    let differs = members.find(|it| shown.get(*it) != proved.get(*it));
    Ok(differs.map(str::to_owned))
}
