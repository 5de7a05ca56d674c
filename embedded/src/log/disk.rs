//! A log on disk, in an LSM tree store that journals and flushes each group once.
//!
//! `format` names the layout of the directory, `extent` how far the log has reached; `store/`
//! belongs to the storage library, its lock file included. Its files are looked at before it opens
//! them, see [`files`].

use std::{
    fmt,
    ops::{ControlFlow, RangeInclusive},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, PersistMode,
    compaction::Leveled,
    config::{BlockSizePolicy, FilterPolicy},
};
use parking_lot::RwLock;

use super::{
    Direction, Durability, Group, IndexEntry, Log, LogError, OpenError, Visitor, extent,
    files::{self, Depth, Fault, Order},
    folder, frames, index,
};
use crate::model::{Position, Record, StreamName};

// What the log takes of memory: a cache, and what is in the journal and not in tables yet, which
// takes up to twice its size.
const CACHE_BYTES: u64 = 4 << 20;
const RECORDS_BYTES: u64 = 4 << 20;
/// Records are read in rows far more often than one by one.
const RECORDS_BLOCK: u32 = 16 << 10;
const INDEX_BYTES: u64 = 2 << 20;
/// The writer waits while more than this is not in tables.
const BUFFER_BYTES: u64 = 8 << 20;
const ROOM_WAIT: Duration = Duration::from_secs(1);
const ROOM_LOOK: Duration = Duration::from_millis(1);
/// A scan that is under way is waited for this long before the log is opened again; then it is left
/// alone until the next try.
const READERS_WAIT: Duration = Duration::from_millis(300);
const READERS_LOOK: Duration = Duration::from_millis(1);
// How the index, which is written in no order, is merged: little at a time, so that it never takes
// long.
const TABLE_BYTES: u64 = 4 << 20;
const MERGED_AT_ONCE: u8 = 8;
const JOURNAL_BYTES: u64 = 64 << 20;
/// The extent is noted when the log has grown by so much: far less often than it is flushed.
const NOTE_EVERY: u64 = 16 << 20;

pub(crate) struct DiskLog {
    directory: PathBuf,
    durability: Durability,
    /// None if it could not be opened again after a failure, until it can.
    opened: RwLock<Option<Arc<Opened>>>,
    /// Where the last commit ended, and what of it is noted beside the store.
    end: AtomicU64,
    noted: AtomicU64,
    /// The damaged file that reads met, once they did.
    damaged: OnceLock<Option<Fault>>,
}

/// Receives the entries of the whole index, by stream and number, and ends it.
pub(crate) type IndexVisitor<'a> = dyn FnMut(&str, IndexEntry) -> ControlFlow<()> + 'a;

struct Opened {
    database: Database,
    records: Keyspace,
    index: Keyspace,
}

impl DiskLog {
    /// Opens the log in `directory`, or begins one there.
    pub(crate) fn open(directory: &Path, durability: Durability) -> Result<Self, OpenError> {
        folder::claim(directory)?;
        Self::open_claimed(directory, durability)
    }

    /// The same in a directory that does not say yet that it holds a store: nothing else opens it
    /// before [`mark`](folder::mark).
    pub(crate) fn open_unmarked(directory: &Path) -> Result<Self, OpenError> {
        Self::open_claimed(directory, Durability::Synced)
    }

    fn open_claimed(directory: &Path, durability: Durability) -> Result<Self, OpenError> {
        let order = match durability {
            Durability::Synced => Order::Flushed,
            Durability::Unsynced => Order::Unknown,
        };
        folder::must_be_sound(directory, Depth::AtOpen, order)?;
        let opened = Opened::open(directory)?;
        let log = Self {
            directory: directory.to_owned(),
            durability,
            opened: RwLock::new(Some(Arc::new(opened))),
            end: AtomicU64::new(0),
            noted: AtomicU64::new(0),
            damaged: OnceLock::new(),
        };
        let records = |source| OpenError::Records {
            path: folder::store(directory),
            source: Box::new(source),
        };
        let end = log.end().map_err(records)?;
        extent::check(directory, end)?;
        log.mend_index(end).map_err(records)?;
        log.end.store(end.get(), Ordering::Relaxed);
        log.noted.store(end.get(), Ordering::Relaxed);
        Ok(log)
    }

