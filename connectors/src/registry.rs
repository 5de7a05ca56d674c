//! Connectors as aggregates: load one, or carry out a command on one.
//!
//! Their streams are short, and read whole. A command is decided on what the stream holds and
//! appended at exactly that revision; if the stream has moved on meanwhile, it is decided again.

use crate::codec::{self, Unreadable};
use chrono::{DateTime, Utc};
use domain::{
    CommandId, Digest,
    connector::{Connector, ConnectorCommand, ConnectorEvent, ConnectorRefusal, decide, evolve},
    text::ConnectorId,
};
use journal::{Caller, Journal, JournalError, Kept, Record};
use std::collections::HashMap;
use thiserror::Error;

/// How often a command is decided again because somebody else was first.
const ATTEMPTS: usize = 16;

/// The connectors of one store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connectors {
    journal: Journal,
}

/// A connector as its stream says.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The connector.
    pub connector: Connector,
    /// The number of its stream's last event.
    pub revision: Option<u64>,
    receipts: HashMap<CommandId, Receipt>,
}

#[derive(Clone, Debug)]
struct Receipt {
    digest: Digest,
    events: Vec<ConnectorEvent>,
    revision: u64,
}

/// What came of a command.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The connector after it, or as it is now if the command was known.
    pub connector: Connector,
    /// The number of the last event that the command brought; nothing if it brought none.
    pub revision: Option<u64>,
    /// The events.
    pub events: Vec<ConnectorEvent>,
    /// Whether the same command was carried out before.
    pub repeated: bool,
}

/// Why a command was not carried out.
#[derive(Debug, Error)]
pub enum ExecuteError {
    /// It is not possible.
    #[error(transparent)]
    Refused(#[from] ConnectorRefusal),
    /// Another command has the same id.
    #[error("the command id {0} was used for another command to this connector")]
    Reused(CommandId),
    /// The connector is not at the revision that was expected.
    #[error("the connector is at revision {actual:?}, not at {expected}")]
    Moved {
        /// What was expected.
        expected: u64,
        /// Where it is.
        actual: Option<u64>,
    },
    /// Others are always first.
    #[error("the connector is changed by others all the time")]
    Contention,
    /// Its stream holds what this version cannot read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It cannot be written down.
    #[error("cannot write the event down")]
    Encoding(#[source] serde_json::Error),
    /// The store did not take it.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Loaded {
    fn of(id: &ConnectorId, all: &[Kept]) -> Result<Self, Unreadable> {
        let mut loaded = Self::default();
        for kept in all {
            let event = codec::read(id, kept)?;
            loaded.connector = evolve(loaded.connector, &event, kept.time);
            loaded.revision = Some(kept.revision);
            if let Some(metadata) = &kept.metadata {
                let receipt = loaded
                    .receipts
                    .entry(metadata.command_id)
                    .or_insert_with(|| Receipt {
                        digest: metadata.command_digest.clone(),
                        events: Vec::new(),
                        revision: kept.revision,
                    });
                receipt.events.push(event);
                receipt.revision = kept.revision;
            }
        }
        Ok(loaded)
    }
}

impl Connectors {
    /// Those of this store.
    pub fn new(journal: Journal) -> Self {
        Self { journal }
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// A connector as its stream says.
    pub async fn load(&self, id: &ConnectorId) -> Result<Loaded, ExecuteError> {
        let all = self.journal.records(&id.stream()).await?;
        Ok(Loaded::of(id, &all)?)
    }

    /// What a command would come to.
    pub async fn validate(
        &self,
        id: &ConnectorId,
        command: &ConnectorCommand,
        now: DateTime<Utc>,
    ) -> Result<Vec<ConnectorEvent>, ExecuteError> {
        let loaded = self.load(id).await?;
        Ok(decide(&loaded.connector, command, now)?)
    }

    /// Carries out a command.
    pub async fn execute(
        &self,
        id: &ConnectorId,
        command: &ConnectorCommand,
        caller: &Caller,
        now: DateTime<Utc>,
    ) -> Result<Executed, ExecuteError> {
        let digest = command.digest().map_err(ExecuteError::Encoding)?;
        for _ in 0..ATTEMPTS {
            let loaded = self.load(id).await?;
            if let Some(known) = loaded.receipts.get(&caller.command_id) {
                if known.digest != digest {
                    return Err(ExecuteError::Reused(caller.command_id));
                }
                return Ok(Executed {
                    events: known.events.clone(),
                    revision: Some(known.revision),
                    connector: loaded.connector,
                    repeated: true,
                });
            }
            if let Some(expected) = caller.expected_revision
                && loaded.revision != Some(expected)
            {
                return Err(ExecuteError::Moved {
                    expected,
                    actual: loaded.revision,
                });
            }
            let events = decide(&loaded.connector, command, now)?;
            if events.is_empty() {
                return Ok(Executed {
                    events,
                    revision: None,
                    connector: loaded.connector,
                    repeated: false,
                });
            }
            let records = events.iter();
            let records = records.map(|it| codec::record((it.name(), it), &digest, caller, now));
            let records = records.collect::<Result<Vec<Record>, _>>();
            let records = records.map_err(ExecuteError::Encoding)?;
            let appended = self
                .journal
                .record(&id.stream(), loaded.revision, &records)
                .await?;
            if let Some(revision) = appended {
                let connector = events
                    .iter()
                    .fold(loaded.connector, |it, event| evolve(it, event, now));
                return Ok(Executed {
                    connector,
                    revision: Some(revision),
                    events,
                    repeated: false,
                });
            }
        }
        Err(ExecuteError::Contention)
    }
}
