//! From events to rows: read the row, fold the event in, write the row.
//!
//! A row holds the domain's own folded state, and the domain's `evolve` is the only place that
//! knows what an event does. Rows that a transaction touches are decoded once and written once,
//! however many of its events are about them.

use crate::{
    blocks, checkpoint,
    form::Form,
    index::{NetworkIndex, PeeringIndex},
    rows::{self, time, to_json},
    schema::{READ_NETWORK, READ_PEERING},
    timeline::{self, About},
    times::Times,
};
use audit::{Causes, Unsaid};
use chrono::{DateTime, Utc};
use domain::{
    CommandId, NetworkId, PeeringId,
    network::{Network, NetworkEvent, Peering, Registered, evolve},
};
use journal::{Body, Position, Recorded};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::{collections::HashMap, ops::RangeInclusive};

/// How much the rows may be believed to know of the log before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Everything up to their position: a network that they do not know begins at its first event.
    Everything,
    /// They were made from what the log still has; a stream may have lost its beginning.
    WhatIsThere,
}

/// The log does not go on from where these rows are: they were made from another one.
#[derive(Debug, thiserror::Error)]
#[error("event {revision} of {stream} does not follow what the rows know of it")]
pub(crate) struct AnotherLog {
    stream: String,
    revision: u64,
}

impl From<AnotherLog> for rusqlite::Error {
    fn from(error: AnotherLog) -> Self {
        Self::ToSqlConversionFailure(Box::new(error))
    }
}

/// Writes what these events mean, and the position that the rows then stand for. An event that the
/// rows stand for already changes nothing, so it does not matter how often the log is followed over
/// the same place.
pub(crate) fn apply(
    connection: &Connection,
    events: &[Recorded],
    checkpoint: Option<Position>,
    known: Known,
) -> rusqlite::Result<Position> {
    let from = checkpoint::position(connection)?;
    let form = Form::of(connection)?;
    let mut to = from;
    let mut fold = Fold {
        connection,
        form: &form,
        known,
        networks: HashMap::with_capacity(events.len()),
        peerings: HashMap::new(),
        unsaid: None,
    };
    let (mut times, mut added) = (Times::default(), None::<RangeInclusive<i64>>);
    for recorded in events {
        if recorded.position > to {
            fold.follow(recorded)?;
            let decided = time(&recorded.time());
            let cause = fold.cause(recorded);
            let unsaid = fold.unsaid.take();
            let about = About {
                account: fold.account(recorded),
                decided: &decided,
                cause,
                unsaid,
            };
            let row = timeline::append(connection, &form, recorded, &about)?;
            times.add(row, decided);
            added = Some(added.map_or(row, |it| *it.start())..=row);
            to = recorded.position;
        }
    }
    fold.write()?;
    times.write(connection, &form)?;
    if let Some(added) = added {
        blocks::write(connection, &form, added)?;
    }
    // A checkpoint may lie before an event that was delivered ahead of it.
    to = to.max(checkpoint.unwrap_or(to));
    if to != from {
        checkpoint::set_position(connection, to)?;
    }
    Ok(to)
}

/// The rows that a transaction has touched, decoded.
struct Fold<'a> {
    connection: &'a Connection,
    form: &'a Form,
    known: Known,
    networks: HashMap<NetworkId, NetworkRow>,
    peerings: HashMap<(NetworkId, PeeringId), PeeringRow>,
    /// What the event that was folded in last takes away without saying it.
    unsaid: Option<Unsaid>,
}

struct NetworkRow {
    /// Without its peerings, which have rows of their own.
    state: Option<Registered>,
    first: Position,
    revision: u64,
    changed_at: DateTime<Utc>,
    /// Whether more than the revision is to be written.
    changed: bool,
}

struct PeeringRow {
    state: Peering,
    first: Position,
    revision: u64,
    changed_at: DateTime<Utc>,
    /// Whether it has rows of exposures, or of drift.
    was_found: Found,
    /// Which commands what is recorded next goes back to.
    causes: Causes,
    changed: bool,
}

/// Which rows beside its own a peering has.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    exposed: bool,
    drifting: bool,
}

