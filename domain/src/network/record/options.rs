//! What may be recorded of the link's options. Each function says whether it is news.

use super::super::{Refusal, Registered, event::DnsResolutionApplied};
use super::standing;

pub(super) fn dns_applied(
    network: &Registered,
    it: &DnsResolutionApplied,
) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "a change of name resolution")?;
    Ok(peering.dns.get(it.side).applied != it.enabled)
}
