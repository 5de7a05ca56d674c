//! What a file says of itself while it is being built beside another one: that it is, and since
//! when that is wanted. A file that serves has nothing of it.

use crate::rows;
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension};

/// A file that is being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Build {
    /// When it was asked for; `None` where nobody did.
    pub(super) asked_at: Option<DateTime<Utc>>,
}

pub(super) fn begin(file: &Connection, asked_at: Option<DateTime<Utc>>) -> rusqlite::Result<()> {
    let asked_at = asked_at.as_ref().map(rows::time);
    let file = file.unchecked_transaction()?;
    file.execute_batch("CREATE TABLE build (asked_at TEXT)")?;
    file.execute("INSERT INTO build VALUES (?1)", [asked_at])?;
    file.commit()
}

/// `None` if it is none.
pub(super) fn of(file: &Connection) -> rusqlite::Result<Option<Build>> {
    let is_built = "SELECT 1 FROM sqlite_schema WHERE name = 'build'";
    if file
        .query_row(is_built, [], |_| Ok(()))
        .optional()?
        .is_none()
    {
        return Ok(None);
    }
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Build {
            asked_at: rows::maybe(row, "asked_at")?,
        })
    };
    file.query_row("SELECT asked_at FROM build", [], read)
        .optional()
}

/// It serves from now on.
pub(super) fn is_done(file: &Connection) -> rusqlite::Result<()> {
    file.execute_batch("DROP TABLE IF EXISTS build")
}
