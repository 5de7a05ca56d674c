//! A tree that is built anew beside the one that serves, in the same file: begun, compared, put in
//! its place, thrown away.
//!
//! The tables are those of any tree. Which of them are no tree that serves stands in a table of its
//! own, and so does what is only still there because it takes time to delete.

use super::rows::{self, Current, NewLeaf, current, forget, root};
use crate::{
    rebuild::{Comparison, Roots, SignedRoot, compare::Of},
    rows::time,
};
use chrono::{DateTime, Utc};
use journal::Position;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tree::{Hash, WIDTH};

/// How many rows are deleted at once.
const PORTION: u64 = 5_000;

/// The tree that is being built, if one is, and when it was asked for.
pub(super) fn unfinished(rows: &Connection) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let select = "SELECT asked_at FROM rebuilding WHERE asked_at IS NOT NULL";
    let read = |row: &Row<'_>| crate::rows::text(row, "asked_at");
    rows.query_row(select, [], read).optional()
}

/// The tree that is being built: the one that was begun, or a new one.
pub(super) fn begin(rows: &Connection, asked_at: DateTime<Utc>) -> rusqlite::Result<Current> {
    let known = "SELECT trees.* FROM rebuilding JOIN trees USING (tree) WHERE asked_at IS NOT NULL";
    if let Some(known) = rows.query_row(known, [], Current::of).optional()? {
        if known.covered == rows::covered() {
            return Ok(known);
        }
        throw_away(rows)?;
    }
    let insert =
        "INSERT INTO trees (epoch, size, commit_position, prepare_position, began, covered)
        VALUES (NULL, 0, 0, 0, ?1, ?2)";
    rows.execute(insert, [time(&asked_at), rows::covered()])?;
    let tree = rows.last_insert_rowid();
    let note = "INSERT INTO rebuilding VALUES (?1, ?2)";
    rows.execute(note, params![tree, time(&asked_at)])?;
    let select = "SELECT * FROM trees WHERE tree = ?1";
    rows.query_row(select, [tree], Current::of)
}

/// Adds to the tree that is being built.
pub(super) fn add(
    rows: &Connection,
    leaves: &[NewLeaf],
    followed: Option<Position>,
) -> rusqlite::Result<Current> {
    let known = "SELECT trees.* FROM rebuilding JOIN trees USING (tree) WHERE asked_at IS NOT NULL";
    let known = rows.query_row(known, [], Current::of)?;
    rows::add_to(rows, &known, leaves, followed)?;
    let select = "SELECT * FROM trees WHERE tree = ?1";
    rows.query_row(select, [known.tree], Current::of)
}

/// What is being built is not wanted any more.
pub(super) fn throw_away(rows: &Connection) -> rusqlite::Result<()> {
    rows.execute("UPDATE rebuilding SET asked_at = NULL", [])
        .map(drop)
}

/// Deletes a part of what is to be thrown away. Gives whether there may be more.
pub(super) fn clear(rows: &Connection) -> rusqlite::Result<bool> {
    let select = "SELECT tree FROM rebuilding WHERE asked_at IS NULL LIMIT 1";
    let Some(tree): Option<i64> = rows.query_row(select, [], |row| row.get(0)).optional()? else {
        return Ok(false);
    };
    let portion = "DELETE FROM leaves WHERE tree = ?1 AND idx < ?2 + (SELECT min(idx) FROM leaves WHERE tree = ?1)";
    if rows.execute(portion, params![tree, PORTION])? == 0 {
        forget(rows, tree)?;
        rows.execute("DELETE FROM rebuilding WHERE tree = ?1", [tree])?;
    }
    Ok(true)
}

