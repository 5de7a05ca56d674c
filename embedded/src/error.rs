//! Why a node could not start.

use std::{error::Error, io, net::SocketAddr, path::PathBuf};

use thiserror::Error;

use crate::{
    log::{LogError, OpenError},
    net::TlsError,
    read::ReadError,
    security::UserError,
};

/// The cause of a failure inside the store, for logs: its kinds are no part of the interface.
pub type Cause = Box<dyn Error + Send + Sync>;

/// A node could not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another process, or another node of this one, uses the data directory.
    #[error("the data directory {} is in use by another process", .path.display())]
    DirectoryInUse {
        /// The data directory.
        path: PathBuf,
    },
    /// There is no event store in the data directory, and none was to be made.
    #[error("there is no event store in {}", .path.display())]
    NoStore {
        /// The data directory.
        path: PathBuf,
    },
    /// The data directory was written by a later version.
    #[error("{} names format {found}: a later version wrote it, and this one reads format {known}", .file.display())]
    NewerFormat {
        /// The file that names the format.
        file: PathBuf,
        /// What it names.
        found: u32,
        /// What this version reads and writes.
        known: u32,
    },
    /// The data directory was written by an earlier version, in a format that is no longer read.
    #[error("{} names format {found}, which is no longer read, only format {known}: export it with the version that wrote it", .file.display())]
    OlderFormat {
        /// The file that names the format.
        file: PathBuf,
        /// What it names.
        found: u32,
        /// What this version reads and writes.
        known: u32,
    },
    /// The data directory says of itself that it is something else.
    #[error("{} names the format {found:?}, which this version does not know", .file.display())]
    UnknownFormat {
        /// The file that names the format.
        file: PathBuf,
        /// What it names.
        found: String,
    },
    /// A file of the store is damaged. Nothing was changed.
    #[error("{} is damaged: {problem}", .file.display())]
    Damaged {
        /// The file; others may be damaged too.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The data directory cannot be created, read or written.
    #[error("cannot use {}", .path.display())]
    Directory {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The store in the data directory cannot be read.
    #[error("the event store in {} cannot be opened", .path.display())]
    Store {
        /// The directory of the store, or the file that does not agree with it.
        path: PathBuf,
        /// What was found.
        #[source]
        source: Cause,
    },
    /// The certificate or the key cannot be used.
    #[error("TLS cannot be set up")]
    Tls(#[from] TlsError),
    /// Another process listens on the address.
    #[error("the address {address} is in use")]
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl StartError {
    pub(crate) fn listen(address: SocketAddr, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::AddrInUse {
            Self::AddressInUse { address }
        } else {
            Self::Listen { address, source }
        }
    }

    pub(crate) fn read(path: PathBuf, source: ReadError) -> Self {
        Self::Store {
            path,
            source: source.into(),
        }
    }

    pub(crate) fn users(path: PathBuf, source: UserError) -> Self {
        Self::Store {
            path,
            source: source.into(),
        }
    }

    pub(crate) fn log(path: PathBuf, source: LogError) -> Self {
        Self::Store {
            path,
            source: source.into(),
        }
    }
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::InUse(path) => Self::DirectoryInUse { path },
            OpenError::UnknownFormat { file, found } => Self::UnknownFormat { file, found },
            OpenError::NoStore(path) => Self::NoStore { path },
            OpenError::OtherFormat { file, found, known } if found > known => {
                Self::NewerFormat { file, found, known }
            }
            OpenError::OtherFormat { file, found, known } => {
                Self::OlderFormat { file, found, known }
            }
            OpenError::Io { path, source } => Self::Directory { path, source },
            OpenError::Damaged(fault) => Self::Damaged {
                file: fault.file,
                problem: fault.problem.to_string(),
            },
            OpenError::Unreadable { file } => Self::Damaged {
                file,
                problem: "it does not hold a number".to_owned(),
            },
            OpenError::Shorter { ref file, .. } => Self::Store {
                path: file.clone(),
                source: error.into(),
            },
            OpenError::Senseless { ref path } => Self::Store {
                path: path.clone(),
                source: error.into(),
            },
            OpenError::Records { path, source } => Self::Store {
                path,
                source: source.into(),
            },
            OpenError::Store { path, source } => Self::Store {
                path,
                source: source.into(),
            },
        }
    }
}
