//! A file of frames: sixteen bytes that say what it is, then one frame after the other.

use crate::{BackupError, Frame, FrameError};
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    io::{self, BufReader, Read as _},
    path::{Path, PathBuf},
};

/// What a file of records begins with.
pub(crate) const MAGIC: &[u8; 16] = b"peerage backup 1";
/// How the name of a finished one begins; its first position follows.
pub(crate) const PREFIX: &str = "segment-";
const SUFFIX: &str = ".records";
/// What the one is called that is being written.
pub(crate) const UNFINISHED: &str = "unfinished.records";

/// The name of a finished segment.
pub(crate) fn name(first: u64) -> String {
    format!("{PREFIX}{first:020}{SUFFIX}")
}

/// Reads a file of frames from its beginning, and never holds more than one.
#[derive(Debug)]
pub(crate) struct Reader {
    file: PathBuf,
    input: BufReader<File>,
    buffer: Vec<u8>,
    hash: Sha256,
    read: u64,
}

/// Why there is no next frame.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The file is not what was written.
    Frame(FrameError),
    /// It could not be read.
    Io(io::Error),
}

impl Reader {
    pub(crate) fn open(file: &Path) -> Result<Self, BackupError> {
        let input = match File::open(file) {
            Ok(input) => input,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BackupError::damaged(file, "it is missing"));
            }
            Err(error) => return Err(BackupError::io(file)(error)),
        };
        let mut reader = Self {
            file: file.to_owned(),
            input: BufReader::with_capacity(1 << 20, input),
            buffer: Vec::new(),
            hash: Sha256::new(),
            read: 0,
        };
        match reader.take(MAGIC.len()) {
            Ok(true) if reader.buffer == MAGIC => {
                reader.count();
                Ok(reader)
            }
            Ok(_) => Err(BackupError::damaged(
                file,
                "it does not begin as a file of records does",
            )),
            Err(error) => Err(BackupError::io(file)(error)),
        }
    }

    /// The next frame. None: the file ends here.
    pub(crate) fn next(&mut self) -> Result<Option<Frame<'_>>, Stop> {
        self.buffer.clear();
        if !self.take(4).map_err(Stop::Io)? {
            return if self.buffer.is_empty() {
                Ok(None)
            } else {
                Err(Stop::Frame(FrameError::Cut))
            };
        }
        let whole = Frame::len_of(&self.buffer).map_err(Stop::Frame)?;
        let rest = whole.unwrap_or_default().saturating_sub(4);
        if !self.take(rest).map_err(Stop::Io)? {
            return Err(Stop::Frame(FrameError::Cut));
        }
        if let Err(error) = Frame::decode(&self.buffer) {
            return Err(Stop::Frame(error));
        }
        self.count();
        match Frame::decode(&self.buffer) {
            Ok(frame) => Ok(frame.map(|(frame, _)| frame)),
            Err(error) => Err(Stop::Frame(error)),
        }
    }

    /// How many bytes the whole frames take so far, and the file's first bytes.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// The hash of these bytes.
    pub(crate) fn hash(&self) -> &Sha256 {
        &self.hash
    }

    /// What is wrong with the file.
    pub(crate) fn fault(&self, stop: Stop) -> BackupError {
        match stop {
            Stop::Frame(error) => {
                BackupError::damaged(&self.file, format!("at byte {}: {error}", self.read))
            }
            Stop::Io(source) => BackupError::io(&self.file)(source),
        }
    }

    /// Adds so many bytes to what is held; whether there are so many.
    fn take(&mut self, wanted: usize) -> io::Result<bool> {
        let mut input = (&mut self.input).take(wanted as u64);
        Ok(input.read_to_end(&mut self.buffer)? == wanted)
    }

    fn count(&mut self) {
        self.hash.update(&self.buffer);
        self.read += self.buffer.len() as u64;
    }
}

/// A hash as `sha256sum` prints it.
pub(crate) fn hex(hash: Sha256) -> String {
    let digest = hash.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
