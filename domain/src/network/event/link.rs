//! The link: how it is asked for, what became of it, and every way to its end.

use super::{super::peer::Peer, BlockCause, Thing};
use crate::{
    ids::PeeringId,
    range::Range,
    side::Side,
    text::{Account, ExternalId, FirewallGroup, FirewallRule, Link, Reason, RouteTable},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Whose word it takes on the remote side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// The engine holds an identity for the peer's account: it accepts, and keeps that side's
    /// routes and rules.
    #[default]
    Delegated,
    /// The peer's owner accepts, and keeps that side; the engine only looks on from the local side.
    Owner,
}

impl Consent {
    pub const ALL: [Self; 2] = [Self::Delegated, Self::Owner];

    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Delegated => "delegated",
            Self::Owner => "owner",
        }
    }
}

/// On what terms a link is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    #[serde(default)]
    pub consent: Consent,
    /// By when the link must be active; after that it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DateTime<Utc>>,
    /// Whether to ask once more if nobody accepts in time.
    #[serde(default)]
    pub renew: bool,
}

impl Terms {
    /// Whether these are what a request has that names none.
    pub fn are_usual(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringRequested {
    pub peering_id: PeeringId,
    pub peer: Peer,
    pub requested_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Terms::are_usual")]
    pub terms: Terms,
    /// What the engine shows with each assumption of the peer's role; the peer's owner puts it into
    /// the role's trust policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringAdopted {
    pub peering_id: PeeringId,
    pub peer: Peer,
    pub link: Link,
    pub adopted_at: DateTime<Utc>,
    #[serde(default)]
    pub consent: Consent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringRemovalRequested {
    pub peering_id: PeeringId,
    pub reason: Reason,
    pub requested_at: DateTime<Utc>,
}

/// Something at the cloud that the engine knows of and leaves where it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Leftover {
    /// An attempt may have made a link that nobody has seen.
    PossibleLink,
    Link {
        link: Link,
    },
    Route {
        side: Side,
        route_table: RouteTable,
        destination: Range,
    },
    FirewallGroup {
        side: Side,
        group: FirewallGroup,
    },
    FirewallRule {
        side: Side,
        rule_id: FirewallRule,
    },
    /// The engine was about to make this, and nobody has seen whether it is there.
    PossibleThing {
        side: Side,
        thing: Thing,
    },
}

/// Somebody asked to give the peering up: it ends after one more look at it, or after
/// [`ABANDONMENT_WINDOW`](super::super::ABANDONMENT_WINDOW).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringAbandonmentRequested {
    /// The peering.
    pub peering_id: PeeringId,
    /// Why, as the caller put it.
    pub reason: Reason,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// The side that is to be cleaned up first, as far as it can be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean: Option<Side>,
}

/// The peering is no longer the engine's concern, whatever still stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringAbandoned {
    /// The peering.
    pub peering_id: PeeringId,
    /// Why it was given up.
    pub reason: Reason,
    /// What still stood, as far as the log knew.
    pub left_behind: Vec<Leftover>,
    /// The sides that could not be looked at once more: what stands there is not known for certain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_observed: Vec<Side>,
}

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
    /// Why, where the cloud said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<BlockCause>,
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
