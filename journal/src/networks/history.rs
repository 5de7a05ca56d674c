//! What keeps a long history cheap: loads begin at the last snapshot, receipts are had from their
//! blocks, and both are written by whoever appends.
//!
//! Nothing here is needed for anything but speed. What is missing, damaged, of another fold or of
//! another log is passed over, and had from the network's own stream instead.

use super::{
    Loaded, Networks, Slot, has_receipt,
    receipts::{self, Block, Chain, Receipts},
    snapshot::{self, NotWritten, Unusable},
};
use crate::{
    Body, JournalError, Recorded,
    calls::{PAGE, Page, WrongExpectedVersion},
    codec::Raw,
    deadline::Deadline,
    document::Last,
    wire::Proposed,
};
use domain::{EventId, NetworkId, Receipt, vocabulary::reads};
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;

/// How long writing a snapshot and its receipts may take.
const WRITE_DEADLINE: Duration = Duration::from_secs(60);

/// How many blocks of receipts one read asks for.
const BLOCKS_PAGE: usize = 16;

/// How often a block is written again because another engine wrote one first.
const BLOCK_ATTEMPTS: u32 = 5;

/// Notes where an event's command came from, if somebody may ask for its outcome again.
pub(super) fn note(receipts: &mut Receipts, recorded: &Recorded) {
    if let Some(receipt) = receipt_of(recorded) {
        receipts.note(receipt.command, receipt.first_revision);
    }
}

fn receipt_of(recorded: &Recorded) -> Option<Receipt> {
    let is_one = match &recorded.body {
        Body::Event(event) => has_receipt(event),
        Body::Undecodable { .. } => true,
    };
    let metadata = recorded.metadata.as_ref().filter(|_| is_one)?;
    Some(Receipt {
        command: metadata.command_id,
        first_revision: recorded.revision,
    })
}

impl Networks {
    /// Begins with the last snapshot, if there is one that may be believed. Gives what comes after
    /// it in the log, which is read with its last event.
    pub(super) async fn begin(
        &self,
        id: NetworkId,
        slot: &Slot,
        deadline: &Deadline,
    ) -> Result<Option<Page>, JournalError> {
        let last = match self.last_snapshot(&snapshot::stream(id), deadline).await? {
            Some(last) if !self.checks.is_doubted(id) => last,
            Some(_) | None => {
                self.counters.loaded_from_start.add();
                return Ok(None);
            }
        };
        let document = last.document.as_deref().ok_or(Unusable::Damaged);
        let read = match document.and_then(snapshot::read) {
            Ok(read) => read,
            Err(why) => {
                match why {
                    Unusable::OtherFold => self.counters.snapshots_of_another_fold.add(),
                    Unusable::Damaged => self.counters.snapshots_damaged.add(),
                }
                tracing::info!(network = %id, ?why, "a snapshot is passed over");
                self.counters.loaded_from_start.add();
                return Ok(None);
            }
        };
        let (stream, from) = (id.stream(), read.revision);
        let page = self.store.read_page(&stream, from, PAGE, deadline).await?;
        let is_cut = is_cut(&page, read.revision);
        let after = match is_cut {
            // The stream and its snapshots are of one store: the log is the one it was.
            true => Some(page),
            false => after(page, read.revision, read.event),
        };
        let Some(after) = after else {
            tracing::info!(network = %id, revision = read.revision, "a snapshot of another log is passed over");
            self.counters.snapshots_of_another_log.add();
            self.counters.loaded_from_start.add();
            return Ok(None);
        };
        self.counters.loaded_from_snapshot.add();
        if !is_cut {
            self.checks.note_use(id, read.revision, &read.digest);
        }
        let first = read.revision;
        slot.begin_with(read);
        if is_cut {
            slot.advance(slot.loaded(), |loaded, _| loaded.skip(first));
        }
        Ok(Some(after))
    }

    /// The last event of a stream that nothing depends on; nothing if it cannot be had.
    async fn last(&self, stream: &str, deadline: &Deadline) -> Result<Option<Raw>, JournalError> {
        passed_over(stream, self.store.read_last(stream, deadline).await)
    }

    /// The end of a stream of snapshots; nothing if it cannot be had.
    async fn last_snapshot(
        &self,
        stream: &str,
        deadline: &Deadline,
    ) -> Result<Option<Last>, JournalError> {
        let last = self.store.last_document(stream, snapshot::KIND, deadline);
        passed_over(stream, last.await)
    }

