//! A record of the log as a receiver may know it: the event, where it stands, and what it is about
//! in names.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// One record to deliver.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The event's id: the same for ever, in every delivery and replay.
    pub id: Uuid,
    /// The event's type, as it is stored.
    pub event_type: String,
    /// The version of the form of its data.
    pub schema_version: u32,
    /// The event's data, filtered and transformed as the connector says.
    pub data: Value,
    /// The event's metadata, key by key. Keys that begin with `$` are the store's own.
    pub metadata: BTreeMap<String, String>,
    /// The stream that it is in.
    pub stream: String,
    /// Its place in the stream.
    pub revision: u64,
    /// Its place in the log: the commit position.
    pub position: u64,
    /// When it was recorded.
    pub time: DateTime<Utc>,
    /// Whether its data was taken out of it (redacted).
    pub redacted: bool,
    /// The private network that it is about.
    pub network: Option<Named>,
    /// The peering that it is about.
    pub peering: Option<Named>,
    /// The cloud account of that network.
    pub account: Option<String>,
    /// Whether that is the provider's own cloud, where it is on record.
    pub cloud: Option<Cloud>,
    /// Who caused it.
    pub actor: Option<Actor>,
    /// Why.
    pub reason: Option<String>,
    /// The ticket that it was done under.
    pub ticket: Option<String>,
    /// The command that it answers.
    pub command_id: Option<Uuid>,
}

/// Something with an id and the name it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Which cloud a network is at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Cloud {
    /// `real` for the provider's own; `emulator` for what speaks its API elsewhere, and `simulated`
    /// for a cloud inside the engine: nothing of those exists.
    pub mode: String,
    /// The emulator's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// Who caused an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Actor {
    /// The name.
    pub name: String,
    /// Whether the caller only said so, and no credential proved it.
    pub claimed: bool,
}

impl Record {
    /// The event's type in lower case with hyphens: `PeeringRequested` → `peering-requested`.
    #[must_use]
    pub fn schema_subject(&self) -> String {
        subject(&self.event_type)
    }
}

/// A word ends where a capital follows a small letter or digit, and before the last of several
/// capitals that a small letter follows.
fn subject(event_type: &str) -> String {
    let mut subject = String::with_capacity(event_type.len() + 8);
    let (mut before, mut letters) = (None::<char>, event_type.chars().peekable());
    while let Some(letter) = letters.next() {
        let ends_capitals = letters.peek().is_some_and(|it| it.is_lowercase());
        let begins = before.is_some_and(|it| {
            it.is_lowercase() || it.is_ascii_digit() || (it.is_uppercase() && ends_capitals)
        });
        if begins && letter.is_uppercase() {
            subject.push('-');
        }
        subject.extend(letter.to_lowercase());
        before = Some(letter);
    }
    subject
}

#[cfg(test)]
mod tests {
    use super::subject;

    #[test]
    fn a_subject_is_the_type_in_small_words() {
        for (event_type, wanted) in [
            ("PeeringRequested", "peering-requested"),
            ("TestEvent", "test-event"),
            ("DnsResolutionSet", "dns-resolution-set"),
            ("DNSSet", "dns-set"),
            ("already-small", "already-small"),
            ("V2Done", "v2-done"),
            ("", ""),
        ] {
            assert_eq!(subject(event_type), wanted);
        }
    }
}
