//! VPCs and subnets.

use super::{super::refusals::Asked, home};
use crate::ec2::{IpNet, Subnet, Vpc};
use cloud::{CloudError, NetworkView, SubnetView};

/// The VPC, if it is the account's own: EC2 also shows those of others of which a subnet is shared.
pub(in super::super) fn network(
    asked: &Asked<'_>,
    found: &Vpc,
) -> Result<Option<NetworkView>, CloudError> {
    if !found.account.is_empty() && found.account != asked.scope.account {
        return Ok(None);
    }
    let ranges = found
        .cidrs
        .iter()
        .copied()
        .map(IpNet::V4)
        .chain(found.ipv6_cidrs.iter().copied().map(IpNet::V6));
    Ok(Some(NetworkView {
        network: asked.name("VPC", found.id.as_str())?,
        ranges: ranges.collect(),
    }))
}

pub(in super::super) fn subnet(
    asked: &Asked<'_>,
    found: &Subnet,
) -> Result<SubnetView, CloudError> {
    Ok(SubnetView {
        network: home(asked, found.vpc.as_ref())?,
        subnet: asked.name("subnet", found.id.as_str())?,
        zone: found.zone_id.clone(),
    })
}
