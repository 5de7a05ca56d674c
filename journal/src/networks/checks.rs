//! Whether the snapshots that were used are what the networks' events fold to.
//!
//! A load believes a snapshot by its digest, its fold's version and its last event. That leaves a
//! fold that changed without its version, and whoever wrote something else on purpose: so every
//! snapshot that was used is compared, later and at leisure.

use super::{Loaded, Networks, history::encoding, snapshot};
use crate::{JournalError, calls::Page, deadline::Deadline};
use domain::{Digest, NetworkId};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

/// How many events a comparison folds before it lets others go first, and for how much longer than
/// that took.
const CHECK_PAGE: usize = 512;
const CHECK_REST: u32 = 3;

/// The snapshots that were used and are to be compared, and the networks in which one was wrong.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// By network, the last event in the snapshot and what the network was then.
    used: Mutex<BTreeMap<NetworkId, (u64, Digest)>>,
    doubted: Mutex<BTreeSet<NetworkId>>,
    /// By network, the last event in the last snapshot that was queued here.
    queued: Mutex<BTreeMap<NetworkId, u64>>,
    more: Notify,
}

impl Checks {
    /// A snapshot was used. A network whose cached fold comes and goes is compared again only when
    /// its history has become twice as long, so that comparing costs no more than folding did.
    pub(super) fn note_use(&self, id: NetworkId, revision: u64, digest: &Digest) {
        let mut queued = self.queued.lock();
        let before = queued.get(&id);
        if before.is_some_and(|before| revision < 2 * before) {
            return;
        }
        queued.insert(id, revision);
        self.used.lock().insert(id, (revision, digest.clone()));
        self.more.notify_one();
    }

    fn put_back(&self, id: NetworkId, revision: u64, digest: Digest) {
        let mut used = self.used.lock();
        used.entry(id).or_insert((revision, digest));
    }

    /// The log is another one: what was used of the one before says nothing of it.
    pub(super) fn forget(&self) {
        self.used.lock().clear();
        self.queued.lock().clear();
        self.doubted.lock().clear();
    }

    pub(super) fn is_doubted(&self, id: NetworkId) -> bool {
        self.doubted.lock().contains(&id)
    }
}

/// What a comparison found.
enum Compared {
    Same,
    Other,
    /// The log does not reach so far any more, or cannot be folded: that shows elsewhere.
    Void,
}

impl Networks {
    /// Compares every snapshot that was used with the fold of all events, one after the other and
    /// leaving most of the time to others. One that is wrong is told, its network is folded from
    /// its events from then on, and [`Loaded::is_doubtful`]. Runs until it is dropped.
    ///
    /// # Panics
    /// When a task that writes a snapshot has died, with the cause of that.
    pub async fn check_snapshots(&self) {
        tokio::select! {
            () = self.compare_used() => {}
            never = self.writers.death() => match never {},
        }
    }

    async fn compare_used(&self) {
        loop {
            let next = {
                let mut used = self.checks.used.lock();
                let next = used.pop_first();
                let left = used.len() + usize::from(next.is_some());
                self.counters.snapshots_to_check.set(left as u64);
                next
            };
            let Some((id, (revision, digest))) = next else {
                self.checks.more.notified().await;
                continue;
            };
            match self.compare(id, revision, &digest).await {
                Ok(Compared::Same) => self.counters.snapshots_checked.add(),
                Ok(Compared::Other) => {
                    self.counters.snapshots_checked.add();
                    self.counters.snapshots_wrong.add();
                    self.doubt(id, revision).await;
                }
                Ok(Compared::Void) => {}
                Err(error) => {
                    tracing::debug!(network = %id, error = &error as &dyn std::error::Error, "a snapshot cannot be compared yet");
                    self.checks.put_back(id, revision, digest);
                    sleep(self.command_deadline).await;
                }
            }
        }
    }

    async fn compare(
        &self,
        id: NetworkId,
        revision: u64,
        digest: &Digest,
    ) -> Result<Compared, JournalError> {
        let stream = id.stream();
        let mut loaded = Loaded::default();
        while loaded.next_revision() <= revision {
            let deadline = Deadline::after(self.command_deadline, "compare a snapshot");
            let (begun, from) = (Instant::now(), loaded.next_revision());
            let most = usize::try_from(revision - from + 1).unwrap_or(CHECK_PAGE);
            let page = self
                .store
                .read_page(&stream, from, most.min(CHECK_PAGE), &deadline);
            match page.await? {
                Page::Found { events, .. }
                    if events.first().map(|it| it.revision) == Some(from) =>
                {
                    events.iter().for_each(|event| loaded.apply(event));
                }
                Page::Found { .. } | Page::Missing => return Ok(Compared::Void),
            }
            sleep(begun.elapsed() * CHECK_REST).await;
        }
        let folded = Digest::of(&loaded.network).map_err(encoding)?;
        Ok(if folded == *digest && loaded.is_whole() {
            Compared::Same
        } else {
            Compared::Other
        })
    }

    async fn doubt(&self, id: NetworkId, revision: u64) {
        tracing::error!(
            network = %id, revision, stream = snapshot::stream(id),
            "a snapshot is not what the network's events fold to; nothing is opened in this network: \
             delete the snapshot's stream and start again, and report what made it"
        );
        self.checks.doubted.lock().insert(id);
        if let Some(slot) = self.cache.get(&id).await {
            slot.forget();
        }
    }
}
