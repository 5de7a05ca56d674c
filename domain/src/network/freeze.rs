//! `FreezeNetwork` and `ThawNetwork`: stops everything that opens or repairs, and lets it go on.

use super::{
    Registered,
    command::{FreezeNetwork, ThawNetwork},
    event::{NetworkEvent, NetworkFrozen, NetworkThawed},
};
use crate::text::Reason;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Since when and why a network is frozen, or peerings of it are in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// When it was recorded.
    pub since: DateTime<Utc>,
    /// Why, as the caller put it.
    pub reason: Reason,
    /// Whether it was meant for every network, those that are registered later among them. Left out
    /// where it is not, so that what was stored before reads as it was meant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everywhere: bool,
}

pub(super) fn freeze(network: &Registered, command: &FreezeNetwork) -> Vec<NetworkEvent> {
    if is_held(network.frozen.as_ref(), command.everywhere) {
        return Vec::new();
    }
    vec![
        NetworkFrozen {
            network_id: network.id,
            reason: command.reason.clone(),
            everywhere: command.everywhere,
        }
        .into(),
    ]
}

/// Whether it is held already, as far as was asked: one network's hold is not everywhere.
pub(super) fn is_held(held: Option<&Hold>, everywhere: bool) -> bool {
    held.is_some_and(|it| it.everywhere || !everywhere)
}

/// What is held by this: since when it was held first, and everywhere if either is.
pub(super) fn held(
    before: Option<Hold>,
    since: DateTime<Utc>,
    (reason, everywhere): (&Reason, bool),
) -> Hold {
    let first = before.unwrap_or_else(|| Hold {
        since,
        reason: reason.clone(),
        everywhere,
    });
    Hold {
        everywhere: first.everywhere || everywhere,
        ..first
    }
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
