//! A folder that a backup is written to, once or again and again.
//!
//! Records go to one unfinished file. When that is large enough, or the log's end is reached, it is
//! flushed, named by its first position, and listed in the manifest; from then on it never changes.
//! So whatever ends the process, what is listed is whole, and of the unfinished file the whole
//! frames count: the next run goes on behind the last of them.

use crate::{
    Anchor, BackupError, Files, Frame, Kind,
    manifest::{self, Manifest, Segment},
    segment::{self, MAGIC, PREFIX, Reader, UNFINISHED, hex},
    wire::{Begun, ReadRequest},
};
use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What keeps two processes from writing to one folder.
const LOCK: &str = "lock";
/// A file is finished when it is so large.
const SEGMENT_BYTES: u64 = 64 << 20;

/// A backup that is being written. One process has it at a time.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    files: Arc<dyn Files>,
    _lock: File,
    manifest: Manifest,
    unfinished: Option<Unfinished>,
    segment_bytes: u64,
    /// Whether the log is known to be the one that the folder holds.
    is_recognised: bool,
    written: Written,
}

/// What a run added, and what the folder holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Records that were added.
    pub records: u64,
    /// Bytes of records that were added, as they stand in the files.
    pub bytes: u64,
    /// Records that were there before.
    pub records_before: u64,
    /// Where the backup ends now: every record before is in it.
    pub end: u64,
}

/// The file that is being written.
#[derive(Debug)]
struct Unfinished {
    output: Box<dyn crate::Output>,
    bytes: u64,
    records: u64,
    hash: Sha256,
    first: Anchor,
    last: Anchor,
}

impl Folder {
    /// Takes a folder to write a backup to, or to go on with the one that is there. Nothing that it
    /// holds already is changed before a log is recognised as its own.
    ///
    /// # Errors
    /// [`BackupError`]; above all a folder that holds something else.
    pub fn open(path: &Path, files: Arc<dyn Files>) -> Result<Self, BackupError> {
        let found = Manifest::read(path)?;
        if found.is_none() {
            must_be_empty(path)?;
            files.make_folder(path).map_err(BackupError::io(path))?;
        }
        let lock = lock(path)?;
        let manifest = match found {
            Some(manifest) => manifest,
            None => {
                let manifest = Manifest::new();
                manifest.write(path, &*files)?;
                manifest
            }
        };
        for segment in &manifest.segments {
            must_have_its_size(path, segment)?;
        }
        let mut folder = Self {
            written: Written {
                records_before: manifest.segments.iter().map(|it| it.records).sum(),
                ..Written::default()
            },
            path: path.to_owned(),
            files,
            _lock: lock,
            manifest,
            unfinished: None,
            segment_bytes: SEGMENT_BYTES,
            is_recognised: false,
        };
        folder.unfinished = folder.go_on()?;
        folder.written.records_before += folder.unfinished.as_ref().map_or(0, |it| it.records);
        Ok(folder)
    }

