//! Rows in SQLite: their one writer and their readers, and the position that they stand for.
//!
//! The writer and the readers are connections of their own, so that a long question never holds up
//! the log, nor the other way round (write-ahead logging). Blocking work runs on tokio's blocking
//! threads.

mod build;
mod file;

pub(crate) use file::is_damage;

use crate::{OpenError, QueryError, RunError, checkpoint};
use chrono::{DateTime, Utc};
use file::{File, Opened, create, delete, next, put_in_place, reader, usable};
use journal::Position;
use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::{
    fmt::Debug,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};
use tokio::{
    sync::{Notify, Semaphore},
    task,
};

/// How many questions are answered at once.
const READERS: u32 = 4;

/// How many questions may wait for their turn: more than there are watches, which ask again
/// whenever something changed.
const WAITING: usize = 4_096;

/// The work did not run to its end: it panicked, or the process is ending.
#[derive(Debug)]
pub(crate) struct Interrupted;

#[derive(Debug)]
pub(crate) struct Store {
    /// `None` in memory, where the readers use the writer's connection.
    path: Option<PathBuf>,
    writer: Arc<Mutex<Writer>>,
    /// Counts the files that there have been: what was begun on one is not written to the next.
    /// Changed by who holds the writer.
    generation: Arc<AtomicU64>,
    readers: Arc<Readers>,
    /// A question met damage that the writer may never meet.
    damage: Notify,
    /// Whether the file has another form than this version's.
    stale: AtomicBool,
    /// Held while a file beside is made.
    beside: Mutex<()>,
    /// How many pages the next file that is built beside may have: a small disk.
    #[cfg(test)]
    pub(crate) pages_beside: Mutex<Option<u32>>,
}

#[derive(Debug)]
struct Writer {
    connection: Connection,
    file: Option<Arc<File>>,
}

#[derive(Debug)]
struct Readers {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// Connections that nobody uses.
    idle: Mutex<Vec<Connection>>,
    file: Mutex<Option<Arc<File>>>,
}

