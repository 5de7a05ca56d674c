//! What may be recorded of ingresses. Each function says whether it is news.

use super::super::{
    Refusal, Registered,
    event::{ConnectorIngressRevoked, IngressEnd},
};
use super::out_of_order;
use chrono::{DateTime, Utc};

/// Only an ingress with an end ends by itself, and not before that.
pub(super) fn ingress_expired(
    network: &Registered,
    it: &ConnectorIngressRevoked,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let peering = network.live(it.peering_id)?;
    match peering.ingress.get(&it.ingress_id) {
        None => Ok(false),
        Some(ingress)
            if ingress.expires_at.is_some_and(|at| at <= now)
                && it.because == IngressEnd::Expired =>
        {
            Ok(true)
        }
        Some(_) => Err(out_of_order(
            peering,
            "the end of an ingress before its time",
        )),
    }
}
