//! Between columns and values: ids, names and times are text, lists are JSON, and each reads back
//! as the type that was written.

use chrono::{DateTime, SecondsFormat, Utc};
use journal::Position;
use rusqlite::{Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The place of the row's event, from the columns that every table names alike.
pub(crate) fn position(row: &Row<'_>) -> rusqlite::Result<Position> {
    Ok(Position {
        commit: row.get("commit_position")?,
        prepare: row.get("prepare_position")?,
    })
}

/// A value that is stored as its text.
pub(crate) fn text<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_value(Value::String(text)).map_err(|error| unreadable(row, column, error))
}

/// The same where there may be none.
pub(crate) fn maybe<T: DeserializeOwned>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_value(Value::String(text)))
        .transpose()
        .map_err(|error| unreadable(row, column, error))
}

/// A value that is stored as JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| unreadable(row, column, error))
}

/// The same where there may be none.
pub(crate) fn maybe_json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| unreadable(row, column, error))
}

/// JSON to store.
pub(crate) fn to_json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// A time as text: all of one length, so that their order is that of the times.
pub(crate) fn time(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

fn unreadable(row: &Row<'_>, column: &str, error: serde_json::Error) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, error.into())
}
