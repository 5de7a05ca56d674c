//! The requests that have not ended, as every server knows them: followed from the log, in memory.
//! One that has ended is forgotten, so what is held does not grow with the history.

use super::log::decoded;
use domain::{
    CommandId, Digest, NetworkId,
    access::Subject,
    approval::{Approval, Request, State, evolve, of_stream},
};
use journal::{FollowError, Followed, Journal, Memory, Recorded};
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{MutexGuard, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// The requests that have not ended. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Waiting(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    entries: Mutex<BTreeMap<CommandId, Entry>>,
    is_whole: watch::Sender<bool>,
    changes: watch::Sender<u64>,
    /// Whether the log holds any request at all, ended or not.
    is_used: AtomicBool,
    /// Who counts what waits, and adds to it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    approval: Approval,
    revision: Option<u64>,
}

impl Default for Waiting {
    fn default() -> Self {
        Self(Arc::new(Inner {
            entries: Mutex::default(),
            is_whole: watch::Sender::new(false),
            changes: watch::Sender::new(0),
            is_used: AtomicBool::new(false),
            turn: tokio::sync::Mutex::default(),
        }))
    }
}

impl Waiting {
    /// Follows the log, until cancelled.
    pub(crate) async fn run(
        &self,
        journal: &Journal,
        stop: CancellationToken,
    ) -> Result<(), FollowError> {
        journal.remember(Followed::Approvals, self, stop).await
    }

    /// All that have not ended, by their ids; nothing if the log is not read so soon.
    pub(super) async fn all(&self, patience: Duration) -> Option<Vec<(CommandId, Request)>> {
        let mut is_whole = self.0.is_whole.subscribe();
        let waited = timeout(patience, is_whole.wait_for(|it| *it)).await;
        if !waited.is_ok_and(|it| it.is_ok()) {
            return None;
        }
        Some(self.known())
    }

    /// The same, as far as the log was read.
    pub(super) fn known(&self) -> Vec<(CommandId, Request)> {
        let entries = self.0.entries.lock();
        let requests = entries.iter().filter_map(|(id, it)| {
            let request = it.approval.request()?;
            (!request.state.has_ended()).then(|| (*id, request.clone()))
        });
        requests.collect()
    }

    /// The request for this very command of this person in this network, if there is one. What was
    /// asked for once is not asked for again beside it.
    pub(super) fn same(
        &self,
        network: NetworkId,
        command: &Digest,
        requester: &Subject,
    ) -> Option<(CommandId, Request)> {
        let entries = self.0.entries.lock();
        entries.iter().find_map(|(id, it)| {
            let request = it.approval.request()?;
            let asked = &request.asked;
            let is_same = !request.state.has_ended()
                && asked.network_id == network
                && asked.command_digest == *command
                && asked.requester == *requester;
            is_same.then(|| (*id, request.clone()))
        })
    }

    /// How many wait in this network, and how many of this person.
    pub(super) fn of(&self, network: NetworkId, requester: &Subject) -> (usize, usize) {
        let entries = self.0.entries.lock();
        let waiting = entries.values().filter_map(|it| it.approval.request());
        let waiting = waiting.filter(|it| !it.state.has_ended());
        waiting.fold((0, 0), |(there, own), it| {
            (
                there + usize::from(it.asked.network_id == network),
                own + usize::from(it.asked.requester == *requester),
            )
        })
    }

    /// How many wait for approvals, and how many are granted and not carried out yet.
    pub(in crate::api) fn counts(&self) -> (u64, u64) {
        let entries = self.0.entries.lock();
        let states = entries.values().filter_map(|it| it.approval.request());
        states.fold((0, 0), |(pending, granted), it| match it.state {
            State::Pending => (pending + 1, granted),
            State::Granted { .. } => (pending, granted + 1),
            State::Ended(_) => (pending, granted),
        })
    }

    /// Whether there may be a request for a command: not where the log was read and holds none.
    pub(super) fn is_used(&self) -> bool {
        self.0.is_used.load(Ordering::Acquire) || !*self.0.is_whole.borrow()
    }

    /// One after the other counts what waits and adds to it.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.turn.lock().await
    }

    /// Wakes whenever something has changed.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// What a command of this server has come to: it is known at once, not when it has come back
    /// from the log.
    pub(super) fn learn(&self, id: CommandId, approval: &Approval, revision: u64) {
        self.0.is_used.store(true, Ordering::Release);
        let mut entries = self.0.entries.lock();
        let entry = entries.entry(id).or_default();
        if entry.revision.is_none_or(|it| it < revision) {
            entry.revision = Some(revision);
            entry.approval = approval.clone();
        }
        drop(entries);
        self.changed();
    }

    fn changed(&self) {
        self.0.changes.send_modify(|it| *it = it.wrapping_add(1));
    }
}

impl Memory for Waiting {
    fn apply(&self, recorded: &Recorded) {
        let Some(id) = of_stream(&recorded.stream) else {
            return;
        };
        self.0.is_used.store(true, Ordering::Release);
        let mut entries = self.0.entries.lock();
        let entry = entries.entry(id).or_default();
        if entry.revision.is_none_or(|it| it < recorded.revision) {
            entry.revision = Some(recorded.revision);
            // One that cannot be read is told where the request is asked for.
            if let Ok(event) = decoded(recorded.event_type(), &recorded.data) {
                let before = std::mem::take(&mut entry.approval);
                entry.approval = evolve(before, &event, recorded.time());
            }
        }
        // What this server ended is known to be over until the log has said so too.
        let is_last = entry.revision == Some(recorded.revision);
        let request = entry.approval.request();
        if is_last && request.is_none_or(|it| it.state.has_ended()) {
            entries.remove(&id);
        }
        drop(entries);
        self.changed();
    }

    fn is_whole(&self) {
        self.0.is_whole.send_replace(true);
        self.changed();
    }

    fn forget(&self) {
        self.0.is_whole.send_replace(false);
        self.0.entries.lock().clear();
    }
}
