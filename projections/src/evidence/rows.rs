//! How the tree is kept in SQLite: its tiles, where each leaf's event is in the log, and what was
//! signed.

use crate::rows::{self as columns, time};
use chrono::{DateTime, Utc};
use domain::EventId;
use journal::Position;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use std::path::Path;
use tree::{Growth, Hash, SignedCheckpoint, TileError, TileId, Tiled, Tiles};
use uuid::Uuid;

/// SQLite's `application_id` of these files ("PeTr"), and the form of their tables.
const MARK: i32 = 0x5065_5472;
const FORM: i32 = 1;

const TABLES: &str = "
CREATE TABLE trees (
    tree INTEGER PRIMARY KEY,
    epoch INTEGER, -- NULL until it is known whether it goes on where the one before ended
    size INTEGER NOT NULL,
    commit_position INTEGER NOT NULL, -- up to where the log was followed
    prepare_position INTEGER NOT NULL,
    began TEXT NOT NULL,
    covered TEXT NOT NULL, -- what the names of its streams begin with
    shared INTEGER -- with how many events of the epoch before it begins
);
CREATE TABLE tiles (
    tree INTEGER NOT NULL,
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (tree, level, idx)
);
CREATE TABLE streams (
    stream INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE leaves (
    tree INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    event_id BLOB NOT NULL,
    commit_position INTEGER NOT NULL,
    prepare_position INTEGER NOT NULL,
    PRIMARY KEY (tree, idx)
) WITHOUT ROWID;
CREATE INDEX leaves_by_event ON leaves (event_id);
CREATE TABLE checkpoints (
    epoch INTEGER NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (epoch, size)
);
";

/// Which trees do not serve: one that is being built, and what is left of others.
const REBUILDING: &str = "CREATE TABLE IF NOT EXISTS rebuilding (
    tree INTEGER PRIMARY KEY, asked_at TEXT -- NULL: it is being thrown away
)";

/// The tree that is being added to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Current {
    pub(super) tree: i64,
    /// `None` until it is known which one it is.
    pub(super) epoch: Option<u64>,
    pub(super) size: u64,
    pub(super) position: Position,
    pub(super) covered: String,
}

/// What a tree of this version covers.
pub(super) fn covered() -> String {
    tree::COVERED.map(|it| it.prefix).join(" ")
}

/// Where a leaf's event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafPlace {
    /// Its place among all that the tree holds, from 0.
    pub index: u64,
    /// Its stream.
    pub stream: String,
    /// Its number in its stream.
    pub revision: u64,
    /// Its id.
    pub event_id: EventId,
    /// Where it is in the log.
    pub position: Position,
    /// What the tree has of it.
    pub hash: Hash,
}

/// A time in which the log only grew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Epoch {
    /// Which one, from 1.
    pub epoch: u64,
    /// When it was begun here.
    pub began: DateTime<Utc>,
    /// How many events it has, or had when it ended.
    pub size: u64,
    /// With how many events of the epoch before it begins; the others of that one are gone from the
    /// store.
    pub shared: Option<u64>,
    /// The root of its events.
    pub root: Hash,
    /// What was signed of it last: the size.
    pub signed: Option<u64>,
}

/// What was signed, and is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// How many events.
    pub size: u64,
    /// The note, with the signatures that it has by now.
    pub note: String,
}

/// An event that is to be added.
#[derive(Clone, Debug)]
pub(super) struct NewLeaf {
    pub(super) stream: String,
    pub(super) revision: u64,
    pub(super) event_id: EventId,
    pub(super) position: Position,
    pub(super) hash: Hash,
}

pub(super) fn opened(path: &Path) -> rusqlite::Result<Connection> {
    prepared(Connection::open(path)?)
}

pub(super) fn in_memory() -> rusqlite::Result<Connection> {
    prepared(Connection::open_in_memory()?)
}

