//! The file itself: whose it is and of which form, opened, made and deleted; whether it is still
//! the file that was opened, and which errors are damage.

use crate::{OpenError, checkpoint, fold, timeline};
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Counts changes of what the rows say that their tables do not show. Rows of an older number are
/// read on, and serve until new ones are built beside them.
pub(super) const FOLD: u32 = 1;

/// SQLite's `application_id` of our files ("Peer"). A file with another one is somebody else's and
/// is left alone.
const MARK: i32 = 0x5065_6572;

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

/// The file as it was opened.
#[derive(Debug)]
pub(super) struct File {
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
    pub(super) fn check(&self) -> rusqlite::Result<()> {
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

/// A writer on this file; a file of ours that cannot be used is replaced by a new one.
pub(super) fn usable(path: &Path) -> Result<Opened, OpenError> {
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

pub(super) struct Opened {
    pub(super) connection: Connection,
    /// The number of the fold that made its rows.
    pub(super) fold: u32,
    pub(super) file: Arc<File>,
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
    checkpoint::position(&connection).map_err(failed)?;
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
pub(super) fn next(path: &Path) -> PathBuf {
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

pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

pub(super) fn create(connection: &mut Connection) -> rusqlite::Result<()> {
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

pub(super) fn delete(path: &Path) -> Result<(), OpenError> {
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
