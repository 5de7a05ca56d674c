//! VPCs and subnets.

use super::{super::refusals::Asked, home};
use crate::ec2::{IpNet, Subnet, Vpc};
use cloud::{CloudError, NetworkView, SubnetView};

/// The VPC. EC2 also shows those of other accounts of which a subnet is shared, with their owner.
pub(in super::super) fn network(asked: &Asked<'_>, found: &Vpc) -> Result<NetworkView, CloudError> {
    let is_shared = !found.account.is_empty() && found.account != asked.scope.account;
    let owner = is_shared.then(|| asked.name("account", &found.account));
    let ranges = found
        .cidrs
        .iter()
        .copied()
        .map(IpNet::V4)
        .chain(found.ipv6_cidrs.iter().copied().map(IpNet::V6));
    Ok(NetworkView {
        immutable_id: None,
        network: asked.name("VPC", found.id.as_str())?,
        ranges: ranges.collect(),
        shared_by: owner.transpose()?,
    })
}

pub(in super::super) fn subnet(
    asked: &Asked<'_>,
    found: &Subnet,
) -> Result<SubnetView, CloudError> {
    Ok(SubnetView {
        network: home(asked, found.vpc.as_ref())?,
        subnet: asked.name("subnet", found.id.as_str())?,
        zone: found.zone_id.clone(),
        ranges: found.cidr.into_iter().collect(),
    })
}
