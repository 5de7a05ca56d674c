//! What comes after a plan: when to look again, and what is waited for.

use domain::Side;
use std::time::Duration;

/// Something that a cloud may hide for a while. Each is waited for by itself: that one has been out
/// of query for long says nothing of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Missing {
    /// The link on record, in the view of this side.
    Link(Side),
    /// Every route table of this side's network.
    Tables(Side),
    /// A chosen subnet of this side.
    Subnet(Side),
    /// A destination that this side is to send, among those that the halves exchange.
    Exchange(Side),
}

/// What comes after the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The steps change what there is to do: plan again.
    AtOnce,
    /// The cloud is at work, or does not show everything yet.
    Poll,
    /// Somebody must act; try again after a growing pause.
    Blocked,
    /// Everything is as asked.
    Settled,
}

impl Missing {
    /// The side where it is out of sight.
    pub(super) fn side(self) -> Side {
        match self {
            Self::Link(side) | Self::Tables(side) | Self::Subnet(side) | Self::Exchange(side) => {
                side
            }
        }
    }
}

/// How a pass ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outlook {
    pub(super) next: Next,
    /// How long it takes until time alone gives something to do.
    pub(super) due_in: Option<Duration>,
}

impl From<Next> for Outlook {
    fn from(next: Next) -> Self {
        Self { next, due_in: None }
    }
}
