//! The file: a table of attempts, one of the events that each was about.

use super::{
    Delivery, DeliveryLogError, DeliveryResult,
    query::{DeliveriesPage, DeliveriesQuery, DeliveryKey},
};
use chrono::{DateTime, Utc};
use domain::EventId;
use rusqlite::{Connection, OptionalExtension as _, ToSql, params};
use std::{fs, io, path::Path, time::Duration};

/// What the tables look like. Another form is another file: nothing here is worth a migration.
const FORM: i64 = 1;

const TABLES: &str = "
    CREATE TABLE attempts (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        took INTEGER NOT NULL,
        connector TEXT NOT NULL,
        lane TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        is_replay INTEGER NOT NULL,
        result TEXT NOT NULL,
        status INTEGER,
        cause TEXT NOT NULL,
        body TEXT NOT NULL
    );
    CREATE INDEX attempts_of_connectors ON attempts (connector, id);
    CREATE TABLE events (
        attempt INTEGER NOT NULL,
        place INTEGER NOT NULL,
        id BLOB NOT NULL,
        type TEXT NOT NULL,
        stream TEXT NOT NULL,
        revision INTEGER NOT NULL,
        PRIMARY KEY (attempt, place)
    ) WITHOUT ROWID;
    CREATE INDEX attempts_of_events ON events (id);
";

/// How much of what is kept goes when there is too much, as a divisor.
const PART: u64 = 8;

#[derive(Debug)]
pub(super) struct File {
    connection: Connection,
    max_bytes: u64,
}

impl File {
    pub(super) fn open(path: Option<&Path>, max_bytes: u64) -> Result<Self, DeliveryLogError> {
        let Some(path) = path else {
            let connection = Connection::open_in_memory()?;
            return Ok(Self::ready(connection, max_bytes)?);
        };
        private(path).map_err(DeliveryLogError::Aside)?;
        let opened = Connection::open(path).and_then(|it| Self::ready(it, max_bytes));
        opened.or_else(|error| {
            let error = domain::error_chain(&error);
            tracing::warn!(error, path = %path.display(), "the delivery log cannot be read; a new one is begun");
            aside(path).map_err(DeliveryLogError::Aside)?;
            private(path).map_err(DeliveryLogError::Aside)?;
            Ok(Self::ready(Connection::open(path)?, max_bytes)?)
        })
    }

    fn ready(connection: Connection, max_bytes: u64) -> rusqlite::Result<Self> {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        // What is lost with the machine's power is lost: it is no record.
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update(None, "journal_mode", "TRUNCATE")?;
        let form: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if form != FORM {
            if form != 0 {
                connection.execute_batch("DROP TABLE attempts; DROP TABLE events;")?;
            }
            connection.execute_batch(TABLES)?;
            connection.pragma_update(None, "user_version", FORM)?;
        }
        // Something is wrong with a file whose tables cannot be read.
        connection.query_row("SELECT count(*) FROM attempts WHERE id < 0", [], |_| Ok(()))?;
        Ok(Self {
            connection,
            max_bytes,
        })
    }

