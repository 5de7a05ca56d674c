//! Blocks: the engine cannot go on until a person acts.

use super::{
    super::event::{BlockCause, ProvisioningBlocked},
    Peering,
};
use crate::side::Side;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Why the engine waits for a person, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    pub cause: BlockCause,
    /// The side whose owner must act.
    pub side: Side,
    /// What the engine was doing and what it was told.
    pub message: String,
    /// What to do about it: sentences, or commands that can be run as they are.
    pub remedy: Vec<String>,
    pub since: DateTime<Utc>,
}

impl Blocked {
    /// Whether this is what that event says.
    pub fn is_by(&self, block: &ProvisioningBlocked) -> bool {
        (self.cause, self.side, &self.message, &self.remedy)
            == (block.cause, block.side, &block.message, &block.remedy)
    }
}

impl Peering {
    pub(in crate::network) fn block_by(&mut self, block: &ProvisioningBlocked, at: DateTime<Utc>) {
        self.blocked = Some(Blocked {
            cause: block.cause,
            side: block.side,
            message: block.message.clone(),
            remedy: block.remedy.clone(),
            since: at,
        });
    }

    /// Who ends a fight ends its count too: the next repair is the first one again.
    pub(in crate::network) fn unblock(&mut self) {
        if self
            .blocked
            .take()
            .is_some_and(|it| it.cause == BlockCause::RepairUndone)
        {
            self.repairs.clear();
            Side::BOTH
                .into_iter()
                .for_each(|side| self.firewall.get_mut(side).cleared.clear());
        }
    }
}
