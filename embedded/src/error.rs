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
    /// The data directory was written by a version with another format.
    #[error("{} names the format {found:?}, which this version does not know", .file.display())]
    UnknownFormat {
        /// The file that names the format.
        file: PathBuf,
        /// What it names.
        found: String,
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
    /// The store in the data directory is damaged.
    #[error("the event store in {} cannot be opened", .path.display())]
    Store {
        /// The directory of the store.
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
        if source.kind() == io::ErrorKind::AddrInUse { Self::AddressInUse { address } } else { Self::Listen { address, source } }
    }

    pub(crate) fn read(path: PathBuf, source: ReadError) -> Self {
        Self::Store { path, source: source.into() }
    }

    pub(crate) fn users(path: PathBuf, source: UserError) -> Self {
        Self::Store { path, source: source.into() }
    }

    pub(crate) fn log(path: PathBuf, source: LogError) -> Self {
        Self::Store { path, source: source.into() }
    }
}

impl From<OpenError> for StartError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::InUse(path) => Self::DirectoryInUse { path },
            OpenError::UnknownFormat { file, found } => Self::UnknownFormat { file, found },
            OpenError::Io { path, source } => Self::Directory { path, source },
            OpenError::Shorter { ref file, .. } | OpenError::Unreadable { ref file } => {
                Self::Store { path: file.clone(), source: error.into() }
            }
            OpenError::Records { path, source } => Self::Store { path, source: source.into() },
            OpenError::Store { path, source } => Self::Store { path, source: source.into() },
        }
    }
}
