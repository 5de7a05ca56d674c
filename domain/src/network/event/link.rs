//! The link: how it is asked for, what became of it, and every way to its end.

use super::{super::peer::Peer, BlockCause, Denial, LinkOption, Thing};
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 2] = [Self::Delegated, Self::Owner];

    /// The stored name.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Delegated => "delegated",
            Self::Owner => "owner",
        }
    }
}

/// On what terms a link is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Terms {
    /// Whose word it takes on the remote side.
    #[serde(default)]
    pub consent: Consent,
    /// By when the link must be active; after that it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<DateTime<Utc>>,
    /// Whether to ask once more if nobody accepts in time.
    #[serde(default)]
    pub renew: bool,
    /// Why the link may be opened though nothing denies what comes over it, where the provider lets
    /// a peered network in by itself. Absent: it stays closed until something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_open: Option<Reason>,
}

impl Terms {
    /// Whether these are what a request has that names none.
    pub fn are_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// Somebody asked for a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringRequested {
    /// The peering.
    pub peering_id: PeeringId,
    /// The network on the other end.
    pub peer: Peer,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// On what terms the link is asked for.
    #[serde(default, skip_serializing_if = "Terms::are_usual")]
    pub terms: Terms,
    /// What the engine shows with each assumption of the peer's role; the peer's owner puts it into
    /// the role's trust policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
}

/// Somebody put a link on record that the engine did not make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringAdopted {
    /// The peering.
    pub peering_id: PeeringId,
    /// The network on the other end.
    pub peer: Peer,
    /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
    pub link: Link,
    /// When it was put on record.
    pub adopted_at: DateTime<Utc>,
    /// Who accepts the link and keeps the peer's side.
    #[serde(default)]
    pub consent: Consent,
    /// What the engine shows when it enters the peer's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// Until when it may wait to be accepted, where the configuration says otherwise than the
    /// provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// Somebody asked for the link's end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringRemovalRequested {
    /// The peering.
    pub peering_id: PeeringId,
    /// Why, as the caller put it.
    pub reason: Reason,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
}

/// Something at the cloud that the engine knows of and leaves where it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Leftover {
    /// An attempt may have made a link that nobody has seen.
    PossibleLink,
    /// The link.
    Link {
        /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
        link: Link,
    },
    /// A side's half of the link, where each side has one.
    Half {
        /// The side whose half it is.
        side: Side,
        /// Its name, if the engine made it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<Link>,
    },
    /// The engine was about to make this half, and nobody has seen it.
    PossibleHalf {
        /// The side whose half it would be.
        side: Side,
        /// The name that it would have.
        link: Link,
    },
    /// A route over the link.
    Route {
        /// The side that it is about.
        side: Side,
        /// The route table, by the provider's id, like AWS's `rtb-0d1e2f30415263748`.
        route_table: RouteTable,
        /// The destination, a range in CIDR form.
        destination: Range,
    },
    /// The engine's own firewall group.
    FirewallGroup {
        /// The side that it is about.
        side: Side,
        /// The firewall group, by the provider's id, like AWS's `sg-0e1f2a3b4c5d6e7f8`.
        group: FirewallGroup,
    },
    /// A route over the link that the engine did not make: another owner's, or one for an IPv6
    /// range or a list of ranges.
    OtherRoute {
        /// The side that it is about.
        side: Side,
        /// The route table, by the provider's id, like AWS's `rtb-0d1e2f30415263748`.
        route_table: RouteTable,
        /// The destination, a range in CIDR form or the provider's id of a list.
        destination: String,
    },
    /// A rule in that group.
    FirewallRule {
        /// The side that it is about.
        side: Side,
        /// The rule, by the provider's id, like `sgr-0f1e2d3c4b5a69788`.
        rule_id: FirewallRule,
    },
    /// An entry of the engine's in a list in front of subnets.
    Denial {
        /// The side that it is about.
        side: Side,
        /// The entry.
        denial: Denial,
    },
    /// The engine was about to make this, and nobody has seen whether it is there.
    PossibleThing {
        /// The side that it is about.
        side: Side,
        /// What it would be.
        thing: Thing,
    },
}

impl Leftover {
    /// The engine's own route in a table that it is, or may be.
    pub fn route(&self) -> Option<(&RouteTable, Range)> {
        match self {
            Self::Route {
                route_table,
                destination,
                ..
            } => Some((route_table, *destination)),
            Self::PossibleThing {
                thing: Thing::Route { at, destination },
                ..
            } => at.table().map(|table| (table, *destination)),
            Self::PossibleThing { .. }
            | Self::PossibleLink
            | Self::Link { .. }
            | Self::Half { .. }
            | Self::PossibleHalf { .. }
            | Self::OtherRoute { .. }
            | Self::FirewallGroup { .. }
            | Self::FirewallRule { .. }
            | Self::Denial { .. } => None,
        }
    }

