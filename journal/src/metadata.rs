//! What stands beside an event: who asked for it, by which command, and what it follows from.

use domain::{CommandId, Digest, text::Actor};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The metadata of an event. `$correlationId` and `$causationId` are KurrentDB's own names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// What belongs together: the caller's, or else the command's id.
    #[serde(rename = "$correlationId")]
    pub correlation_id: Uuid,
    /// What brought this about: an event's id, or else the command's.
    #[serde(rename = "$causationId")]
    pub causation_id: Uuid,
    pub command_id: CommandId,
    pub command_digest: Digest,
    pub actor: Actor,
    /// The version of this event type's JSON.
    pub schema_version: u32,
    /// The W3C trace context of the call that carried the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}