impl Fold<'_> {
    fn follow(&mut self, recorded: &Recorded) -> rusqlite::Result<()> {
        let Some(id) = recorded.network_id else {
            return Ok(());
        };
        let mut row = self.network(id, recorded)?;
        row.revision = recorded.revision;
        row.changed_at = recorded.time();
        if let Body::Event(event) = &recorded.body {
            self.evolve(id, &mut row, event, recorded)?;
        }
        self.networks.insert(id, row);
        Ok(())
    }

    /// Puts together what the event can be about, lets the domain fold it, and takes it apart
    /// again.
    fn evolve(
        &mut self,
        id: NetworkId,
        row: &mut NetworkRow,
        event: &NetworkEvent,
        recorded: &Recorded,
    ) -> rusqlite::Result<()> {
        let peering_id = event.peering_id();
        let known = match (&row.state, peering_id) {
            (Some(_), Some(peering)) => self.peering(id, peering)?,
            (None, _) | (_, None) => None,
        };
        self.unsaid = known.as_ref().and_then(|it| Unsaid::of(event, &it.state));
        let was_live = known.as_ref().is_some_and(|it| it.state.life.is_live());
        let (state, known) = match known {
            Some(PeeringRow {
                state,
                first,
                was_found,
                causes,
                revision,
                changed_at,
                changed,
            }) => (
                Some(state),
                Some((first, was_found, causes, revision, changed_at, changed)),
            ),
            None => (None, None),
        };
        let network = together(row.state.take(), state);
        let (network, peering) = apart(evolve(network, event, recorded.time()), peering_id);
        row.state = network;
        row.changed |= peering_id.is_none();
        let Some((peering_id, state)) = peering_id.zip(peering) else {
            return Ok(());
        };
        // What has ended is not changed by what comes late, however late that is recorded.
        let is_news = was_live || state.life.is_live();
        let (first, was_found, causes, revision, changed_at, changed) = known.unwrap_or((
            recorded.position,
            Found::default(),
            Causes::default(),
            0,
            recorded.time(),
            false,
        ));
        let peering = PeeringRow {
            state,
            first,
            revision: if is_news { recorded.revision } else { revision },
            changed_at: if is_news { recorded.time() } else { changed_at },
            was_found,
            causes,
            changed: changed || is_news,
        };
        self.peerings.insert((id, peering_id), peering);
        Ok(())
    }

    /// The network's row, or a new one for a stream that begins here.
    fn network(&mut self, id: NetworkId, recorded: &Recorded) -> rusqlite::Result<NetworkRow> {
        let known = match self.networks.remove(&id) {
            Some(row) => Some(row),
            None => read_network(self.connection, id)?,
        };
        let follows = match &known {
            Some(row) => recorded.revision == row.revision + 1,
            None => recorded.revision == 0 || self.known == Known::WhatIsThere,
        };
        if !follows {
            return Err(AnotherLog {
                stream: recorded.stream.clone(),
                revision: recorded.revision,
            }
            .into());
        }
        Ok(known.unwrap_or(NetworkRow {
            state: None,
            first: recorded.position,
            revision: recorded.revision,
            changed_at: recorded.time(),
            changed: true,
        }))
    }

    fn peering(
        &mut self,
        network: NetworkId,
        peering: PeeringId,
    ) -> rusqlite::Result<Option<PeeringRow>> {
        match self.peerings.remove(&(network, peering)) {
            Some(row) => Ok(Some(row)),
            None => read_peering(self.connection, network, peering),
        }
    }

    /// The account of the peer that the event is about, which was folded in.
    fn account(&self, recorded: &Recorded) -> Option<&str> {
        let Body::Event(event) = &recorded.body else {
            return None;
        };
        let of = (recorded.network_id?, event.peering_id()?);
        let peering = self.peerings.get(&of)?;
        Some(peering.state.peer.account.as_str())
    }

    /// The command that the event goes back to, if the engine recorded it of a peering.
    fn cause(&mut self, recorded: &Recorded) -> Option<CommandId> {
        let Body::Event(event) = &recorded.body else {
            return None;
        };
        let of = (recorded.network_id?, event.peering_id()?);
        let row = self.peerings.get_mut(&of)?;
        let cause = row.causes.follow(recorded);
        // A decision is kept, also one that comes late to what has ended.
        row.changed |= cause.is_none();
        cause
    }

    fn write(self) -> rusqlite::Result<()> {
        for (id, row) in &self.networks {
            write_network(self.connection, self.form, *id, row)?;
        }
        for ((network, peering), row) in self.peerings.iter().filter(|(_, row)| row.changed) {
            write_peering(self.connection, self.form, (*network, *peering), row)?;
        }
        Ok(())
    }
}

fn together(network: Option<Registered>, peering: Option<Peering>) -> Network {
    let Some(mut network) = network else {
        return Network::Unregistered;
    };
    network
        .connections
        .peerings
        .extend(peering.map(|peering| (peering.id, peering)));
    if network.retired.is_some() {
        Network::Retired(network)
    } else {
        Network::Registered(network)
    }
}

fn apart(network: Network, peering: Option<PeeringId>) -> (Option<Registered>, Option<Peering>) {
    match network {
        Network::Unregistered | Network::Marked(_) => (None, None),
        Network::Registered(mut network) | Network::Retired(mut network) => {
            let mut peerings = std::mem::take(&mut network.connections.peerings);
            (Some(network), peering.and_then(|id| peerings.remove(&id)))
        }
    }
}

