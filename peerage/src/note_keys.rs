//! Files with the keys that a log, or a witness, signs with: their owner's alone, made by a command
//! and by nothing else.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use thiserror::Error;
use tree::{KeyError, Purpose, SigningKey, SigningKeys};

/// The largest file that is read.
const LARGEST: u64 = 16 * 1024;
/// What a key file may be for others than its owner: nothing.
const OTHERS: u32 = 0o077;
/// What a file begins with.
const HEAD: &str =
    "# Signs what the log holds. Keep it to the servers, apart from their data, and back it up.\n";

/// Why there are no keys. It never shows a part of one.
#[derive(Debug, Error)]
pub enum NoteKeysError {
    #[error("there is no key file {}; make one with `peerage audit key new`", .0.display())]
    Missing(PathBuf),
    #[error("there is a file {} already", .0.display())]
    Exists(PathBuf),
    #[error("{} is open to others ({mode:o}): chmod 600 {}", .path.display(), .path.display())]
    Open { path: PathBuf, mode: u32 },
    #[error("{} is no key file", .0.display())]
    NoKeyFile(PathBuf),
    #[error("line {line} of {}", .path.display())]
    Line {
        path: PathBuf,
        line: usize,
        source: KeyError,
    },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("{} holds no key with the id {id}", .path.display())]
    NoSuchKey { path: PathBuf, id: String },
    #[error("{} holds keys for another purpose: a log and a witness have keys of their own", .0.display())]
    Purpose(PathBuf),
    #[error("{} lies in the data directory; keep it elsewhere: who can rewrite the data must not be able to sign it", .0.display())]
    InData(PathBuf),
    #[error("{} cannot be read or written", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the system gives no random bytes")]
    NoRandomness,
}

/// Reads the keys in this file.
pub(crate) fn load(path: &Path, purpose: Purpose) -> Result<SigningKeys, NoteKeysError> {
    let keys = parse(path, &read(path)?)?;
    if keys.purpose() != purpose {
        return Err(NoteKeysError::Purpose(path.to_owned()));
    }
    Ok(keys)
}

/// Reads whatever keys are in this file.
pub(crate) fn load_any(path: &Path) -> Result<SigningKeys, NoteKeysError> {
    parse(path, &read(path)?)
}

fn parse(path: &Path, text: &SecretString) -> Result<SigningKeys, NoteKeysError> {
    SigningKeys::parse(text).map_err(|(line, source)| NoteKeysError::Line {
        path: path.to_owned(),
        line,
        source,
    })
}

/// Whether a path lies in this directory, wherever links lead.
pub(crate) fn lies_in(path: &Path, directory: &Path) -> bool {
    let path = path.canonicalize();
    let directory = directory.canonicalize();
    match (path, directory) {
        (Ok(path), Ok(directory)) => path.starts_with(directory),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

fn read(path: &Path) -> Result<SecretString, NoteKeysError> {
    let failed = |source: io::Error| failed(path, source);
    let mut file = File::open(path).map_err(failed)?;
    // Of the file that was opened, not of what the path names now.
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() || about.len() > LARGEST {
        return Err(NoteKeysError::NoKeyFile(path.to_owned()));
    }
    let mode = about.mode() & 0o7777;
    if mode & OTHERS != 0 {
        let path = path.to_owned();
        return Err(NoteKeysError::Open { path, mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(SecretString::from(text.as_str()))
}

/// Makes a file with one new key.
pub(crate) fn create(
    path: &Path,
    name: &str,
    purpose: Purpose,
) -> Result<SigningKeys, NoteKeysError> {
    let line = new_line(name, purpose)?;
    let text = Zeroizing::new(format!("{HEAD}{}\n", line.expose_secret()));
    let mut file = opened_new(path)?;
    let failed = |source| failed(path, source);
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    load(path, purpose)
}

/// Adds a new key to a file: from now on everything is signed with it too.
pub(crate) fn rotate(path: &Path) -> Result<SigningKeys, NoteKeysError> {
    let before = read(path)?;
    let keys = parse(path, &before)?;
    let line = new_line(keys.name(), keys.purpose())?;
    let before = before.expose_secret().trim_end();
    let text = Zeroizing::new(format!("{before}\n{}\n", line.expose_secret()));
    replace(path, &text)
}

/// Takes the key with this id from a file: from now on nothing is signed with it.
pub(crate) fn retire(path: &Path, id: &str) -> Result<SigningKeys, NoteKeysError> {
    let before = read(path)?;
    let keys = parse(path, &before)?;
    let mut all = keys
        .keys()
        .iter()
        .map(|it| format!("{:08x}", it.public().id()));
    if !all.any(|it| it == id) {
        return Err(NoteKeysError::NoSuchKey {
            path: path.to_owned(),
            id: id.to_owned(),
        });
    }
    let is_it = |line: &&str| {
        let key = SigningKeys::parse(&SecretString::from(*line));
        key.is_ok_and(|it| {
            it.keys()
                .iter()
                .any(|it| format!("{:08x}", it.public().id()) == id)
        })
    };
    let kept = before.expose_secret().lines().filter(|it| !is_it(it));
    let text = Zeroizing::new(kept.map(|it| format!("{it}\n")).collect::<String>());
    replace(path, &text)
}

fn new_line(name: &str, purpose: Purpose) -> Result<SecretString, NoteKeysError> {
    let mut seed = Zeroizing::new([0; 32]);
    let filled = SystemRandom::new().fill(&mut *seed);
    filled.map_err(|_| NoteKeysError::NoRandomness)?;
    Ok(SigningKey::line(name, purpose, &seed)?)
}

/// Puts this text in a file's place, if it holds keys.
fn replace(path: &Path, text: &str) -> Result<SigningKeys, NoteKeysError> {
    let keys = parse(path, &SecretString::from(text))?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let failed = |source| failed(path, source);
    // What a crash has left.
    match fs::remove_file(&beside) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(failed(source)),
        Ok(()) | Err(_) => {}
    }
    let mut file = opened_new(&beside)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&beside, path).map_err(failed)?;
    Ok(keys)
}

fn opened_new(path: &Path) -> Result<File, NoteKeysError> {
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(path);
    opened.map_err(|source| failed(path, source))
}

fn failed(path: &Path, source: io::Error) -> NoteKeysError {
    let path = path.to_owned();
    if source.kind() == io::ErrorKind::NotFound {
        NoteKeysError::Missing(path)
    } else if source.kind() == io::ErrorKind::AlreadyExists {
        NoteKeysError::Exists(path)
    } else {
        NoteKeysError::Io { path, source }
    }
}
