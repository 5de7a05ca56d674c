//! How states are kept in SQLite: by network, with what says up to which place each goes.
//!
//! How many there are is bounded twice: a large state is kept after more events than a small one,
//! and when all together take too much room, every second one of the network that has most goes,
//! but for its newest. What is thinned out costs a question a few more events, and nothing else.

use super::StatesError;
use crate::{rows::time, store::is_damage};
use audit::{Told, Until, stored_version};
use chrono::{DateTime, Utc};
use domain::NetworkId;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter, types::Value};
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// SQLite's `application_id` of these files ("PeSt").
const MARK: i32 = 0x5065_5374;

const TABLES: &str = "
CREATE TABLE states (
    network BLOB NOT NULL,
    revision INTEGER NOT NULL, -- of the last event in it
    commit_position INTEGER NOT NULL,
    prepare_position INTEGER NOT NULL,
    latest TEXT NOT NULL, -- the latest time of the events in it
    state BLOB NOT NULL,
    PRIMARY KEY (network, revision)
);
CREATE INDEX states_by_position ON states (network, commit_position, prepare_position);
CREATE INDEX states_by_time ON states (network, latest, revision);
";

/// How many bytes all states may take.
const MOST: u64 = 256 << 20;

/// A state as it was kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) told: Told,
    /// The latest time of the events in it.
    pub(super) latest: DateTime<Utc>,
    /// How large it is as a document.
    pub(super) size: usize,
}

/// A state that is to be kept.
#[derive(Debug)]
pub(super) struct New {
    pub(super) revision: u64,
    pub(super) position: journal::Position,
    pub(super) latest: DateTime<Utc>,
    pub(super) state: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Rows {
    path: Option<PathBuf>,
    connection: Connection,
    /// Up to which event number each network has states, and how many bytes they take.
    known: HashMap<NetworkId, (u64, u64)>,
    most: u64,
}

impl Rows {
    pub(super) fn open(path: &Path) -> Result<Self, StatesError> {
        match Self::opened(path) {
            Ok(Some(rows)) => return Ok(rows),
            Ok(None) => {}
            Err(StatesError::File { source, .. }) if is_damage(&source) => {
                tracing::warn!(path = %path.display(), error = %source, "what is kept of networks' histories is damaged, and is made anew");
            }
            Err(error) => return Err(error),
        }
        delete(path)?;
        Self::opened(path)?.ok_or_else(|| StatesError::Foreign {
            path: path.to_owned(),
        })
    }

    /// `None` if it is of another version.
    fn opened(path: &Path) -> Result<Option<Self>, StatesError> {
        let failed = |source| StatesError::File {
            path: path.to_owned(),
            source,
        };
        let connection = Connection::open(path).map_err(failed)?;
        let number = |connection: &Connection, sql| {
            connection.query_row(sql, [], |row| row.get::<_, i32>(0))
        };
        let tables = "SELECT count(*) FROM sqlite_schema";
        let mark = "PRAGMA application_id";
        let is_new = number(&connection, tables).map_err(failed)? == 0;
        if !is_new && number(&connection, mark).map_err(failed)? != MARK {
            return Err(StatesError::Foreign {
                path: path.to_owned(),
            });
        }
        if is_new {
            create(&connection).map_err(failed)?;
        } else if number(&connection, "PRAGMA user_version").map_err(failed)? != version() {
            return Ok(None);
        }
        connection
            .pragma_update(None, "journal_mode", "wal")
            .and_then(|()| connection.pragma_update(None, "synchronous", "normal"))
            .map_err(failed)?;
        Self::over(Some(path.to_owned()), connection)
            .map(Some)
            .map_err(failed)
    }

    pub(super) fn in_memory() -> Result<Self, StatesError> {
        let made = Connection::open_in_memory().and_then(|connection| {
            create(&connection)?;
            Self::over(None, connection)
        });
        made.map_err(|source| StatesError::File {
            path: PathBuf::from(":memory:"),
            source,
        })
    }

    fn over(path: Option<PathBuf>, connection: Connection) -> rusqlite::Result<Self> {
        let known = known(&connection)?;
        Ok(Self {
            path,
            connection,
            known,
            most: MOST,
        })
    }

    #[cfg(test)]
    pub(super) fn at_most(&mut self, bytes: u64) {
        self.most = bytes;
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> u64 {
        self.known.values().map(|(_, bytes)| bytes).sum()
    }

    #[cfg(test)]
    pub(super) fn count(&self, network: NetworkId) -> u64 {
        let count = "SELECT count(*) FROM states WHERE network = ?1";
        let id = network.0.as_bytes();
        let found = self.connection.query_row(count, [id], |row| row.get(0));
        found.expect("a count")
    }

    /// Up to which event number this network has states.
    pub(super) fn up_to(&self, network: NetworkId) -> Option<u64> {
        self.known.get(&network).map(|(revision, _)| *revision)
    }

    /// The last state of this network that lies within all of these.
    pub(super) fn nearest(&mut self, network: NetworkId, within: &[Until]) -> Option<Kept> {
        self.up_to(network)?;
        match self.select(network, within) {
            Ok(found) => found,
            Err(error) => {
                self.failed(&error);
                None
            }
        }
    }

    fn select(&self, network: NetworkId, within: &[Until]) -> rusqlite::Result<Option<Kept>> {
        let mut sql = "SELECT latest, state FROM states WHERE network = ?".to_owned();
        let mut values = vec![Value::Blob(network.0.as_bytes().to_vec())];
        for until in within {
            match until {
                Until::End => {}
                Until::Position(position) => {
                    sql += " AND (commit_position, prepare_position) <= (?, ?)";
                    // What SQLite cannot count is beyond everything.
                    let number = |it: u64| Value::Integer(i64::try_from(it).unwrap_or(i64::MAX));
                    values.extend([number(position.commit), number(position.prepare)]);
                }
                Until::Time(at) => {
                    sql += " AND latest <= ?";
                    values.push(Value::Text(time(at)));
                }
            }
        }
        sql += " ORDER BY revision DESC LIMIT 1";
        let read = |row: &Row<'_>| {
            let state: Vec<u8> = row.get("state")?;
            Ok((crate::rows::text(row, "latest")?, state))
        };
        let mut select = self.connection.prepare_cached(&sql)?;
        let found = select
            .query_row(params_from_iter(values), read)
            .optional()?;
        Ok(found.and_then(|(latest, state)| {
            let (told, size) = Told::restore(&state)?;
            Some(Kept { told, latest, size })
        }))
    }