    /// Makes the end of the index again, if it is lost. Records and their entries are written
    /// together, and come to tables apart: where a journal has lost more than a crash takes from
    /// it, the records may have what the index has not. Every event has an entry.
    fn mend_index(&self, end: Position) -> Result<(), LogError> {
        let (mut lost, mut failed) = (Vec::new(), None);
        self.scan(Position::START, end, Direction::Backwards, &mut |record| {
            if record.is_marker() {
                return ControlFlow::Continue(());
            }
            let stream = StreamName::new(record.stream());
            match self.entry(&stream, record.number) {
                Ok(Some(entry)) if entry.position == record.position => ControlFlow::Break(()),
                Ok(_) => {
                    lost.extend(frames::entry(&record));
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if lost.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            events = lost.len(),
            "the end of the index was lost and is made again from the log"
        );
        self.commit(Group {
            entries: lost,
            ..Group::default()
        })
    }

    /// Notes the extent if the log has grown by this much since it was last noted. A note that
    /// fails is only later.
    fn note_extent(&self, growth: u64) {
        let end = self.end.load(Ordering::Relaxed);
        if end < self.noted.load(Ordering::Relaxed).saturating_add(growth) {
            return;
        }
        match extent::note(&self.directory, Position::new(end)) {
            Ok(()) => self.noted.store(end, Ordering::Relaxed),
            Err(error) => tracing::warn!(%error, "the extent of the log could not be noted"),
        }
    }

    fn opened(&self) -> Result<Arc<Opened>, LogError> {
        let opened = self.opened.read();
        opened.clone().ok_or(LogError::Closed)
    }

    /// A read that failed, with the file that is to blame: the library's error does not name it.
    fn unread(&self, source: fjall::Error) -> LogError {
        let look = || {
            files::survey(
                &folder::store(&self.directory),
                Depth::Whole,
                Order::Unknown,
                &mut |_| {},
            )
        };
        let damaged = self.damaged.get_or_init(|| {
            look()
                .ok()
                .and_then(|survey| survey.faults.into_iter().next())
        });
        match damaged {
            Some(fault) => LogError::DamagedFile {
                fault: fault.clone(),
                source,
            },
            None => LogError::Read(source),
        }
    }

    /// Passes every entry of the index to `visit`, until it breaks.
    pub(crate) fn visit_index(&self, visit: &mut IndexVisitor<'_>) -> Result<(), LogError> {
        for next in self.opened()?.index.iter() {
            let (key, value) = next.into_inner().map_err(|error| self.unread(error))?;
            let (stream, number) = index::parts(&key).ok_or(LogError::DamagedIndex)?;
            if let ControlFlow::Break(()) = visit(stream, index::entry(number, &value)?) {
                break;
            }
        }
        Ok(())
    }
}

impl Opened {
    fn open(directory: &Path) -> Result<Self, OpenError> {
        // The library takes it for granted that what it reads is what it wrote: damage may make it
        // panic.
        let opened = catch_unwind(AssertUnwindSafe(|| Self::open_unguarded(directory)));
        let error = match opened {
            Ok(Ok(opened)) => return Ok(opened),
            Ok(Err(fjall::Error::Locked)) => return Err(OpenError::InUse(directory.to_owned())),
            Ok(Err(source)) => OpenError::Store {
                path: folder::store(directory),
                source,
            },
            Err(_) => OpenError::Senseless {
                path: folder::store(directory),
            },
        };
        // Whose fault it is: the library does not say.
        folder::must_be_sound(directory, Depth::Whole, Order::Unknown)?;
        Err(error)
    }

    fn open_unguarded(directory: &Path) -> fjall::Result<Self> {
        let builder = Database::builder(folder::store(directory));
        // With a second worker the first would spin for as long as the second merges tables.
        let database = builder
            .cache_size(CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .worker_threads(1)
            .open()?;
        let holding = |bytes| KeyspaceCreateOptions::default().max_memtable_size(bytes);
        // Records come in the order of their keys, so that at most one table can hold a key.
        let records = || {
            let blocks = BlockSizePolicy::all(RECORDS_BLOCK);
            holding(RECORDS_BYTES)
                .filter_policy(FilterPolicy::disabled())
                .data_block_size_policy(blocks)
        };
        let merges = || {
            Arc::new(
                Leveled::default()
                    .with_l0_threshold(MERGED_AT_ONCE)
                    .with_table_target_size(TABLE_BYTES),
            )
        };
        let index = || holding(INDEX_BYTES).compaction_strategy(merges());
        Ok(Self {
            records: database.keyspace("records", records)?,
            index: database.keyspace("index", index)?,
            database,
        })
    }
}

impl Opened {
    /// Waits until the library holds no more in memory than the bound: what is beyond it goes to
    /// tables beside the writer, and later when tables are being merged. If that has failed there
    /// is never room, and the next commit says so.
    fn make_room(&self) -> fjall::Result<()> {
        let until = Instant::now() + ROOM_WAIT;
        while self.database.write_buffer_size() > BUFFER_BYTES && Instant::now() < until {
            let is_begun = [&self.records, &self.index]
                .iter()
                .any(|tree| tree.sealed_memtable_count() > 0);
            if !is_begun {
                self.records.rotate_memtable()?;
                self.index.rotate_memtable()?;
            }
            thread::sleep(ROOM_LOOK);
        }
        Ok(())
    }
}

/// Closes what is open, unless somebody reads from it. Nobody begins to meanwhile.
fn let_go(opened: &mut Option<Arc<Opened>>, directory: &Path) -> Result<(), OpenError> {
    let until = Instant::now() + READERS_WAIT;
    while opened.as_ref().is_some_and(|it| Arc::strong_count(it) > 1) {
        if Instant::now() >= until {
            return Err(OpenError::InUse(directory.to_owned()));
        }
        thread::sleep(READERS_LOOK);
    }
    drop(opened.take());
    Ok(())
}

/// Where the last record ends.
fn end_of(records: &Keyspace) -> fjall::Result<Position> {
    let Some(last) = records.iter().next_back() else {
        return Ok(Position::FIRST);
    };
    let (key, bytes) = last.into_inner()?;
    let position = key.as_ref().try_into().map_or(0, u64::from_be_bytes);
    Ok(Position::new(position).after(bytes.len()))
}

#[cfg(test)]
impl DiskLog {
    /// Writes what is in memory to tables, as the library does once there is enough of it.
    pub(super) fn write_tables(&self) {
        let opened = self.opened().unwrap();
        opened.records.rotate_memtable_and_wait().unwrap();
        opened.index.rotate_memtable_and_wait().unwrap();
    }

    /// The same for the records alone.
    pub(super) fn write_record_tables(&self) {
        self.opened()
            .unwrap()
            .records
            .rotate_memtable_and_wait()
            .unwrap();
    }

    /// Bytes that the library holds in memory.
    pub(super) fn not_in_tables(&self) -> u64 {
        self.opened().unwrap().database.write_buffer_size()
    }
}

impl Log for DiskLog {
    fn commit(&self, group: Group) -> Result<(), LogError> {
        let mode = match self.durability {
            Durability::Synced => PersistMode::SyncData,
            Durability::Unsynced => PersistMode::Buffer,
        };
        let opened = self.opened()?;
        opened.make_room().map_err(LogError::Commit)?;
        let mut batch = opened.database.batch().durability(Some(mode));
        let end = group
            .records
            .iter()
            .map(|(position, bytes)| position.after(bytes.len()).get())
            .max();
        for (position, bytes) in group.records {
            batch.insert(&opened.records, position.get().to_be_bytes(), bytes);
        }
        for (stream, entry) in group.entries {
            batch.insert(
                &opened.index,
                index::key(&stream, entry.number),
                index::value(&entry),
            );
        }
        for (stream, number) in group.removed {
            batch.remove(&opened.index, index::key(&stream, number));
        }
        batch.commit().map_err(LogError::Commit)?;
        self.end.fetch_max(end.unwrap_or(0), Ordering::Relaxed);
        self.note_extent(NOTE_EVERY);
        Ok(())
    }

    fn close(&self) {
        self.note_extent(1);
    }

    /// The storage library refuses writes after one failed: it has to be opened anew, and takes its
    /// directory for itself, so that the old one has to go first. Readers go on from that for as
    /// long as it can stay: until the disk takes a small file again, and nobody is in the middle of
    /// a scan. What fails here is tried again.
    fn recover(&self) -> Result<(), LogError> {
        let reopen = |error| LogError::Reopen(Box::new(error));
        let acknowledged = Position::new(self.end.load(Ordering::Relaxed));
        extent::note(&self.directory, acknowledged).map_err(|source| {
            reopen(OpenError::Io {
                path: self.directory.clone(),
                source,
            })
        })?;
        let mut opened = self.opened.write();
        let_go(&mut opened, &self.directory).map_err(reopen)?;
        let anew = Opened::open(&self.directory).map_err(reopen)?;
        let end = end_of(&anew.records).map_err(LogError::Read)?;
        extent::check(&self.directory, end).map_err(reopen)?;
        *opened = Some(Arc::new(anew));
        Ok(())
    }

    fn record(&self, position: Position) -> Result<Option<Record>, LogError> {
        let bytes = self
            .opened()?
            .records
            .get(position.get().to_be_bytes())
            .map_err(|error| self.unread(error))?;
        Ok(bytes
            .map(|bytes| Record::decode(position, bytes.into()))
            .transpose()?)
    }

    fn scan(
        &self,
        from: Position,
        to: Position,
        direction: Direction,
        visit: &mut Visitor<'_>,
    ) -> Result<(), LogError> {
        if from >= to {
            return Ok(());
        }
        let opened = self.opened()?;
        let mut range = opened
            .records
            .range(from.get().to_be_bytes()..to.get().to_be_bytes());
        while let Some(next) = match direction {
            Direction::Forwards => range.next(),
            Direction::Backwards => range.next_back(),
        } {
            let (key, bytes) = next.into_inner().map_err(|error| self.unread(error))?;
            let key = key
                .as_ref()
                .try_into()
                .map_err(|_| LogError::DamagedIndex)?;
            let position = Position::new(u64::from_be_bytes(key));
            let record = Record::decode(position, Bytes::from(bytes))?;
            if let ControlFlow::Break(()) = visit(record) {
                break;
            }
        }
        Ok(())
    }

    fn entry(&self, stream: &StreamName, number: u64) -> Result<Option<IndexEntry>, LogError> {
        if !stream.can_be_kept() {
            return Ok(None);
        }
        let value = self
            .opened()?
            .index
            .get(index::key(stream, number))
            .map_err(|error| self.unread(error))?;
        value.map(|value| index::entry(number, &value)).transpose()
    }

    fn entries(
        &self,
        stream: &StreamName,
        numbers: RangeInclusive<u64>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<IndexEntry>, LogError> {
        if numbers.is_empty() || !stream.can_be_kept() {
            return Ok(Vec::new());
        }
        let from = index::key(stream, *numbers.start());
        let to = index::key(stream, *numbers.end());
        let opened = self.opened()?;
        let range = opened.index.range(from..=to);
        let entry = |next: fjall::Guard| {
            let (key, value) = next.into_inner().map_err(|error| self.unread(error))?;
            let number = key.last_chunk().ok_or(LogError::DamagedIndex)?;
            index::entry(u64::from_be_bytes(*number), &value)
        };
        match direction {
            Direction::Forwards => range.take(limit).map(entry).collect(),
            Direction::Backwards => range.rev().take(limit).map(entry).collect(),
        }
    }
}

impl fmt::Debug for DiskLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskLog")
            .field("directory", &self.directory)
            .field("durability", &self.durability)
            .finish_non_exhaustive()
    }
}
