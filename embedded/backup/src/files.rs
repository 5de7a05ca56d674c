//! What a backup does to files, behind a trait: so that a test can let it end at each step, as a
//! kill or a full disk does.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// The rights of what a backup makes: its owner's alone.
const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// A file that is written to.
pub trait Output: fmt::Debug + Send {
    /// Writes all of it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns once it would survive a power failure.
    fn sync(&mut self) -> io::Result<()>;
}

/// Everything that changes something.
pub trait Files: fmt::Debug + Send + Sync {
    /// Makes a folder, and those above it.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// Opens a file to write at its end; it is made if it is not there.
    fn append(&self, path: &Path) -> io::Result<Box<dyn Output>>;
    /// Drops what stands behind so many bytes.
    fn cut(&self, path: &Path, length: u64) -> io::Result<()>;
    /// Gives a file another name, whose file goes if there is one.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns once the names in a folder would survive a power failure.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// The files of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Output for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Files for Disk {
    fn make_folder(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(FOLDER).create(path)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(FILE);
        Ok(Box::new(options.open(path)?))
    }

    fn cut(&self, path: &Path, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}
