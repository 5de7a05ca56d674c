//! A backup that is read: checked whole, then given out record by record.

use crate::{
    BackupError, Frame,
    manifest::{Manifest, Segment},
    segment::{Reader, hex},
};
use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// A backup that came to its end at least once.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    manifest: Manifest,
    end: u64,
}

/// How much of a backup was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Read {
    /// Files of records.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their records.
    pub records: u64,
}

impl Archive {
    /// Reads what a folder says that it holds. Nothing is written to it.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        let none = || BackupError::NoBackup(path.to_owned());
        let manifest = Manifest::read(path)?.ok_or_else(none)?;
        let unfinished = || BackupError::Unfinished(path.to_owned());
        Ok(Self {
            path: path.to_owned(),
            end: manifest.end.ok_or_else(unfinished)?,
            manifest,
        })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it ends: it holds every record before.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// When it came there.
    #[must_use]
    pub fn finished(&self) -> Option<&str> {
        self.manifest.finished.as_deref()
    }

    /// The form of its records.
    #[must_use]
    pub fn log_format(&self) -> Option<u32> {
        self.manifest.log_format
    }

    /// How many bytes its files have.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.manifest.segments.iter().map(|it| it.bytes).sum()
    }

    /// Reads every byte and compares it with what was noted.
    ///
    /// # Errors
    /// [`BackupError::Damaged`], which names the file.
    pub fn verify(&self, told: &mut dyn FnMut(Read)) -> Result<Read, BackupError> {
        let (mut read, mut free) = (Read::default(), 1);
        for segment in &self.manifest.segments {
            free = self.verify_segment(segment, free)?;
            read.files += 1;
            read.bytes += segment.bytes;
            read.records += segment.records;
            told(read);
        }
        if self.end > free && free > 1 {
            let problem = format!("its records end at {free}, and not at {}", self.end);
            return Err(BackupError::damaged(
                self.path.join(crate::manifest::FILE),
                problem,
            ));
        }
        Ok(read)
    }

    /// Passes the records to `visit` in the order of the log, up to where the backup is whole,
    /// until it breaks.
    ///
    /// # Errors
    /// What `visit` says, or [`BackupError::Damaged`].
    pub fn for_each<E: From<BackupError>>(
        &self,
        mut visit: impl FnMut(Frame<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        for segment in &self.manifest.segments {
            let mut reader = Reader::open(&self.path.join(&segment.file))?;
            loop {
                let frame = match reader.next() {
                    Ok(Some(frame)) => frame,
                    Ok(None) => break,
                    Err(stop) => return Err(reader.fault(stop).into()),
                };
                // What stands behind came with a run that never came to its end.
                if frame.position >= self.end || visit(frame)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The first position behind a file that is as it was written.
    fn verify_segment(&self, segment: &Segment, mut free: u64) -> Result<u64, BackupError> {
        let file = self.path.join(&segment.file);
        let damaged = |problem: String| Err(BackupError::damaged(&file, problem));
        if let Ok(found) = fs::metadata(&file)
            && found.len() != segment.bytes
        {
            return damaged(format!(
                "it has {} bytes and not {}",
                found.len(),
                segment.bytes
            ));
        }
        let mut reader = Reader::open(&file)?;
        let (mut records, mut first, mut last) = (0, None, None);
        loop {
            let frame = match reader.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(stop) => return Err(reader.fault(stop)),
            };
            if frame.position < free {
                return damaged(format!(
                    "its record at position {} stands in the one before it",
                    frame.position
                ));
            }
            free = frame.end();
            records += 1;
            let anchor = frame.anchor();
            first.get_or_insert_with(|| anchor.clone());
            last = Some(anchor);
        }
        if hex(reader.hash().clone()) != segment.sha256 {
            return damaged("its SHA-256 is not the one that the manifest notes".to_owned());
        }
        let is_listed = records == segment.records
            && first.as_ref() == Some(&segment.first)
            && last.as_ref() == Some(&segment.last);
        if is_listed {
            Ok(free)
        } else {
            damaged("it does not hold the records that the manifest notes".to_owned())
        }
    }
}
