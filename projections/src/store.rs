//! The SQLite file: its form, its one writer and its readers, and the position that its rows stand
//! for.
//!
//! The writer and the readers are connections of their own, so that a long question never holds up
//! the log, nor the other way round (write-ahead logging). Blocking work runs on tokio's blocking
//! threads.

use crate::{OpenError, QueryError, fold, rows, timeline};
use journal::Position;
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, ffi};
use std::{
    fmt::Debug,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, Semaphore},
    task,
};

/// Counts changes of what the rows say that their tables do not show. Rows of an older number are
/// read on, and serve until new ones are built beside them.
const FOLD: u32 = 1;

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
    prepare_position INTEGER NOT NULL,
    fold INTEGER NOT NULL
);
";

/// The work did not run to its end: it panicked, or the process is ending.
#[derive(Debug)]
pub(crate) struct Interrupted;

#[derive(Debug)]
pub(crate) struct Store {
    /// `None` in memory, where the readers use the writer's connection.
    path: Option<PathBuf>,
    writer: Arc<Mutex<Writer>>,
    readers: Arc<Readers>,
    /// A question met damage that the writer may never meet.
    damage: Notify,
    /// Whether the rows are of an older fold.
    stale: AtomicBool,
}

#[derive(Debug)]
struct Writer {
    connection: Connection,
    /// Counts the files that there have been: what was begun on one is not written to the next.
    generation: u64,
    file: Option<Arc<File>>,
}

/// The file as it was opened.
#[derive(Debug)]
struct File {
    path: PathBuf,
    seen: Mutex<Seen>,
}

/// What tells a file from another one in its place, and how long it was. Asked for by its name: to
/// open it and close it again would give up SQLite's locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    id: Option<(u64, u64)>,
    length: u64,
}

impl Seen {
    fn of(path: &Path) -> io::Result<Self> {
        let about = std::fs::metadata(path)?;
        #[cfg(unix)]
        let id = {
            use std::os::unix::fs::MetadataExt;
            Some((about.dev(), about.ino()))
        };
        // Elsewhere a file that is open cannot be deleted.
        #[cfg(not(unix))]
        let id = None;
        Ok(Self {
            id,
            length: about.len(),
        })
    }
}

impl File {
    fn opened(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            seen: Mutex::new(Seen::of(path)?),
        })
    }

    /// Whether the file is still there and has lost nothing of its length. SQLite would go on with
    /// one that was deleted, and would not miss what was cut off until it reads it.
    fn check(&self) -> rusqlite::Result<()> {
        let now = match Seen::of(&self.path) {
            Ok(now) => now,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(damage("the file was deleted"));
            }
            // What cannot be asked may be asked later.
            Err(_) => return Ok(()),
        };
        let mut seen = self.seen.lock();
        if now.id != seen.id {
            return Err(damage("another file is in its place"));
        }
        if now.length < seen.length {
            return Err(damage("the file was cut"));
        }
        seen.length = now.length;
        Ok(())
    }
}

fn damage(what: &str) -> rusqlite::Error {
    let code = ffi::Error::new(ffi::SQLITE_CORRUPT);
    rusqlite::Error::SqliteFailure(code, Some(what.to_owned()))
}

#[derive(Debug)]
struct Readers {
    turns: Arc<Semaphore>,
    /// Connections that nobody uses.
    idle: Mutex<Vec<Connection>>,
    file: Mutex<Option<Arc<File>>>,
}