    /// Fetches the receipts that the network was loaded without: from the blocks, and what those do
    /// not cover from the log. What was fetched stays, even if time runs out.
    pub(super) async fn fetch_receipts(
        &self,
        id: NetworkId,
        slot: &Slot,
        deadline: &Deadline,
    ) -> Result<(), JournalError> {
        if slot.receipts_missing().is_none() {
            return Ok(());
        }
        if !slot.receipts_are_broken() {
            let chain = self.blocks(id, deadline).await?;
            slot.fill(chain);
        }
        let stream = id.stream();
        while let Some((from, before)) = slot.receipts_missing() {
            let most = usize::try_from(before - from).map_or(PAGE, |it| it.min(PAGE));
            let page = self.store.read_page(&stream, from, most, deadline).await?;
            let events = match page {
                Page::Found { events, .. } if !events.is_empty() => events,
                Page::Found { .. } | Page::Missing => {
                    return Err(JournalError::Truncated {
                        stream,
                        missing: from,
                    });
                }
            };
            let covered = events.last().map_or(from, |it| it.revision + 1);
            slot.fill(Chain {
                receipts: events.iter().filter_map(receipt_of).collect(),
                covered,
                ..Chain::default()
            });
        }
        Ok(())
    }

    /// The blocks of receipts, as far as they are of this log.
    async fn blocks(&self, id: NetworkId, deadline: &Deadline) -> Result<Chain, JournalError> {
        let stream = receipts::stream(id);
        let broken = || Chain {
            is_broken: true,
            ..Chain::default()
        };
        let (mut chain, mut from) = (Chain::default(), 0);
        loop {
            let page = self
                .store
                .read_raw(&stream, from, BLOCKS_PAGE, deadline)
                .await;
            let (blocks, last) = match page {
                Ok(Page::Found { events, last }) => (events, last),
                Ok(Page::Missing) => break,
                Err(JournalError::StreamDeleted { .. } | JournalError::AccessDenied { .. }) => {
                    return Ok(broken());
                }
                Err(error) => return Err(error),
            };
            blocks.iter().for_each(|block| chain.add(block));
            match blocks.last() {
                Some(read) if read.revision < last => from = read.revision + 1,
                Some(_) | None => break,
            }
        }
        if chain.covered == 0 {
            return Ok(chain);
        }
        let of_this_log = match chain.event {
            Some(event) => self.has(id, chain.covered - 1, event, deadline).await?,
            None => false,
        };
        Ok(if of_this_log { chain } else { broken() })
    }

    /// Whether the network's stream has this event at this number.
    async fn has(
        &self,
        id: NetworkId,
        revision: u64,
        event: EventId,
        deadline: &Deadline,
    ) -> Result<bool, JournalError> {
        let stream = id.stream();
        let page = self.store.read_page(&stream, revision, 1, deadline).await?;
        Ok(match page {
            Page::Missing => false,
            Page::Found { events, .. } => events
                .first()
                .is_some_and(|it| (it.revision, it.event_id) == (revision, event)),
        })
    }

    /// Writes the receipts, then a snapshot; in the background, since nobody waits for it.
    pub(super) async fn write_snapshot(&self, id: NetworkId, slot: &Slot) {
        let loaded = slot.loaded();
        let deadline = Deadline::after(WRITE_DEADLINE, "write a snapshot");
        let written = match self.write_receipts(id, slot, &deadline).await {
            Ok(()) => self.write_state(id, &loaded, &deadline).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(()) => {}
            Err(error) => {
                self.counters.snapshots_failed.add();
                tracing::warn!(network = %id, error = &error as &dyn std::error::Error, "no snapshot was written");
            }
        }
        slot.end_snapshot(&loaded);
    }

    /// Writes a block of the receipts that are in none.
    async fn write_receipts(
        &self,
        id: NetworkId,
        slot: &Slot,
        deadline: &Deadline,
    ) -> Result<(), JournalError> {
        let stream = receipts::stream(id);
        for _ in 0..BLOCK_ATTEMPTS {
            let last = self.last(&stream, deadline).await?;
            let number = last.as_ref().map(|it| it.revision);
            let block = last.as_ref().and_then(Block::read);
            let mut from = match block {
                Some(block) if !slot.receipts_are_broken() => block.to + 1,
                Some(_) | None => 0,
            };
            if slot.receipts_since(from).is_none() {
                self.fetch_receipts(id, slot, deadline).await?;
                if slot.receipts_are_broken() {
                    from = 0;
                }
            }
            let Some((receipts, loaded)) = slot.receipts_since(from) else {
                continue;
            };
            let next = loaded.next_revision();
            if next <= from {
                return Ok(());
            }
            if self
                .append_blocks(id, number, from, &receipts, &loaded, deadline)
                .await?
            {
                slot.receipts_written(next);
                return Ok(());
            }
        }
        Ok(())
    }

