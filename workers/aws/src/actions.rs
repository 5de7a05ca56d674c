//! Which actions of AWS each operation of the port takes.

use crate::ec2::Action;
use cloud::{CallClass, Operation};

/// The actions that this operation calls, and those that IAM asks for beside them.
pub fn actions(operation: Operation) -> &'static [Action] {
    match operation {
        Operation::Identity => &[Action::AssumeRole, Action::GetCallerIdentity],
        Operation::Networks => &[Action::DescribeVpcs],
        Operation::Subnets => &[Action::DescribeSubnets],
        Operation::Links => &[Action::DescribeVpcPeeringConnections],
        Operation::RouteTables => &[Action::DescribeRouteTables],
        Operation::FirewallGroups => &[
            Action::DescribeSecurityGroups,
            Action::DescribeSecurityGroupRules,
            Action::GetManagedPrefixListEntries,
        ],
        Operation::AccessLists => &[Action::DescribeNetworkAcls],
        Operation::Interfaces => &[Action::DescribeNetworkInterfaces],
        Operation::Quotas => &[Action::ListServiceQuotas],
        // Every call is answered when it is done.
        Operation::OperationState => &[],
        Operation::DnsSupport => &[Action::DescribeVpcAttribute],
        Operation::Rehearse => &[
            Action::CreateVpcPeeringConnection,
            Action::AcceptVpcPeeringConnection,
            Action::CreateSecurityGroup,
        ],
        Operation::CreateLink => &[Action::CreateVpcPeeringConnection, Action::CreateTags],
        Operation::AcceptLink => &[Action::AcceptVpcPeeringConnection],
        Operation::DeleteLink => &[Action::DeleteVpcPeeringConnection],
        Operation::TagLink | Operation::TagFirewall => &[Action::CreateTags],
        Operation::SetOption => &[Action::ModifyVpcPeeringConnectionOptions],
        Operation::InstallRoute => &[Action::CreateRoute],
        Operation::RemoveRoute => &[Action::DeleteRoute],
        Operation::CreateGroup => &[Action::CreateSecurityGroup, Action::CreateTags],
        Operation::DeleteGroup => &[Action::DeleteSecurityGroup],
        Operation::AuthorizeRule => &[Action::AuthorizeSecurityGroupIngress, Action::CreateTags],
        Operation::RevokeRule => &[Action::RevokeSecurityGroupIngress],
        Operation::AttachGroup | Operation::DetachGroup => &[
            Action::ModifyNetworkInterfaceAttribute,
            Action::DescribeNetworkInterfaces,
        ],
        Operation::MakeDenial => &[Action::CreateNetworkAclEntry],
        Operation::RemoveDenial => &[Action::DeleteNetworkAclEntry, Action::DescribeNetworkAcls],
        Operation::CreateNetwork => &[Action::CreateVpc, Action::CreateTags],
    }
}

/// What the engine has to read on a side that it keeps; a rehearsal reads nothing, and without the
/// account's quotas it goes by those that AWS gives everybody.
pub(crate) fn reads() -> Vec<Action> {
    let spared = [Operation::Rehearse, Operation::Quotas];
    let is_read = |it: &Operation| it.class() == CallClass::Read && !spared.contains(it);
    let reads = Operation::ALL.into_iter().filter(is_read);
    reads.flat_map(actions).copied().collect()
}
