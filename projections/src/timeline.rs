//! `timeline`: every event of every network as it stands in the log, those that cannot be read
//! included. It is an append, and does not care what an event says.

use crate::rows::{time, to_json};
use domain::network::NetworkEvent;
use journal::{Body, Recorded};
use rusqlite::{Connection, params};

pub(crate) const TABLES: &str = "
CREATE TABLE timeline (
    commit_position INTEGER NOT NULL,
    prepare_position INTEGER NOT NULL,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    network_id TEXT,
    peering_id TEXT,
    event_type TEXT NOT NULL,
    data BLOB NOT NULL, -- as stored
    problem TEXT, -- why it cannot be read
    created TEXT NOT NULL, -- when the store wrote it
    time TEXT NOT NULL, -- when it was decided
    actor TEXT, -- JSON of four fields
    actor_name TEXT,
    reason TEXT,
    ticket TEXT,
    command_id TEXT,
    correlation_id TEXT,
    causation_id TEXT,
    schema_version INTEGER,
    traceparent TEXT,
    command TEXT, -- JSON, of a command's first event
    PRIMARY KEY (commit_position, prepare_position)
);
CREATE INDEX timeline_of_network ON timeline (network_id, commit_position, prepare_position);
CREATE INDEX timeline_of_peering ON timeline (peering_id, commit_position, prepare_position) WHERE peering_id IS NOT NULL;
CREATE INDEX timeline_of_command ON timeline (command_id, commit_position, prepare_position) WHERE command_id IS NOT NULL;
CREATE INDEX timeline_of_problems ON timeline (commit_position, prepare_position) WHERE problem IS NOT NULL;
";

const INSERT: &str = "INSERT INTO timeline VALUES
    (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)";

/// Writes the event down.
pub(crate) fn append(connection: &Connection, it: &Recorded) -> rusqlite::Result<()> {
    let (event, event_type, problem) = match &it.body {
        Body::Event(event) => (Some(event), event.name(), None),
        Body::Undecodable {
            event_type,
            problem,
        } => (None, event_type.as_str(), Some(problem)),
    };
    let peering = event.and_then(NetworkEvent::peering_id);
    let about = it.metadata.as_ref();
    let actor = about.map(|it| &it.actor);
    connection.prepare_cached(INSERT)?.execute(params![
        it.position.commit,
        it.position.prepare,
        it.stream,
        it.revision,
        it.event_id.to_string(),
        it.network_id.map(|id| id.to_string()),
        peering.map(|id| id.to_string()),
        event_type,
        it.data.as_ref(),
        problem,
        time(&it.created),
        time(&it.time()),
        actor.map(to_json).transpose()?,
        actor.and_then(|it| it.name()).map(|it| it.as_str()),
        about
            .and_then(|it| it.reason.as_ref())
            .map(|it| it.as_str()),
        about
            .and_then(|it| it.ticket.as_ref())
            .map(|it| it.as_str()),
        about.map(|it| it.command_id.to_string()),
        about.map(|it| it.correlation_id.to_string()),
        about.map(|it| it.causation_id.to_string()),
        about.map(|it| it.schema_version),
        about.and_then(|it| it.traceparent.as_deref()),
        about
            .and_then(|it| it.command.as_ref())
            .map(to_json)
            .transpose()?,
    ])?;
    Ok(())
}
