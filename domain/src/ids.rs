//! Typed ids, declared once, and the one way new ones are born.
//!
//! Every id that a decision makes is derived from the id of the command that asked for it, so a
//! command that is sent twice, or decided again after a crash, names the same things.

use crate::text::{Account, ExternalId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

typed_id! {
    /// A private network; its stream is `network-{id}`.
    NetworkId;
    /// One peering of a private network with a peer.
    PeeringId;
    /// One declared exception that lets the private network reach a target behind a peer.
    IngressId;
    /// The caller's name for one command; sending it again asks for the first outcome.
    CommandId;
    /// The event store's name for one event; the store recognises a repeated append by it.
    EventId;
}

/// The category of network streams: KurrentDB takes the text before the first `-`.
pub const NETWORK_CATEGORY: &str = "network";

/// The category of the streams that hold the folded networks.
pub const SNAPSHOT_CATEGORY: &str = "networkSnapshot";

/// The category of the streams that hold the receipts of networks' commands.
pub const RECEIPTS_CATEGORY: &str = "networkReceipts";

/// The category of the streams that connectors are managed in.
pub const CONNECTOR_CATEGORY: &str = "connector";

/// The category of the streams of requests for approval.
pub const APPROVAL_CATEGORY: &str = "approval";

/// The category of the checkpoints of connectors.
pub const CHECKPOINT_CATEGORY: &str = "connectorCheckpoint";

/// The category of their parked records.
pub const PARKED_CATEGORY: &str = "connectorParked";

/// The category of the leases.
pub const LEASE_CATEGORY: &str = "connectorLease";

/// The stream of the lease that all connectors share which act outward.
pub const LEASE_STREAM: &str = "connectorLease-outward";

/// The stream that says how far the provisioner has got.
pub const PROVISIONER_CHECKPOINT: &str = "connectorCheckpoint-provisioner";

/// Whether this stream holds what was derived from others, and can be again, or what is of use in
/// this store alone.
pub fn is_derived(stream: &str) -> bool {
    let is_control = stream
        .split_once('-')
        .is_some_and(|(category, _)| [CHECKPOINT_CATEGORY, LEASE_CATEGORY].contains(&category));
    let is_of_a_network = stream.split_once('-').is_some_and(|(category, network)| {
        [SNAPSHOT_CATEGORY, RECEIPTS_CATEGORY].contains(&category)
            && Uuid::parse_str(network).is_ok()
    });
    is_of_a_network || is_control
}

impl NetworkId {
    /// The stream that holds everything about this network.
    pub fn stream(&self) -> String {
        format!("{NETWORK_CATEGORY}-{}", self.0)
    }

    /// What the engine shows when it enters this account for this network. It follows from both, so
    /// that it can be told before anything is asked for, and no two tenants share one (AWS: the
    /// external id of a role's trust policy).
    pub fn external_id(&self, account: &Account) -> ExternalId {
        let id = Uuid::new_v5(&self.0, format!("external-id/{account}").as_bytes());
        ExternalId::try_from(format!("peerage-{id}"))
            .expect("a word and a UUID are a text of this kind")
    }

    /// The network whose stream this is, if it is one.
    pub fn from_stream(stream: &str) -> Option<Self> {
        let (category, id) = stream.split_once('-')?;
        (category == NETWORK_CATEGORY)
            .then(|| id.parse().ok())
            .flatten()
    }
}

/// The ids that one command may bring into the world, all derived from its own.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    command: CommandId,
    /// The id and the generation of the network that the command registers, where it is derived
    /// from the network's identity.
    registration: Option<(NetworkId, u32)>,
}

impl Ids {
    /// The ids that this command may bring into the world.
    pub fn of(command: CommandId) -> Self {
        Self {
            command,
            registration: None,
        }
    }

    /// The same, for a command that registers a network under this id.
    pub fn registering(self, network: NetworkId, generation: u32) -> Self {
        Self {
            registration: Some((network, generation)),
            ..self
        }
    }

    /// The network that this command registers.
    pub fn network(&self) -> NetworkId {
        let derived = self.registration.map(|(id, _)| id);
        derived.unwrap_or_else(|| NetworkId(self.derive("network")))
    }

    /// How many registrations of the same network at its cloud are over; nothing if the network's
    /// id is derived from the command, as it was once.
    pub fn generation(&self) -> Option<u32> {
        self.registration.map(|(_, generation)| generation)
    }

    /// The peering that this command requests of this network.
    pub fn peering(&self, network: NetworkId) -> PeeringId {
        PeeringId(Uuid::new_v5(&network.0, self.derive("peering").as_bytes()))
    }

    /// The connector ingress that this command allows in this peering.
    pub fn ingress(&self, peering: PeeringId) -> IngressId {
        IngressId(Uuid::new_v5(&peering.0, self.derive("ingress").as_bytes()))
    }

    /// The id of the `index`-th event of this command.
    pub fn event(&self, index: usize) -> EventId {
        EventId(self.derive(&format!("event/{index}")))
    }

    fn derive(&self, what: &str) -> Uuid {
        Uuid::new_v5(&self.command.0, what.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_command_always_names_the_same_things_and_different_ones() {
        let command = CommandId(Uuid::from_u128(7));
        let (once, again) = (Ids::of(command), Ids::of(command));
        assert_eq!(once.network(), again.network());
        assert_eq!(once.event(1), again.event(1));
        assert_ne!(once.event(0), once.event(1));
        assert_ne!(once.network().0, once.peering(once.network()).0);
        assert_ne!(
            once.peering(NetworkId(Uuid::from_u128(1))),
            once.peering(NetworkId(Uuid::from_u128(2)))
        );
        assert_ne!(
            once.event(0),
            Ids::of(CommandId(Uuid::from_u128(8))).event(0)
        );
    }

    #[test]
    fn what_is_derived_from_a_network_has_streams_that_are_no_networks() {
        let id = NetworkId(Uuid::from_u128(3));
        for category in [SNAPSHOT_CATEGORY, RECEIPTS_CATEGORY] {
            let stream = format!("{category}-{}", id.0);
            assert!(is_derived(&stream));
            assert_eq!(NetworkId::from_stream(&stream), None);
            assert!(!stream.starts_with(&format!("{NETWORK_CATEGORY}-")));
        }
        assert!(is_derived(PROVISIONER_CHECKPOINT));
        assert!(!is_derived(&id.stream()));
        assert!(!is_derived("networkSnapshot-mine"));
    }

    #[test]
    fn a_network_is_found_again_by_its_stream_and_by_no_other() {
        let id = NetworkId(Uuid::from_u128(3));
        assert_eq!(NetworkId::from_stream(&id.stream()), Some(id));
        assert_eq!(
            NetworkId::from_stream("networks-00000000-0000-0000-0000-000000000003"),
            None
        );
        assert_eq!(NetworkId::from_stream("network-3"), None);
        assert_eq!(NetworkId::from_stream("network"), None);
    }
}