    /// The engine's own entry in a list that it is, or may be.
    pub fn denial(&self) -> Option<&Denial> {
        match self {
            Self::Denial { denial, .. }
            | Self::PossibleThing {
                thing: Thing::Denial { denial },
                ..
            } => Some(denial),
            Self::PossibleThing { .. }
            | Self::PossibleLink
            | Self::Link { .. }
            | Self::Half { .. }
            | Self::PossibleHalf { .. }
            | Self::Route { .. }
            | Self::OtherRoute { .. }
            | Self::FirewallGroup { .. }
            | Self::FirewallRule { .. } => None,
        }
    }
}

/// Somebody asked to give the peering up: it ends after one more look at it, or after
/// [`ABANDONMENT_WINDOW`](super::super::ABANDONMENT_WINDOW).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// The peering is no longer the engine's concern, whatever still stands: it was given up, or what
/// stands of its link is somebody else's, as a link is that was adopted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// The engine is about to ask the cloud for the link: from here on one may exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringInitiationStarted {
    /// The peering.
    pub peering_id: PeeringId,
    /// Counts from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

/// The cloud answered that attempt with an error, so it made no link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringInitiationRefused {
    /// The peering.
    pub peering_id: PeeringId,
    /// Which attempt, counted from 1.
    pub attempt: u32,
    /// Why, where the cloud said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<BlockCause>,
}

/// The link was seen at the cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringInitiated {
    /// The peering.
    pub peering_id: PeeringId,
    /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
    pub link: Link,
    /// When an unaccepted link expires, where the cloud says so.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Nobody has accepted the link, and a day is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringExpiryNear {
    /// The peering.
    pub peering_id: PeeringId,
    /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
    pub link: Link,
    /// When nobody can accept it any more.
    pub expires_at: DateTime<Utc>,
}

/// Who accepted a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Evidence {
    /// Who accepted it.
    pub accepted_by: AcceptedBy,
    /// The account that owns the accepting network, as the cloud shows it.
    pub account: Account,
    /// When it was seen to be accepted.
    pub seen_at: DateTime<Utc>,
    /// Whose view showed it.
    pub seen_from: Side,
    /// The cloud's word for the link's state.
    pub shown: String,
}

/// The remote side has accepted the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringAccepted {
    /// The peering.
    pub peering_id: PeeringId,
    /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
    pub link: Link,
    /// How that is known; `None` in histories from before that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// The cloud shows the link as active.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringActivated {
    /// The peering.
    pub peering_id: PeeringId,
    /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
    pub link: Link,
}

/// The remote side has rejected the link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringRejected {
    /// The peering.
    pub peering_id: PeeringId,
    /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
    pub link: Link,
}

/// Nobody accepted the link in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringExpired {
    /// The peering.
    pub peering_id: PeeringId,
    /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
    pub link: Link,
}

/// The link is asked for once more, as its request allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringRenewed {
    /// The peering.
    pub peering_id: PeeringId,
    /// The link that nobody accepted.
    pub expired: Link,
}

/// The cloud has given the link up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringFailed {
    /// The peering.
    pub peering_id: PeeringId,
    /// The link, if one was ever seen.
    pub link: Option<Link>,
    /// The cloud's own words.
    pub message: String,
}

/// The link was not active by the time that its request named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringDeadlinePassed {
    /// The peering.
    pub peering_id: PeeringId,
    /// The time by which the link had to be active.
    pub deadline: DateTime<Utc>,
}

/// A route over an adopted link that was there before the engine was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FoundRoute {
    /// The side that it is about.
    pub side: Side,
    /// The route table, by the provider's id, like AWS's `rtb-0d1e2f30415263748`.
    pub route_table: RouteTable,
    /// The destination, a range in CIDR form.
    pub destination: Range,
}

/// Which side of an adopted link was asked for it: that one is to accept it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LinkAccepterSeen {
    /// The peering.
    pub peering_id: PeeringId,
    /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
    pub link: Link,
    /// The side that was asked.
    pub accepter: Side,
}

/// What an adopted link had when it was first looked at; it is left alone for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringSurveyed {
    /// The peering.
    pub peering_id: PeeringId,
    /// The routes over it.
    pub routes: Vec<FoundRoute>,
    /// The sides whose names resolved over the link before the engine was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Side>,
    /// Other options that were on before the engine was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<FoundOption>,
}

/// An option of an adopted link that was on when it was first looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FoundOption {
    /// The side whose half it is.
    pub side: Side,
    /// Which option.
    pub option: LinkOption,
}

/// The link was seen to be gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LinkRemoved {
    /// The peering.
    pub peering_id: PeeringId,
    /// The link, by the provider's id, like AWS's `pcx-0123456789abcdef0`.
    pub link: Link,
}

/// Both halves of the link were seen to be gone, and nothing is left of the peering but what is
/// named. In histories of before, also of a link that was adopted and stands: then it is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeeringRemoved {
    /// The peering.
    pub peering_id: PeeringId,
    /// What was not the engine's to remove.
    pub left_behind: Vec<Leftover>,
}
