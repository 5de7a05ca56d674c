//! `SetLinkOption`: what one side's half of the link shall be; and `SetDnsResolution`, which is one
//! of those and came first.
//!
//! What an option needs of the other side is asked for there first, and given up last. Where the
//! other side is its owner's to keep, that is the owner's to do, and the worker waits for it.

use super::{
    OptionExcluded, OptionNeeded, OptionNeedsOther, OptionTaken, OptionWithinRegion, Peering,
    Refusal, Registered,
    command::{SetDnsResolution, SetLinkOption},
    event::{LinkOption, LinkOptionSet, Needs, NetworkEvent},
};

pub(super) fn decide(
    network: &Registered,
    command: &SetLinkOption,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let SetLinkOption {
        peering_id,
        side,
        option,
        enabled,
    } = *command;
    let peering = network.standing(peering_id)?;
    if option.provider() != network.provider {
        return Err(unsupported(network, option));
    }
    if peering.option(side, option).wanted == enabled {
        return Ok(Vec::new());
    }
    if enabled {
        may_be_on(network, peering, command)?;
    } else {
        may_be_off(peering, command)?;
    }
    let set = LinkOptionSet {
        peering_id,
        side,
        option,
        enabled,
    };
    Ok(vec![set.into()])
}

pub(super) fn decide_dns(
    network: &Registered,
    command: &SetDnsResolution,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let command = SetLinkOption {
        peering_id: command.peering_id,
        side: command.side,
        option: LinkOption::DnsResolution,
        enabled: command.enabled,
    };
    decide(network, &command)
}

fn unsupported(network: &Registered, option: LinkOption) -> Refusal {
    let provider = network.provider;
    match option {
        LinkOption::DnsResolution => Refusal::DnsResolutionUnsupported { provider },
        LinkOption::ExportCustomRoutes
        | LinkOption::ImportCustomRoutes
        | LinkOption::DualStack
        | LinkOption::ForwardedTraffic
        | LinkOption::GatewayTransit
        | LinkOption::RemoteGateways
        | LinkOption::AddressSpaceSync
        | LinkOption::VirtualNetworkAccess
        | LinkOption::MultipathResilience => Refusal::LinkOptionUnsupported { provider, option },
    }
}

fn may_be_on(
    network: &Registered,
    peering: &Peering,
    command: &SetLinkOption,
) -> Result<(), Refusal> {
    let SetLinkOption { side, option, .. } = *command;
    let other = side.other();
    if option.is_between_regions() && network.region == peering.peer.region {
        let region = network.region.clone();
        return Err(Refusal::LinkOptionWithinRegion(OptionWithinRegion {
            option,
            region,
        }));
    }
    if let Needs::Before(needs) = option.needs()
        && peering.is_ours_to_keep(other)
        && !peering.option(other, needs).wanted
    {
        return Err(Refusal::LinkOptionNeedsOther(OptionNeedsOther {
            option,
            side,
            needs,
            of: other,
        }));
    }
    if let Some(with) = option.excludes()
        && peering.option(side, with).wanted
    {
        return Err(Refusal::LinkOptionExcluded(OptionExcluded {
            option,
            side,
            with,
        }));
    }
    let rival = network
        .live_peerings()
        .find(|it| it.id != peering.id && option_is_taken(it, command));
    match rival {
        Some(rival) => Err(Refusal::LinkOptionTaken(OptionTaken {
            option,
            side,
            peering_id: rival.id,
        })),
        None => Ok(()),
    }
}

/// Whether another link of the private network has the one that a network can have once.
fn option_is_taken(rival: &Peering, command: &SetLinkOption) -> bool {
    command.option.is_exclusive()
        && command.side == crate::side::Side::Local
        && rival.option(command.side, command.option).wanted
}

fn may_be_off(peering: &Peering, command: &SetLinkOption) -> Result<(), Refusal> {
    let SetLinkOption { side, option, .. } = *command;
    let other = side.other();
    let needing = LinkOption::of(option.provider())
        .find(|it| it.needs() == Needs::Before(option) && peering.option(other, *it).wanted);
    match needing {
        Some(by) => Err(Refusal::LinkOptionNeeded(OptionNeeded {
            option,
            side,
            by,
            of: other,
        })),
        None => Ok(()),
    }
}
