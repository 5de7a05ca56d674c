//! Network interfaces: what security groups are attached to. EC2 replaces an interface's whole list
//! of groups, and has no way to change it only if it is as it was read.

use crate::ec2::action::Action;
use crate::ec2::call::{Call, sent};
use crate::ec2::client::Ec2;
use crate::ec2::error::Ec2Error;
use crate::ec2::ids::{NetworkInterfaceId, SecurityGroupId, VpcId};
use crate::ec2::pages::{PAGE, every_named};
use crate::ec2::scope::Scope;
use crate::ec2::tags::{self, Tags};
use aws_sdk_ec2::types::NetworkInterfaceType;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInterface {
    /// `eni-…`.
    pub id: NetworkInterfaceId,
    /// The VPC that it is in.
    pub vpc: Option<VpcId>,
    /// The groups that are attached to it.
    pub groups: Vec<SecurityGroupId>,
    /// The service that manages it, if it is none of its owner's own.
    pub managed_by: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

impl Ec2 {
    /// All interfaces of these VPCs.
    pub async fn describe_network_interfaces(
        &self,
        at: &Scope,
        vpcs: &[VpcId],
    ) -> Result<Vec<NetworkInterface>, Ec2Error> {
        let call = Call::start(self, Action::DescribeNetworkInterfaces, at).await;
        let request = call
            .clients
            .ec2
            .describe_network_interfaces()
            .max_results(PAGE);
        every_named!(call, request, vpcs as "vpc-id", network_interfaces, interface, |found| found.vpc.as_ref())
    }

    /// This interface; none if it is not there.
    pub async fn describe_network_interface(
        &self,
        at: &Scope,
        id: &NetworkInterfaceId,
    ) -> Result<Option<NetworkInterface>, Ec2Error> {
        let call = Call::start(self, Action::DescribeNetworkInterfaces, at).await;
        let ids = std::slice::from_ref(id);
        let request = call
            .clients
            .ec2
            .describe_network_interfaces()
            .max_results(PAGE);
        let found: Result<Vec<_>, Ec2Error> = every_named!(call, request, ids as "network-interface-id", network_interfaces, interface, |found| Some(&found.id));
        Ok(found?.into_iter().next())
    }

    /// Gives an interface these groups, in place of all that it has.
    pub async fn set_network_interface_groups(
        &self,
        at: &Scope,
        id: &NetworkInterfaceId,
        groups: &[SecurityGroupId],
    ) -> Result<(), Ec2Error> {
        let call = Call::start(self, Action::ModifyNetworkInterfaceAttribute, at).await;
        let request = call
            .clients
            .ec2
            .modify_network_interface_attribute()
            .network_interface_id(id.as_str())
            .set_groups(Some(groups.iter().map(ToString::to_string).collect()));
        sent!(call, request);
        Ok(())
    }
}

fn interface(
    call: &Call<'_>,
    found: &aws_sdk_ec2::types::NetworkInterface,
) -> Result<NetworkInterface, Ec2Error> {
    Ok(NetworkInterface {
        id: call
            .needed("networkInterfaceId", found.network_interface_id())?
            .into(),
        vpc: found.vpc_id().map(VpcId::from),
        groups: found
            .groups()
            .iter()
            .filter_map(|group| group.group_id().map(SecurityGroupId::from))
            .collect(),
        managed_by: managed_by(found),
        tags: tags::from_sdk(found.tag_set()),
    })
}

/// Whose business the groups of an interface are: a service says so itself, or the interface is of
/// a kind that only services make.
fn managed_by(found: &aws_sdk_ec2::types::NetworkInterface) -> Option<String> {
    let operator = found.operator().filter(|it| it.managed() == Some(true));
    if let Some(operator) = operator {
        let name = operator.principal().unwrap_or("a service");
        return Some(name.to_owned());
    }
    let kind = found.interface_type();
    let is_plain = kind.is_none_or(|kind| {
        matches!(
            kind,
            NetworkInterfaceType::Interface
                | NetworkInterfaceType::Efa
                | NetworkInterfaceType::EfaOnly
                | NetworkInterfaceType::Branch
                | NetworkInterfaceType::Trunk
        )
    });
    if found.requester_managed() == Some(true) {
        let requester = found.requester_id().filter(|it| !it.is_empty());
        return Some(requester.unwrap_or("a service").to_owned());
    }
    kind.filter(|_| !is_plain).map(|it| it.as_str().to_owned())
}
