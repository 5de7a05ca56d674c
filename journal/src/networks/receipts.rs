//! The receipts of one network's commands, in memory and in a stream of blocks beside the
//! network's.
//!
//! What was folded from the log has its receipts with it. A network that was loaded from a snapshot
//! has only those of what came after it; the others are fetched when the first command needs them,
//! and never for a worker's outcome.
//!
//! The blocks are disposable. Each says which events it covers, and together they cover the log
//! from its first event on; what they do not cover is read from the log itself.
//!
//! ```text
//!   events of the log   0 ········ covered ········ from ········ revision
//!                       └ blocks ─────┘ └ read once ──┘ └ folded ──────┘
//! ```

use crate::codec::Raw;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{CommandId, EventId, Ledger, NetworkId, Receipt};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The type of an event that holds a block.
pub(super) const BLOCK_TYPE: &str = "NetworkReceipts";

/// So many receipts make less than 256 kB of JSON.
pub(super) const BLOCK: usize = 7_500;

/// What a receipt takes in a block, before it becomes text.
const RECEIPT: usize = 24;

/// The stream of a network's receipts.
pub(super) fn stream(id: NetworkId) -> String {
    format!("{}-{}", domain::ids::RECEIPTS_CATEGORY, id.0)
}

/// The receipts of one network, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    ledger: Ledger,
    /// All receipts of the events before this one are in the ledger.
    covered: u64,
    /// And all of this event and later ones.
    from: u64,
    /// What was noted since the last block was written.
    fresh: Vec<Receipt>,
    /// Where that begins.
    fresh_from: u64,
    /// Whether the blocks were found to be of no use, so that they are to be written anew.
    pub(super) is_broken: bool,
}

impl Receipts {
    /// Those of a network that was loaded from a snapshot: of the events from this one on.
    pub(super) fn after_snapshot(from: u64) -> Self {
        Self {
            from,
            fresh_from: from,
            ..Self::default()
        }
    }

    /// Whether those of all events are known.
    pub(super) fn are_whole(&self) -> bool {
        self.covered >= self.from
    }

    /// The first event whose receipt may not be known, and the one before which that ends.
    pub(super) fn gap(&self) -> Option<(u64, u64)> {
        (!self.are_whole()).then_some((self.covered, self.from))
    }

    pub(super) fn look_up(&self, command: CommandId) -> Option<Receipt> {
        self.ledger.look_up(command)
    }

    /// Notes what was folded: an event at this number came from this command.
    pub(super) fn note(&mut self, command: CommandId, revision: u64) {
        if self.ledger.look_up(command).is_none() {
            self.fresh.push(Receipt {
                command,
                first_revision: revision,
            });
        }
        self.ledger.note(command, revision);
    }

    /// Takes in what was fetched: all receipts of the events before `covered`.
    pub(super) fn fill(&mut self, receipts: impl IntoIterator<Item = Receipt>, covered: u64) {
        for receipt in receipts {
            self.ledger.note(receipt.command, receipt.first_revision);
        }
        self.covered = self.covered.max(covered);
    }

    /// The receipts of the events from this one on; nothing if they are not all known.
    pub(super) fn since(&self, revision: u64) -> Option<Vec<Receipt>> {
        let is_since = |it: &Receipt| it.first_revision >= revision;
        let mut receipts: Vec<_> = if revision >= self.fresh_from {
            self.fresh.iter().copied().filter(is_since).collect()
        } else if self.are_whole() {
            self.ledger.iter().filter(is_since).collect()
        } else {
            return None;
        };
        receipts.sort_by_key(|it| it.first_revision);
        Some(receipts)
    }

    /// The events before this one are in blocks now.
    pub(super) fn written(&mut self, before: u64) {
        self.fresh.retain(|it| it.first_revision >= before);
        self.fresh_from = self.fresh_from.max(before);
        self.is_broken = false;
    }

    /// How much memory they take, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.ledger.bytes() + self.fresh.capacity() * size_of::<Receipt>()
    }
}

/// The receipts of a run of events, as they stand in the stream.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Block {
    /// The first event that it covers.
    pub(super) from: u64,
    /// The last one.
    pub(super) to: u64,
    /// The id of that event, where the run ends with it: in another log it has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<EventId>,
    /// For each command its id and the number of its first event, 16 and 8 bytes; base64.
    receipts: String,
}

impl Block {
    pub(super) fn new(from: u64, to: u64, event: Option<EventId>, receipts: &[Receipt]) -> Self {
        let bytes: Vec<u8> = receipts
            .iter()
            .flat_map(|it| {
                let revision = it.first_revision.to_be_bytes();
                it.command.0.into_bytes().into_iter().chain(revision)
            })
            .collect();
        Self {
            from,
            to,
            event,
            receipts: STANDARD.encode(bytes),
        }
    }

    /// Reads one; nothing if it is none.
    pub(super) fn read(raw: &Raw) -> Option<Self> {
        (raw.event_type == BLOCK_TYPE)
            .then(|| serde_json::from_slice(&raw.data).ok())
            .flatten()
    }

