//! The networks of the log as aggregates: load one, or carry out a command on one.
//!
//! One stream per network, folded into a state that is kept in a bounded cache. A command is
//! decided on the cached state and appended at exactly that state's revision, so the usual command
//! costs one append and no read. The cache can be behind, and then the store says so: the append
//! fails and the command is decided again. What needs no append (a refusal, a repetition, nothing
//! to do) is never concluded from the cache alone; the stream is read on first.

mod execute;
mod loaded;
mod slot;

pub use execute::{Caller, Executed, Preview};
pub use loaded::{Loaded, Undecodable};

use crate::{
    JournalError, JournalSettings,
    calls::{PAGE, Page, Store},
    deadline::Deadline,
    parked::Parked,
};
use domain::NetworkId;
use moka::future::Cache;
use slot::Slot;
use std::{sync::Arc, time::Duration};

/// The networks of one store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Networks {
    store: Arc<Store>,
    cache: Cache<NetworkId, Arc<Slot>>,
    command_deadline: Duration,
    contention_attempts: u32,
    parked: Arc<Parked>,
}

impl Networks {
    pub(crate) fn new(store: Arc<Store>, parked: Arc<Parked>, settings: &JournalSettings) -> Self {
        Self {
            store,
            cache: Cache::new(u64::try_from(settings.cached_networks).unwrap_or(u64::MAX)),
            command_deadline: settings.command_deadline,
            contention_attempts: settings.contention_attempts,
            parked,
        }
    }

    /// The network as the log has it now. One that was never registered is empty, without a
    /// revision.
    pub async fn load(&self, id: NetworkId) -> Result<Arc<Loaded>, JournalError> {
        let deadline = Deadline::after(self.command_deadline, "load");
        let slot = self.slot(id).await;
        self.read_on(id, &slot, &deadline).await
    }

    async fn slot(&self, id: NetworkId) -> Arc<Slot> {
        self.cache.get_with(id, async { Arc::default() }).await
    }

    /// Reads what came after the cached revision and folds it in, page by page: what was read
    /// stays, even if time runs out.
    async fn read_on(
        &self,
        id: NetworkId,
        slot: &Slot,
        deadline: &Deadline,
    ) -> Result<Arc<Loaded>, JournalError> {
        let stream = id.stream();
        loop {
            let base = slot.loaded();
            let from = base.next_revision();
            match self.store.read_page(&stream, from, PAGE, deadline).await? {
                Page::Missing => return Ok(slot.forget()),
                // The log is shorter than what was read of it: it is another log, or it was cut.
                // Only a new start is right.
                Page::Found { last, .. } if last.saturating_add(1) < from => drop(slot.forget()),
                Page::Found { events, last } => {
                    check_contiguous(&stream, from, last, events.iter().map(|it| it.revision))?;
                    events.iter().for_each(|event| self.parked.report(event));
                    let loaded = slot.advance(base, |loaded| {
                        events.iter().for_each(|event| loaded.apply(event))
                    });
                    if loaded.next_revision() > last {
                        return Ok(loaded);
                    }
                }
            }
        }
    }
}

/// A stream whose first or middle events are gone cannot be folded: deciding on the rest would
/// decide on another history.
fn check_contiguous(
    stream: &str,
    from: u64,
    last: u64,
    revisions: impl Iterator<Item = u64>,
) -> Result<(), JournalError> {
    let mut expected = from;
    for revision in revisions {
        if revision != expected {
            return Err(JournalError::Truncated {
                stream: stream.to_owned(),
                missing: expected,
            });
        }
        expected += 1;
    }
    if expected == from && last >= from {
        return Err(JournalError::Truncated {
            stream: stream.to_owned(),
            missing: from,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_with_a_hole_is_not_whole() {
        let check = |from, last, revisions: &[u64]| {
            check_contiguous("s", from, last, revisions.iter().copied()).is_ok()
        };
        assert!(check(0, 2, &[0, 1, 2]));
        assert!(check(3, 2, &[]));
        assert!(!check(0, 9, &[7, 8, 9]));
        assert!(!check(0, 9, &[]));
        assert!(!check(0, 2, &[0, 2]));
    }
}
