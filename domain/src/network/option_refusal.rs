//! Why an option of a link cannot be set, where another option is the reason.

use super::event::LinkOption;
use crate::{ids::PeeringId, place::Region, side::Side};
use serde::Serialize;
use thiserror::Error;

/// A network has the option over one link, and another peering has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "a network can have {} over one link, and the {side} side has it over peering {peering_id}",
    option.as_str()
)]
pub struct OptionTaken {
    /// The option.
    pub option: LinkOption,
    /// The side.
    pub side: Side,
    /// The peering that has it.
    pub peering_id: PeeringId,
}

/// Only a link between regions has the option, and both ends are in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "only links between regions have {}, and both ends are in {region}",
    option.as_str()
)]
pub struct OptionWithinRegion {
    /// The option.
    pub option: LinkOption,
    /// The region.
    pub region: Region,
}

/// The option needs another one on the other side, which nobody has asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "{} of the {side} side needs {} of the {of} side, which is not asked for",
    option.as_str(), needs.as_str()
)]
pub struct OptionNeedsOther {
    /// The option.
    pub option: LinkOption,
    /// The side that it was asked for.
    pub side: Side,
    /// What it needs.
    pub needs: LinkOption,
    /// The side where it needs that.
    pub of: Side,
}

/// Another option, on the other side, needs this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "{} of the {side} side is needed by {} of the {of} side, which is asked for",
    option.as_str(), by.as_str()
)]
pub struct OptionNeeded {
    /// The option.
    pub option: LinkOption,
    /// The side that it was to be switched off on.
    pub side: Side,
    /// What needs it.
    pub by: LinkOption,
    /// The side where that is asked for.
    pub of: Side,
}

/// Two options exclude each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Error)]
#[error(
    "{} and {} exclude each other, and the {side} side has the latter",
    option.as_str(), with.as_str()
)]
pub struct OptionExcluded {
    /// The option.
    pub option: LinkOption,
    /// The side.
    pub side: Side,
    /// What that side has already.
    pub with: LinkOption,
}
