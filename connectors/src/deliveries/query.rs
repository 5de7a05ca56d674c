//! What can be asked of the attempts that are kept.

use super::Delivery;
use domain::{EventId, text::ConnectorId};
use std::{fmt, str::FromStr};

/// Which attempts.
#[derive(Clone, Debug)]
pub struct DeliveriesQuery {
    /// Of this connector.
    pub connector: ConnectorId,
    /// About this event.
    pub event: Option<EventId>,
    /// Only those that were not taken.
    pub failed_only: bool,
    /// Those before this place.
    pub before: Option<DeliveryKey>,
    /// How many at most.
    pub most: usize,
}

/// Some of the attempts, the newest first.
#[derive(Clone, Debug, Default)]
pub struct DeliveriesPage {
    /// The attempts.
    pub deliveries: Vec<Delivery>,
    /// Where the next page begins, if there is more.
    pub next: Option<DeliveryKey>,
}

/// A place among the attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryKey(pub(super) i64);

impl fmt::Display for DeliveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DeliveryKey {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
