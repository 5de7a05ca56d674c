//! Network interfaces.

use super::{super::refusals::Asked, home};
use crate::ec2::NetworkInterface;
use cloud::{CloudError, InterfaceView};

pub(in super::super) fn interface(
    asked: &Asked<'_>,
    found: &NetworkInterface,
) -> Result<InterfaceView, CloudError> {
    Ok(InterfaceView {
        network: home(asked, found.vpc.as_ref())?,
        interface: asked.name("network interface", found.id.as_str())?,
        groups: found
            .groups
            .iter()
            .map(|group| asked.name("security group", group.as_str()))
            .collect::<Result<_, _>>()?,
        tags: found.tags.clone().into_iter().collect(),
        managed_by: found.managed_by.clone(),
    })
}