    /// Keeps these states of a network, each of more events than the one before.
    pub(super) fn keep(&mut self, network: NetworkId, states: &[New]) {
        if let Err(error) = self.insert(network, states) {
            self.failed(&error);
        }
    }

    fn insert(&mut self, network: NetworkId, states: &[New]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let id = network.0.as_bytes();
        let (mut up_to, mut bytes) = self.known.get(&network).copied().unwrap_or_default();
        for it in states {
            let mut put = transaction
                .prepare_cached("INSERT OR REPLACE INTO states VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            let (commit, prepare) = (it.position.commit, it.position.prepare);
            put.execute(params![
                id,
                it.revision,
                commit,
                prepare,
                time(&it.latest),
                it.state
            ])?;
            up_to = up_to.max(it.revision);
            bytes += it.state.len() as u64;
        }
        transaction.commit()?;
        self.known.insert(network, (up_to, bytes));
        self.thin()
    }

    /// Makes room.
    fn thin(&mut self) -> rusqlite::Result<()> {
        while self.known.values().map(|(_, bytes)| bytes).sum::<u64>() > self.most {
            let largest = self
                .known
                .iter()
                .max_by_key(|(id, (_, bytes))| (*bytes, **id));
            let Some((network, (up_to, _))) = largest.map(|(id, it)| (*id, *it)) else {
                return Ok(());
            };
            let thin = "DELETE FROM states WHERE rowid IN (SELECT rowid FROM (
                SELECT rowid, revision, row_number() OVER (ORDER BY revision) AS place
                FROM states WHERE network = ?1) WHERE place % 2 = 1 AND revision < ?2)";
            let id = network.0.as_bytes();
            let gone = self.connection.execute(thin, params![id, up_to])?;
            let left = "SELECT coalesce(sum(length(state)), 0) FROM states WHERE network = ?1";
            let left = self.connection.query_row(left, [id], |row| row.get(0))?;
            self.known.insert(network, (up_to, left));
            if gone == 0 {
                // What is left of it is its newest one.
                return self.forget_now(network);
            }
        }
        Ok(())
    }

    /// Throws away what is kept of a network.
    pub(super) fn forget(&mut self, network: NetworkId) {
        if let Err(error) = self.forget_now(network) {
            self.failed(&error);
        }
    }

    fn forget_now(&mut self, network: NetworkId) -> rusqlite::Result<()> {
        let delete = "DELETE FROM states WHERE network = ?1";
        self.connection.execute(delete, [network.0.as_bytes()])?;
        self.known.remove(&network);
        Ok(())
    }

    /// What cannot be read or written is done without; what is damaged is made anew.
    fn failed(&mut self, error: &rusqlite::Error) {
        tracing::warn!(%error, "what is kept of networks' histories cannot be used; questions read more of the log");
        if !is_damage(error) {
            return;
        }
        let anew = match &self.path {
            None => Self::in_memory(),
            Some(path) => {
                // It has to be closed first.
                if let Ok(none) = Connection::open_in_memory() {
                    self.connection = none;
                }
                delete(path).and_then(|()| Self::open(path))
            }
        };
        self.known.clear();
        match anew {
            Ok(anew) => {
                *self = Self {
                    most: self.most,
                    ..anew
                }
            }
            Err(error) => {
                tracing::warn!(
                    cause = &error as &dyn std::error::Error,
                    "it cannot be made anew either"
                );
            }
        }
    }
}

fn create(connection: &Connection) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", MARK)?;
    transaction.pragma_update(None, "user_version", version())?;
    transaction.commit()
}

/// The version of states and tables, as SQLite keeps one.
fn version() -> i32 {
    let tables = TABLES.bytes().fold(stored_version(), |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let [a, b, c, d, ..] = tables.to_be_bytes();
    i32::from_be_bytes([a & 0x7f, b, c, d])
}

fn known(connection: &Connection) -> rusqlite::Result<HashMap<NetworkId, (u64, u64)>> {
    let mut select = connection.prepare(
        "SELECT network, max(revision), sum(length(state)) FROM states GROUP BY network",
    )?;
    let read = |row: &Row<'_>| {
        let id: [u8; 16] = row.get(0)?;
        Ok((NetworkId(Uuid::from_bytes(id)), (row.get(1)?, row.get(2)?)))
    };
    select.query_map([], read)?.collect()
}

fn delete(path: &Path) -> Result<(), StatesError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        match std::fs::remove_file(&file) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(StatesError::Delete {
                    path: path.to_owned(),
                    source,
                });
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
