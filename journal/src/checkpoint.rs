//! How far a follower of all networks has got, kept in the store, so that the next start begins
//! there instead of at the first event.
//!
//! A position alone would not do: whoever begins there must still know which networks there are. So
//! a checkpoint holds those too, and the last event that it knows, at its place: in another log, or
//! in one that was cut, that event is not there, and the checkpoint is as good as none.

use crate::{
    Journal, JournalError, Position, Recorded,
    calls::{Page, WrongExpectedVersion},
    deadline::Deadline,
    document::{Kind, TooLarge, Written},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{EventId, NetworkId, ids};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

const CHECKPOINT_TYPE: &str = "ProvisionerCheckpoint";

/// What the stream holds. One part is enough for 20,000 networks.
const KIND: Kind = Kind {
    whole: CHECKPOINT_TYPE,
    part: "ProvisionerCheckpointPart",
};

/// A place in the log, and what was seen up to there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    networks: BTreeSet<NetworkId>,
    last: Option<Last>,
}

/// The last event of a network up to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    network: NetworkId,
    revision: u64,
    event: EventId,
    commit: u64,
    prepare: u64,
}

impl Last {
    fn of(recorded: &Recorded) -> Option<Self> {
        Some(Self {
            network: recorded.network_id?,
            revision: recorded.revision,
            event: recorded.event_id,
            commit: recorded.position.commit,
            prepare: recorded.position.prepare,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    last: Last,
    /// Ids of 16 bytes each; base64.
    networks: String,
}

impl Checkpoint {
    /// Goes on to this event. One that is no network's changes nothing.
    pub fn advance(&mut self, recorded: &Recorded) {
        if let Some(last) = Last::of(recorded) {
            self.networks.insert(last.network);
            self.last = Some(last);
        }
    }

    /// Every network that has an event up to there.
    pub fn networks(&self) -> impl ExactSizeIterator<Item = NetworkId> + '_ {
        self.networks.iter().copied()
    }

    /// Where following goes on; `None`: at the beginning.
    pub fn position(&self) -> Option<Position> {
        self.last.map(|last| Position {
            commit: last.commit,
            prepare: last.prepare,
        })
    }

    fn write(&self, last: Last) -> Result<String, serde_json::Error> {
        let ids = self.networks.iter().flat_map(|it| it.0.into_bytes());
        serde_json::to_string(&Stored {
            last,
            networks: STANDARD.encode(ids.collect::<Vec<u8>>()),
        })
    }

    fn read(data: &[u8]) -> Option<Self> {
        let stored: Stored = serde_json::from_slice(data).ok()?;
        let bytes = STANDARD.decode(&stored.networks).ok()?;
        let (ids, rest) = bytes.as_chunks::<16>();
        let networks = ids.iter().map(|it| NetworkId(Uuid::from_bytes(*it)));
        rest.is_empty().then(|| Self {
            networks: networks.collect(),
            last: Some(stored.last),
        })
    }
}

impl Journal {
    /// The provisioner's last checkpoint, if it is one of this log.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, JournalError> {
        let deadline = Deadline::after(self.settings().command_deadline, "read the checkpoint");
        let store = self.store();
        let last = store
            .last_document(ids::PROVISIONER_CHECKPOINT, KIND, &deadline)
            .await?;
        let document = last.and_then(|it| it.document);
        let Some(checkpoint) = document.and_then(|it| Checkpoint::read(&it)) else {
            return Ok(None);
        };
        if !self.has(&checkpoint).await? {
            tracing::warn!(
                "the checkpoint is of another log; the log is followed from its beginning"
            );
            return Ok(None);
        }
        Ok(Some(checkpoint))
    }

    /// Whether this log has the last event of a checkpoint at its place. One of the beginning is of
    /// any log.
    pub async fn has(&self, checkpoint: &Checkpoint) -> Result<bool, JournalError> {
        let Some(last) = checkpoint.last else {
            return Ok(true);
        };
        let deadline = Deadline::after(self.settings().command_deadline, "look for an event");
        let stream = last.network.stream();
        let page = self
            .store()
            .read_page(&stream, last.revision, 1, &deadline)
            .await?;
        Ok(match page {
            Page::Missing => false,
            Page::Found { events, .. } => events.first().and_then(Last::of) == Some(last),
        })
    }

    /// Stores a checkpoint. Whoever else does so at the same time may be first: then theirs stands,
    /// which serves as well. False if there are more networks than one can name: some millions.
    pub async fn set_checkpoint(&self, checkpoint: &Checkpoint) -> Result<bool, JournalError> {
        let stream = ids::PROVISIONER_CHECKPOINT;
        let deadline = Deadline::after(self.settings().command_deadline, "write the checkpoint");
        let encoding = |source| JournalError::Encoding {
            operation: "write the checkpoint",
            event_type: CHECKPOINT_TYPE,
            source,
        };
        let Some(place) = checkpoint.last else {
            return Ok(true);
        };
        let document = checkpoint.write(place).map_err(encoding)?;
        let written = match Written::of(KIND, document).map_err(encoding)? {
            Ok(written) => written,
            Err(TooLarge) => return Ok(false),
        };
        let store = self.store();
        let last = store.read_last(stream, &deadline).await?;
        let expected = last.map(|it| it.revision);
        let appended = store.append_document(stream, expected, written, &deadline);
        if let Err(WrongExpectedVersion) = appended.await? {
            tracing::debug!("another engine writes a checkpoint");
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_comes_back_as_it_was_written_and_nothing_else_is_one() {
        let network = |n| NetworkId(Uuid::from_u128(n));
        let last = Last {
            network: network(7),
            revision: 3,
            event: EventId(Uuid::from_u128(9)),
            commit: 11,
            prepare: 12,
        };
        let checkpoint = Checkpoint {
            networks: (1..100).map(network).collect(),
            last: Some(last),
        };
        let written = checkpoint.write(last).unwrap();
        assert_eq!(Checkpoint::read(written.as_bytes()), Some(checkpoint));
        assert_eq!(Checkpoint::read(b"{}"), None);
        assert_eq!(Checkpoint::read(&written.as_bytes()[1..]), None);
    }
}