    /// Keeps these, and lets go of what is too old or too much.
    pub(super) fn write(
        &mut self,
        all: &[Delivery],
        oldest: DateTime<Utc>,
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for it in all {
            transaction
                .prepare_cached(
                    "INSERT INTO attempts (at, took, connector, lane, attempt, is_replay, result, status, cause, body)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    it.at.timestamp_micros(),
                    i64::try_from(it.took.as_micros()).unwrap_or(i64::MAX),
                    it.connector.as_str(),
                    it.lane,
                    it.attempt,
                    it.is_replay,
                    it.result.as_str(),
                    it.status,
                    it.cause,
                    it.body,
                ])?;
            let attempt = transaction.last_insert_rowid();
            for (place, event) in it.events.iter().enumerate() {
                transaction
                    .prepare_cached("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)")?
                    .execute(params![
                        attempt,
                        place as i64,
                        event.id.0.as_bytes(),
                        event.event_type,
                        event.stream,
                        i64::try_from(event.revision).unwrap_or(i64::MAX),
                    ])?;
            }
        }
        // Their numbers grow with their times, but for a clock that jumps.
        let first_kept: Option<i64> = transaction
            .query_row(
                "SELECT id FROM attempts WHERE at >= ? ORDER BY id LIMIT 1",
                [oldest.timestamp_micros()],
                |row| row.get(0),
            )
            .optional()?;
        let first_kept = match first_kept {
            Some(id) => id,
            None => next(&transaction)?,
        };
        let_go(&transaction, first_kept)?;
        transaction.commit()?;
        self.shrink()
    }

    /// Lets go of the oldest while there is too much.
    fn shrink(&mut self) -> rusqlite::Result<()> {
        while self.size()? > self.max_bytes {
            let transaction = self.connection.transaction()?;
            let (first, next): (Option<i64>, i64) = (
                transaction.query_row("SELECT min(id) FROM attempts", [], |row| row.get(0))?,
                next(&transaction)?,
            );
            let Some(first) = first else {
                return Ok(());
            };
            let part = u64::try_from(next - first)
                .unwrap_or(1)
                .div_ceil(PART)
                .max(1);
            let_go(&transaction, first + i64::try_from(part).unwrap_or(1))?;
            transaction.commit()?;
            self.connection.execute_batch("PRAGMA incremental_vacuum")?;
        }
        Ok(())
    }

    /// How much of the disk is taken.
    pub(super) fn size(&self) -> rusqlite::Result<u64> {
        let read = |name: &str| {
            self.connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
        };
        let pages = read("page_count")? - read("freelist_count")?;
        Ok(u64::try_from(pages * read("page_size")?).unwrap_or_default())
    }

    pub(super) fn find(&self, query: &DeliveriesQuery) -> rusqlite::Result<DeliveriesPage> {
        let mut sql = "SELECT id, at, took, connector, lane, attempt, is_replay, result, status, cause, body FROM attempts WHERE connector = ?"
            .to_owned();
        let connector = query.connector.as_str();
        let event = query.event.map(|it| it.0.as_bytes().to_vec());
        let mut values: Vec<&dyn ToSql> = vec![&connector];
        if let Some(event) = &event {
            sql += " AND id IN (SELECT attempt FROM events WHERE id = ?)";
            values.push(event);
        }
        if query.failed_only {
            sql += " AND result <> 'delivered'";
        }
        if let Some(DeliveryKey(before)) = &query.before {
            sql += " AND id < ?";
            values.push(before);
        }
        let most = i64::try_from(query.most).unwrap_or(i64::MAX - 1) + 1;
        sql += " ORDER BY id DESC LIMIT ?";
        values.push(&most);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(values.as_slice())?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push((row.get::<_, i64>(0)?, self.read(row)?));
        }
        let has_more = found.len() > query.most;
        found.truncate(query.most);
        let next = found
            .last()
            .filter(|_| has_more)
            .map(|(id, _)| DeliveryKey(*id));
        Ok(DeliveriesPage {
            deliveries: found.into_iter().filter_map(|(_, it)| it).collect(),
            next,
        })
    }

    /// An attempt; nothing of a row that this version did not write.
    fn read(&self, row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Delivery>> {
        let (connector, result): (String, String) = (row.get(3)?, row.get(7)?);
        let (Ok(connector), Some(result)) = (connector.parse(), DeliveryResult::named(&result))
        else {
            return Ok(None);
        };
        Ok(Some(Delivery {
            at: DateTime::from_timestamp_micros(row.get(1)?).unwrap_or_default(),
            took: Duration::from_micros(u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default()),
            connector,
            lane: row.get(4)?,
            events: self.events(row.get(0)?)?,
            attempt: row.get(5)?,
            is_replay: row.get(6)?,
            result,
            status: row.get(8)?,
            cause: row.get(9)?,
            body: row.get(10)?,
        }))
    }

    fn events(&self, attempt: i64) -> rusqlite::Result<Vec<super::DeliveredEvent>> {
        let sql = "SELECT id, type, stream, revision FROM events WHERE attempt = ? ORDER BY place";
        let mut statement = self.connection.prepare_cached(sql)?;
        let each = statement.query_map([attempt], |row| {
            let id: Vec<u8> = row.get(0)?;
            let id = uuid::Uuid::from_slice(&id).unwrap_or_default();
            Ok(super::DeliveredEvent {
                id: EventId(id),
                event_type: row.get(1)?,
                stream: row.get(2)?,
                revision: u64::try_from(row.get::<_, i64>(3)?).unwrap_or_default(),
            })
        })?;
        each.collect()
    }
}

fn next(connection: &Connection) -> rusqlite::Result<i64> {
    let last: Option<i64> =
        connection.query_row("SELECT max(id) FROM attempts", [], |row| row.get(0))?;
    Ok(last.map_or(1, |it| it + 1))
}

/// Lets go of everything before this number.
fn let_go(connection: &Connection, before: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM attempts WHERE id < ?", [before])?;
    connection.execute("DELETE FROM events WHERE attempt < ?", [before])?;
    Ok(())
}

/// Nobody else reads what receivers answered.
fn private(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map(|_| ())
}

fn aside(path: &Path) -> io::Result<()> {
    let mut other = path.as_os_str().to_owned();
    other.push(".unreadable");
    fs::rename(path, other)
}
