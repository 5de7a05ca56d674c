//! Which actions of Azure each operation of the port takes.

use cloud::Operation;

const READ_VNET: &str = "Microsoft.Network/virtualNetworks/read";
const READ_HALF: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read";
const WRITE_HALF: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write";
const DELETE_HALF: &str = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/delete";
const PEER: &str = "Microsoft.Network/virtualNetworks/peer/action";
const READ_MANAGED: &str = "Microsoft.Network/virtualNetworks/listNetworkManagerEffectiveConnectivityConfigurations/action";
const READ_OPERATION: &str = "Microsoft.Network/locations/operations/read";
const READ_RESULT: &str = "Microsoft.Network/locations/operationResults/read";
const READ_USAGES: &str = "Microsoft.Network/locations/usages/read";
const READ_TABLE: &str = "Microsoft.Network/routeTables/read";
const READ_INTERFACE: &str = "Microsoft.Network/networkInterfaces/read";
const READ_GROUP: &str = "Microsoft.Network/networkSecurityGroups/read";
const WRITE_RULE: &str = "Microsoft.Network/networkSecurityGroups/securityRules/write";
const DELETE_RULE: &str = "Microsoft.Network/networkSecurityGroups/securityRules/delete";

/// The actions that this operation takes.
pub fn actions(operation: Operation) -> &'static [&'static str] {
    match operation {
        // A token says by itself whose it is.
        Operation::Identity => &[],
        Operation::Quotas => &[READ_USAGES],
        Operation::Networks | Operation::Subnets | Operation::DnsSupport => &[READ_VNET],
        Operation::Links => &[READ_VNET, READ_HALF],
        Operation::RouteTables => &[READ_VNET, READ_HALF, READ_TABLE],
        Operation::FirewallGroups | Operation::AccessLists => {
            &[READ_VNET, READ_GROUP, READ_INTERFACE]
        }
        Operation::OperationState => &[READ_OPERATION, READ_RESULT, READ_HALF],
        Operation::CreateLink | Operation::AcceptLink => {
            &[READ_HALF, WRITE_HALF, PEER, READ_OPERATION]
        }
        Operation::DeleteLink => &[DELETE_HALF, READ_OPERATION, READ_RESULT],
        Operation::SetOption => &[
            READ_VNET,
            READ_HALF,
            WRITE_HALF,
            PEER,
            READ_GROUP,
            READ_INTERFACE,
            READ_OPERATION,
        ],
        Operation::CreateGroup | Operation::AuthorizeRule | Operation::TagFirewall => &[
            READ_VNET,
            READ_GROUP,
            READ_INTERFACE,
            WRITE_RULE,
            READ_OPERATION,
        ],
        Operation::DeleteGroup | Operation::RevokeRule => &[
            READ_VNET,
            READ_GROUP,
            READ_INTERFACE,
            DELETE_RULE,
            READ_OPERATION,
        ],
        Operation::Rehearse => &[READ_VNET, READ_GROUP, READ_INTERFACE, READ_MANAGED],
        // The cloud has no such thing, or the engine never does it.
        Operation::Interfaces
        | Operation::TagLink
        | Operation::InstallRoute
        | Operation::RemoveRoute
        | Operation::AttachGroup
        | Operation::DetachGroup
        | Operation::MakeDenial
        | Operation::RemoveDenial
        | Operation::CreateNetwork => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_role_that_a_peers_owner_gives_has_each_action_of_the_engine_and_no_other() {
        let all = Operation::ALL.into_iter().flat_map(actions).copied();
        let role = cloud::instructions::azure::ACTIONS;
        assert_eq!(all.collect::<BTreeSet<_>>(), role.into_iter().collect());
    }
}