fn prepared(mut connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    let number = |connection: &Connection, sql| {
        let number = connection.query_row(sql, [], |row| row.get::<_, i32>(0));
        number.optional().map(Option::unwrap_or_default)
    };
    if number(&connection, "SELECT count(*) FROM sqlite_schema")? == 0 {
        let transaction = connection.transaction()?;
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", MARK)?;
        transaction.pragma_update(None, "user_version", FORM)?;
        transaction.execute(
            "INSERT INTO trees VALUES (1, 1, 0, 0, 0, ?1, ?2, NULL)",
            [time(&DateTime::UNIX_EPOCH), covered()],
        )?;
        transaction.commit()?;
    }
    let is_ours = number(&connection, "PRAGMA application_id")? == MARK;
    let is_known = number(&connection, "PRAGMA user_version")? == FORM;
    if !is_ours || !is_known {
        return Err(damage("it is no tree, or of another form"));
    }
    // It came later than the form, and an older version knows nothing of it.
    connection.execute_batch(REBUILDING)?;
    current(&connection)?;
    Ok(connection)
}

fn damage(what: &str) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    rusqlite::Error::SqliteFailure(code, Some(what.to_owned()))
}

pub(super) fn current(rows: &Connection) -> rusqlite::Result<Current> {
    let mut select = rows.prepare_cached(
        "SELECT * FROM trees WHERE tree NOT IN (SELECT tree FROM rebuilding)
         ORDER BY tree DESC LIMIT 1",
    )?;
    select.query_row([], Current::of)
}

impl Current {
    pub(super) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            tree: row.get("tree")?,
            epoch: row.get("epoch")?,
            size: row.get("size")?,
            position: columns::position(row)?,
            covered: row.get("covered")?,
        })
    }
}

/// The tiles of one tree.
struct InRows<'a> {
    rows: &'a Connection,
    tree: i64,
}

impl Tiles for InRows<'_> {
    type Error = rusqlite::Error;

    fn tile(&self, (level, index): TileId) -> rusqlite::Result<Vec<u8>> {
        let mut select = self.rows.prepare_cached(
            "SELECT hashes FROM tiles WHERE tree = ?1 AND level = ?2 AND idx = ?3",
        )?;
        let found = select.query_row(params![self.tree, level, index], |row| row.get(0));
        found.optional().map(Option::unwrap_or_default)
    }
}

fn read<T>(result: Result<T, TileError<rusqlite::Error>>) -> rusqlite::Result<T> {
    result.map_err(|error| match error {
        TileError::Read(error) => error,
        error @ TileError::Cut { .. } => damage(&error.to_string()),
    })
}

pub(super) fn root(rows: &Connection, tree: i64, size: u64) -> rusqlite::Result<Hash> {
    read(tree::root(&Tiled::new(&InRows { rows, tree }), size))
}

pub(super) fn inclusion(
    rows: &Connection,
    tree: i64,
    index: u64,
    size: u64,
) -> rusqlite::Result<Vec<Hash>> {
    let tiles = InRows { rows, tree };
    read(tree::inclusion(&Tiled::new(&tiles), index, size))
}

pub(super) fn consistency(
    rows: &Connection,
    tree: i64,
    old: u64,
    new: u64,
) -> rusqlite::Result<Vec<Hash>> {
    let tiles = InRows { rows, tree };
    read(tree::consistency(&Tiled::new(&tiles), old, new))
}

/// Adds events, and notes up to where the log was followed. Those that are there already change
/// nothing. Gives the position.
pub(super) fn add(
    rows: &Connection,
    leaves: &[NewLeaf],
    followed: Option<Position>,
) -> rusqlite::Result<Position> {
    add_to(rows, &current(rows)?, leaves, followed)
}