impl Store {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let Opened {
            connection,
            is_stale,
            file,
        } = usable(path)?;
        let store = Self::over(Some(path.to_owned()), connection, Some(file));
        store.stale.store(is_stale, Ordering::Relaxed);
        // What was built and has taken its place.
        build::is_done(&store.writer.lock().connection).map_err(|source| store.failed(source))?;
        if !is_stale && store.unfinished()?.is_none() {
            // What a build left behind that nobody needs any more.
            delete(&next(path))?;
        }
        Ok(store)
    }

    /// When it was asked for what stands half built beside these, if that can be gone on with.
    pub(crate) fn unfinished(&self) -> Result<Option<DateTime<Utc>>, OpenError> {
        let Some(path) = self.path.as_deref().map(next).filter(|it| it.exists()) else {
            return Ok(None);
        };
        // One that cannot be opened is not gone on with, and is deleted by who knows.
        let found = file::opened(&path).ok().flatten();
        let found = found.filter(|it| !it.is_stale);
        let build = found.map(|it| build::of(&it.connection)).transpose();
        Ok(build.ok().flatten().flatten().and_then(|it| it.asked_at))
    }

    pub(crate) fn in_memory() -> Result<Self, OpenError> {
        let mut connection = Connection::open_in_memory().map_err(OpenError::Memory)?;
        create(&mut connection).map_err(OpenError::Memory)?;
        Ok(Self::over(None, connection, None))
    }

    fn over(path: Option<PathBuf>, connection: Connection, file: Option<Arc<File>>) -> Self {
        let readers = Readers {
            turns: Arc::new(Semaphore::new(READERS as usize)),
            waiting: AtomicUsize::new(0),
            idle: Mutex::default(),
            file: Mutex::new(file.clone()),
        };
        Self {
            path,
            writer: Arc::new(Mutex::new(Writer { connection, file })),
            generation: Arc::default(),
            readers: Arc::new(readers),
            damage: Notify::new(),
            stale: AtomicBool::new(false),
            beside: Mutex::new(()),
            #[cfg(test)]
            pages_beside: Mutex::default(),
        }
    }

    /// Whether the file has another form than this version's: it serves and is followed on as far
    /// as it can, while a new one is built beside it.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Relaxed)
    }

    /// The position that the rows stand for.
    pub(crate) fn position(&self) -> Result<Position, OpenError> {
        checkpoint::position(&self.writer.lock().connection).map_err(|source| self.failed(source))
    }

    /// Which of the files there have been this is.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Runs one transaction; it takes effect as a whole or not at all, and only on the file that
    /// it was meant for.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        generation: u64,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<rusqlite::Result<T>, Interrupted> {
        let (writer, now) = (Arc::clone(&self.writer), Arc::clone(&self.generation));
        task::spawn_blocking(move || {
            let mut writer = writer.lock();
            if now.load(Ordering::SeqCst) != generation {
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
        let turn = {
            let busy = || QueryError::Busy {
                operation,
                most: WAITING,
            };
            let _waits = Waiting::begin(&self.readers.waiting).ok_or_else(busy)?;
            let turn = Arc::clone(&self.readers.turns).acquire_owned();
            turn.await.map_err(|_| interrupted())?
        };
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
            // What another form cannot answer is no damage, and is in the one that is being built.
            if is_damage(&source) && !self.is_stale() {
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
                delete(&next(path))?;
                self.reopen(&mut writer, path)?;
            }
            None => {
                create(&mut writer.connection).map_err(OpenError::Memory)?;
                self.stale.store(false, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Read models beside these, to be built while these serve on: those that stand half built, or
    /// empty ones.
    pub(crate) fn beside(&self, asked_at: Option<DateTime<Utc>>) -> Result<Self, OpenError> {
        // One that was given up may still be at it.
        let _turn = self.beside.lock();
        let Some(path) = self.path.as_deref().map(next) else {
            return Self::in_memory();
        };
        let begun = |store: &Self| build::of(&store.writer.lock().connection).ok().flatten();
        let mut beside = Self::open_beside(&path)?;
        if beside.is_stale() || begun(&beside).is_none() {
            drop(beside);
            delete(&path)?;
            beside = Self::open_beside(&path)?;
            let begin = build::begin(&beside.writer.lock().connection, asked_at);
            begin.map_err(|source| beside.failed(source))?;
        }
        #[cfg(test)]
        if let Some(pages) = *self.pages_beside.lock() {
            let limit = format!("PRAGMA max_page_count = {pages}");
            let limited = beside
                .writer
                .lock()
                .connection
                .query_row(&limit, [], |_| Ok(()));
            limited.map_err(|source| self.failed(source))?;
        }
        Ok(beside)
    }

    fn open_beside(path: &Path) -> Result<Self, OpenError> {
        let opened = usable(path)?;
        let store = Self::over(Some(path.to_owned()), opened.connection, Some(opened.file));
        store.stale.store(opened.is_stale, Ordering::Relaxed);
        Ok(store)
    }

    /// Deletes what is being built beside these.
    pub(crate) async fn discard_beside(
        self: &Arc<Self>,
    ) -> Result<Result<(), OpenError>, RunError> {
        let store = Arc::clone(self);
        let discarded = task::spawn_blocking(move || {
            let _turn = store.beside.lock();
            store
                .path
                .as_deref()
                .map_or(Ok(()), |path| delete(&next(path)))
        });
        discarded.await.map_err(|_| RunError::Interrupted)
    }

    /// Does something with the rows, and nobody writes meanwhile.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        work(&self.writer.lock().connection)
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
        let _turn = self.beside.lock();
        let (mut writer, mut other) = (self.writer.lock(), built.writer.lock());
        match (&self.path, &built.path) {
            (Some(path), Some(beside)) => {
                // What is in the write-ahead log goes into the file before its name changes.
                let into_the_file = |connection: &Connection| {
                    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                };
                into_the_file(&other.connection).map_err(|source| built.failed(source))?;
                // Another build may have put its own file there meanwhile.
                let is_there = other.file.as_ref().map_or(Ok(()), |file| file.check());
                is_there.map_err(|source| built.failed(source))?;
                built.close(&mut other)?;
                self.close(&mut writer)?;
                let put = put_in_place(beside, path);
                // Whichever of the two is there now.
                self.reopen(&mut writer, path)?;
                put
            }
            (None, _) | (_, None) => {
                self.close(&mut writer)?;
                std::mem::swap(&mut writer.connection, &mut other.connection);
                self.stale.store(false, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Closes every connection to the file: before it goes, or another takes its place.
    fn close(&self, writer: &mut Writer) -> Result<(), OpenError> {
        self.readers.idle.lock().clear();
        *self.readers.file.lock() = None;
        self.generation.fetch_add(1, Ordering::SeqCst);
        writer.file = None;
        writer.connection = Connection::open_in_memory().map_err(OpenError::Memory)?;
        Ok(())
    }

    fn reopen(&self, writer: &mut Writer, path: &Path) -> Result<(), OpenError> {
        let opened = usable(path)?;
        writer.connection = opened.connection;
        build::is_done(&writer.connection).map_err(|source| self.failed(source))?;
        self.stale.store(opened.is_stale, Ordering::Relaxed);
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

/// A question that waits for its turn: counts until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Option<Self> {
        let this = Self(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < WAITING).then_some(this)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::Barrier,
        task::{Context, Waker},
    };

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn questions_beyond_those_that_may_wait_are_refused_at_once_and_the_others_answered() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("read.db")).unwrap();
        let gate = Arc::new(Barrier::new(READERS as usize + 1));
        let ask = |gate: Option<Arc<Barrier>>| {
            store.read("ask", move |_| {
                gate.iter().for_each(|it| {
                    it.wait();
                });
                Ok(7)
            })
        };
        let mut taken = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        for number in 0..READERS as usize + WAITING {
            let mut asked = Box::pin(ask((number < READERS as usize).then(|| gate.clone())));
            assert!(asked.as_mut().poll(&mut context).is_pending());
            taken.push(asked);
        }
        for _ in 0..3 {
            let refused = ask(None).await;
            let is_busy = matches!(refused, Err(QueryError::Busy { most: WAITING, .. }));
            assert!(is_busy, "{refused:?}");
        }
        let opened = task::spawn_blocking(move || gate.wait());
        for answer in taken {
            assert_eq!(answer.await.unwrap(), 7);
        }
        opened.await.unwrap();
        assert_eq!(ask(None).await.unwrap(), 7, "there is room again");
    }
}
