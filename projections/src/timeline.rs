//! `timeline`: every event that is audited as it stands in the log, those that cannot be read
//! included. It is an append, and does not care what an event says.

use crate::{
    Part,
    form::Form,
    ranges,
    rows::{time, to_json},
};
use audit::Unsaid;
use domain::{CommandId, network::NetworkEvent};
use journal::{Body, Recorded};
use rusqlite::{Connection, params};

/// Which part of the log what is no network's belongs to.
fn part(it: &Recorded) -> Option<Part> {
    if it.network_id.is_some() {
        return None;
    }
    let named = [
        ("connector-", Part::Connectors),
        ("connectorParked-", Part::Connectors),
        ("access-", Part::Access),
        ("approval-", Part::Approvals),
    ];
    let mut named = named.into_iter();
    let found = named.find(|(begins, _)| it.stream.starts_with(begins));
    found.map(|(_, part)| part)
}

/// What is written down with an event that it does not say itself.
pub(crate) struct About<'a> {
    /// The account of the peer that it is about.
    pub(crate) account: Option<&'a str>,
    /// When it was decided.
    pub(crate) decided: &'a str,
    /// The command that an outcome goes back to.
    pub(crate) cause: Option<CommandId>,
    /// What it takes away without saying it.
    pub(crate) unsaid: Option<Unsaid>,
}

/// Writes the event down. Gives its row.
pub(crate) fn append(
    connection: &Connection,
    form: &Form,
    it: &Recorded,
    told: &About<'_>,
) -> rusqlite::Result<i64> {
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
    let unsaid = told.unsaid.as_ref().map(to_json).transpose()?;
    let values = params![
        it.position.commit,
        it.position.prepare,
        it.stream,
        it.revision,
        it.event_id.to_string(),
        it.network_id.map(|id| id.to_string()),
        peering.map(|id| id.to_string()),
        event_type,
        // What is no network's is no event of the domain's networks either.
        problem.filter(|_| it.network_id.is_some()),
        time(&it.created),
        told.decided,
        actor.and_then(|it| it.name()).map(|it| it.as_str()),
        about
            .and_then(|it| it.ticket.as_ref())
            .map(|it| it.as_str()),
        about.map(|it| it.command_id.to_string()),
        told.account,
        part(it).map(Part::as_str),
        about.map(|it| it.correlation_id.to_string()),
        about.map(|it| it.causation_id.to_string()),
        told.cause.map(|it| it.to_string()),
        about.map(|it| it.schema_version),
        actor.map(to_json).transpose()?,
        about
            .and_then(|it| it.reason.as_ref())
            .map(|it| it.as_str()),
        about.and_then(|it| it.traceparent.as_deref()),
        it.data.as_ref(),
        about
            .and_then(|it| it.command.as_ref())
            .map(to_json)
            .transpose()?,
        unsaid,
    ];
    form.add(connection, "timeline", values)?;
    let row = connection.last_insert_rowid();
    let unsaid = unsaid.as_ref().map(|it| ranges::named(it.as_bytes()));
    let mut named = ranges::named(&it.data);
    named.extend(unsaid.into_iter().flatten());
    for (first, last) in named {
        form.add(
            connection,
            "timeline_ranges_named",
            params![first, last, row],
        )?;
    }
    Ok(row)
}
