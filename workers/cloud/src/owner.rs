//! Whose a thing is: the value of the tag that the engine puts on what it makes.
//!
//! ```text
//!   peerage:peering = 0190…c2 / 0190…7f      the network's registration, the peering
//!   peerage:peering = 0190…7f                before the value named the network
//! ```
//!
//! A network's id is born with its registration and is in no other log but copies of that one. So
//! it names the installation: what carries another network's id was made by somebody else's engine,
//! or for another network of this one. It follows from the log alone, and so survives a restart, an
//! export and a replica, and needs no configuration.

use domain::{NetworkId, PeeringId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// The tag (label) that names the peering for which the engine made a thing; its value is an
/// [`Owner`].
pub const OWNER_TAG: &str = "peerage:peering";

/// The network and the peering that a thing was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The network's registration; `None` on what was made before the tag named it.
    pub network: Option<NetworkId>,
    /// The peering.
    pub peering: PeeringId,
}

impl Owner {
    /// What is put on a thing that is made now.
    pub const fn new(network: NetworkId, peering: PeeringId) -> Self {
        Self {
            network: Some(network),
            peering,
        }
    }

    /// What was put on a thing before the tag named the network.
    pub const fn before_networks(peering: PeeringId) -> Self {
        Self {
            network: None,
            peering,
        }
    }

    /// Whether this tag, as it is now or as it was before it named the network, is this peering's.
    pub fn is(&self, network: NetworkId, peering: PeeringId) -> bool {
        self.peering == peering && self.network.is_none_or(|named| named == network)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.network {
            Some(network) => write!(f, "{network}/{}", self.peering),
            None => self.peering.fmt(f),
        }
    }
}

/// A value that names no peering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnOwner;

impl fmt::Display for NotAnOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no owner: expected a network's id, a slash and a peering's id")
    }
}

impl std::error::Error for NotAnOwner {}

/// An id in the one form in which the engine writes it; another spelling is not the engine's.
fn id<T: FromStr + fmt::Display>(text: &str) -> Result<T, NotAnOwner> {
    let id: T = text.parse().map_err(|_| NotAnOwner)?;
    (id.to_string() == text).then_some(id).ok_or(NotAnOwner)
}

impl FromStr for Owner {
    type Err = NotAnOwner;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((network, peering)) => Ok(Self::new(id(network)?, id(peering)?)),
            None => Ok(Self::before_networks(id(text)?)),
        }
    }
}

impl Serialize for Owner {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const NETWORK: NetworkId = NetworkId(Uuid::from_u128(1));
    const PEERING: PeeringId = PeeringId(Uuid::from_u128(2));

    #[test]
    fn a_tag_names_the_network_and_the_peering_and_is_read_as_it_was_written() {
        let owner = Owner::new(NETWORK, PEERING);
        let text = owner.to_string();
        assert_eq!(
            text,
            "00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000002"
        );
        assert_eq!(text.parse(), Ok(owner));
        assert!(text.len() <= 256, "AWS takes no longer value");
    }

    #[test]
    fn a_tag_from_before_it_named_the_network_is_the_peerings_still() {
        let owner: Owner = PEERING.to_string().parse().unwrap();
        assert_eq!(owner, Owner::before_networks(PEERING));
        assert!(owner.is(NETWORK, PEERING));
        assert!(!owner.is(NETWORK, PeeringId(Uuid::from_u128(3))));
    }

    #[test]
    fn a_tag_of_another_installation_is_no_peerings_of_this_one() {
        let theirs = Owner::new(NetworkId(Uuid::from_u128(9)), PEERING);
        assert!(!theirs.is(NETWORK, PEERING));
        assert!(Owner::new(NETWORK, PEERING).is(NETWORK, PEERING));
    }

    #[test]
    fn what_the_engine_does_not_write_names_nobody() {
        for text in [
            "",
            "/",
            "web",
            "00000000-0000-0000-0000-000000000001/",
            "/00000000-0000-0000-0000-000000000001",
            "00000000000000000000000000000001",
            "00000000-0000-0000-0000-00000000000A",
            "00000000-0000-0000-0000-000000000001/00000000-0000-0000-0000-000000000002/3",
        ] {
            assert_eq!(text.parse::<Owner>(), Err(NotAnOwner), "{text}");
        }
    }
}
