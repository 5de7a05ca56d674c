//! The networks of the log as aggregates: load one, or carry out a command on one.
//!
//! One stream per network, folded into a state that is kept in a bounded cache. A command is
//! decided on the cached state and appended at exactly that state's revision, so the usual command
//! costs one append and no read. The cache can be behind, and then the store says so: the append
//! fails and the command is decided again. What needs no append (a refusal, a repetition, nothing
//! to do) is never concluded from the cache alone; the stream is read on first.
//!
//! Neither grows with the history. A network is loaded from its last snapshot and what came after
//! it (`history`), an append changes what its event is about and shares the rest, and the receipts
//! of commands lie beside the state, in a form of their own (`receipts`). Whoever appends writes
//! the snapshots: nothing comes into a stream but through here, so none is missed, and what only
//! reads the log, as read models do, never writes.

mod caller;
mod checks;
mod execute;
mod figures;
mod history;
mod identity;
mod loaded;
mod receipts;
mod repetition;
mod slot;
mod snapshot;
mod weight;
mod writers;

pub use caller::Caller;
pub use execute::{Executed, Preview};
pub use figures::Figures;
pub use identity::Registration;
pub use loaded::{Loaded, Undecodable};

use crate::{
    JournalError, JournalSettings,
    calls::{PAGE, Page, Store},
    deadline::Deadline,
    parked::Parked,
};
use checks::Checks;
use domain::{NetworkId, network::NetworkEvent};
use figures::Counters;
use moka::{future::Cache, notification::RemovalCause, policy::EvictionPolicy};
use parking_lot::Mutex;
use slot::Slot;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use writers::Writers;

/// The networks of one store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Networks {
    store: Arc<Store>,
    cache: Cache<NetworkId, Arc<Slot>>,
    cache_limit: u64,
    command_deadline: Duration,
    contention_attempts: u32,
    snapshot_every: u64,
    parked: Arc<Parked>,
    counters: Arc<Counters>,
    checks: Arc<Checks>,
    writers: Arc<Writers>,
    /// Of networks that have lost events, the first of those.
    holes: Arc<Mutex<BTreeMap<NetworkId, u64>>>,
}

impl Networks {
    pub(crate) fn new(store: Arc<Store>, parked: Arc<Parked>, settings: &JournalSettings) -> Self {
        let counters = Arc::<Counters>::default();
        Self {
            store,
            cache: cache(settings.cached_bytes, Arc::clone(&counters)),
            cache_limit: settings.cached_bytes,
            command_deadline: settings.command_deadline,
            contention_attempts: settings.contention_attempts,
            snapshot_every: settings.snapshot_every,
            parked,
            counters,
            checks: Arc::default(),
            writers: Arc::default(),
            holes: Arc::default(),
        }
    }

    /// The network as the log has it now. One that was never registered is empty, without a
    /// revision.
    pub async fn load(&self, id: NetworkId) -> Result<Arc<Loaded>, JournalError> {
        let deadline = Deadline::after(self.command_deadline, "load");
        let slot = self.slot(id).await;
        self.read_on(id, &slot, &deadline).await
    }

    /// The network with this event, which the caller knows to be in the log. What is cached serves
    /// if it is as far: the store is asked only for what is missing.
    pub async fn load_with(
        &self,
        id: NetworkId,
        revision: u64,
    ) -> Result<Arc<Loaded>, JournalError> {
        let slot = self.slot(id).await;
        let loaded = slot.loaded();
        if loaded.revision >= Some(revision) {
            return Ok(loaded);
        }
        let deadline = Deadline::after(self.command_deadline, "load");
        self.read_on(id, &slot, &deadline).await
    }

    /// What loading and storing networks came to since the journal was opened, and what the cache
    /// holds now.
    pub fn figures(&self) -> Figures {
        Figures {
            cached_networks: self.cache.entry_count(),
            cached_bytes: self.cache.weighted_size() * WEIGHT_UNIT,
            cache_limit: self.cache_limit,
            ..self.counters.read()
        }
    }

    /// Drops all that is cached: the log is another one than it was read from.
    pub fn forget_all(&self) {
        self.cache.invalidate_all();
        self.checks.forget();
        self.holes.lock().clear();
    }

    /// The networks that were found to have lost events, each with the number of the first of them.
    pub fn holes(&self) -> BTreeMap<NetworkId, u64> {
        self.holes.lock().clone()
    }

    fn note_hole(&self, id: NetworkId, missing: Option<u64>) {
        let mut holes = self.holes.lock();
        let known = match missing {
            Some(missing) => holes.insert(id, missing),
            None => holes.remove(&id),
        };
        match missing {
            Some(missing) if known.is_none() => {
                tracing::error!(network = %id, missing, "events of the network are gone: what is to be closed is closed as far as it is known, and nothing is opened");
            }
            None if known.is_some() => {
                tracing::info!(network = %id, "the network's history is whole again")
            }
            Some(_) | None => {}
        }
    }

    /// The same, after the cache has counted what it holds at this moment.
    pub async fn settled_figures(&self) -> Figures {
        self.cache.run_pending_tasks().await;
        self.figures()
    }

    async fn slot(&self, id: NetworkId) -> Arc<Slot> {
        self.cache.get_with(id, async { Arc::default() }).await
    }

