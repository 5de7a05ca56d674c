//! What entries that deny in front of subnets break beside what they are for.

use super::{Advisory, DENIED_WITH_LISTS, advisory};
use crate::{
    network::{FIRST_EPHEMERAL, Peering, PortProtocol, Registered},
    side::Side,
};

/// What denying in front of this side's subnets breaks, where that is asked for.
pub(super) fn denied(network: &Registered, peering: &Peering, side: Side) -> Option<Advisory> {
    let wanted = peering.firewall.get(side).denials.wanted.as_ref()?;
    let denied = network.denied(peering, side);
    let subnets: Vec<_> = wanted.subnets.iter().map(ToString::to_string).collect();
    let udp = |ports: crate::network::Ports| ports.protocol == PortProtocol::Udp;
    let is_everything = !denied.iter().any(|it| it.ports.is_some_and(udp));
    let what = match is_everything {
        true => "everything from there is denied, answers to connections of this side's own and \
                 messages of ICMP too"
            .to_owned(),
        false => format!(
            "UDP and TCP to ports that are not admitted are denied, whatever they answer; ICMP and \
             other protocols are left to the security groups, and so are TCP ports from \
             {FIRST_EPHEMERAL} up while this side may open connections over the link, since a list \
             remembers no connection and answers come to those"
        ),
    };
    Some(advisory(
        DENIED_WITH_LISTS,
        format!(
            "entries in the network ACLs before {} of the {side} side deny by address alone, over \
             whatever path a packet comes: {what}",
            subnets.join(", ")
        ),
    ))
}
