//! One pass over one network: every peering that is due is worked on, side by side, until nothing
//! is due any more.
//!
//! A pass takes no argument that says what has changed; what is told to it while it is under way
//! ([`super::context::Wake`]) only says when to look at the record again, and why. It holds no lock
//! and can be dropped at any instant: whatever was on its way is found again by the next one, in
//! the log or at the cloud.
//!
//! Read next: `peering_pass`, the loop over one peering.

use super::{
    cause,
    context::{Interrupt, Pass, as_of},
    elsewhere::Whereabouts,
    memories::Memories,
    observation::Observation,
    peering_pass::{Done, PeeringPass},
    reason::{Reason, Reasons},
};
use domain::{
    PeeringId,
    network::{Network, Registered},
};
use futures::{
    FutureExt as _,
    future::{FusedFuture as _, OptionFuture},
    stream::{FuturesUnordered, StreamExt},
};
use journal::{JournalError, Loaded};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tokio::time::{Instant, sleep_until};
use tracing::Instrument;

/// The peerings that are being worked on, each with the way to tell it that a command is about it.
type UnderWay = BTreeMap<PeeringId, Arc<Interrupt>>;

impl Pass<'_> {
    /// Works on every peering of the network that is due, and on what comes up meanwhile. Says when
    /// something is due again without any event.
    pub(super) async fn run(
        &self,
        memories: &mut Memories,
    ) -> Result<Option<Instant>, JournalError> {
        let observation = Observation::default();
        let mut reasons = self.wake.take();
        let loaded = self.log.load_with(reasons.known_from()).await?;
        let mut loaded = match self.whereabouts(loaded).await? {
            Whereabouts::Here(loaded) => loaded,
            Whereabouts::Elsewhere(due) => return Ok(due),
        };
        tell_what_is_missing(&loaded);
        let mut running = FuturesUnordered::new();
        let mut under_way = UnderWay::new();
        // What a command is about is looked at once more after it, however the pass has ended that
        // was under way: that one may have planned before it, and gone to rest after it.
        let mut commanded: BTreeMap<PeeringId, Reasons> = BTreeMap::new();
        // The record is read beside the passes over the peerings and never instead of them: one
        // that is not polled may hold what the read waits for.
        let mut told = Reasons::default();
        let mut reading = OptionFuture::default();
        loop {
            let Some(network) = readable(&loaded) else {
                return Ok(None);
            };
            let live = network.live_peerings().map(|peering| peering.id);
            for id in live.filter(|id| reasons.has_command_for(*id)) {
                commanded.entry(id).or_default().merge(reasons.about(id));
            }
            let rests = self.rest.now();
            for id in due(network, &loaded, memories, &under_way, &commanded, rests) {
                let mut memory = memories.remove(&id).unwrap_or_default();
                let mut why = commanded.remove(&id).unwrap_or_else(|| reasons.about(id));
                if memory.time_has_come() || why.is_empty() {
                    why.add(Reason::Clock);
                }
                let interrupt = Arc::new(Interrupt::of(&why));
                under_way.insert(id, Arc::clone(&interrupt));
                let (cause, links) = memory.goes_on_with(why.causes());
                let span = tracing::info_span!(
                    "pass", network = %network.id, peering = %id, reason = %why, traceparent = cause.as_deref(), links
                );
                let insists = why.has_command();
                let pass = PeeringPass::new(self, id, &observation, interrupt, insists);
                let pass = cause::within(cause, pass.run(Arc::clone(&loaded), memory));
                running.push(pass.instrument(span));
            }
            if running.is_empty() && reading.is_terminated() {
                let orphans = self.orphans(&loaded, &observation, memories).await?;
                return Ok(next_due(memories).into_iter().chain(orphans).min());
            }
            reasons = Reasons::default();
            tokio::select! {
                Some(done) = running.next() => {
                    let Done { id, memory, loaded: after } = done?;
                    under_way.remove(&id);
                    memories.insert(id, memory);
                    if after.revision > loaded.revision {
                        loaded = after;
                    }
                }
                () = self.wake.notify.notified(), if reading.is_terminated() => {
                    told = self.wake.take();
                    reading = Some(self.log.load_with(told.known_from()).fuse()).into();
                }
                Some(after) = &mut reading, if !reading.is_terminated() => {
                    reasons = std::mem::take(&mut told);
                    loaded = newest(loaded, after?);
                    let told = under_way.iter().filter(|(id, _)| reasons.has_command_for(**id));
                    told.for_each(|(_, interrupt)| interrupt.tell(&reasons));
                }
                () = until(next_due(memories)), if !self.stop.is_cancelled() => {}
            }
        }
    }
}

/// Says that part of the history cannot be read. The journal withholds what would open then, and
/// what is to be closed is closed from what can be read.
fn tell_what_is_missing(loaded: &Loaded) {
    let Some(network) = readable(loaded).filter(|_| !loaded.is_whole()) else {
        return;
    };
    let unreadable = loaded.undecodable.first();
    tracing::error!(
        network = %network.id,
        name = %network.name,
        revision = unreadable.map(|it| it.revision).or(loaded.missing),
        event_type = unreadable.map(|it| it.event_type.as_str()),
        "part of the network's history cannot be read: what is to be closed is closed, and nothing is opened"
    );
}

/// The network, if it is served.
pub(super) fn readable(loaded: &Loaded) -> Option<&Registered> {
    match &loaded.network {
        Network::Registered(network) => Some(network),
        Network::Unregistered | Network::Retired(_) | Network::Marked(_) => None,
    }
}

/// The peerings to begin with now, and what is remembered of those that are no more is forgotten.
fn due(
    network: &Registered,
    loaded: &Loaded,
    memories: &mut Memories,
    under_way: &UnderWay,
    commanded: &BTreeMap<PeeringId, Reasons>,
    rests: bool,
) -> Vec<PeeringId> {
    let live: BTreeSet<PeeringId> = network.live_peerings().map(|peering| peering.id).collect();
    memories.retain(|id, memory| live.contains(id) || memory.last_look.is_some());
    // Whoever has nothing to do is looked at when the first of them is: one read serves them all.
    let upkeep = memories
        .values()
        .any(|memory| memory.settled && memory.time_has_come());
    let is_due = |id: &PeeringId| match memories.get(id) {
        _ if commanded.contains_key(id) => true,
        None => true,
        Some(memory) => {
            memory.is_due(as_of(loaded, *id, rests).as_ref()) || upkeep && memory.settled
        }
    };
    let mut due: Vec<PeeringId> = live
        .into_iter()
        .filter(|id| !under_way.contains_key(id) && is_due(id))
        .collect();
    // Somebody waits for those.
    due.sort_by_key(|id| !commanded.contains_key(id));
    due
}

fn next_due(memories: &Memories) -> Option<Instant> {
    memories.values().filter_map(|memory| memory.due).min()
}

fn newest(one: Arc<Loaded>, other: Arc<Loaded>) -> Arc<Loaded> {
    if one.revision > other.revision {
        one
    } else {
        other
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