    /// Appends these receipts block by block; false if another engine was first.
    async fn append_blocks(
        &self,
        id: NetworkId,
        mut expected: Option<u64>,
        mut from: u64,
        receipts: &[Receipt],
        loaded: &Loaded,
        deadline: &Deadline,
    ) -> Result<bool, JournalError> {
        let stream = receipts::stream(id);
        let end = loaded.next_revision() - 1;
        let mut blocks = receipts.chunks(receipts::BLOCK).peekable();
        loop {
            let block = blocks.next().unwrap_or_default();
            let (to, event) = match blocks.peek().and_then(|it| it.first()) {
                Some(next) => (next.first_revision - 1, None),
                None => (end, loaded.last_event),
            };
            let body = Block::new(from, to, event, block);
            let name = format!("receipts/{from}/{to}/{expected:?}");
            let event = proposed(id, &name, receipts::BLOCK_TYPE, &body)?;
            match self
                .store
                .append(&stream, expected, &[event], deadline)
                .await?
            {
                Ok(appended) => expected = Some(appended.revision),
                Err(WrongExpectedVersion) => return Ok(false),
            }
            if to == end {
                return Ok(true);
            }
            from = to + 1;
        }
    }

    async fn write_state(
        &self,
        id: NetworkId,
        loaded: &Loaded,
        deadline: &Deadline,
    ) -> Result<(), JournalError> {
        let stream = snapshot::stream(id);
        let written = match snapshot::write(loaded) {
            Ok(written) => written,
            Err(NotWritten::TooLarge(bytes)) => {
                self.counters.snapshots_too_large.add();
                tracing::info!(network = %id, bytes, "too large for a snapshot; loads read the whole stream");
                return Ok(());
            }
            Err(NotWritten::Nothing) => return Ok(()),
            Err(NotWritten::Json(source)) => return Err(encoding(source)),
        };
        let last = self.last_snapshot(&stream, deadline).await?;
        let known = last.as_ref().and_then(|it| it.document.as_deref());
        let known = known.and_then(snapshot::last_event);
        if let Some((revision, event)) = known
            && Some(revision) >= loaded.revision
            && self.has(id, revision, event, deadline).await?
        {
            return Ok(());
        }
        let expected = last.map(|it| it.revision);
        let appended = self
            .store
            .append_document(&stream, expected, written, deadline)
            .await?;
        match appended {
            Ok(()) => self.counters.snapshots_written.add(),
            // Another engine has written one just now, which serves as well.
            Err(WrongExpectedVersion) => self.counters.snapshots_failed.add(),
        }
        Ok(())
    }
}

/// Whether the store has lost this event of the stream, and has later ones.
fn is_cut(page: &Page, revision: u64) -> bool {
    match page {
        Page::Missing => false,
        Page::Found { events, last } => match events.first() {
            Some(first) => first.revision > revision,
            None => *last > revision,
        },
    }
}

/// A page without its first event, which must be this one.
fn after(page: Page, revision: u64, event: EventId) -> Option<Page> {
    let Page::Found { mut events, last } = page else {
        return None;
    };
    let first = events.first()?;
    if (first.revision, first.event_id) != (revision, event) {
        return None;
    }
    events.remove(0);
    Some(Page::Found { events, last })
}

/// What was read of a stream that nothing depends on; nothing if it cannot be had.
fn passed_over<T>(
    stream: &str,
    read: Result<Option<T>, JournalError>,
) -> Result<Option<T>, JournalError> {
    match read {
        Ok(last) => Ok(last),
        Err(
            unavailable
            @ (JournalError::Unavailable { .. } | JournalError::DeadlineExceeded { .. }),
        ) => Err(unavailable),
        Err(
            refused @ (JournalError::AccessDenied { .. }
            | JournalError::Rejected { .. }
            | JournalError::StreamDeleted { .. }
            | JournalError::Truncated { .. }
            | JournalError::Unreadable { .. }
            | JournalError::NotYetReadable { .. }
            | JournalError::Encoding { .. }),
        ) => {
            tracing::warn!(
                stream,
                error = &refused as &dyn std::error::Error,
                "passed over"
            );
            Ok(None)
        }
    }
}

fn proposed(
    id: NetworkId,
    name: &str,
    event_type: &'static str,
    body: &impl Serialize,
) -> Result<Proposed, JournalError> {
    Ok(Proposed {
        id: Uuid::new_v5(&id.0, name.as_bytes()),
        event_type,
        vocabulary: reads(event_type),
        data: serde_json::to_vec(body).map_err(encoding)?.into(),
        metadata: Vec::new().into(),
    })
}

pub(super) fn encoding(source: serde_json::Error) -> JournalError {
    JournalError::Encoding {
        operation: "write a snapshot",
        event_type: snapshot::SNAPSHOT_TYPE,
        source,
    }
}
