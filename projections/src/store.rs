//! The SQLite file: its form, its one writer and its readers, and the position that its rows stand
//! for.
//!
//! The writer and the readers are connections of their own, so that a long question never holds up
//! the log, nor the other way round (write-ahead logging). Blocking work runs on tokio's blocking
//! threads.

use crate::{OpenError, QueryError, models, rows};
use journal::Position;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::{
    fmt::Debug,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, Semaphore},
    task,
};

/// Counts changes of how events become rows that the tables alone do not show.
const VERSION: u32 = 2;

/// SQLite's `application_id` of our files ("Peer"). A file with another one is somebody else's and
/// is left alone.
const MARK: i32 = 0x5065_6572;

/// How many questions are answered at once.
const READERS: u32 = 4;

/// How long a connection waits for another one's lock. With one writer this is only ever the moment
/// of a checkpoint.
const PATIENCE: Duration = Duration::from_secs(5);

const CHECKPOINT: &str = "
CREATE TABLE checkpoint (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    commit_position INTEGER NOT NULL,
    prepare_position INTEGER NOT NULL
);
INSERT INTO checkpoint VALUES (1, 0, 0);
";

/// The work did not run to its end: it panicked, or the process is ending.
#[derive(Debug)]
pub(crate) struct Interrupted;

#[derive(Debug)]
pub(crate) struct Store {
    /// `None` in memory, where the readers use the writer's connection.
    path: Option<PathBuf>,
    writer: Arc<Mutex<Connection>>,
    readers: Arc<Readers>,
    /// A question met damage that the writer may never meet.
    damage: Notify,
}

#[derive(Debug)]
struct Readers {
    turns: Arc<Semaphore>,
    /// Connections that nobody uses.
    idle: Mutex<Vec<Connection>>,
}

impl Store {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self::over(Some(path.to_owned()), usable(path)?))
    }

    pub(crate) fn in_memory() -> Result<Self, OpenError> {
        let mut connection = Connection::open_in_memory().map_err(OpenError::Memory)?;
        create(&mut connection).map_err(OpenError::Memory)?;
        Ok(Self::over(None, connection))
    }

    fn over(path: Option<PathBuf>, writer: Connection) -> Self {
        let readers = Readers {
            turns: Arc::new(Semaphore::new(READERS as usize)),
            idle: Mutex::default(),
        };
        Self {
            path,
            writer: Arc::new(Mutex::new(writer)),
            readers: Arc::new(readers),
            damage: Notify::new(),
        }
    }

    /// The position that the rows stand for.
    pub(crate) fn position(&self) -> Result<Position, OpenError> {
        position(&held(&self.writer)).map_err(|source| self.failed(source))
    }

    /// Runs one transaction; it takes effect as a whole or not at all.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<rusqlite::Result<T>, Interrupted> {
        let writer = Arc::clone(&self.writer);
        task::spawn_blocking(move || {
            let mut connection = held(&writer);
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
        .await
        .map_err(|_| Interrupted)
    }

    /// Answers one question from one state of the rows.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueryError> {
        let interrupted = || QueryError::Interrupted { operation };
        let turn = Arc::clone(&self.readers.turns)
            .acquire_owned()
            .await
            .map_err(|_| interrupted())?;
        let (path, readers, writer) = (
            self.path.clone(),
            Arc::clone(&self.readers),
            Arc::clone(&self.writer),
        );
        let answer = task::spawn_blocking(move || {
            // Held to the end of the work, also when nobody waits for the answer any more.
            let _turn = turn;
            match path {
                Some(path) => readers.read(&path, work),
                None => work(&held(&writer).transaction()?),
            }
        });
        answer.await.map_err(|_| interrupted())?.map_err(|source| {
            if is_damage(&source) {
                self.damage.notify_one();
            }
            QueryError::Store { operation, source }
        })
    }

    /// Waits until a question meets damage.
    pub(crate) async fn damaged(&self) {
        self.damage.notified().await;
    }

    /// Begins anew with empty read models, once the questions that are being answered are done: a
    /// reader that saw its file replaced would take the new file's log for its own.
    pub(crate) async fn rebuild(self: &Arc<Self>) -> Result<Result<(), OpenError>, Interrupted> {
        let turns = Arc::clone(&self.readers.turns)
            .acquire_many_owned(READERS)
            .await
            .map_err(|_| Interrupted)?;
        let store = Arc::clone(self);
        let rebuilt = task::spawn_blocking(move || {
            let _turns = turns;
            store.replace()
        });
        rebuilt.await.map_err(|_| Interrupted)
    }

    fn replace(&self) -> Result<(), OpenError> {
        let mut writer = held(&self.writer);
        held(&self.readers.idle).clear();
        // The old connection closes before its file goes.
        *writer = Connection::open_in_memory().map_err(OpenError::Memory)?;
        match &self.path {
            Some(path) => {
                delete(path)?;
                *writer = usable(path)?;
            }
            None => create(&mut writer).map_err(OpenError::Memory)?,
        }
        Ok(())
    }

    fn failed(&self, source: rusqlite::Error) -> OpenError {
        match &self.path {
            Some(path) => OpenError::File {
                path: path.clone(),
                source,
            },
            None => OpenError::Memory(source),
        }
    }
}