    /// With files that are finished at another size.
    #[must_use]
    pub fn with_segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes;
        self
    }

    /// What a store is to be asked for: the records behind the newest one that is here, and by what
    /// the log is recognised.
    #[must_use]
    pub fn wanted(&self) -> ReadRequest {
        ReadRequest {
            from: self.last().map_or(0, |last| last.position + 1),
            anchors: self.anchors().map(|anchor| anchor.position).collect(),
        }
    }

    /// Refuses a log that is not the one that is here.
    ///
    /// # Errors
    /// [`BackupError::AnotherLog`].
    pub fn recognise(&mut self, begun: &Begun) -> Result<(), BackupError> {
        let another = |why: String| BackupError::AnotherLog {
            folder: self.path.clone(),
            why,
        };
        if let Some(known) = self.manifest.log_format
            && known != begun.log_format
        {
            let why = format!(
                "its records have form {known}, those of the store {}",
                begun.log_format
            );
            return Err(another(why));
        }
        if let Some(last) = self.last()
            && begun.end < last.end()
        {
            return Err(another(format!(
                "the backup reaches position {}, and the log ends at {}: it was restored to an older state, or is another store's",
                last.end(),
                begun.end
            )));
        }
        let found = decode(&begun.anchors)?;
        for anchor in self.anchors() {
            let same = found.iter().find(|it| it.position == anchor.position);
            let Some(same) = same else {
                let at = anchor.position;
                return Err(another(format!("no record stands at position {at}")));
            };
            // A scavenge leaves a marker of the same time.
            let is_same = same.created == anchor.created
                && (same.kind == Kind::Marker || same.anchor() == *anchor);
            if !is_same {
                let at = anchor.position;
                return Err(another(format!(
                    "the record at position {at} is another one"
                )));
            }
        }
        self.manifest.log_format = Some(begun.log_format);
        self.is_recognised = true;
        Ok(())
    }

    /// Adds whole frames, in the order of the log.
    ///
    /// # Errors
    /// [`BackupError`]; the same backup goes on later where it ended.
    pub fn append(&mut self, frames: &[u8]) -> Result<(), BackupError> {
        if !self.is_recognised {
            return Err(BackupError::Sent("records before it said which log".into()));
        }
        let found = decode(frames)?;
        let (Some(first), Some(last)) = (found.first(), found.last()) else {
            return Ok(());
        };
        let mut free = self.last().map_or(1, Anchor::end);
        for frame in &found {
            if frame.position < free {
                return Err(BackupError::Sent(format!(
                    "a record at position {} behind one that ends at {free}",
                    frame.position
                )));
            }
            free = frame.end();
        }
        let (first, last) = (first.anchor(), last.anchor());
        let mut to = match self.unfinished.take() {
            Some(unfinished) => unfinished,
            None => self.begin(first)?,
        };
        let file = self.path.join(UNFINISHED);
        to.output.write(frames).map_err(BackupError::io(file))?;
        to.hash.update(frames);
        to.bytes += frames.len() as u64;
        to.records += found.len() as u64;
        to.last = last;
        self.written.records += found.len() as u64;
        self.written.bytes += frames.len() as u64;
        let is_full = to.bytes >= self.segment_bytes;
        self.unfinished = Some(to);
        if is_full { self.seal() } else { Ok(()) }
    }

    /// Everything up to `end` came: the backup is whole.
    ///
    /// # Errors
    /// [`BackupError`]; the same backup goes on later where it ended.
    pub fn finish(mut self, end: u64, at: DateTime<Utc>) -> Result<Written, BackupError> {
        if let Some(last) = self.last()
            && last.end() != end
        {
            return Err(BackupError::Sent(format!(
                "records up to position {}, and not up to {end}",
                last.end()
            )));
        }
        self.seal()?;
        self.manifest.end = Some(end);
        self.manifest.finished = Some(at.to_rfc3339_opts(SecondsFormat::Secs, true));
        self.manifest.write(&self.path, &*self.files)?;
        self.written.end = end;
        Ok(self.written)
    }

    /// The newest record that is here.
    fn last(&self) -> Option<&Anchor> {
        let unfinished = self.unfinished.as_ref().map(|it| &it.last);
        unfinished.or_else(|| self.manifest.last())
    }

    /// The first and the newest record that are here.
    fn anchors(&self) -> impl Iterator<Item = &Anchor> {
        let listed = self.manifest.segments.first().map(|it| &it.first);
        let first = listed.or_else(|| self.unfinished.as_ref().map(|it| &it.first));
        let last = self.last().filter(|last| Some(*last) != first);
        first.into_iter().chain(last)
    }

    fn begin(&self, first: Anchor) -> Result<Unfinished, BackupError> {
        let file = self.path.join(UNFINISHED);
        let begin = || {
            let mut output = self.files.append(&file)?;
            output.write(MAGIC)?;
            Ok(output)
        };
        Ok(Unfinished {
            output: begin().map_err(BackupError::io(&file))?,
            bytes: MAGIC.len() as u64,
            records: 0,
            hash: Sha256::new_with_prefix(MAGIC),
            last: first.clone(),
            first,
        })
    }

    /// Finishes the file that is being written, if there is one.
    fn seal(&mut self) -> Result<(), BackupError> {
        let Some(mut done) = self.unfinished.take() else {
            return Ok(());
        };
        let (file, name) = (
            self.path.join(UNFINISHED),
            segment::name(done.first.position),
        );
        let mut seal = || {
            done.output.sync()?;
            self.files.rename(&file, &self.path.join(&name))?;
            self.files.sync_folder(&self.path)
        };
        seal().map_err(BackupError::io(&file))?;
        self.manifest.segments.push(Segment {
            file: name,
            bytes: done.bytes,
            sha256: hex(done.hash),
            records: done.records,
            first: done.first,
            last: done.last,
        });
        self.manifest.write(&self.path, &*self.files)
    }

    /// The file that an earlier run did not finish, up to its last whole frame.
    fn go_on(&self) -> Result<Option<Unfinished>, BackupError> {
        let file = self.path.join(UNFINISHED);
        self.unname()?;
        let mut reader = match Reader::open(&file) {
            Ok(reader) => reader,
            // It is not there, or was only just begun.
            Err(BackupError::Damaged { .. }) => {
                self.forget(&file)?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let (mut anchors, mut records) = (None::<(Anchor, Anchor)>, 0);
        let mut free = self.manifest.last().map_or(1, Anchor::end);
        // What follows the last whole frame was never finished, and comes again.
        while let Ok(Some(frame)) = reader.next() {
            if frame.position < free {
                // It is no continuation of what is listed.
                self.forget(&file)?;
                return Ok(None);
            }
            let anchor = frame.anchor();
            free = anchor.end();
            records += 1;
            anchors = Some(match anchors {
                None => (anchor.clone(), anchor),
                Some((first, _)) => (first, anchor),
            });
        }
        let Some((first, last)) = anchors else {
            self.forget(&file)?;
            return Ok(None);
        };
        let (bytes, hash) = (reader.read(), reader.hash().clone());
        let cut = self.files.cut(&file, bytes);
        cut.map_err(BackupError::io(&file))?;
        Ok(Some(Unfinished {
            output: self.files.append(&file).map_err(BackupError::io(&file))?,
            bytes,
            records,
            hash,
            first,
            last,
        }))
    }

    /// A run that ended between naming a file and listing it leaves one that is not listed.
    fn unname(&self) -> Result<(), BackupError> {
        let failed = |error| BackupError::io(&self.path)(error);
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_string_lossy();
            let is_listed = || self.manifest.segments.iter().any(|it| it.file == name);
            if name.starts_with(PREFIX) && !is_listed() {
                let from = self.path.join(&*name);
                let renamed = self.files.rename(&from, &self.path.join(UNFINISHED));
                renamed.map_err(BackupError::io(from))?;
            }
        }
        Ok(())
    }

    fn forget(&self, file: &Path) -> Result<(), BackupError> {
        if file.exists() {
            self.files.remove(file).map_err(BackupError::io(file))?;
        }
        Ok(())
    }
}

