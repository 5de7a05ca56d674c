//! What the accounts of a peering are told to allow, on record before anything is decided on it.

use super::{PeeringPass, State};
use crate::provisioner::{context::on_record, log::Written, quotas, sides};
use domain::network::{BlockCause, Life, NetworkQuotasSeen, Outcome, Peering, is_news};
use journal::JournalError;
use parking_lot::Mutex;

impl PeeringPass<'_> {
    /// Asks, where nobody has today, and records what is news. Says whether anything was: then the
    /// plan may be another.
    pub(super) async fn note_quotas(&self, state: &Mutex<State>) -> Result<bool, JournalError> {
        let loaded = self.loaded(state);
        let Some((network, peering)) = on_record(&loaded, self.id).filter(|(_, it)| opens(it))
        else {
            return Ok(false);
        };
        let cloud = self.pass.way(self.insists);
        let mut is_recorded = false;
        for side in peering.kept_sides() {
            let at = sides::of(network, peering, side);
            // Whom nobody lets in has more to say than that this permission is missing.
            if !self.observation.has_read(&at) {
                continue;
            }
            let of = sides::kept_at(network, &at);
            let asked = self.pass.quotas.at(cloud, (&at, &of), patience(peering));
            let Some(told) = self.trace.of(None, asked).await else {
                continue;
            };
            let outcome = Outcome::from(NetworkQuotasSeen {
                network_id: network.id,
                account: at.account,
                region: at.region,
                quotas: told,
            });
            if is_news(network, &outcome, (self.pass.clock)()) {
                let written = self.record(state, outcome).await?;
                is_recorded |= matches!(written, Written::New(_));
            }
        }
        Ok(is_recorded)
    }
}

/// Whether there is anything that a quota could be in the way of.
fn opens(peering: &Peering) -> bool {
    match peering.life {
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. }
        | Life::Active { .. } => true,
        Life::Removing { .. } | Life::Abandoning { .. } | Life::Ended(_) => false,
    }
}

/// Who waits for a quota to be raised looks sooner.
fn patience(peering: &Peering) -> std::time::Duration {
    let cause = peering.blocked.as_ref().map(|it| it.cause);
    if cause == Some(BlockCause::QuotaExceeded) {
        quotas::WAITING
    } else {
        quotas::DAY
    }
}