/// The same, to this tree.
pub(super) fn add_to(
    rows: &Connection,
    to: &Current,
    leaves: &[NewLeaf],
    followed: Option<Position>,
) -> rusqlite::Result<Position> {
    let (tree, size, from) = (to.tree, to.size, to.position);
    let mut growth = read(Growth::behind(size, &InRows { rows, tree }))?;
    let mut to = from;
    for leaf in leaves.iter().filter(|it| it.position > from) {
        let stream = stream(rows, &leaf.stream)?;
        let mut insert =
            rows.prepare_cached("INSERT INTO leaves VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        let place = leaf.position;
        insert.execute(params![
            tree,
            growth.size(),
            stream,
            leaf.revision,
            leaf.event_id.0.as_bytes(),
            place.commit,
            place.prepare,
        ])?;
        growth.push(leaf.hash);
        to = place;
    }
    if growth.size() > size {
        for ((level, index), hashes) in growth.tiles() {
            let mut put = rows.prepare_cached(
                "INSERT INTO tiles VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET hashes = excluded.hashes",
            )?;
            put.execute(params![tree, level, index, hashes])?;
        }
    }
    to = to.max(followed.unwrap_or(to));
    if to != from {
        let mut update = rows.prepare_cached(
            "UPDATE trees SET size = ?2, commit_position = ?3, prepare_position = ?4 WHERE tree = ?1",
        )?;
        update.execute(params![tree, growth.size(), to.commit, to.prepare])?;
    }
    Ok(to)
}

fn stream(rows: &Connection, name: &str) -> rusqlite::Result<i64> {
    let mut select = rows.prepare_cached("SELECT stream FROM streams WHERE name = ?1")?;
    if let Some(known) = select.query_row([name], |row| row.get(0)).optional()? {
        return Ok(known);
    }
    rows.execute("INSERT INTO streams (name) VALUES (?1)", [name])?;
    Ok(rows.last_insert_rowid())
}

pub(super) const PLACE: &str =
    "SELECT leaves.*, streams.name FROM leaves JOIN streams USING (stream)";

pub(super) fn place(rows: &Connection, tree: i64, row: &Row<'_>) -> rusqlite::Result<LeafPlace> {
    let index: u64 = row.get("idx")?;
    let event_id: [u8; 16] = row.get("event_id")?;
    Ok(LeafPlace {
        index,
        stream: row.get("name")?,
        revision: row.get("revision")?,
        event_id: EventId(Uuid::from_bytes(event_id)),
        position: columns::position(row)?,
        hash: read(tree::Nodes::node(
            &Tiled::new(&InRows { rows, tree }),
            0,
            index,
        ))?,
    })
}

/// The last leaf of the current tree.
pub(super) fn last(rows: &Connection) -> rusqlite::Result<Option<LeafPlace>> {
    last_of(rows, &current(rows)?)
}

/// The last leaf of this tree.
pub(super) fn last_of(rows: &Connection, of: &Current) -> rusqlite::Result<Option<LeafPlace>> {
    let Current { tree, size, .. } = *of;
    let mut select = rows.prepare_cached(&format!("{PLACE} WHERE tree = ?1 AND idx = ?2"))?;
    let last = size.checked_sub(1);
    let found = last.map(|it| select.query_row(params![tree, it], |row| place(rows, tree, row)));
    found.transpose()
}

/// Begins another tree, of a log that is another one than the current tree's. One of which is not
/// known yet what it is goes.
pub(super) fn begin(rows: &Connection, now: DateTime<Utc>) -> rusqlite::Result<()> {
    let Current { tree, epoch, .. } = current(rows)?;
    if epoch.is_none() {
        forget(rows, tree)?;
    }
    let insert =
        "INSERT INTO trees (epoch, size, commit_position, prepare_position, began, covered)
        VALUES (NULL, 0, 0, 0, ?1, ?2)";
    rows.execute(insert, [time(&now), covered()]).map(drop)
}

pub(super) fn forget(rows: &Connection, tree: i64) -> rusqlite::Result<()> {
    for table in ["tiles", "leaves", "trees"] {
        rows.execute(&format!("DELETE FROM {table} WHERE tree = ?1"), [tree])?;
    }
    Ok(())
}

/// What a tree that has reached the log's end turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It was known already.
    Known,
    /// It has everything that was known: the same log, at another place.
    SameLog,
    /// Of `known` events it has the first `shared` alone.
    Epoch { epoch: u64, shared: u64, known: u64 },
}

