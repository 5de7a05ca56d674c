//! What stands beside an event: who asked for it, when and why, by which command, and what it
//! follows from.

use chrono::{DateTime, Utc};
use domain::{
    Actor, CloudCalls, CloudMode, CommandId, Digest,
    text::{Reason, Ticket},
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

/// The metadata of an event. `$correlationId` and `$causationId` are KurrentDB's own names. What
/// was added since the first version is optional: older events have none of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// What belongs together: the caller's, or else the command's id.
    #[serde(rename = "$correlationId")]
    pub correlation_id: Uuid,
    /// What brought this about: an event's id, or else the command's.
    #[serde(rename = "$causationId")]
    pub causation_id: Uuid,
    /// The command's id.
    pub command_id: CommandId,
    /// Of the command's stored form: the same id with another digest is another command.
    pub command_digest: Digest,
    /// Four fields; in events of the first version a plain text, which was a claim.
    pub actor: Actor,
    /// The version of this event type's JSON.
    pub schema_version: u32,
    /// The W3C trace context of the call that carried the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// When it was decided. The store's own time is only when it was written there, and changes
    /// when a history moves to another store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<DateTime<Utc>>,
    /// Why, in the caller's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Where the change is tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// In a command's first event, the command itself as JSON, unless it is larger than
    /// [`Metadata::LARGEST_COMMAND`]: it can be decided again later. An outcome's is its event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Value>,
    /// In the first event of what a worker recorded at once: the calls to the cloud since it
    /// recorded something last. Not set in other events, and in those of releases that kept none.
    #[serde(
        default,
        deserialize_with = "as_far_as_known",
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud_calls: Option<CloudCalls>,
    /// Of an event of a network's: which cloud the network is at, its provider's own or one that
    /// stands in for it. Not set where that is not on record, and in events of releases that kept
    /// none.
    #[serde(
        default,
        deserialize_with = "if_known",
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud: Option<CloudMode>,
    /// Of an outcome: the term of the lease under which its worker held the network. Not set where
    /// there is no lease, in other events, and in those of releases that kept none.
    #[serde(
        default,
        deserialize_with = "if_known",
        skip_serializing_if = "Option::is_none"
    )]
    pub term: Option<Fence>,
}

/// A term of a lease. Of two of one lease the later is the higher; those of two leases say nothing
/// of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// The lease, as it was made: another store has another.
    pub lease: Uuid,
    /// The term's number.
    pub number: u64,
}

impl Fence {
    /// Whether this term was over when that one began.
    pub fn is_before(&self, other: &Self) -> bool {
        self.lease == other.lease && self.number < other.number
    }
}

/// What is of a later form is as if it were not set.
fn if_known<'de, D: Deserializer<'de>, T: DeserializeOwned>(it: D) -> Result<Option<T>, D::Error> {
    let stored = Value::deserialize(it)?;
    Ok(serde_json::from_value(stored).ok())
}

/// What is of a later form says no less of the event that it stands beside.
fn as_far_as_known<'de, D: Deserializer<'de>>(it: D) -> Result<Option<CloudCalls>, D::Error> {
    let stored = Value::deserialize(it)?;
    Ok(Some(serde_json::from_value(stored).unwrap_or_default()))
}

impl Metadata {
    /// The most bytes of JSON that a command may have to be kept.
    pub const LARGEST_COMMAND: usize = 16 * 1024;
}