/// Compares what both trees have of these events, one by one, and the tiles that are full with
/// them.
pub(super) fn compare(
    rows: &Connection,
    found: &mut Comparison,
    (served, built): (i64, i64),
    (from, to): (u64, u64),
) -> rusqlite::Result<()> {
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let leaves = "SELECT idx, streams.name AS stream, revision, event_id, commit_position, prepare_position
        FROM leaves LEFT JOIN streams USING (stream) WHERE tree = ?1 AND idx >= ?2 AND idx < ?3 ORDER BY idx";
    let of = Of {
        table: "leaves",
        key: &names(&["idx"]),
    };
    found.question(
        rows,
        of,
        leaves,
        params![served, from, to],
        params![built, from, to],
    )?;
    let tiles = "SELECT level, idx, hashes FROM tiles
        WHERE tree = ?1 AND level = ?2 AND idx >= ?3 AND idx < ?4 ORDER BY level, idx";
    let of = Of {
        table: "tiles",
        key: &names(&["level", "idx"]),
    };
    let (mut level, mut first, mut last) = (0_u64, from / WIDTH, to / WIDTH);
    while last > 0 {
        found.question(
            rows,
            of,
            tiles,
            params![served, level, first, last],
            params![built, level, first, last],
        )?;
        (level, first, last) = (level + 1, first / WIDTH, last / WIDTH);
    }
    Ok(())
}

/// What became of putting a tree in the place of the one that serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    /// More events are still to be added to it, or compared.
    Behind(Current),
    /// It serves.
    Done(Comparison),
    /// It has another root, or one that contradicts what was signed.
    Refused(Comparison),
}

/// Whether the log may have more than what was built holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Log {
    Goes,
    HasNoMore,
}

/// Puts what was built, and is compared up to here, in the place of the tree that serves, if both
/// have the same root at the size of that one.
pub(super) fn switch(
    rows: &Connection,
    built: &Current,
    mut found: Comparison,
    (compared, most): (u64, u64),
    log: Log,
) -> rusqlite::Result<Switch> {
    let served = current(rows)?;
    let size = served.size.min(built.size);
    let is_shorter = served.size > built.size;
    if size - compared > most || (is_shorter && log == Log::Goes) {
        return Ok(Switch::Behind(served));
    }
    compare(
        rows,
        &mut found,
        (served.tree, built.tree),
        (compared, size),
    )?;
    let roots = roots(rows, &served, built, size)?;
    found.position = served.position;
    let is_same = !is_shorter && roots.are_same();
    found.roots = Some(roots);
    if !is_same {
        throw_away(rows)?;
        return Ok(Switch::Refused(found));
    }
    let to = built.position.max(served.position);
    let take_over = "UPDATE trees SET commit_position = ?3, prepare_position = ?4,
        epoch = (SELECT epoch FROM trees WHERE tree = ?2),
        began = (SELECT began FROM trees WHERE tree = ?2),
        shared = (SELECT shared FROM trees WHERE tree = ?2) WHERE tree = ?1";
    let (new, old) = (built.tree, served.tree);
    rows.execute(take_over, params![new, old, to.commit, to.prepare])?;
    rows.execute("UPDATE trees SET epoch = NULL WHERE tree = ?1", [old])?;
    rows.execute("DELETE FROM rebuilding WHERE tree = ?1", [new])?;
    rows.execute("INSERT INTO rebuilding VALUES (?1, NULL)", [old])?;
    Ok(Switch::Done(found))
}

fn roots(
    rows: &Connection,
    served: &Current,
    built: &Current,
    size: u64,
) -> rusqlite::Result<Roots> {
    let newest = "SELECT size, root FROM checkpoints WHERE epoch = ?1 AND size <= ?2
        ORDER BY size DESC LIMIT 1";
    let read = |row: &Row<'_>| Ok((row.get(0)?, Hash(row.get(1)?)));
    let signed: Option<(u64, Hash)> = rows
        .query_row(newest, params![served.epoch, size], read)
        .optional()?;
    let signed = signed.map(|(size, signed)| {
        let built = root(rows, built.tree, size)?;
        Ok::<_, rusqlite::Error>(SignedRoot {
            size,
            signed,
            built,
        })
    });
    Ok(Roots {
        size,
        served: root(rows, served.tree, size)?,
        built: root(rows, built.tree, size)?,
        signed: signed.transpose()?,
    })
}
