//! How patient the provisioner is, and how much it does at once.

use cloud::ClientPolicy;
use domain::Places;
use std::{num::NonZeroUsize, time::Duration};

/// The provisioner's settings.
#[derive(Clone, Debug)]
pub struct ProvisionerSettings {
    /// For how long what exists may be missing from a cloud's reads (AWS: "minutes"). A link that
    /// was asked for and not seen is asked for again only after that.
    pub visibility_window: Duration,
    /// For how long a change that the cloud has confirmed, and that no read shows yet, is not made
    /// again.
    pub settle_window: Duration,
    /// How often a network that is as asked is looked at all the same.
    pub drift_interval: Duration,
    /// How often the own side of a network without live peerings is looked at.
    pub idle_interval: Duration,
    /// How long to wait after the first repair of a thing before the next one; each further repair
    /// within a day doubles it.
    pub repair_pause: Duration,
    /// How soon to look again while the cloud is at work, the first time; each further one doubles
    /// it.
    pub first_poll: Duration,
    /// How soon to look again while the cloud is at work, at most.
    pub longest_poll: Duration,
    /// How soon to try again after a failure, the first time; each further one doubles it.
    pub first_backoff: Duration,
    /// How soon to try again after a failure, at most.
    pub longest_backoff: Duration,
    /// The same after a failure that time hardly cures: a quota, or a request for a link that the
    /// cloud refused. A command, or a check that somebody asks for, is tried at once all the same.
    /// Doubles with each further one, up to six times as long.
    pub refusal_pause: Duration,
    /// For how long an account and region may fail to answer before that is a block.
    pub block_patience: Duration,
    /// For how long an owner may take to give what an option of this side's half needs of theirs.
    /// Until then it is waited for as their consent is, and told as no failure.
    pub owner_patience: Duration,
    /// How many networks are worked on at the same time, and as many more that somebody waits for.
    /// A network that waits for a cloud that does not answer does not count.
    pub parallel_networks: NonZeroUsize,
    /// How many calls there may be at the same time in one account and region, and as many more for
    /// what somebody waits for.
    pub parallel_calls: NonZeroUsize,
    /// The limits, deadlines and tries of calls to clouds.
    pub calls: ClientPolicy,
    /// Whether a simulation takes a network that was registered before its cloud was on record to
    /// be its own: not in a store that the engine shares with others. What is no simulation does
    /// always.
    pub simulation_claims_unmarked: bool,
    /// What is known of regions and quotas beside what is built in.
    pub places: Places,
}

impl Default for ProvisionerSettings {
    fn default() -> Self {
        Self {
            visibility_window: Duration::from_secs(300),
            settle_window: Duration::from_secs(20),
            drift_interval: Duration::from_secs(300),
            idle_interval: Duration::from_secs(24 * 3600),
            repair_pause: Duration::from_secs(60),
            first_poll: Duration::from_millis(250),
            longest_poll: Duration::from_secs(15),
            first_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(60),
            refusal_pause: Duration::from_secs(3600),
            block_patience: Duration::from_secs(90),
            owner_patience: Duration::from_secs(24 * 3600),
            parallel_networks: NonZeroUsize::new(16).unwrap_or(NonZeroUsize::MIN),
            parallel_calls: NonZeroUsize::new(8).unwrap_or(NonZeroUsize::MIN),
            calls: ClientPolicy::default(),
            simulation_claims_unmarked: true,
            places: Places::default(),
        }
    }
}

impl ProvisionerSettings {
    /// When to look again after `polls` looks that found the cloud at work.
    pub(super) fn poll(&self, polls: u32) -> Duration {
        doubled(self.first_poll, polls, self.longest_poll)
    }

    /// When to try again after `failures` failures in a row, without anything that asks for it.
    pub(super) fn backoff(&self, failures: u32, patient: bool) -> Duration {
        if patient {
            doubled(
                self.refusal_pause,
                failures,
                self.refusal_pause.saturating_mul(6),
            )
        } else {
            doubled(self.first_backoff, failures, self.longest_backoff)
        }
    }

    /// How long to wait after the last of so many repairs of the same thing.
    pub(super) fn pause(&self, repairs: u32) -> Duration {
        doubled(self.repair_pause, repairs.saturating_sub(1), Duration::MAX)
    }

    /// When to try again after the event store was unavailable so many times in a row.
    pub(super) fn log_backoff(&self, failures: u32) -> Duration {
        doubled(self.first_backoff, failures, self.longest_poll)
    }
}

fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times)).min(most)
}