impl Readers {
    fn read<T>(
        &self,
        path: &Path,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let idle = held(&self.idle).pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => reader(path)?,
        };
        let answer = work(&connection.transaction()?)?;
        held(&self.idle).push(connection);
        Ok(answer)
    }
}

/// Whether the file is not what was written. Building it again heals that, and nothing else does.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Whether the same work may succeed later, with nothing done but time passing or room made.
pub(crate) fn may_pass(error: &rusqlite::Error) -> bool {
    use ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, FileLockingProtocolFailed, OutOfMemory,
        ReadOnly, SystemIoFailure,
    };
    matches!(
        error.sqlite_error_code(),
        Some(
            CannotOpen
                | DatabaseBusy
                | DatabaseLocked
                | DiskFull
                | FileLockingProtocolFailed
                | OutOfMemory
                | ReadOnly
                | SystemIoFailure
        )
    )
}

pub(crate) fn position(connection: &Connection) -> rusqlite::Result<Position> {
    connection
        .prepare_cached("SELECT commit_position, prepare_position FROM checkpoint")?
        .query_row([], rows::position)
}

pub(crate) fn set_position(connection: &Connection, position: Position) -> rusqlite::Result<()> {
    let mut update = connection
        .prepare_cached("UPDATE checkpoint SET commit_position = ?1, prepare_position = ?2")?;
    update
        .execute((position.commit, position.prepare))
        .map(drop)
}

/// A panic while the lock was held has rolled its transaction back, so there is nothing to be
/// afraid of.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A writer on this file; a file of ours that cannot be used is replaced by a new one.
fn usable(path: &Path) -> Result<Connection, OpenError> {
    match opened(path) {
        Ok(Some(connection)) => return Ok(connection),
        Ok(None) => {
            tracing::info!(path = %path.display(), "the read models have another form; they are built again from the log")
        }
        Err(OpenError::File { source, .. }) if is_damage(&source) => {
            tracing::warn!(path = %path.display(), error = %source, "the read models are damaged; they are built again from the log");
        }
        Err(error) => return Err(error),
    }
    delete(path)?;
    opened(path)?.ok_or_else(|| OpenError::Foreign {
        path: path.to_owned(),
    })
}

/// `None` if the file has another form than this version's.
fn opened(path: &Path) -> Result<Option<Connection>, OpenError> {
    let failed = |source| OpenError::File {
        path: path.to_owned(),
        source,
    };
    let mut connection = Connection::open(path).map_err(failed)?;
    match (configure(&connection).map_err(failed)?, form()) {
        (None, _) => create(&mut connection).map_err(failed)?,
        (Some((MARK, form)), this) if form == this => {
            position(&connection).map_err(failed)?;
        }
        (Some((MARK, _)), _) => return Ok(None),
        (Some(_), _) => {
            return Err(OpenError::Foreign {
                path: path.to_owned(),
            });
        }
    }
    Ok(Some(connection))
}

/// Makes the connection ready, and says whose file it is and of which form; `None` if it is empty.
fn configure(connection: &Connection) -> rusqlite::Result<Option<(i32, i32)>> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(128);
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i32>(0));
    if number("SELECT count(*) FROM sqlite_schema")? > 0 {
        let marks = (
            number("PRAGMA application_id")?,
            number("PRAGMA user_version")?,
        );
        if marks.0 != MARK {
            return Ok(Some(marks));
        }
        set_durability(connection)?;
        return Ok(Some(marks));
    }
    set_durability(connection)?;
    Ok(None)
}

fn set_durability(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    // What a power cut takes is followed again, as the position goes with the rows.
    connection.pragma_update(None, "synchronous", "normal")
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for tables in tables() {
        transaction.execute_batch(tables)?;
    }
    transaction.pragma_update(None, "application_id", MARK)?;
    transaction.pragma_update(None, "user_version", form())?;
    transaction.commit()
}

fn tables() -> impl Iterator<Item = &'static str> {
    models::TABLES.into_iter().chain([CHECKPOINT])
}

/// The number of this version's form: another one means other tables, or other rows in them.
fn form() -> i32 {
    let text: String = tables().chain(["\0"]).collect();
    // FNV-1a: any function would do that gives another number for other tables.
    let hash = text.bytes().fold(0x811c_9dc5_u32 ^ VERSION, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    i32::from_be_bytes((hash >> 1).to_be_bytes())
}

fn delete(path: &Path) -> Result<(), OpenError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        match std::fs::remove_file(&file) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(OpenError::Delete {
                    path: path.to_owned(),
                    source,
                });
            }
        }
    }
    Ok(())
}