fn read_network(connection: &Connection, id: NetworkId) -> rusqlite::Result<Option<NetworkRow>> {
    let read = |row: &Row<'_>| {
        Ok(NetworkRow {
            state: rows::maybe_json(row, "state")?,
            first: rows::position(row)?,
            revision: row.get("revision")?,
            changed_at: rows::text(row, "changed_at")?,
            changed: false,
        })
    };
    connection
        .prepare_cached(READ_NETWORK)?
        .query_row([id.to_string()], read)
        .optional()
}

fn read_peering(
    connection: &Connection,
    network: NetworkId,
    peering: PeeringId,
) -> rusqlite::Result<Option<PeeringRow>> {
    let read = |row: &Row<'_>| {
        Ok(PeeringRow {
            state: rows::json(row, "state")?,
            first: rows::position(row)?,
            revision: row.get("revision")?,
            changed_at: rows::text(row, "changed_at")?,
            was_found: Found {
                exposed: row.get("has_exposures")?,
                drifting: row.get("drifting")?,
            },
            causes: causes(row)?,
            changed: false,
        })
    };
    connection
        .prepare_cached(READ_PEERING)?
        .query_row([peering.to_string(), network.to_string()], read)
        .optional()
}

/// None in a file of a form that keeps none.
fn causes(row: &Row<'_>) -> rusqlite::Result<Causes> {
    match row.as_ref().column_index("causes") {
        Ok(_) => rows::json(row, "causes"),
        Err(_) => Ok(Causes::default()),
    }
}

fn write_network(
    connection: &Connection,
    form: &Form,
    id: NetworkId,
    row: &NetworkRow,
) -> rusqlite::Result<()> {
    let id = id.to_string();
    let changed_at = time(&row.changed_at);
    if !row.changed {
        return connection
            .prepare_cached(
                "UPDATE networks SET revision = ?2, changed_at = ?3 WHERE network_id = ?1",
            )?
            .execute(params![id, row.revision, changed_at])
            .map(drop);
    }
    let index = row.state.as_ref().map(NetworkIndex::of);
    let index = index.as_ref();
    let values = params![
        id,
        row.first.commit,
        row.first.prepare,
        row.revision,
        changed_at,
        row.state.as_ref().map(to_json).transpose()?,
        index.map(|it| it.name),
        index.map(|it| it.project),
        index.map(|it| it.account),
        index.map(|it| it.provider),
        index.is_some_and(|it| it.retired),
        index.map_or(0, |it| it.orphans),
    ];
    form.put(connection, "networks", values)
}

fn write_peering(
    connection: &Connection,
    form: &Form,
    (network, peering): (NetworkId, PeeringId),
    row: &PeeringRow,
) -> rusqlite::Result<()> {
    let (network, peering) = (network.to_string(), peering.to_string());
    let index = PeeringIndex::of(&row.state);
    let values = params![
        peering,
        network,
        row.first.commit,
        row.first.prepare,
        row.revision,
        time(&row.changed_at),
        to_json(&row.state)?,
        index.life.as_str(),
        index.live,
        index.converged,
        index.blocked.map(|it| it.as_str()),
        index.account,
        !index.drift.is_empty(),
        index
            .exposures
            .iter()
            .any(|(_, it)| !it.exposure.cannot_tell),
        to_json(&row.causes)?,
    ];
    form.put(connection, "peerings", values)?;
    if row.was_found.exposed || !index.exposures.is_empty() {
        forget(connection, form, "exposures", [&peering, &network])?;
        for (side, exposed) in &index.exposures {
            let values = params![
                time(&exposed.since),
                network,
                peering,
                side.as_str(),
                exposed.exposure.rule_id.as_str(),
                to_json(&exposed.exposure)?,
            ];
            form.add(connection, "exposures", values)?;
        }
    }
    if row.was_found.drifting || !index.drift.is_empty() {
        forget(connection, form, "drift", [&peering, &network])?;
        for (drift, since) in &index.drift {
            let values = params![time(since), network, peering, drift.kind(), to_json(drift)?];
            form.add(connection, "drift", values)?;
        }
    }
    Ok(())
}

/// Takes away the peering's rows of this table, if the file has it.
fn forget(
    connection: &Connection,
    form: &Form,
    table: &str,
    of: [&str; 2],
) -> rusqlite::Result<()> {
    if !form.has(table) {
        return Ok(());
    }
    let delete = format!("DELETE FROM {table} WHERE peering_id = ?1 AND network_id = ?2");
    connection.prepare_cached(&delete)?.execute(of).map(drop)
}
