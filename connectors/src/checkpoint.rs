//! How far a connector has got, and who may say so.
//!
//! Each checkpoint is an event of a stream of its own, appended right behind the last one that its
//! writer knows. A new holder begins with a claim, which says nothing new: from then on the one
//! before it is behind, and the store refuses what it writes. That is the fence, and no clock is in
//! it.

use chrono::{DateTime, Utc};
use domain::{Actor, CommandId, Digest, EventId, connector::LogPosition, text::ConnectorId};
use journal::{Journal, JournalError, Metadata, Position, Record, Recorded, SCHEMA_VERSION};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;
use uuid::Uuid;

const CHECKPOINT: &str = "ConnectorCheckpoint";

/// How many the store keeps.
const KEPT: usize = 10;

/// How far a connector has got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// The number of the beginning that it belongs to.
    pub(crate) start: u64,
    /// The lease's term of its writer.
    pub(crate) term: u64,
    /// Behind which position that beginning was; nothing: at the log's beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) began: Option<LogPosition>,
    /// Everything up to here is dealt with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) position: Option<LogPosition>,
    /// An event at or before that position: in another log it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) landmark: Option<Landmark>,
    /// What is dealt with beyond that position.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) beyond: Vec<LogPosition>,
    /// How many records each lane had since the beginning. Of a lane that is not here it is counted
    /// in the log.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) lanes: BTreeMap<String, u64>,
}

/// An event by which a log is known again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Landmark {
    stream: String,
    revision: u64,
    event: EventId,
    commit: u64,
    prepare: u64,
}

/// Why a checkpoint was not written.
#[derive(Debug, Error)]
pub(crate) enum CheckpointError {
    /// Another holder has claimed the connector.
    #[error("another server has taken the connector over")]
    Fenced,
    #[error("cannot write the checkpoint down")]
    Encoding(#[source] serde_json::Error),
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// The checkpoints of one connector, as one holder writes them.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    journal: Journal,
    stream: String,
    last: Option<u64>,
}

pub(crate) fn told(position: Position) -> LogPosition {
    LogPosition {
        commit: position.commit,
        prepare: position.prepare,
    }
}

pub(crate) fn place(position: LogPosition) -> Position {
    Position {
        commit: position.commit,
        prepare: position.prepare,
    }
}

impl Landmark {
    pub(crate) fn of(recorded: &Recorded) -> Self {
        Self {
            stream: recorded.stream.clone(),
            revision: recorded.revision,
            event: recorded.event_id,
            commit: recorded.position.commit,
            prepare: recorded.position.prepare,
        }
    }

    /// Whether the log has that event at its place.
    pub(crate) async fn is_in(&self, journal: &Journal) -> Result<bool, JournalError> {
        let found = journal.event_at(&self.stream, self.revision).await?;
        Ok(found.is_some_and(|it| {
            it.event_id == self.event
                && it.position.commit == self.commit
                && it.position.prepare == self.prepare
        }))
    }
}

impl Checkpoint {
    /// Whether it is one of this log: the event that it knows is at its place, and the log does not
    /// end before it.
    pub(crate) async fn is_of(&self, journal: &Journal) -> Result<bool, JournalError> {
        // First: a node that lags has not come to the event yet either.
        if let Some(position) = self.position
            && journal.ends_before(place(position)).await?
        {
            return Ok(false);
        }
        match &self.landmark {
            Some(landmark) => landmark.is_in(journal).await,
            None => Ok(true),
        }
    }
}

impl Checkpoints {
    /// The last one of this connector, whoever wrote it.
    pub(crate) async fn last(
        journal: &Journal,
        id: &ConnectorId,
    ) -> Result<(Self, Option<Checkpoint>), JournalError> {
        let stream = id.checkpoints();
        let latest = journal.latest(&stream).await?;
        let checkpoint = latest
            .as_ref()
            .and_then(|it| serde_json::from_slice(&it.data).ok());
        let this = Self {
            journal: journal.clone(),
            stream,
            last: latest.map(|it| it.revision),
        };
        Ok((this, checkpoint))
    }

    /// Takes the connector over: from now on the one before cannot write. False if somebody wrote
    /// in between: then what was read is old.
    pub(crate) async fn claim(
        &mut self,
        claim: &Checkpoint,
        now: DateTime<Utc>,
    ) -> Result<bool, CheckpointError> {
        if self.last.is_none() {
            self.journal.keep_last(&self.stream, KEPT).await?;
        }
        match self.write(claim, now).await {
            Ok(()) => Ok(true),
            Err(CheckpointError::Fenced) => Ok(false),
            Err(error @ (CheckpointError::Encoding(_) | CheckpointError::Journal(_))) => Err(error),
        }
    }

    /// Writes the next one.
    pub(crate) async fn write(
        &mut self,
        checkpoint: &Checkpoint,
        now: DateTime<Utc>,
    ) -> Result<(), CheckpointError> {
        let data = serde_json::to_value(checkpoint).map_err(CheckpointError::Encoding)?;
        let record = Record {
            event_type: CHECKPOINT,
            metadata: metadata(&self.stream, self.last, &data, now)
                .map_err(CheckpointError::Encoding)?,
            data,
        };
        let appended = self
            .journal
            .record(&self.stream, self.last, &[record])
            .await?;
        match appended {
            Some(revision) => {
                self.last = Some(revision);
                Ok(())
            }
            None => Err(CheckpointError::Fenced),
        }
    }
}

/// The namespace of the ids of what the runtime writes for itself.
const RECORDS: Uuid = Uuid::from_u128(0x4a1d_8c07_93e5_5b2f_8d60_2f7b_c1a9_e354);

/// What stands beside a record that the runtime writes for itself, behind this event of a stream.
pub(crate) fn metadata(
    stream: &str,
    after: Option<u64>,
    data: &serde_json::Value,
    now: DateTime<Utc>,
) -> Result<Metadata, serde_json::Error> {
    let command_id = command_id(&format!("{stream}/{after:?}/{now:?}/{data}"));
    Ok(Metadata {
        correlation_id: command_id.0,
        causation_id: command_id.0,
        command_id,
        command_digest: Digest::of(data)?,
        actor: actor(),
        schema_version: SCHEMA_VERSION,
        traceparent: None,
        time: Some(now),
        reason: None,
        ticket: None,
        command: None,
        cloud_calls: None,
        cloud: None,
        term: None,
    })
}

/// The id of what the runtime does by itself.
pub(crate) fn command_id(what: &str) -> CommandId {
    CommandId(Uuid::new_v5(&RECORDS, what.as_bytes()))
}

/// Who the runtime is in the log.
pub(crate) fn actor() -> Actor {
    let name = "peerage-connectors".parse();
    name.map_or_else(|_| Actor::default(), Actor::of_engine)
}
