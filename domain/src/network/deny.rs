//! `DenyWithLists` and `StopDenying`: where a cloud's groups can only allow, the lists in front of
//! subnets can deny. And what such denials keep out.
//!
//! Denials only ever close: no entry of the engine's lets anything through that the list did not
//! let through before. So what is admitted is left out of what is denied, by its port, and where
//! the traffic comes from is for the groups to tell. The lists remember no connection: an answer to
//! a connection that this side has opened comes in like any other packet, to a port that the
//! machine chose. Where this side may open connections over the link, those ports stay open; and
//! while anything is admitted in either direction, protocols without ports are not denied: the
//! messages by which a path tells its largest packet are among them.

use super::{
    Refusal, Registered,
    event::{DenialRequested, DenialWithdrawn, Denied, NetworkEvent, PortProtocol, Ports},
    firewall_command::{DenyWithLists, StopDenying},
    peering::Peering,
    refusal_facts::{DenialUnsupported, DeniedSubnets},
};
use crate::{range::Range, side::Side, text::Subnet};
use std::collections::BTreeSet;

/// Before how many subnets of one side may be denied.
pub const DENIED_SUBNETS: usize = 50;

/// The first of the ports from which machines open connections, and to which answers come (AWS asks
/// for 1024 and up in front of all kinds of clients).
pub const FIRST_EPHEMERAL: u16 = 1024;

pub(super) fn deny(
    network: &Registered,
    command: &DenyWithLists,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let DenyWithLists {
        peering_id,
        side,
        subnets,
    } = command;
    let peering = network.standing(*peering_id)?;
    let provider = network.provider;
    if provider.firewall().lists.is_none() {
        return Err(Refusal::DenialUnsupported(DenialUnsupported { provider }));
    }
    if !peering.is_ours_to_keep(*side) {
        return Err(Refusal::SideKeptByOwner {
            peering_id: *peering_id,
            side: *side,
        });
    }
    let is_all = |it: &Subnet| it.as_str().contains('*');
    if !(1..=DENIED_SUBNETS).contains(&subnets.len()) || subnets.iter().any(is_all) {
        return Err(Refusal::DeniedSubnets(DeniedSubnets {
            given: subnets.len(),
            most: DENIED_SUBNETS,
        }));
    }
    let wanted = peering.firewall.get(*side).denials.wanted.as_ref();
    if wanted.is_some_and(|it| it.subnets == *subnets) {
        return Ok(Vec::new());
    }
    let requested = DenialRequested {
        peering_id: *peering_id,
        side: *side,
        subnets: subnets.clone(),
    };
    Ok(vec![requested.into()])
}

pub(super) fn stop(
    network: &Registered,
    command: &StopDenying,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let StopDenying { peering_id, side } = *command;
    let peering = network.standing(peering_id)?;
    if peering.firewall.get(side).denials.wanted.is_none() {
        return Ok(Vec::new());
    }
    Ok(vec![DenialWithdrawn { peering_id, side }.into()])
}

impl Registered {
    /// What denials on this side keep out: everything of the other side's ranges on record, but for
    /// what is admitted and for what comes back over connections of this side's own. A hold changes
    /// nothing of it.
    pub fn denied(&self, peering: &Peering, side: Side) -> BTreeSet<Denied> {
        let admit = &peering.firewall.get(side).admit;
        let other = side.other();
        let opens =
            !peering.is_ours_to_keep(other) || !peering.firewall.get(other).admit.is_empty();
        let from = self.ranges_of(peering, other);
        let ports: BTreeSet<u16> = admit.iter().map(|rule| rule.port).collect();
        from.into_iter()
            .flat_map(|source| of(source, &ports, opens))
            .collect()
    }
}

/// What is denied from this source, but for these TCP ports, and where this side opens connections
/// over the link for those of answers.
fn of(source: Range, admitted: &BTreeSet<u16>, opens: bool) -> Vec<Denied> {
    if admitted.is_empty() && !opens {
        return vec![Denied {
            source,
            ports: None,
        }];
    }
    let end = if opens { FIRST_EPHEMERAL - 1 } else { u16::MAX };
    let udp = Ports {
        protocol: PortProtocol::Udp,
        first: 0,
        last: u16::MAX,
    };
    let tcp = spans(admitted, end).into_iter().map(|(first, last)| Ports {
        protocol: PortProtocol::Tcp,
        first,
        last,
    });
    tcp.chain([udp])
        .map(|ports| Denied {
            source,
            ports: Some(ports),
        })
        .collect()
}

/// The ports up to this one that are not among these.
fn spans(without: &BTreeSet<u16>, end: u16) -> Vec<(u16, u16)> {
    let mut spans = Vec::new();
    let mut first = Some(0_u16);
    for port in without.iter().copied().filter(|it| *it <= end) {
        let before = first.zip(port.checked_sub(1));
        spans.extend(before.filter(|(first, last)| first <= last));
        first = port.checked_add(1);
    }
    spans.extend(first.filter(|it| *it <= end).map(|it| (it, end)));
    spans
}