/// Finds out whether the current tree goes on where the one before ended.
pub(super) fn settle(rows: &Connection) -> rusqlite::Result<Settled> {
    let now = current(rows)?;
    if now.epoch.is_some() {
        return Ok(Settled::Known);
    }
    let before = "SELECT tree, epoch, size FROM trees
        WHERE epoch IS NOT NULL ORDER BY tree DESC LIMIT 1";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (before, epoch, known): (i64, u64, u64) = rows.query_row(before, [], read)?;
    let shared = shared(rows, (before, known), (now.tree, now.size))?;
    if shared == known {
        let keep = "UPDATE trees SET epoch = ?2,
            began = (SELECT began FROM trees WHERE tree = ?3),
            shared = (SELECT shared FROM trees WHERE tree = ?3) WHERE tree = ?1";
        rows.execute(keep, params![now.tree, epoch, before])?;
        forget(rows, before)?;
        return Ok(Settled::SameLog);
    }
    let epoch = epoch + 1;
    let begun = "UPDATE trees SET epoch = ?2, shared = ?3 WHERE tree = ?1";
    rows.execute(begun, params![now.tree, epoch, shared])?;
    Ok(Settled::Epoch {
        epoch,
        shared,
        known,
    })
}

/// With how many leaves both trees begin.
fn shared(
    rows: &Connection,
    (one, many): (i64, u64),
    (other, more): (i64, u64),
) -> rusqlite::Result<u64> {
    let most = many.min(more);
    let mut at = 0;
    while at < most {
        let id = (0, at / tree::WIDTH);
        let tiles = [one, other].map(|tree| InRows { rows, tree }.tile(id));
        let [one, other] = tiles;
        let (one, other) = (one?, other?);
        let pairs = one.chunks(Hash::LENGTH).zip(other.chunks(Hash::LENGTH));
        let same = pairs.take_while(|(one, other)| one == other).count() as u64;
        at += same;
        if same < tree::WIDTH {
            break;
        }
    }
    Ok(at.min(most))
}

pub(super) fn epochs(rows: &Connection) -> rusqlite::Result<Vec<Epoch>> {
    let mut select = rows.prepare_cached(
        "SELECT tree, epoch, began, size, shared,
            (SELECT max(size) FROM checkpoints WHERE checkpoints.epoch = trees.epoch) AS signed
         FROM trees WHERE epoch IS NOT NULL ORDER BY epoch",
    )?;
    let found = select.query_map([], |row| {
        let size = row.get("size")?;
        Ok(Epoch {
            epoch: row.get("epoch")?,
            began: columns::text(row, "began")?,
            size,
            shared: row.get("shared")?,
            root: root(rows, row.get("tree")?, size)?,
            signed: row.get("signed")?,
        })
    })?;
    found.collect()
}

pub(super) fn keep(
    rows: &Connection,
    epoch: u64,
    checkpoint: &SignedCheckpoint,
) -> rusqlite::Result<()> {
    let of = checkpoint.checkpoint();
    let mut put = rows.prepare_cached(
        "INSERT INTO checkpoints VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET root = excluded.root, note = excluded.note",
    )?;
    let note = checkpoint.to_string();
    put.execute(params![epoch, of.size, of.root.0, note])
        .map(drop)
}

pub(super) fn checkpoint(
    rows: &Connection,
    epoch: u64,
    least: u64,
) -> rusqlite::Result<Option<KeptCheckpoint>> {
    let mut select = rows.prepare_cached(
        "SELECT size, note FROM checkpoints WHERE epoch = ?1 AND size >= ?2
         ORDER BY size DESC LIMIT 1",
    )?;
    let read = |row: &Row<'_>| {
        Ok(KeptCheckpoint {
            size: row.get("size")?,
            note: row.get("note")?,
        })
    };
    select.query_row(params![epoch, least], read).optional()
}
