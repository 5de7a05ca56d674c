//! `SetDnsResolution`: whether one side's names resolve to private addresses for the other side.

use super::{
    Refusal, Registered,
    command::SetDnsResolution,
    event::{DnsResolutionSet, NetworkEvent},
};
use crate::place::Provider;

pub(super) fn decide(
    network: &Registered,
    command: &SetDnsResolution,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let SetDnsResolution {
        peering_id,
        side,
        enabled,
    } = *command;
    let peering = network.standing(peering_id)?;
    match network.provider {
        Provider::Aws => {}
        Provider::Gcp | Provider::Azure => {
            return Err(Refusal::DnsResolutionUnsupported {
                provider: network.provider,
            });
        }
    }
    if peering.dns.get(side).wanted == enabled {
        return Ok(Vec::new());
    }
    Ok(vec![
        DnsResolutionSet {
            peering_id,
            side,
            enabled,
        }
        .into(),
    ])
}
