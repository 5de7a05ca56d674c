//! `FreezeNetwork` and `ThawNetwork`: stops everything that opens or repairs, and lets it go on.

use super::{
    Registered,
    command::{FreezeNetwork, ThawNetwork},
    event::{NetworkEvent, NetworkFrozen, NetworkThawed},
};

pub(super) fn freeze(network: &Registered, command: &FreezeNetwork) -> Vec<NetworkEvent> {
    if network.is_frozen() {
        return Vec::new();
    }
    vec![
        NetworkFrozen {
            network_id: network.id,
            reason: command.reason.clone(),
        }
        .into(),
    ]
}

pub(super) fn thaw(network: &Registered, command: &ThawNetwork) -> Vec<NetworkEvent> {
    if !network.is_frozen() {
        return Vec::new();
    }
    vec![
        NetworkThawed {
            network_id: network.id,
            reason: command.reason.clone(),
        }
        .into(),
    ]
}
