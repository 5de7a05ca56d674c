//! The file itself: whose it is and of which form, opened, made and deleted; whether it is still
//! the file that was opened, and which errors are damage.

use crate::{OpenError, checkpoint, form};
use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// SQLite's `application_id` of our files ("Peer"). A file with another one is somebody else's and
/// is left alone.
const MARK: i32 = 0x5065_6572;

/// How long a connection waits for another one's lock. With one writer this is only ever the moment
/// of a checkpoint.
const PATIENCE: Duration = Duration::from_secs(5);

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
            tracing::info!(path = %path.display(), "the read models have a form that cannot be followed on; they are built again from the log")
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
    /// Whether it has another form than this version's: it serves until a new one is built.
    pub(super) is_stale: bool,
    pub(super) file: Arc<File>,
}

/// `None` if the file has a form that this version cannot go on with.
pub(super) fn opened(path: &Path) -> Result<Option<Opened>, OpenError> {
    let failed = |source| OpenError::File {
        path: path.to_owned(),
        source,
    };
    let mut connection = Connection::open(path).map_err(failed)?;
    match configure(&connection).map_err(failed)? {
        None => create(&mut connection).map_err(failed)?,
        Some(MARK) => {}
        Some(_) => {
            return Err(OpenError::Foreign {
                path: path.to_owned(),
            });
        }
    }
    let is_stale = form::number_of(&connection).map_err(failed)? != form::number();
    if is_stale && !form::can_follow_on(&connection).map_err(failed)? {
        return Ok(None);
    }
    checkpoint::position(&connection).map_err(failed)?;
    let file = File::opened(path).map_err(|source| OpenError::Switch {
        path: path.to_owned(),
        source,
    })?;
    Ok(Some(Opened {
        connection,
        is_stale,
        file: Arc::new(file),
    }))
}

/// Where read models are built that will take the place of those at this path.
pub(super) fn next(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

/// Makes the connection ready, and says whose file it is; `None` if it is empty.
fn configure(connection: &Connection) -> rusqlite::Result<Option<i32>> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(128);
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i32>(0));
    if number("SELECT count(*) FROM sqlite_schema")? > 0 {
        let mark = number("PRAGMA application_id")?;
        if mark == MARK {
            set_durability(connection)?;
        }
        return Ok(Some(mark));
    }
    // Most of what is written is long rows one after the other, and little is written in between.
    connection.pragma_update(None, "page_size", 16_384)?;
    set_durability(connection)?;
    Ok(None)
}

fn set_durability(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "wal")?;
    // What a power cut takes is followed again, as the position goes with the rows.
    connection.pragma_update(None, "synchronous", "normal")?;
    // Built from nothing, the rows of many networks change in turn: 64 MiB of pages stay at hand,
    // and what was written goes from the write-ahead log into the file every 32 MiB.
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "wal_autocheckpoint", 2_048)
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
    form::create(&transaction)?;
    transaction.pragma_update(None, "application_id", MARK)?;
    transaction.commit()
}

pub(super) fn delete(path: &Path) -> Result<(), OpenError> {
    remove(path, &["", "-wal", "-shm"])
}

/// Puts the closed file `built` in the place of the closed one at `path`, at once: whenever the
/// process dies, one of the two is there whole.
pub(super) fn put_in_place(built: &Path, path: &Path) -> Result<(), OpenError> {
    // What was not taken into the old file must not be taken into the new one.
    remove(path, &["-wal", "-shm"])?;
    std::fs::rename(built, path).map_err(|source| OpenError::Switch {
        path: path.to_owned(),
        source,
    })?;
    remove(built, &["-wal", "-shm"])
}

fn remove(path: &Path, suffixes: &[&str]) -> Result<(), OpenError> {
    for suffix in suffixes {
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