    /// What it holds; nothing if it is damaged.
    pub(super) fn receipts(&self) -> Option<Vec<Receipt>> {
        let bytes = STANDARD.decode(&self.receipts).ok()?;
        let (whole, rest) = bytes.as_chunks::<RECEIPT>();
        let receipt = |bytes: &[u8; RECEIPT]| {
            let (command, revision) = bytes.split_at(16);
            let receipt = Receipt {
                command: CommandId(Uuid::from_slice(command).ok()?),
                first_revision: u64::from_be_bytes(revision.try_into().ok()?),
            };
            let is_covered = (self.from..=self.to).contains(&receipt.first_revision);
            is_covered.then_some(receipt)
        };
        rest.is_empty()
            .then(|| whole.iter().map(receipt).collect::<Option<Vec<_>>>())?
    }
}

/// Blocks put together as they come.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) receipts: Vec<Receipt>,
    /// The first event that is not covered.
    pub(super) covered: u64,
    /// The id of the last event that is, as the last block says it.
    pub(super) event: Option<EventId>,
    pub(super) is_broken: bool,
}

impl Chain {
    /// Adds the next block. One that covers the log from its first event on begins anew; one that
    /// leaves something out, or cannot be read, ends the chain before it.
    pub(super) fn add(&mut self, raw: &Raw) {
        let read = Block::read(raw).and_then(|block| Some((block.receipts()?, block)));
        match read {
            Some((receipts, block)) if block.from == 0 => {
                *self = Self {
                    receipts,
                    covered: block.to + 1,
                    event: block.event,
                    is_broken: false,
                };
            }
            Some((receipts, block)) if block.from <= self.covered && !self.is_broken => {
                self.receipts.extend(receipts);
                if block.to >= self.covered {
                    (self.covered, self.event) = (block.to + 1, block.event);
                }
            }
            Some(_) | None => self.is_broken = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;

    fn receipt(n: u64) -> Receipt {
        Receipt {
            command: CommandId(Uuid::from_u128(n.into())),
            first_revision: n,
        }
    }

    fn raw(block: &Block) -> Raw {
        Raw {
            stream: "networkReceipts-1".to_owned(),
            revision: 0,
            position: Position::START,
            event_id: Uuid::nil(),
            event_type: BLOCK_TYPE.to_owned(),
            created: None,
            metadata: Default::default(),
            data: serde_json::to_vec(block).unwrap().into(),
        }
    }

    fn block(from: u64, to: u64) -> Block {
        let receipts: Vec<_> = (from..=to).map(receipt).collect();
        Block::new(from, to, None, &receipts)
    }

    #[test]
    fn a_block_that_is_full_takes_less_than_256_kilobytes_and_reads_as_what_was_written() {
        let receipts: Vec<_> = (0..BLOCK as u64).map(receipt).collect();
        let block = Block::new(0, BLOCK as u64, Some(EventId(Uuid::nil())), &receipts);
        let written = serde_json::to_vec(&block).unwrap();
        assert!(written.len() <= 256 << 10, "{}", written.len());
        assert!(written.len() / receipts.len() <= 64);
        assert_eq!(block.receipts().unwrap(), receipts);
        let cut = Block {
            receipts: block.receipts[..42].to_owned(),
            ..block
        };
        assert_eq!(cut.receipts(), None);
    }

    #[test]
    fn blocks_are_believed_as_far_as_they_leave_nothing_out_and_one_from_the_start_begins_anew() {
        let mut chain = Chain::default();
        chain.add(&raw(&block(0, 9)));
        chain.add(&raw(&block(8, 19)));
        assert_eq!((chain.covered, chain.is_broken), (20, false));
        chain.add(&raw(&block(25, 29)));
        chain.add(&raw(&block(20, 29)));
        assert_eq!((chain.covered, chain.is_broken), (20, true));
        chain.add(&raw(&block(0, 29)));
        assert_eq!(
            (chain.covered, chain.is_broken, chain.receipts.len()),
            (30, false, 30)
        );
    }

    #[test]
    fn after_a_snapshot_the_receipts_are_whole_once_the_rest_was_fetched() {
        let mut receipts = Receipts::after_snapshot(10);
        receipts.note(receipt(10).command, 10);
        assert_eq!(
            (receipts.gap(), receipts.since(10).unwrap().len()),
            (Some((0, 10)), 1)
        );
        assert_eq!(receipts.since(5), None);
        receipts.fill((0..7).map(receipt), 7);
        assert_eq!(receipts.gap(), Some((7, 10)));
        receipts.fill((7..10).map(receipt), 10);
        assert!(receipts.are_whole());
        assert_eq!(receipts.since(5).unwrap().len(), 6);
        receipts.written(11);
        assert_eq!(receipts.since(11), Some(Vec::new()));
        assert!(receipts.look_up(receipt(3).command).is_some());
    }
}