impl Store {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let Opened {
            connection,
            fold,
            file,
        } = usable(path)?;
        let store = Self::over(Some(path.to_owned()), connection, Some(file));
        store.stale.store(fold != FOLD, Ordering::Relaxed);
        Ok(store)
    }

    pub(crate) fn in_memory() -> Result<Self, OpenError> {
        let mut connection = Connection::open_in_memory().map_err(OpenError::Memory)?;
        create(&mut connection).map_err(OpenError::Memory)?;
        Ok(Self::over(None, connection, None))
    }

    fn over(path: Option<PathBuf>, connection: Connection, file: Option<Arc<File>>) -> Self {
        let readers = Readers {
            turns: Arc::new(Semaphore::new(READERS as usize)),
            idle: Mutex::default(),
            file: Mutex::new(file.clone()),
        };
        Self {
            path,
            writer: Arc::new(Mutex::new(Writer {
                connection,
                generation: 0,
                file,
            })),
            readers: Arc::new(readers),
            damage: Notify::new(),
            stale: AtomicBool::new(false),
        }
    }

    /// Whether the rows are of an older fold: good to read on, and to be built anew beside.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Relaxed)
    }

    /// The position that the rows stand for.
    pub(crate) fn position(&self) -> Result<Position, OpenError> {
        position(&self.writer.lock().connection).map_err(|source| self.failed(source))
    }

    /// Which of the files there have been this is.
    pub(crate) fn generation(&self) -> u64 {
        self.writer.lock().generation
    }

    /// Runs one transaction; it takes effect as a whole or not at all, and only on the file that
    /// it was meant for.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        generation: u64,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<rusqlite::Result<T>, Interrupted> {
        let writer = Arc::clone(&self.writer);
        task::spawn_blocking(move || {
            let mut writer = writer.lock();
            if writer.generation != generation {
                return Err(Interrupted);
            }
            Ok(writer.transact(work))
        })
        .await
        .map_err(|_| Interrupted)?
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
                None => work(&writer.lock().connection.transaction()?),
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
        let mut writer = self.writer.lock();
        self.close(&mut writer)?;
        match &self.path {
            Some(path) => {
                delete(path)?;
                self.reopen(&mut writer, path)?;
            }
            None => create(&mut writer.connection).map_err(OpenError::Memory)?,
        }
        self.stale.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Empty read models beside these, to be built while these serve on.
    pub(crate) fn beside(&self) -> Result<Self, OpenError> {
        match &self.path {
            Some(path) => {
                let path = next(path);
                delete(&path)?;
                Self::open(&path)
            }
            None => Self::in_memory(),
        }
    }

    /// Puts the read models that were built beside in the place of these, once the questions that
    /// are being answered are done.
    pub(crate) async fn switch_to(
        self: &Arc<Self>,
        built: Arc<Self>,
    ) -> Result<Result<(), OpenError>, Interrupted> {
        let turns = Arc::clone(&self.readers.turns)
            .acquire_many_owned(READERS)
            .await
            .map_err(|_| Interrupted)?;
        let store = Arc::clone(self);
        let switched = task::spawn_blocking(move || {
            let _turns = turns;
            store.take_over(&built)
        });
        switched.await.map_err(|_| Interrupted)
    }

    fn take_over(&self, built: &Self) -> Result<(), OpenError> {
        let (mut writer, mut other) = (self.writer.lock(), built.writer.lock());
        self.close(&mut writer)?;
        match (&self.path, &built.path) {
            (Some(path), Some(beside)) => {
                // What is in the write-ahead log goes into the file before its name changes.
                let into_the_file = |connection: &Connection| {
                    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                };
                into_the_file(&other.connection).map_err(|source| built.failed(source))?;
                built.close(&mut other)?;
                delete(path)?;
                std::fs::rename(beside, path).map_err(|source| OpenError::Switch {
                    path: path.clone(),
                    source,
                })?;
                self.reopen(&mut writer, path)?;
            }
            (None, _) | (_, None) => {
                std::mem::swap(&mut writer.connection, &mut other.connection);
            }
        }
        self.stale.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Closes every connection to the file: before it goes, or another takes its place.
    fn close(&self, writer: &mut Writer) -> Result<(), OpenError> {
        self.readers.idle.lock().clear();
        *self.readers.file.lock() = None;
        writer.generation += 1;
        writer.file = None;
        writer.connection = Connection::open_in_memory().map_err(OpenError::Memory)?;
        Ok(())
    }

    fn reopen(&self, writer: &mut Writer, path: &Path) -> Result<(), OpenError> {
        let opened = usable(path)?;
        writer.connection = opened.connection;
        *self.readers.file.lock() = Some(Arc::clone(&opened.file));
        writer.file = Some(opened.file);
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

impl Writer {
    fn transact<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if let Some(file) = &self.file {
            file.check()?;
        }
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

impl Readers {
    fn read<T>(
        &self,
        path: &Path,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let file = self.file.lock().clone();
        if let Some(file) = file {
            file.check()?;
        }
        let idle = self.idle.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => reader(path)?,
        };
        let answer = work(&connection.transaction()?)?;
        self.idle.lock().push(connection);
        Ok(answer)
    }
}

/// Whether the file is not what was written, whatever shows it: a page that makes no sense, a table
/// that is gone, a row that does not decode. Building it again heals that, and nothing else does.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    !may_pass(error)
}

/// Whether the same work may succeed later, with nothing done but time passing or room made.
fn may_pass(error: &rusqlite::Error) -> bool {
    if let rusqlite::Error::SqliteFailure(code, _) = error
        && [ffi::SQLITE_IOERR_SHORT_READ, ffi::SQLITE_READONLY_DBMOVED]
            .contains(&code.extended_code)
    {
        return false;
    }
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

/// A writer on this file; a file of ours that cannot be used is replaced by a new one.
fn usable(path: &Path) -> Result<Opened, OpenError> {
    match opened(path) {
        Ok(Some(opened)) => return Ok(opened),
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

struct Opened {
    connection: Connection,
    /// The number of the fold that made its rows.
    fold: u32,
    file: Arc<File>,
}

/// `None` if the file has another form than this version's.
fn opened(path: &Path) -> Result<Option<Opened>, OpenError> {
    let failed = |source| OpenError::File {
        path: path.to_owned(),
        source,
    };
    let mut connection = Connection::open(path).map_err(failed)?;
    match (configure(&connection).map_err(failed)?, form()) {
        (None, _) => create(&mut connection).map_err(failed)?,
        (Some((MARK, form)), this) if form == this => {}
        (Some((MARK, _)), _) => return Ok(None),
        (Some(_), _) => {
            return Err(OpenError::Foreign {
                path: path.to_owned(),
            });
        }
    }
    position(&connection).map_err(failed)?;
    let fold = connection
        .query_row("SELECT fold FROM checkpoint", [], |row| row.get(0))
        .map_err(failed)?;
    let file = File::opened(path).map_err(|source| OpenError::Switch {
        path: path.to_owned(),
        source,
    })?;
    Ok(Some(Opened {
        connection,
        fold,
        file: Arc::new(file),
    }))
}

/// Where read models are built that will take the place of those at this path.
fn next(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    name.into()
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
    connection.pragma_update(None, "synchronous", "normal")?;
    // Built from nothing, the rows of many networks change in turn: 64 MiB of pages stay at hand, and
    // what was written goes from the write-ahead log into the file every 32 MiB.
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "wal_autocheckpoint", 8_192)
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
    for tables in TABLES {
        transaction.execute_batch(tables)?;
    }
    transaction.execute("INSERT INTO checkpoint VALUES (1, 0, 0, ?1)", [FOLD])?;
    transaction.pragma_update(None, "application_id", MARK)?;
    transaction.pragma_update(None, "user_version", form())?;
    transaction.commit()
}

const TABLES: [&str; 3] = [fold::TABLES, timeline::TABLES, CHECKPOINT];

/// The number of this version's form: another one means other tables.
fn form() -> i32 {
    // FNV-1a: any function would do that gives another number for other tables.
    let hash = TABLES.concat().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
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
