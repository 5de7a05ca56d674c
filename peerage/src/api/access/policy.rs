//! The policy in force: from the configuration, or from a file of its own that is followed.

use domain::{
    Digest,
    access::{BindingError, Policy},
};
use serde::Deserialize as _;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use thiserror::Error;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// A policy and what tells it from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The policy.
    pub policy: Policy,
    /// Its hash.
    pub hash: Digest,
}

/// A policy that cannot be.
#[derive(Debug, Error)]
pub enum PolicyError {
    #[error("cannot read the policy {}", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    #[error("the policy {} cannot be read as one", .0.display())]
    Form(PathBuf, #[source] toml::de::Error),
    #[error("the policy {}: {}", .0.display(), lines(.1))]
    Bindings(PathBuf, Vec<BindingError>),
}

fn lines(errors: &[BindingError]) -> String {
    let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

impl InForce {
    pub fn of(policy: Policy) -> Self {
        let hash = policy.hash().unwrap_or_else(|_| Digest::of_json(b""));
        Self { policy, hash }
    }

    /// The policy in this file.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| PolicyError::File(path.to_owned(), error))?;
        let policy = Policy::deserialize(toml::Deserializer::new(&text))
            .map_err(|error| PolicyError::Form(path.to_owned(), error))?;
        let wrong = policy.check();
        if !wrong.is_empty() {
            return Err(PolicyError::Bindings(path.to_owned(), wrong));
        }
        Ok(Self::of(policy))
    }
}

/// Looks at the file every so often and puts a new policy in force, until cancelled. A broken one
/// is told once, and the old one stays.
pub(crate) async fn follow(
    path: PathBuf,
    every: Duration,
    in_force: watch::Sender<Arc<InForce>>,
    cancel: CancellationToken,
) {
    let mut looks = interval(every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = String::new();
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = cancel.cancelled() => return,
        }
        match InForce::read(&path) {
            Ok(new) => {
                told.clear();
                if new.hash != in_force.borrow().hash {
                    tracing::info!(policy = %path.display(), hash = %new.hash, "another policy of access is in force");
                    in_force.send_replace(Arc::new(new));
                }
            }
            Err(error) => {
                let text = domain::error_chain(&error);
                if text != told {
                    tracing::error!(
                        error = text,
                        "the new policy of access is refused; the old one stays in force"
                    );
                    told = text;
                }
            }
        }
    }
}
