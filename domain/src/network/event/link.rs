//! What became of the link.

use super::Leftover;
use crate::{
    ids::PeeringId,
    range::Range,
    side::Side,
    text::{Account, Link, RouteTable},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringInitiationStarted {
    pub peering_id: PeeringId,
    /// Counts from 1.
    pub attempt: u32,
    pub started_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringInitiationRefused {
    pub peering_id: PeeringId,
    pub attempt: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringInitiated {
    pub peering_id: PeeringId,
    pub link: Link,
    /// When an unaccepted link expires, where the cloud says so.
    pub expires_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringExpiryNear {
    pub peering_id: PeeringId,
    pub link: Link,
    pub expires_at: DateTime<Utc>,
}

/// Who accepted a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceptedBy {
    /// The engine, with its identity in the peer's account.
    Engine,
    /// Somebody in the peer's account.
    Owner,
    /// One of the two: the engine was to accept and does not know that it has. It was stopped on
    /// the way, or somebody was faster.
    EngineOrOwner,
}

/// How it is known that a link was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub accepted_by: AcceptedBy,
    /// The account that owns the accepting network, as the cloud shows it.
    pub account: Account,
    pub seen_at: DateTime<Utc>,
    /// Whose view showed it.
    pub seen_from: Side,
    /// The cloud's word for the link's state.
    pub shown: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringAccepted {
    pub peering_id: PeeringId,
    pub link: Link,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringActivated {
    pub peering_id: PeeringId,
    pub link: Link,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringRejected {
    pub peering_id: PeeringId,
    pub link: Link,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringExpired {
    pub peering_id: PeeringId,
    pub link: Link,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringRenewed {
    pub peering_id: PeeringId,
    /// The link that nobody accepted.
    pub expired: Link,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringFailed {
    pub peering_id: PeeringId,
    /// The link, if one was ever seen.
    pub link: Option<Link>,
    /// The cloud's own words.
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringDeadlinePassed {
    pub peering_id: PeeringId,
    pub deadline: DateTime<Utc>,
}

/// A route over an adopted link that was there before the engine was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FoundRoute {
    pub side: Side,
    pub route_table: RouteTable,
    pub destination: Range,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringSurveyed {
    pub peering_id: PeeringId,
    pub routes: Vec<FoundRoute>,
    /// The sides whose names resolved over the link before the engine was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Side>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkRemoved {
    pub peering_id: PeeringId,
    pub link: Link,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringRemoved {
    pub peering_id: PeeringId,
    /// What was not the engine's to remove.
    pub left_behind: Vec<Leftover>,
}
