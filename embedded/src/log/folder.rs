//! A data directory around the store: the format it has, who uses it, and whether its files are
//! sound.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use backon::{BlockingRetryable as _, ConstantBuilder};

use super::{
    OpenError, extent,
    files::{self, Depth, Order, Survey},
};

const FORMAT_FILE: &str = "format";
const STORE_FOLDER: &str = "store";
const LOCK_FILE: &str = "lock";
/// What stands before the number of the format.
const FORMAT_NAME: &str = "peerage event store ";
/// The form of the records, and of what stands around them.
pub(crate) const FORMAT: u32 = 1;
/// A node that is just being stopped lets go of its directory soon.
const LOCK_ATTEMPTS: usize = 3;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// A file of a data directory and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) file: PathBuf,
    pub(crate) bytes: u64,
}

/// Where the storage library's files are.
pub(crate) fn store(directory: &Path) -> PathBuf {
    directory.join(STORE_FOLDER)
}

/// Refuses a directory with another format; marks one without any as ours.
pub(super) fn claim(directory: &Path) -> Result<(), OpenError> {
    match must_exist(directory) {
        Err(OpenError::NoStore(_)) => mark(directory).map_err(|source| OpenError::Io {
            path: directory.to_owned(),
            source,
        }),
        claimed => claimed,
    }
}

/// Refuses a directory without a store, or with one of another format.
pub(crate) fn must_exist(directory: &Path) -> Result<(), OpenError> {
    let file = directory.join(FORMAT_FILE);
    let found = match fs::read(&file) {
        Ok(found) => String::from_utf8_lossy(&found).trim_end().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !store(directory).exists() => {
            return Err(OpenError::NoStore(directory.to_owned()));
        }
        Err(source) => return Err(OpenError::Io { path: file, source }),
    };
    match found
        .strip_prefix(FORMAT_NAME)
        .and_then(|number| number.parse().ok())
    {
        Some(FORMAT) => Ok(()),
        Some(number) => Err(OpenError::OtherFormat {
            file,
            found: number,
            known: FORMAT,
        }),
        None => Err(OpenError::UnknownFormat {
            file,
            found: found.chars().take(80).collect(),
        }),
    }
}

/// Looks at the files of a store that nobody uses: what is being written looks damaged.
pub(crate) fn look_over(
    directory: &Path,
    depth: Depth,
    order: Order,
    told: &mut dyn FnMut(&Survey),
) -> Result<Survey, OpenError> {
    let lock = lock(directory)?;
    let survey = files::survey(&store(directory), depth, order, told);
    // The storage library takes it next.
    drop(lock);
    survey.map_err(|source| OpenError::Io {
        path: store(directory),
        source,
    })
}

/// Refuses a store whose files are damaged, before the storage library does something about it.
pub(super) fn must_be_sound(directory: &Path, depth: Depth, order: Order) -> Result<(), OpenError> {
    let survey = look_over(directory, depth, order, &mut |_| {})?;
    survey
        .faults
        .into_iter()
        .next()
        .map_or(Ok(()), |fault| Err(OpenError::Damaged(fault)))
}

/// Every file of a data directory.
pub(crate) fn files_of(directory: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            found.extend(files_of(&entry.path())?);
        } else {
            found.push(Found {
                file: entry.path(),
                bytes: metadata.len(),
            });
        }
    }
    found.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(found)
}

/// The storage library's own lock, if there is a store.
fn lock(directory: &Path) -> Result<Option<File>, OpenError> {
    let path = store(directory).join(LOCK_FILE);
    let file = match File::options().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::Io { path, source }),
    };
    let pauses = ConstantBuilder::new()
        .with_delay(LOCK_PAUSE)
        .with_max_times(LOCK_ATTEMPTS - 1);
    let locked = (|| file.try_lock())
        .retry(pauses)
        .when(|error| matches!(error, TryLockError::WouldBlock))
        .call();
    match locked {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { path, source }),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(directory.to_owned())),
    }
}

/// Says of a directory that it holds a store of ours.
pub(crate) fn mark(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    extent::write_whole(
        &directory.join(FORMAT_FILE),
        &format!("{FORMAT_NAME}{FORMAT}\n"),
    )
}
