//! Whether the event store can be used: it answers, and lets the whole log be followed. Where it
//! cannot, why, as far as that can be told apart: what waiting mends, and what it does not.

use super::StartError;
use journal::{Journal, JournalError, Unreachable};
use parking_lot::Mutex;
use std::time::Duration;
use thiserror::Error;
use tokio::time::Instant;

/// For how long a store denies access before that is believed: a node that is catching up denies
/// what it does not know yet.
const DENIALS: Duration = Duration::from_secs(5);

/// Why a store cannot be used.
#[derive(Debug, Error)]
pub(super) enum Unusable {
    #[error(transparent)]
    Silent(JournalError),
    #[error(transparent)]
    OutOfReach(Unreachable),
    #[error("reading a stream is denied")]
    Denies(#[source] JournalError),
    #[error("reading $all is denied")]
    Rights(#[source] JournalError),
}

impl Unusable {
    /// The same, as what a start ends with.
    pub(super) fn of_start(self, store: String, after: Duration) -> StartError {
        match self {
            Self::Silent(source) => StartError::StoreSilent {
                store,
                after,
                source,
            },
            Self::OutOfReach(source) => StartError::StoreOutOfReach { store, source },
            Self::Denies(source) => StartError::StoreDenies { store, source },
            Self::Rights(source) => StartError::StoreRights { store, source },
        }
    }
}

/// Asks a store whether it can be used.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// Since when access is denied without a word in between.
    denied_since: Mutex<Option<Instant>>,
}

impl Asking {
    pub(super) async fn ask(&self, journal: &Journal) -> Result<(), Unusable> {
        let answered = match journal.ready().await {
            Err(error) => Err(self.denied(error, Unusable::Denies)),
            Ok(()) => {
                let followed = journal.may_follow().await;
                followed.map_err(|error| self.denied(error, Unusable::Rights))
            }
        };
        match answered {
            Err(Unusable::Silent(error)) => Err(match journal.unreachable().await {
                Some(why) => Unusable::OutOfReach(why),
                None => Unusable::Silent(error),
            }),
            other => other,
        }
    }

    /// Whether waiting for this may help.
    pub(super) fn may_pass(&self, why: &Unusable) -> bool {
        match why {
            Unusable::Silent(_) => true,
            Unusable::OutOfReach(_) => false,
            Unusable::Denies(_) | Unusable::Rights(_) => {
                let since = self.denied_since.lock();
                since.is_none_or(|it| it.elapsed() < DENIALS)
            }
        }
    }

    fn denied(&self, error: JournalError, why: fn(JournalError) -> Unusable) -> Unusable {
        let mut since = self.denied_since.lock();
        if matches!(error, JournalError::AccessDenied { .. }) {
            since.get_or_insert_with(Instant::now);
            return why(error);
        }
        *since = None;
        Unusable::Silent(error)
    }
}
