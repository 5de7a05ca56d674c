//! Attaching security groups to network interfaces, and detaching them.
//!
//! EC2 takes an interface's whole list of groups. So it is read right before, set with the one
//! group more or less, and read back: what it had stays, also what came since anybody looked. What
//! somebody changes between that read and the change is lost to EC2; the window is one call, and
//! what is read back without the change is said to be a conflict.

use crate::{
    ec2::{Ec2, NetworkInterface, NetworkInterfaceId, SecurityGroupId},
    refusals::Asked,
    views, vpcs,
};
use cloud::{AccountRegion, CloudError, CloudErrorKind, InterfaceView, Operation};
use domain::text::{CloudNetwork, FirewallGroup, Interface};

/// All interfaces of these VPCs.
pub(super) async fn all(
    ec2: &Ec2,
    at: &AccountRegion,
    of: &[CloudNetwork],
) -> Result<Vec<InterfaceView>, CloudError> {
    let asked = Asked::of(Operation::Interfaces, at)?;
    let found = ec2
        .describe_network_interfaces(&asked.scope, &vpcs(of))
        .await
        .map_err(|error| asked.failed(error))?;
    found
        .iter()
        .map(|found| views::interface(&asked, found))
        .collect()
}

pub(super) async fn attach(
    ec2: &Ec2,
    at: &AccountRegion,
    interface: &Interface,
    group: &FirewallGroup,
) -> Result<(), CloudError> {
    let asked = Asked::of(Operation::AttachGroup, at)?;
    let (id, group) = (interface.as_str().into(), group.as_str().into());
    let found = read(ec2, &asked, &id).await?;
    let has_it = |it: &NetworkInterface| it.groups.contains(&group);
    if has_it(&found) {
        let message = format!("{group} is attached to {id}");
        return Err(asked.error(CloudErrorKind::AlreadyThere).message(message));
    }
    if let Some(service) = &found.managed_by {
        let message = format!("{id} is managed by {service}");
        return Err(asked.error(CloudErrorKind::Precondition).message(message));
    }
    let groups: Vec<_> = found.groups.iter().chain([&group]).cloned().collect();
    set(ec2, &asked, &id, &groups).await?;
    if has_it(&read(ec2, &asked, &id).await?) {
        Ok(())
    } else {
        Err(changed(&asked, &id))
    }
}

pub(super) async fn detach(
    ec2: &Ec2,
    at: &AccountRegion,
    interface: &Interface,
    group: &FirewallGroup,
) -> Result<(), CloudError> {
    let asked = Asked::of(Operation::DetachGroup, at)?;
    let (id, group): (_, SecurityGroupId) = (interface.as_str().into(), group.as_str().into());
    let found = read(ec2, &asked, &id).await?;
    if !found.groups.contains(&group) {
        let message = format!("{group} is not attached to {id}");
        return Err(asked.error(CloudErrorKind::NotFound).message(message));
    }
    let others: Vec<_> = found
        .groups
        .iter()
        .filter(|it| **it != group)
        .cloned()
        .collect();
    if others.is_empty() {
        let message =
            format!("{group} is the only group of {id}, and an interface has at least one");
        return Err(asked.error(CloudErrorKind::Precondition).message(message));
    }
    set(ec2, &asked, &id, &others).await?;
    if read(ec2, &asked, &id).await?.groups.contains(&group) {
        Err(changed(&asked, &id))
    } else {
        Ok(())
    }
}

async fn read(
    ec2: &Ec2,
    asked: &Asked<'_>,
    id: &NetworkInterfaceId,
) -> Result<NetworkInterface, CloudError> {
    let found = ec2
        .describe_network_interface(&asked.scope, id)
        .await
        .map_err(|error| asked.failed(error))?;
    found.ok_or_else(|| {
        let message = format!("{id} is not there");
        asked.error(CloudErrorKind::NotFound).message(message)
    })
}

async fn set(
    ec2: &Ec2,
    asked: &Asked<'_>,
    id: &NetworkInterfaceId,
    groups: &[SecurityGroupId],
) -> Result<(), CloudError> {
    ec2.set_network_interface_groups(&asked.scope, id, groups)
        .await
        .map_err(|error| asked.failed(error))
}

/// Somebody else has set the groups in between: the next look decides again.
fn changed(asked: &Asked<'_>, id: &NetworkInterfaceId) -> CloudError {
    let message = format!("the groups of {id} were changed by somebody else at the same time");
    asked.error(CloudErrorKind::Ambiguous).message(message)
}
