//! Orphans: what stands at a cloud and was made for no live peering of this network, and
//! `RemoveOrphan`.
//!
//! First sight, a change and the end are events; seeing it again is none.

use super::{
    Refusal, Registered,
    command::RemoveOrphan,
    event::{
        NetworkEvent, OrphanCleared, OrphanFound, OrphanRemovalFailed, OrphanRemovalRequested,
        OrphanThing,
    },
    refusal_facts::OrphanIsACopy,
};
use crate::{
    ids::PeeringId,
    place::Region,
    text::{Account, CloudNetwork, Reason},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How many orphans of a network are on record at a time. Whoever may tag could make any number.
pub const MOST_ORPHANS: usize = 200;

/// What is known of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphan {
    /// The peering that it was made for: one that has ended, or that this log does not know.
    pub peering_id: PeeringId,
    /// The account where it stands.
    pub account: Account,
    /// The region where it stands.
    pub region: Region,
    /// The network at the cloud that it is a part of, or ends at.
    pub cloud_network: CloudNetwork,
    /// What it is.
    pub thing: OrphanThing,
    /// Whether somebody has copied it: it has the tag, and not the form that the engine gives.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_copy: bool,
    /// When it was found.
    pub since: DateTime<Utc>,
    /// What became of its removal, if somebody asked for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<OrphanRemoval>,
}

/// A removal that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphanRemoval {
    /// When.
    pub asked_at: DateTime<Utc>,
    /// Why, as the caller put it.
    pub reason: Reason,
    /// Why it failed, if it did: it is not tried again until somebody asks again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl Orphan {
    /// Whether the engine is to remove it.
    pub fn is_to_go(&self) -> bool {
        let removal = self.removal.as_ref();
        removal.is_some_and(|removal| removal.failed.is_none())
    }

    fn says(&self, event: &OrphanFound) -> bool {
        (
            &self.peering_id,
            &self.account,
            &self.region,
            &self.cloud_network,
            &self.thing,
            self.is_copy,
        ) == (
            &event.peering_id,
            &event.account,
            &event.region,
            &event.cloud_network,
            &event.thing,
            event.is_copy,
        )
    }
}

pub(super) fn remove(
    network: &Registered,
    command: &RemoveOrphan,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let Some(orphan) = network.orphans.get(&command.orphan) else {
        return Err(Refusal::OrphanUnknown {
            orphan: command.orphan.to_string(),
        });
    };
    if orphan.is_copy {
        return Err(Refusal::OrphanIsACopy(OrphanIsACopy {
            orphan: command.orphan.to_string(),
            peering_id: orphan.peering_id,
        }));
    }
    if orphan.is_to_go() {
        return Ok(Vec::new());
    }
    let requested = OrphanRemovalRequested {
        network_id: network.id,
        peering_id: orphan.peering_id,
        orphan: command.orphan.clone(),
        reason: command.reason.clone(),
    };
    Ok(vec![requested.into()])
}

/// What a live peering accounts for is no orphan.
pub(super) fn found(
    network: &Registered,
    it: &OrphanFound,
) -> Result<Option<OrphanFound>, Refusal> {
    let live = network.peerings().get(&it.peering_id);
    if let Some(peering) = live.filter(|peering| peering.life.is_live()) {
        return Err(Refusal::OutcomeOutOfOrder {
            peering_id: peering.id,
            life: peering.life.as_str(),
            outcome: "an orphan",
        });
    }
    let Some(id) = it.thing.id() else {
        return Ok(None);
    };
    let is_news = match network.orphans.get(&id) {
        Some(known) => !known.says(it),
        None => network.orphans.len() < MOST_ORPHANS,
    };
    Ok(is_news.then(|| OrphanFound {
        network_id: network.id,
        ..it.clone()
    }))
}

pub(super) fn cleared(network: &Registered, it: &OrphanCleared) -> Option<OrphanCleared> {
    let known = network.orphans.get(&it.orphan)?;
    Some(OrphanCleared {
        network_id: network.id,
        peering_id: known.peering_id,
        ..it.clone()
    })
}

pub(super) fn removal_failed(
    network: &Registered,
    it: &OrphanRemovalFailed,
) -> Option<OrphanRemovalFailed> {
    let known = network.orphans.get(&it.orphan)?;
    known.is_to_go().then(|| OrphanRemovalFailed {
        network_id: network.id,
        peering_id: known.peering_id,
        ..it.clone()
    })
}

impl Registered {
    pub(super) fn orphan_found(&mut self, event: &OrphanFound, at: DateTime<Utc>) {
        let Some(id) = event.thing.id() else {
            return;
        };
        let known = self.orphans.get(&id);
        let (since, removal) = match known {
            Some(known) => (known.since, known.removal.clone()),
            None => (at, None),
        };
        self.orphans.insert(
            id,
            Orphan {
                peering_id: event.peering_id,
                account: event.account.clone(),
                region: event.region.clone(),
                cloud_network: event.cloud_network.clone(),
                thing: event.thing.clone(),
                is_copy: event.is_copy,
                since,
                removal: removal.filter(|_| !event.is_copy),
            },
        );
    }

    pub(super) fn orphan_cleared(&mut self, event: &OrphanCleared) {
        self.orphans.remove(&event.orphan);
    }

    pub(super) fn orphan_removal_requested(
        &mut self,
        event: &OrphanRemovalRequested,
        at: DateTime<Utc>,
    ) {
        if let Some(orphan) = self.orphans.get_mut(&event.orphan) {
            orphan.removal = Some(OrphanRemoval {
                asked_at: at,
                reason: event.reason.clone(),
                failed: None,
            });
        }
    }

    pub(super) fn orphan_removal_failed(&mut self, event: &OrphanRemovalFailed) {
        let orphan = self.orphans.get_mut(&event.orphan);
        if let Some(removal) = orphan.and_then(|orphan| orphan.removal.as_mut()) {
            removal.failed = Some(event.message.clone());
        }
    }
}
