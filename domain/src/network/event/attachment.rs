//! What a side's firewall group is attached to: it admits only where it is.

use crate::{
    ids::PeeringId,
    side::Side,
    text::{FirewallGroup, Interface, TagKey, TagValue},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Which network interfaces a side's group is to be attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AttachTo {
    /// These.
    Interfaces {
        /// The interfaces, by the provider's ids, like AWS's `eni-0a1b2c3d4e5f60718`.
        interfaces: BTreeSet<Interface>,
    },
    /// Those that carry a tag.
    Tag {
        /// The tag's key.
        key: TagKey,
        /// Its value.
        value: TagValue,
        /// Whether those that get the tag later are attached too, and those that lose it detached;
        /// otherwise they are chosen once.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        followed: bool,
    },
}

/// Why the group is not attached to an interface that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum LeftAlone {
    /// It is not in the side's network.
    NotThere,
    /// A service manages it, and its groups.
    Managed {
        /// The service, as the cloud names it.
        by: String,
    },
    /// It has as many groups as an interface may have.
    NoRoom {
        /// How many that are.
        most: usize,
    },
}

/// The engine shall attach its group on one side to interfaces, in place of what was said before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallAttachmentRequested {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// Which interfaces.
    pub to: AttachTo,
}

/// The engine shall detach its group from what it has attached it to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallAttachmentWithdrawn {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
}

/// What that choice came to when somebody looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallAttachmentChosen {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The interfaces that had the tag, where they are chosen once. Empty where interfaces were
    /// named, or the tag is followed.
    pub interfaces: BTreeSet<Interface>,
    /// Those to which it cannot be attached.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_alone: BTreeMap<Interface, LeftAlone>,
}

/// The group was seen on an interface to which the engine has attached it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallGroupAttached {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The group, by the provider's id, like AWS's `sg-0e1f2a3b4c5d6e7f8`.
    pub group: FirewallGroup,
    /// The interface, by the provider's id, like AWS's `eni-0a1b2c3d4e5f60718`.
    pub interface: Interface,
}

/// It was seen not to be there any more, or the interface is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallGroupDetached {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The group, by the provider's id, like AWS's `sg-0e1f2a3b4c5d6e7f8`.
    pub group: FirewallGroup,
    /// The interface, by the provider's id, like AWS's `eni-0a1b2c3d4e5f60718`.
    pub interface: Interface,
}

/// To how many interfaces the group was seen to be attached, whoever did that: recorded when it is
/// attached to none any more, or to the first, and when a person has asked for a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FirewallAttachmentSeen {
    /// The peering.
    pub peering_id: PeeringId,
    /// The side that it is about.
    pub side: Side,
    /// The group, by the provider's id, like AWS's `sg-0e1f2a3b4c5d6e7f8`.
    pub group: FirewallGroup,
    /// How many; absent where that cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interfaces: Option<u32>,
}
