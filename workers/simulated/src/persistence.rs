//! Keeps a simulated world in a file, so that it outlives the process as a real cloud would.

use super::world::World;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use thiserror::Error;

/// Why a kept world cannot be used.
#[derive(Debug, Error)]
pub enum PersistenceError {
    /// It cannot be read.
    #[error("cannot read the simulated cloud's world from {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something else.
    #[error(
        "{path} does not hold a simulated cloud's world; move it away to begin with an empty one"
    )]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It cannot be written.
    #[error("cannot write the simulated cloud's world to {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// One file.
#[derive(Debug)]
pub(super) struct Persistence {
    path: PathBuf,
}

impl Persistence {
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// The world in the file; `None` if there is no file.
    pub(super) fn load(&self) -> Result<Option<World>, PersistenceError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(PersistenceError::Read {
                    path: self.path.clone(),
                    source,
                });
            }
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| PersistenceError::Form {
                path: self.path.clone(),
                source,
            })
    }

    /// Puts the world in the place of the old one: at any moment the file holds one of the two.
    pub(super) fn save(&self, world: &World) -> Result<(), PersistenceError> {
        let bytes = serde_json::to_vec(world).map_err(|source| PersistenceError::Form {
            path: self.path.clone(),
            source,
        })?;
        let beside = self.path.with_extension("new");
        fs::write(&beside, bytes)
            .and_then(|()| fs::rename(&beside, &self.path))
            .map_err(|source| PersistenceError::Write {
                path: self.path.clone(),
                source,
            })
    }
}
