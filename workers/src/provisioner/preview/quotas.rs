//! What the account of a side tells of its quotas: the checks after it go by that, as passes do.

use super::{CheckOutcome, CheckReport, DryRun};
use crate::provisioner::sides;
use cloud::{Cloud as _, CloudErrorKind, Operation};
use domain::{
    CommandId, Ids, PeeringId, Side,
    network::{NetworkCommand, NetworkQuotasSeen, Outcome},
};
use uuid::Uuid;

impl DryRun<'_> {
    /// Asks. An account that does not tell is a hint, and no failure: what is on record, configured
    /// or usual holds there.
    pub(super) async fn ask_quotas(&mut self, id: PeeringId, side: Side) -> Option<CheckReport> {
        let (network, peering) = self.facts(id)?;
        let (network_id, at) = (network.id, sides::of(network, peering, side));
        let of = sides::kept_at(network, &at);
        let cloud = &self.worker.inquiries;
        let outcome = match self.worker.quotas.or_why_not(cloud, (&at, &of)).await? {
            Ok(quotas) => {
                let seen = Outcome::from(NetworkQuotasSeen {
                    network_id,
                    account: at.account,
                    region: at.region,
                    quotas,
                });
                let ids = Ids::of(CommandId(Uuid::new_v5(&network_id.0, b"quotas")));
                // What is told of a network that is retired meanwhile is refused, and nobody's.
                let _ = self.apply(&NetworkCommand::Record(seen), ids);
                CheckOutcome::Passed
            }
            Err(CloudErrorKind::Unsupported) => CheckOutcome::Skipped {
                why: "nothing there tells quotas",
            },
            Err(CloudErrorKind::Denied) => {
                let permissions = cloud.permissions(at.provider, Operation::Quotas);
                let message = format!(
                    "{at} does not tell its quotas, since {} is not allowed there; those hold that are on record, configured or built in",
                    permissions.join(", ")
                );
                CheckOutcome::Noted { message }
            }
            Err(other) => {
                let message = format!(
                    "{at} did not tell its quotas ({}); those hold that are on record, configured or built in",
                    other.as_str()
                );
                CheckOutcome::Noted { message }
            }
        };
        Some(CheckReport {
            check: "quotas",
            side: Some(side),
            outcome,
        })
    }
}
