//! The look at a network that has no live peering: no pass reads anything of it then. So its own
//! side is read once a day, after its last peering has ended, and when somebody asks for a check.
//!
//! No account of a peer is entered for that. What stands there of peerings that have ended is seen
//! as long as a live peering has the account and region read anyway, and not after.
//!
//! The lists in front of subnets are read by few passes. So those of the own side are read as
//! often, whether there are live peerings or not, while a peering is on record that left an entry
//! there.

use crate::provisioner::{
    context::Pass,
    memories::IdleLook,
    orphans::find::{has_left_denials, later},
    pass::readable,
    settings::ProvisionerSettings,
    sides::{self, local_network},
};
use chrono::{DateTime, Utc};
use cloud::CloudError;
use domain::{
    NetworkId, Side,
    network::{Outcome, Registered},
};
use journal::{JournalError, Loaded};
use std::time::Duration;
use tokio::time::Instant;

/// When the next look is due, at this moment.
fn due(
    memory: &mut IdleLook,
    network: &Registered,
    now: DateTime<Utc>,
    settings: &ProvisionerSettings,
) -> Instant {
    let (at, window) = (Instant::now(), settings.visibility_window);
    let first = || at + spread(network.id, settings.idle_interval);
    let mut due = memory.due.unwrap_or_else(first);
    // What was left at an end can be told from what went only after a while.
    let over = last_end(network).map(|ended_at| later(ended_at, window));
    if let Some(wait) = over.and_then(|it| (it - now).to_std().ok()) {
        due = due.min(at + wait);
    }
    let is_asked_for = network
        .drift_check
        .is_some_and(|asked_at| now < later(asked_at, window) && memory.checked != Some(asked_at));
    if is_asked_for {
        due = at;
    }
    *memory.due.insert(due)
}

/// A moment of the day for each network, so that not all are looked at when the engine starts.
fn spread(id: NetworkId, every: Duration) -> Duration {
    let every_ms = every.as_millis().max(1);
    let ms = id.0.as_u128() % every_ms;
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

fn last_end(network: &Registered) -> Option<DateTime<Utc>> {
    let kept = network.peerings().values().filter_map(|it| it.ended_at);
    let folded = network
        .ended_peerings()
        .iter()
        .filter_map(|(_, it)| it.ended_at);
    kept.chain(folded).max()
}

impl Pass<'_> {
    /// Looks at the own side of a network without live peerings, if that is due. Says when it is
    /// due next.
    pub(super) async fn idle_look(
        &self,
        loaded: &Loaded,
        memory: &mut IdleLook,
    ) -> Result<Option<Instant>, JournalError> {
        let Some(network) = idle(loaded) else {
            *memory = IdleLook::default();
            return Ok(None);
        };
        let due = due(memory, network, (self.clock)(), self.settings);
        if due > Instant::now() || self.stop.is_cancelled() {
            return Ok(Some(due));
        }
        let loaded = self.log.load().await?;
        let Some(network) = idle(&loaded) else {
            return Ok(None);
        };
        let is_asked_for = network.drift_check.is_some() && memory.checked != network.drift_check;
        let looks = Pass {
            cloud: if is_asked_for {
                self.inquiries
            } else {
                self.cloud
            },
            ..*self
        };
        let again = match looks.look_at_home(network).await {
            Ok(outcomes) => {
                memory.checked = network.drift_check;
                let outcomes = self.without_mistakes(network, outcomes).await;
                self.record_of_orphans(&loaded, outcomes).await?;
                self.settings.idle_interval
            }
            Err(error) => {
                let at = sides::local(network);
                tracing::warn!(%error, %at, "a network without peerings could not be looked at");
                self.settings.refusal_pause
            }
        };
        Ok(Some(*memory.due.insert(Instant::now() + again)))
    }

    async fn look_at_home(&self, network: &Registered) -> Result<Vec<Outcome>, CloudError> {
        let home = [local_network(network)];
        let mut outcomes = Vec::new();
        if is_without_peerings(network) {
            outcomes = self.look_at(network, &home).await?;
        }
        if has_left_denials(network, Side::Local) {
            outcomes.extend(self.look_at_lists(network, &home).await?);
        }
        Ok(outcomes)
    }
}

/// The network, if it has no live peering, or had one that left an entry in a list behind.
fn idle(loaded: &Loaded) -> Option<&Registered> {
    readable(loaded).filter(|it| is_without_peerings(it) || has_left_denials(it, Side::Local))
}

fn is_without_peerings(network: &Registered) -> bool {
    network.live_peerings().next().is_none()
}
