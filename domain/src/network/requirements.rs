//! What a network's policy requires of a command beside its content: a reason, a ticket.
//!
//! Never of a worker's outcome, nor of a command that only closes: closing is never held up.

use super::{
    Change, NetworkCommand, Refusal, Registered, SetTenure, SubnetChange,
    event::{Pattern, Requirement},
    ipv6,
};
use crate::{
    actor::Context,
    side::Side,
    text::{Reason, Ticket},
};

pub(super) fn check(
    network: &Registered,
    command: &NetworkCommand,
    context: &Context,
) -> Result<(), Refusal> {
    if only_closes(network, command) {
        return Ok(());
    }
    let reason = context.reason.as_ref().or_else(|| own_reason(command));
    let policy = &network.policy;
    meets(policy.reason.as_ref(), reason.map(Reason::as_str)).map_err(|unmet| match unmet {
        Unmet::Missing => Refusal::ReasonRequired,
        Unmet::Malformed(pattern) => Refusal::ReasonMalformed { pattern },
    })?;
    meets(
        policy.ticket.as_ref(),
        context.ticket.as_ref().map(Ticket::as_str),
    )
    .map_err(|unmet| match unmet {
        Unmet::Missing => Refusal::TicketRequired,
        Unmet::Malformed(pattern) => Refusal::TicketMalformed { pattern },
    })
}

/// Whether nothing is opened or changed by it but towards closed.
fn only_closes(network: &Registered, command: &NetworkCommand) -> bool {
    match command {
        NetworkCommand::RemovePeering(_)
        | NetworkCommand::AbandonPeering(_)
        | NetworkCommand::WithdrawRoute(_)
        | NetworkCommand::DropPeerRanges(_)
        | NetworkCommand::RevokeConnectorIngress(_)
        | NetworkCommand::DetachFirewall(_)
        | NetworkCommand::DenyWithLists(_)
        | NetworkCommand::FreezeNetwork(_)
        | NetworkCommand::ImposeQuarantine(_)
        | NetworkCommand::RetireNetwork(_)
        | NetworkCommand::RemoveOrphan(_)
        | NetworkCommand::Record(_) => true,
        NetworkCommand::SetLinkOption(it) => !it.enabled,
        NetworkCommand::RestrictFirewall(it) => {
            it.side == Side::Remote
                || network.live(it.peering_id).is_err()
                || network
                    .peerings()
                    .get(&it.peering_id)
                    .is_some_and(|peering| {
                        let open = &peering.firewall.local.admit;
                        it.admit.iter().all(|rule| open.contains(rule))
                    })
        }
        NetworkCommand::ChangeNetworkSubnets(it) => matches!(it.change, SubnetChange::Drop { .. }),
        NetworkCommand::ChangePeerSubnets(it) => matches!(it.change, SubnetChange::Drop { .. }),
        NetworkCommand::SetTenure(it) => only_sooner(network, it),
        NetworkCommand::SetNetworkIpv6Ranges(it) => !ipv6::adds(network, it),
        NetworkCommand::RegisterNetwork(_)
        | NetworkCommand::SetNetworkNodes(_)
        | NetworkCommand::SetPolicy(_)
        | NetworkCommand::CheckDrift(_)
        | NetworkCommand::ThawNetwork(_)
        | NetworkCommand::LiftQuarantine(_)
        | NetworkCommand::RequestPeering(_)
        | NetworkCommand::AdoptPeering(_)
        | NetworkCommand::AddPeerRanges(_)
        | NetworkCommand::AcceptRoute(_)
        | NetworkCommand::ReplaceRoute(_)
        | NetworkCommand::AllowConnectorIngress(_)
        | NetworkCommand::SetDnsResolution(_)
        | NetworkCommand::AttachFirewall(_)
        | NetworkCommand::StopDenying(_)
        | NetworkCommand::ConfirmOpening(_) => false,
    }
}

/// Whether nothing changes but that an end comes, and no later than the one on record.
fn only_sooner(network: &Registered, command: &SetTenure) -> bool {
    let Some(Change::To(end)) = &command.expires_at else {
        return false;
    };
    let Some(peering) = network.peerings().get(&command.peering_id) else {
        return false;
    };
    let before = match &command.rule {
        None => peering.tenure.expires_at,
        Some(rule) => peering.admission(rule).expires_at,
    };
    command.owner.is_none() && before.is_none_or(|before| *end <= before)
}

/// The reason that is part of the command itself.
fn own_reason(command: &NetworkCommand) -> Option<&Reason> {
    if let NetworkCommand::AllowConnectorIngress(it) = command {
        Some(&it.reason)
    } else if let NetworkCommand::ThawNetwork(it) = command {
        it.reason.as_ref()
    } else if let NetworkCommand::LiftQuarantine(it) = command {
        it.reason.as_ref()
    } else {
        None
    }
}

enum Unmet {
    Missing,
    Malformed(Pattern),
}

fn meets(requirement: Option<&Requirement>, given: Option<&str>) -> Result<(), Unmet> {
    let Some(requirement) = requirement else {
        return Ok(());
    };
    match (given, &requirement.pattern) {
        (None, _) if requirement.required => Err(Unmet::Missing),
        (Some(given), Some(pattern)) if !pattern.matches(given) => {
            Err(Unmet::Malformed(pattern.clone()))
        }
        (None | Some(_), _) => Ok(()),
    }
}
