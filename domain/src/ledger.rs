//! Which commands a stream has already answered.
//!
//! Every event carries the id and the digest of the command that made it. Folding the ids gives the
//! ledger: where in the stream each command's outcome begins. With what stands there a command is
//! known again: the same one (then its first outcome is the answer), or another one under a used
//! id. A refused command leaves no event and so no receipt: sent again, it is decided again.
//!
//! A worker's outcomes need no receipt. They are idempotent by the state itself: recorded again,
//! nothing is left to record.

use crate::ids::CommandId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, fmt, mem::size_of};

/// A fingerprint of a command's body: the first 16 bytes of the SHA-256 of its JSON, in
/// hexadecimal.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of this body. The same body gives the same digest on every machine.
    pub fn of(body: &impl Serialize) -> Result<Self, serde_json::Error> {
        Ok(Self::of_json(&serde_json::to_vec(body)?))
    }

    /// The same, of a body that is JSON already.
    pub fn of_json(json: &[u8]) -> Self {
        let hash = Sha256::digest(json);
        let text = hash.iter().take(16).map(|byte| format!("{byte:02x}"));
        Self(text.collect())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// That a command was answered, and where: the number of the first event that it appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The command.
    pub command: CommandId,
    /// Its first event's number in the stream, from 0.
    pub first_revision: u64,
}

/// The receipts of one stream, looked up by the command's id.
///
/// They are kept in blocks, and each id has its block. When there are many for their blocks, one
/// block is divided in two: never all at once, so that one more receipt costs the same whether
/// there are ten or a million. A receipt takes 24 bytes, and at most [`Ledger::BYTES_EACH`] with
/// the room around it.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    blocks: Vec<HashMap<CommandId, u64>>,
    len: usize,
}

/// A block holds so many receipts on average when it is divided, and seldom more than twice as
/// many: less than 256 kB.
const BLOCK: usize = 2_048;

impl Ledger {
    /// What a receipt takes at most: its place in a table that was just made twice as large.
    pub const BYTES_EACH: usize = (size_of::<(CommandId, u64)>() + 1) * 16 / 7;

    /// The receipt of this command, if it was answered.
    pub fn look_up(&self, command: CommandId) -> Option<Receipt> {
        let first_revision = *self.blocks.get(self.block_of(command))?.get(&command)?;
        Some(Receipt {
            command,
            first_revision,
        })
    }

    /// Notes that the event at this revision came from this command. The first one counts.
    pub fn note(&mut self, command: CommandId, revision: u64) {
        if self.len >= self.blocks.len() * BLOCK {
            self.divide();
        }
        let block = self.block_of(command);
        let Some(block) = self.blocks.get_mut(block) else {
            return;
        };
        let known = block.len();
        block
            .entry(command)
            .and_modify(|first| *first = revision.min(*first))
            .or_insert(revision);
        self.len += block.len() - known;
    }

    /// How many commands were answered.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How much memory the receipts take, roughly.
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(bytes_of).sum()
    }

    /// All receipts, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = Receipt> + '_ {
        let all = self.blocks.iter().flatten();
        all.map(|(command, first_revision)| Receipt {
            command: *command,
            first_revision: *first_revision,
        })
    }

    /// Adds a block, and gives it what is its own of the one block that has to share.
    fn divide(&mut self) {
        let added = self.blocks.len();
        self.blocks.push(HashMap::new());
        if added == 0 {
            return;
        }
        let shared = added - (1 << added.ilog2());
        let divided = std::mem::take(&mut self.blocks[shared]);
        for (command, revision) in divided {
            let block = self.block_of(command);
            self.blocks[block].insert(command, revision);
        }
    }

    /// The block that this id has: by so many of its hash's bits as give one of the blocks that
    /// there are (linear hashing).
    fn block_of(&self, command: CommandId) -> usize {
        let blocks = self.blocks.len().max(1);
        let (high, low) = command.0.as_u64_pair();
        // Whatever way the ids are made, the upper bits of this depend on all of theirs.
        let hash = (high ^ low.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let hash = hash as usize;
        let all = blocks.next_power_of_two();
        let block = hash % all;
        if block < blocks {
            block
        } else {
            block - all / 2
        }
    }
}

/// A table has room for an eighth more than it is filled with.
fn bytes_of(block: &HashMap<CommandId, u64>) -> usize {
    block.capacity() * (size_of::<(CommandId, u64)>() + 1) * 8 / 7
}

impl PartialEq for Ledger {
    fn eq(&self, other: &Self) -> bool {
        let knows = |it: Receipt| other.look_up(it.command) == Some(it);
        self.len == other.len && self.iter().all(knows)
    }
}

impl Eq for Ledger {}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn command(n: u64) -> CommandId {
        CommandId(Uuid::new_v5(&Uuid::nil(), &n.to_le_bytes()))
    }

    #[test]
    fn a_command_has_a_receipt_from_its_first_event_on_and_it_says_where_that_is() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.look_up(command(1)), None);
        ledger.note(command(1), 5);
        ledger.note(command(1), 4);
        ledger.note(command(1), 6);
        let receipt = Receipt {
            command: command(1),
            first_revision: 4,
        };
        assert_eq!(ledger.look_up(command(1)), Some(receipt));
        assert_eq!(ledger.look_up(command(2)), None);
        assert_eq!(ledger.len(), 1);
    }

    #[test]
    fn receipts_are_found_in_whichever_block_they_are_and_take_64_bytes_at_most() {
        const MANY: u64 = 100_000;
        let ways: [fn(u64) -> CommandId; 3] = [
            command,
            |n| CommandId(Uuid::from_u128(n.into())),
            |n| CommandId(Uuid::from_u128(u128::from(n) << 64)),
        ];
        for ids in ways {
            let mut ledger = Ledger::default();
            for n in 0..MANY {
                ledger.note(ids(n), n);
                if n % 9_973 == 0 {
                    assert_eq!(ledger.look_up(ids(n / 2)).unwrap().first_revision, n / 2);
                }
            }
            assert!((0..MANY).all(|n| ledger.look_up(ids(n)).unwrap().first_revision == n));
            assert_eq!(ledger.look_up(ids(MANY)), None);
            assert_eq!((ledger.len(), ledger.iter().count()), (100_000, 100_000));
            let largest = ledger.blocks.iter().map(bytes_of).max().unwrap();
            assert!(largest <= 256 << 10, "{largest}");
            assert!(ledger.bytes() <= 64 * ledger.len(), "{}", ledger.bytes());
        }
        const { assert!(Ledger::BYTES_EACH <= 64) };
    }

    #[test]
    fn the_same_body_has_the_same_digest_and_another_one_another() {
        let digest = |body: &str| Digest::of(&body).unwrap();
        assert_eq!(digest("a"), digest("a"));
        assert_ne!(digest("a"), digest("b"));
    }
}
