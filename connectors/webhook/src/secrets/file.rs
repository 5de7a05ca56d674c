//! The key file: text, its owner's alone. A line for each key, `ID KEY` with the key in base64, the
//! current one first; the line `print KEY` is what prints are made with, and stays for ever.

use super::{KEY, Key, LONGEST_ID, MOST_KEYS, MasterKeys, NoRandomness, random_key};
use aws_lc_rs::rand::SecureRandom;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, zeroize::Zeroizing};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use thiserror::Error;

/// The line of the key that prints are made with.
const PRINT: &str = "print";

/// The largest file that is read.
const LARGEST: u64 = 16 * 1024;

/// What a key file may be for others than its owner: nothing.
const OTHERS: u32 = 0o077;

/// Why there are no master keys. It never shows a part of one.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// There is no such file.
    #[error("there is no key file {}", .0.display())]
    Missing(PathBuf),
    /// There is one already, where one was to be made.
    #[error("there is a key file {} already", .0.display())]
    Exists(PathBuf),
    /// Others than its owner may read or write it.
    #[error("{} is open to others ({mode:o}): chmod 600 {}", .path.display(), .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Not a file, or far too large for one of keys.
    #[error("{} is no key file", .0.display())]
    NoKeyFile(PathBuf),
    /// A line that is no key.
    #[error("line {line} of {} is no key: {why}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It could not be read or written.
    #[error("{} could not be read or written", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system gave no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl MasterKeys {
    /// Reads a key file.
    ///
    /// # Errors
    /// When it is missing, open to others, or none.
    pub fn load(path: &Path) -> Result<Self, KeyFileError> {
        let failed = |source: io::Error| {
            let path = path.to_owned();
            if source.kind() == io::ErrorKind::NotFound {
                return KeyFileError::Missing(path);
            }
            KeyFileError::Io { path, source }
        };
        let mut file = File::open(path).map_err(failed)?;
        // Of the file that was opened, not of what the path names now.
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() || metadata.len() > LARGEST {
            return Err(KeyFileError::NoKeyFile(path.to_owned()));
        }
        let mode = metadata.mode() & 0o7777;
        if mode & OTHERS != 0 {
            return Err(KeyFileError::Open {
                path: path.to_owned(),
                mode,
            });
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(failed)?;
        Self::parse(path, &text)
    }

    /// Makes a key file with one master key of this id, which only its owner may read.
    ///
    /// # Errors
    /// When there is one already, or it cannot be written.
    pub fn create(path: &Path, id: &str, random: &dyn SecureRandom) -> Result<Self, KeyFileError> {
        let keys = Self {
            print: random_key(random)?,
            keys: vec![(checked(path, id)?, random_key(random)?)],
        };
        // Written whole under a name of its own first: a crash leaves no half of a key file, and of
        // two that make one at the same time one is told that the other has.
        let mut chance = [0; 8];
        random.fill(&mut chance).map_err(|_| NoRandomness)?;
        let beside = beside(path, &format!(".{:016x}", u64::from_be_bytes(chance)));
        keys.write(&beside, path)?;
        let linked = fs::hard_link(&beside, path);
        let removed = fs::remove_file(&beside);
        linked
            .and(removed)
            .map_err(|source| failed_to_write(path, source))?;
        sync_folder(path)?;
        Ok(keys)
    }

    /// Adds a master key, which is the current one from now on. The others still open what they
    /// sealed.
    ///
    /// # Errors
    /// When the id is taken or none, or the file cannot be written; it is the old one or the new
    /// one then, never half of either.
    pub fn rotate(
        &mut self,
        path: &Path,
        id: &str,
        random: &dyn SecureRandom,
    ) -> Result<(), KeyFileError> {
        let taken = |why| KeyFileError::Line {
            path: path.to_owned(),
            line: 1,
            why,
        };
        let id = checked(path, id)?;
        if self.key(&id).is_some() {
            return Err(taken("its id is there already"));
        }
        if self.keys.len() == MOST_KEYS {
            return Err(taken("there are too many"));
        }
        self.keys.insert(0, (id, random_key(random)?));
        self.replace(path).inspect_err(|_| {
            self.keys.remove(0);
        })
    }

    /// Takes a master key away that seals nothing any more.
    ///
    /// # Errors
    /// When it is the current one or not there, or the file cannot be written.
    pub fn retire(&mut self, path: &Path, id: &str) -> Result<(), KeyFileError> {
        let at = self
            .keys
            .iter()
            .position(|(known, _)| known == id)
            .filter(|at| *at > 0);
        let why = "it is the current one, or not there";
        let at = at.ok_or(KeyFileError::Line {
            path: path.to_owned(),
            line: 1,
            why,
        })?;
        let retired = self.keys.remove(at);
        self.replace(path)
            .inspect_err(|_| self.keys.insert(at, retired))
    }

    fn replace(&mut self, path: &Path) -> Result<(), KeyFileError> {
        let beside = beside(path, ".new");
        let failed = |source| KeyFileError::Io {
            path: path.to_owned(),
            source,
        };
        // What a crash has left.
        match fs::remove_file(&beside) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(failed(source)),
            Ok(()) | Err(_) => {}
        }
        self.write(&beside, path)?;
        fs::rename(&beside, path).map_err(failed)?;
        sync_folder(path)
    }

    fn write(&self, to: &Path, named: &Path) -> Result<(), KeyFileError> {
        let failed = |source| failed_to_write(named, source);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)
            .map_err(failed)?;
        file.write_all(self.text().as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)
    }

    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::from(
            "# The master keys of connectors' secrets. Back this file up, apart from the store.\n",
        ));
        let named = self.keys.iter().map(|(id, key)| (id.as_str(), key));
        for (id, key) in named.chain([(PRINT, &self.print)]) {
            let key = Zeroizing::new(STANDARD.encode(key.expose_secret()));
            text.push_str(id);
            text.push(' ');
            text.push_str(&key);
            text.push('\n');
        }
        text
    }

    fn parse(path: &Path, text: &str) -> Result<Self, KeyFileError> {
        let (mut print, mut keys) = (None, Vec::<(String, Key)>::new());
        let mut last = 1;
        for (line, text) in (1..).zip(text.lines()) {
            last = line;
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let wrong = |why| KeyFileError::Line {
                path: path.to_owned(),
                line,
                why,
            };
            let (id, key) = text.split_once(' ').ok_or(wrong("it has no key"))?;
            let key = Zeroizing::new(
                STANDARD
                    .decode(key.trim())
                    .map_err(|_| wrong("it is not base64"))?,
            );
            if key.len() != KEY {
                return Err(wrong("a key has 32 bytes"));
            }
            let key = Key::from(key.to_vec());
            if id == PRINT {
                if print.replace(key).is_some() {
                    return Err(wrong("there are two of them"));
                }
            } else if is_id(id)
                && keys.iter().all(|(known, _)| known != id)
                && keys.len() < MOST_KEYS
            {
                keys.push((id.to_owned(), key));
            } else {
                return Err(wrong("its id is no word, there already, or one too many"));
            }
        }
        let wrong = |why| KeyFileError::Line {
            path: path.to_owned(),
            line: last,
            why,
        };
        let print = print.ok_or(wrong("the line `print` is missing"))?;
        if keys.is_empty() {
            return Err(wrong("there is no master key"));
        }
        Ok(Self { print, keys })
    }
}

fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !id.is_empty() && id.len() <= LONGEST_ID && id != PRINT && id.bytes().all(plain)
}

fn checked(path: &Path, id: &str) -> Result<String, KeyFileError> {
    let why = "its id is no word of letters, digits, - _ and .";
    let wrong = || KeyFileError::Line {
        path: path.to_owned(),
        line: 1,
        why,
    };
    is_id(id).then(|| id.to_owned()).ok_or_else(wrong)
}

/// A name beside a path.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

fn failed_to_write(path: &Path, source: io::Error) -> KeyFileError {
    let path = path.to_owned();
    if source.kind() == io::ErrorKind::AlreadyExists {
        return KeyFileError::Exists(path);
    }
    KeyFileError::Io { path, source }
}

/// Makes the name of a new file as durable as its content.
fn sync_folder(path: &Path) -> Result<(), KeyFileError> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let synced = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
    synced.map_err(|source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    })
}
