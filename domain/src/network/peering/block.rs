//! Blocks: the engine cannot go on until a person acts.

use super::{
    super::event::{BlockCause, ProvisioningBlocked, once},
    Peering,
};
use crate::side::Side;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How long nothing is told of what is met again and again without a change.
pub(in crate::network) const REPETITION: TimeDelta = TimeDelta::hours(24);

/// How often within a day the same thing may begin before its end, and its changes, are held back.
const FLICKERS: u32 = 3;

/// How long they are held back after its last beginning.
const HELD: TimeDelta = TimeDelta::hours(8);

/// Whether something that began so often within a day, and changed last then, comes and goes. A
/// person who asked for a check since then hears at once.
pub(in crate::network) fn flickers(
    times: u32,
    last: DateTime<Utc>,
    asked: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> bool {
    times >= FLICKERS && now - last < HELD && asked.is_none_or(|asked| asked <= last)
}

/// How often a block began lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockCount {
    /// How often it began, or changed, within a day of the time before.
    pub times: u32,
    /// When it last did.
    pub last: DateTime<Utc>,
}

/// Why the engine waits for a person, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// Why, in kind.
    pub cause: BlockCause,
    /// The side whose owner must act.
    pub side: Side,
    /// What the engine was doing and what it was told.
    pub message: String,
    /// What to do about it: sentences, or commands that can be run as they are.
    pub remedy: Vec<String>,
    /// When it began.
    pub since: DateTime<Utc>,
    /// When it was last recorded.
    #[serde(default)]
    pub told_at: Option<DateTime<Utc>>,
    /// How often it was met, as far as that was recorded.
    #[serde(default = "once")]
    pub times: u32,
}

impl Blocked {
    /// Whether this is the same block: a provider's words may differ each time, what helps does
    /// not.
    pub fn is_met_again(&self, block: &ProvisioningBlocked) -> bool {
        (self.cause, self.side, &self.remedy) == (block.cause, block.side, &block.remedy)
    }
}

impl Peering {
    pub(in crate::network) fn block_by(&mut self, block: &ProvisioningBlocked, at: DateTime<Utc>) {
        let again = self.blocked.as_ref().filter(|it| it.is_met_again(block));
        let (since, before) = match again {
            Some(known) if block.times > 1 => (known.since, known.times),
            Some(_) | None => (at, 0),
        };
        if before == 0 {
            self.count_block(block.cause, block.side, at);
        }
        self.blocked = Some(Blocked {
            cause: block.cause,
            side: block.side,
            message: block.message.clone(),
            remedy: block.remedy.clone(),
            since,
            told_at: Some(at),
            times: before.saturating_add(block.times),
        });
    }

    fn count_block(&mut self, cause: BlockCause, side: Side, at: DateTime<Utc>) {
        let count = self
            .blocks
            .entry((cause, side))
            .or_insert(BlockCount { times: 0, last: at });
        if at - count.last >= REPETITION {
            count.times = 0;
        }
        count.times = count.times.saturating_add(1);
        count.last = at;
    }

    /// Whether a block of this cause and side comes and goes, so that its end and its changes are
    /// held back. `asked` is when a check of the network was last asked for.
    pub fn block_flickers(
        &self,
        cause: BlockCause,
        side: Side,
        asked: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> bool {
        self.blocks
            .get(&(cause, side))
            .is_some_and(|count| flickers(count.times, count.last, asked, now))
    }

    /// Who ends a fight ends its count too: the next repair is the first one again. Exposures are
    /// counted on until somebody has asked for a check since: that they went may be the fight
    /// itself.
    pub(in crate::network) fn unblock(&mut self, asked: Option<DateTime<Utc>>) {
        let fought = |it: &Blocked| it.cause == BlockCause::RepairUndone;
        let Some(fight) = self.blocked.take().filter(fought) else {
            return;
        };
        self.repairs.clear();
        if asked.is_some_and(|asked| asked > fight.since) {
            for side in Side::BOTH {
                let firewall = self.firewall.get_mut(side);
                firewall.cleared.clear();
                firewall.cleared_at.clear();
            }
        }
    }
}
