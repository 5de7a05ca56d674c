//! A network that was made in another cloud than this engine's: it is left alone, and nothing is
//! asked of the cloud for it. What a simulation calls active must not be looked for at AWS, nor the
//! other way round.
//!
//! An old network, registered before its cloud was on record, is taken to be at the cloud of the
//! first engine that works on it, and that is put on record. A peering that is given up there ends
//! all the same, once the time is over in which an engine of its cloud could have looked.

use super::context::Pass;
use chrono::{DateTime, Utc};
use domain::{
    CloudCalls, CloudMode, Provider,
    network::{
        ABANDONMENT_WINDOW, Life, Network, NetworkCloudRecorded, Outcome, Peering,
        PeeringAbandoned, Registered, RemovalCause,
    },
};
use journal::{JournalError, Loaded};
use std::{sync::Arc, time::Duration};
use thiserror::Error;
use tokio::time::Instant;

/// Where a network is, seen from this engine.
#[derive(Debug)]
pub(super) enum Whereabouts {
    /// At the cloud of this engine.
    Here(Arc<Loaded>),
    /// Elsewhere; there is something to end by then.
    Elsewhere(Option<Instant>),
}

/// Why a network is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Elsewhere {
    /// It was made in another cloud.
    #[error("the network was made in another cloud ({on_record}) than this engine's ({here})")]
    Other {
        /// The one on record.
        on_record: CloudMode,
        /// This engine's.
        here: CloudMode,
    },
    /// It was registered before its cloud was on record, and this engine only simulates one.
    #[error(
        "which cloud the network is at is not on record, and this engine only simulates one in a store that others use"
    )]
    Unmarked,
    /// This engine has no way to its provider.
    #[error("this engine does not serve {0}")]
    NotServed(Provider),
}

/// Whether a network whose cloud is not on record is taken to be at this one.
fn claims(here: &CloudMode, simulation_claims: bool) -> bool {
    match here {
        CloudMode::Real | CloudMode::Emulator { .. } => true,
        CloudMode::Simulated => simulation_claims,
    }
}

/// Why this network is not worked on by an engine whose cloud is this; `None` if it is.
pub fn elsewhere(
    network: &Registered,
    here: Option<CloudMode>,
    simulation_claims: bool,
) -> Option<Elsewhere> {
    match (&network.cloud, here) {
        (_, None) => Some(Elsewhere::NotServed(network.provider)),
        (Some(on_record), Some(here)) => (*on_record != here).then(|| Elsewhere::Other {
            on_record: on_record.clone(),
            here,
        }),
        (None, Some(here)) => (!claims(&here, simulation_claims)).then_some(Elsewhere::Unmarked),
    }
}

impl Pass<'_> {
    /// Where the network is; puts it on record for one that has nothing on record yet.
    pub(super) async fn whereabouts(
        &self,
        mut loaded: Arc<Loaded>,
    ) -> Result<Whereabouts, JournalError> {
        let Network::Registered(network) = &loaded.network else {
            return Ok(Whereabouts::Here(loaded));
        };
        let (network_id, provider) = (network.id, network.provider);
        let here = self.cloud.mode(provider);
        let simulation_claims = self.settings.simulation_claims_unmarked;
        let is_marked = network.cloud.is_some() || !loaded.is_whole();
        let claimed = here.clone().filter(|it| claims(it, simulation_claims));
        if let Some(cloud) = claimed.filter(|_| !is_marked) {
            let outcome = NetworkCloudRecorded { network_id, cloud };
            self.log
                .record_all(
                    &loaded,
                    vec![Outcome::CloudRecorded(outcome)],
                    &CloudCalls::default(),
                )
                .await?;
            // Another engine may have been first.
            loaded = self.log.load().await?;
        }
        let Network::Registered(network) = &loaded.network else {
            return Ok(Whereabouts::Here(loaded));
        };
        let Some(why) = elsewhere(network, here, simulation_claims) else {
            return Ok(Whereabouts::Here(loaded));
        };
        tracing::warn!(network = %network.id, name = %network.name, %why, "left alone");
        Ok(Whereabouts::Elsewhere(
            self.end_what_is_given_up(&loaded, network).await?,
        ))
    }

    /// Ends the peerings that are given up and that no engine has ended in time. Says when the next
    /// one's time is over.
    async fn end_what_is_given_up(
        &self,
        loaded: &Loaded,
        network: &Registered,
    ) -> Result<Option<Instant>, JournalError> {
        let now = (self.clock)();
        let (mut ended, mut next): (Vec<Outcome>, Option<Duration>) = (Vec::new(), None);
        for peering in network.live_peerings() {
            let Some(since) = given_up_since(peering) else {
                continue;
            };
            match (since + ABANDONMENT_WINDOW - now).to_std() {
                Ok(left) if !left.is_zero() => next = next.into_iter().chain([left]).min(),
                Ok(_) | Err(_) => ended.extend(given_up(peering).map(Outcome::Abandoned)),
            }
        }
        if !ended.is_empty() {
            self.log
                .record_all(loaded, ended, &CloudCalls::default())
                .await?;
        }
        Ok(next.map(|left| Instant::now() + left))
    }
}

fn given_up_since(peering: &Peering) -> Option<DateTime<Utc>> {
    let removal = peering.removal.as_ref()?;
    matches!(peering.life, Life::Abandoning { .. }).then_some(removal.since)
}

fn given_up(peering: &Peering) -> Option<PeeringAbandoned> {
    let RemovalCause::Command { reason } = &peering.removal.as_ref()?.cause else {
        return None;
    };
    Some(PeeringAbandoned {
        peering_id: peering.id,
        reason: reason.clone(),
        left_behind: peering.leftovers(),
        not_observed: peering.kept_sides().collect(),
    })
}
