//! What the owner of the peer's side needs for what the engine asks of them.

use super::{End, accept, allow, is_to_be_accepted, keep_link, look, policy, routes};
use crate::ec2::Action;
use domain::{
    Provider, Side,
    network::{Life, LinkOption, Peering, Registered},
};
use serde_json::Value;

/// What the instructions to the peer's owner take, as things stand.
pub(in super::super) fn of_owner(network: &Registered, peering: &Peering) -> Value {
    let end = End::remote(peering);
    let groups = end.arn("security-group/*");
    let mut statements = vec![look(
        end,
        &[
            Action::DescribeVpcPeeringConnections,
            Action::DescribeRouteTables,
            Action::DescribeSecurityGroups,
        ],
    )];
    if matches!(peering.life, Life::Removing { .. }) {
        statements.push(allow(
            "RoutesOfThisVpc",
            &[Action::DeleteRoute],
            &[end.arn("route-table/*")],
            Some(end.in_vpc()),
        ));
        statements.push(allow(
            "CloseWhatWasDeclared",
            &[Action::RevokeSecurityGroupIngress],
            &[groups],
            Some(end.in_vpc()),
        ));
        return policy(statements);
    }
    if peering.asked_side() == Some(Side::Remote) && is_to_be_accepted(peering) {
        statements.extend(accept(end, network, peering));
    }
    let is_wanted = |it| peering.option(Side::Remote, it).wanted;
    if LinkOption::of(Provider::Aws).any(is_wanted) {
        statements.push(keep_link(
            end,
            network,
            peering,
            &[Action::ModifyVpcPeeringConnectionOptions],
        ));
    }
    statements.push(routes(end));
    if !peering.ingress.is_empty() {
        statements.push(allow(
            "OpenWhatIsDeclared",
            &[Action::AuthorizeSecurityGroupIngress],
            &[groups],
            Some(end.in_vpc()),
        ));
    }
    policy(statements)
}
