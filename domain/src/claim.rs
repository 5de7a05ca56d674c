//! What another registered network has already: passed in with a command, for the network that
//! decides it sees only its own record.

use crate::{
    ids::{NetworkId, PeeringId},
    text::Link,
};

/// What another registered network has of what a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The other network.
    pub network_id: NetworkId,
    /// Its peering.
    pub peering_id: PeeringId,
    /// What it is that is taken.
    pub what: Claimed,
}

/// What is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The two ends are joined by a live peering, in this state.
    Ends {
        /// The name of the state that it is in.
        life: &'static str,
    },
    /// The link is a peering's.
    Link(Link),
}