/// All of some frames.
fn decode(mut bytes: &[u8]) -> Result<Vec<Frame<'_>>, BackupError> {
    let mut frames = Vec::new();
    while let Some((frame, length)) = Frame::decode(bytes)? {
        frames.push(frame);
        bytes = &bytes[length..];
    }
    Ok(frames)
}

/// A backup is made in a folder of its own.
fn must_be_empty(path: &Path) -> Result<(), BackupError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(BackupError::io(path)(source)),
    };
    for entry in entries {
        let name = entry.map_err(BackupError::io(path))?.file_name();
        let name = name.to_string_lossy().into_owned();
        if name != LOCK && name != manifest::BESIDE {
            return Err(BackupError::NotABackup {
                folder: path.to_owned(),
                name,
            });
        }
    }
    Ok(())
}

fn must_have_its_size(path: &Path, segment: &Segment) -> Result<(), BackupError> {
    let file = path.join(&segment.file);
    match fs::metadata(&file) {
        Ok(found) if found.len() == segment.bytes => Ok(()),
        Ok(found) => {
            let problem = format!("it has {} bytes and not {}", found.len(), segment.bytes);
            Err(BackupError::damaged(file, problem))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(BackupError::damaged(file, "it is missing"))
        }
        Err(source) => Err(BackupError::Io { path: file, source }),
    }
}

fn lock(path: &Path) -> Result<File, BackupError> {
    let file = path.join(LOCK);
    let mut options = OpenOptions::new();
    let lock = options.create(true).truncate(false).write(true).open(&file);
    let lock = lock.map_err(BackupError::io(&file))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(BackupError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(BackupError::io(file)(source)),
    }
}