    /// A network that has lost events is read anew once the store has the first of them again.
    async fn heal(
        &self,
        id: NetworkId,
        slot: &Slot,
        deadline: &Deadline,
    ) -> Result<(), JournalError> {
        let Some(missing) = slot.loaded().missing else {
            return Ok(());
        };
        let stream = id.stream();
        let page = self.store.read_page(&stream, missing, 1, deadline);
        if let Page::Found { events, .. } = page.await?
            && events.first().is_some_and(|it| it.revision == missing)
        {
            slot.forget();
        }
        Ok(())
    }

    /// Reads what came after the cached revision and folds it in, page by page: what was read
    /// stays, even if time runs out.
    async fn read_on(
        &self,
        id: NetworkId,
        slot: &Arc<Slot>,
        deadline: &Deadline,
    ) -> Result<Arc<Loaded>, JournalError> {
        let stream = id.stream();
        let mut read = None;
        self.heal(id, slot, deadline).await?;
        if slot.loaded().revision.is_none() {
            read = self.begin(id, slot, deadline).await?;
        }
        loop {
            let base = slot.loaded();
            let from = base.next_revision();
            let page = match read.take().filter(|page| goes_on(page, from)) {
                Some(page) => page,
                None => self.store.read_page(&stream, from, PAGE, deadline).await?,
            };
            match page {
                Page::Missing => return Ok(slot.forget()),
                // The log is shorter than what was read of it: it is another log, or it was cut.
                // Only a new start is right.
                Page::Found { last, .. } if last.saturating_add(1) < from => drop(slot.forget()),
                Page::Found { events, last } => {
                    let hole = hole(from, last, events.iter().map(|it| it.revision));
                    let is_known = base.revision.is_some();
                    if let Some(missing) = hole.filter(|_| !is_known) {
                        self.note_hole(id, hole);
                        return Err(JournalError::Truncated { stream, missing });
                    }
                    events.iter().for_each(|event| self.parked.report(event));
                    let is_doubtful = self.checks.is_doubted(id);
                    let loaded = slot.advance(base, |loaded, receipts| {
                        if let Some(missing) = hole {
                            loaded.skip(missing);
                            loaded.revision =
                                Some(last).filter(|_| events.is_empty()).or(loaded.revision);
                        }
                        for event in &events {
                            loaded.apply(event);
                            history::note(receipts, event);
                        }
                        if is_doubtful {
                            loaded.doubt();
                        }
                    });
                    if loaded.next_revision() > last {
                        self.note_hole(id, loaded.missing);
                        self.keep(id, slot).await;
                        return Ok(loaded);
                    }
                }
            }
        }
    }

    /// After something was folded in: sees to the cache's bound, and to the next snapshot.
    async fn keep(&self, id: NetworkId, slot: &Arc<Slot>) {
        if slot.has_grown() {
            self.cache.insert(id, Arc::clone(slot)).await;
        }
        if slot.begin_snapshot(self.snapshot_every) {
            let (networks, slot) = (self.clone(), Arc::clone(slot));
            self.writers.spawn(async move {
                networks.write_snapshot(id, &slot).await;
                // Much may have been appended meanwhile.
                while slot.begin_snapshot(networks.snapshot_every) {
                    networks.write_snapshot(id, &slot).await;
                }
            });
        }
    }
}

/// The cache weighs in units of so many bytes: a weight has 32 bits.
const WEIGHT_UNIT: u64 = 1 << 10;

/// The network that was used least recently goes first: one that is worked on stays, however many
/// others are looked at once.
fn cache(limit: u64, counters: Arc<Counters>) -> Cache<NetworkId, Arc<Slot>> {
    Cache::builder()
        .max_capacity(limit.div_ceil(WEIGHT_UNIT))
        .weigher(|_, slot: &Arc<Slot>| {
            let units = (slot.weight() as u64).div_ceil(WEIGHT_UNIT);
            u32::try_from(units).unwrap_or(u32::MAX)
        })
        .eviction_policy(EvictionPolicy::lru())
        .eviction_listener(move |_, _, cause| {
            if cause == RemovalCause::Size {
                counters.evicted.add();
            }
        })
        .build()
}

/// Whether a page goes on from here: somebody else may have read on meanwhile.
fn goes_on(page: &Page, from: u64) -> bool {
    match page {
        Page::Missing => false,
        Page::Found { events, last } => match events.first() {
            Some(first) => first.revision == from,
            None => last.saturating_add(1) == from,
        },
    }
}

/// The number of the first event that is gone: what opens is not decided on the rest, which is
/// another history.
fn hole(from: u64, last: u64, revisions: impl Iterator<Item = u64>) -> Option<u64> {
    let mut expected = from;
    for revision in revisions {
        if revision != expected {
            return Some(expected);
        }
        expected += 1;
    }
    (expected == from && last >= from).then_some(from)
}

/// Whether this event's command may be sent again by somebody who waits for its first outcome.
fn has_receipt(event: &NetworkEvent) -> bool {
    !event.is_outcome()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_with_a_hole_is_not_whole() {
        let hole = |from, last, revisions: &[u64]| hole(from, last, revisions.iter().copied());
        assert_eq!(hole(0, 2, &[0, 1, 2]), None);
        assert_eq!(hole(3, 2, &[]), None);
        assert_eq!(hole(0, 9, &[7, 8, 9]), Some(0));
        assert_eq!(hole(0, 9, &[]), Some(0));
        assert_eq!(hole(0, 2, &[0, 2]), Some(1));
    }
}
