//! The position that rows stand for, in the same file and transaction as the rows.

use crate::{rows, schema::READ_CHECKPOINT};
use journal::Position;
use rusqlite::Connection;

pub(crate) fn position(connection: &Connection) -> rusqlite::Result<Position> {
    connection
        .prepare_cached(READ_CHECKPOINT)?
        .query_row([], rows::position)
}

pub(crate) fn set_position(connection: &Connection, position: Position) -> rusqlite::Result<()> {
    let mut update = connection
        .prepare_cached("UPDATE checkpoint SET commit_position = ?1, prepare_position = ?2")?;
    update
        .execute((position.commit, position.prepare))
        .map(drop)
}
