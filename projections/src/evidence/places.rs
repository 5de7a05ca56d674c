//! Where events are in the tree: by their id, their position, and their place.

use super::rows::{Current, LeafPlace, PLACE, current, place};
use domain::EventId;
use journal::Position;
use rusqlite::{Connection, params};
use std::cmp::Ordering;

pub(super) fn find(rows: &Connection, id: EventId) -> rusqlite::Result<Vec<LeafPlace>> {
    let Current { tree, .. } = current(rows)?;
    let find = format!("{PLACE} WHERE event_id = ?1 AND tree = ?2 ORDER BY idx");
    let mut select = rows.prepare_cached(&find)?;
    let found = select.query_map(params![id.0.as_bytes(), tree], |row| place(rows, tree, row))?;
    found.collect()
}

/// The leaf of the event at this position: leaves stand in the order of the log.
pub(super) fn at(rows: &Connection, position: Position) -> rusqlite::Result<Option<LeafPlace>> {
    let Current { tree, size, .. } = current(rows)?;
    let find = format!("{PLACE} WHERE tree = ?1 AND idx = ?2");
    let mut select = rows.prepare_cached(&find)?;
    let (mut from, mut to) = (0, size);
    while from < to {
        let middle = from.midpoint(to);
        let found = select.query_row(params![tree, middle], |row| place(rows, tree, row))?;
        match found.position.cmp(&position) {
            Ordering::Equal => return Ok(Some(found)),
            Ordering::Less => from = middle + 1,
            Ordering::Greater => to = middle,
        }
    }
    Ok(None)
}

pub(super) fn places(
    rows: &Connection,
    from: u64,
    most: usize,
) -> rusqlite::Result<Vec<LeafPlace>> {
    let Current { tree, .. } = current(rows)?;
    let find = format!("{PLACE} WHERE tree = ?1 AND idx >= ?2 ORDER BY idx LIMIT ?3");
    let mut select = rows.prepare_cached(&find)?;
    let found = select.query_map(params![tree, from, most], |row| place(rows, tree, row))?;
    found.collect()
}
