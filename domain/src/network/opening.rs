//! What a command opens, by the network that it is to: whether approvals may be asked for it.
//!
//! Approval holds up what opens and nothing else. So the matches below name every command, and a
//! new one does not compile until it is said what it opens. Where that depends on what is there (a
//! firewall that is restricted further, an end that comes sooner), the network says.

use super::{
    AttachFirewall, AttachTo, Change, ChangeNetworkSubnets, ChangePeerSubnets, Connection,
    InboundRule, NetworkCommand, QuarantineScope, Registered, RestrictFirewall, SetTenure,
    SubnetChange, ipv6,
};
use crate::{
    side::Side,
    text::{Account, Subnet},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// What is opened, as a policy of approvals names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    /// A connector ingress: a target behind the peer, to the private network.
    ConnectorIngress,
    /// A peering with an account that no other live peering of the network is with.
    NewPeerAccount,
    /// A link that another tool made.
    Adoption,
    /// Anything that opens.
    Anything,
}

impl Opening {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::ConnectorIngress,
        Self::NewPeerAccount,
        Self::Adoption,
        Self::Anything,
    ];

    /// Its name, as a policy writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConnectorIngress => "connector_ingress",
            Self::NewPeerAccount => "new_peer_account",
            Self::Adoption => "adoption",
            Self::Anything => "anything",
        }
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether there is a network in which this command opens something. One that never does is held up
/// by nothing, and nothing is looked at for it.
pub fn may_open(command: &NetworkCommand) -> bool {
    match command {
        // What closes.
        NetworkCommand::FreezeNetwork(_)
        | NetworkCommand::ImposeQuarantine(_)
        | NetworkCommand::RemoveOrphan(_)
        | NetworkCommand::RetireNetwork(_)
        | NetworkCommand::DropPeerRanges(_)
        | NetworkCommand::WithdrawRoute(_)
        | NetworkCommand::RevokeConnectorIngress(_)
        | NetworkCommand::DetachFirewall(_)
        | NetworkCommand::DenyWithLists(_)
        | NetworkCommand::RemovePeering(_)
        | NetworkCommand::AbandonPeering(_) => false,
        // What does neither: records, rules for later commands, a look.
        NetworkCommand::RegisterNetwork(_)
        | NetworkCommand::SetPolicy(_)
        | NetworkCommand::CheckDrift(_)
        | NetworkCommand::ConfirmOpening(_)
        | NetworkCommand::Record(_) => false,
        NetworkCommand::RestrictFirewall(it) => it.side == Side::Local && !it.admit.is_empty(),
        NetworkCommand::ReplaceRoute(it) => !it.from.contains(&it.to),
        NetworkCommand::SetDnsResolution(it) => it.enabled,
        NetworkCommand::SetLinkOption(it) => it.enabled,
        NetworkCommand::SetNetworkNodes(it) => !it.nodes.is_empty(),
        NetworkCommand::SetNetworkIpv6Ranges(it) => !it.ranges.is_empty(),
        NetworkCommand::SetTenure(it) => it.expires_at.is_some(),
        NetworkCommand::ChangeNetworkSubnets(ChangeNetworkSubnets { change })
        | NetworkCommand::ChangePeerSubnets(ChangePeerSubnets { change, .. }) => match change {
            SubnetChange::Add { .. } | SubnetChange::Set { .. } => true,
            SubnetChange::Drop { .. } => false,
        },
        NetworkCommand::ThawNetwork(_)
        | NetworkCommand::LiftQuarantine(_)
        | NetworkCommand::RequestPeering(_)
        | NetworkCommand::AdoptPeering(_)
        | NetworkCommand::AddPeerRanges(_)
        | NetworkCommand::AcceptRoute(_)
        | NetworkCommand::AllowConnectorIngress(_)
        | NetworkCommand::AttachFirewall(_)
        | NetworkCommand::StopDenying(_) => true,
    }
}

/// Whether this command may be decided on a network of which part of the history cannot be read.
/// Nothing that opens may; what closes may, since it is right whatever that part says, and so may
/// what was seen. A network whose first event cannot be read looks like one that may be registered.
pub fn may_rest_on_part(command: &NetworkCommand) -> bool {
    !may_open(command) && !matches!(command, NetworkCommand::RegisterNetwork(_))
}

/// All that this command opens in this network. Empty: it closes, or leaves open what is open.
pub fn openings(command: &NetworkCommand, network: &Registered) -> BTreeSet<Opening> {
    let anything = || BTreeSet::from([Opening::Anything]);
    let nothing = BTreeSet::new;
    if !may_open(command) {
        return nothing();
    }
    let if_so = |opens: bool| if opens { anything() } else { nothing() };
    match command {
        // Those that may not have been dealt with.
        NetworkCommand::FreezeNetwork(_)
        | NetworkCommand::ImposeQuarantine(_)
        | NetworkCommand::RemoveOrphan(_)
        | NetworkCommand::RetireNetwork(_)
        | NetworkCommand::DropPeerRanges(_)
        | NetworkCommand::WithdrawRoute(_)
        | NetworkCommand::RevokeConnectorIngress(_)
        | NetworkCommand::DetachFirewall(_)
        | NetworkCommand::DenyWithLists(_)
        | NetworkCommand::RemovePeering(_)
        | NetworkCommand::AbandonPeering(_)
        | NetworkCommand::RegisterNetwork(_)
        | NetworkCommand::SetPolicy(_)
        | NetworkCommand::CheckDrift(_)
        | NetworkCommand::ConfirmOpening(_)
        | NetworkCommand::Record(_) => nothing(),
        NetworkCommand::RequestPeering(it) => {
            let mut all = anything();
            all.extend(of_account(network, &it.peer.account));
            all
        }
        NetworkCommand::AdoptPeering(it) => {
            let mut all = BTreeSet::from([Opening::Anything, Opening::Adoption]);
            all.extend(of_account(network, &it.peer.account));
            all
        }
        NetworkCommand::AllowConnectorIngress(_) => {
            BTreeSet::from([Opening::Anything, Opening::ConnectorIngress])
        }
        NetworkCommand::ThawNetwork(_) => if_so(network.is_frozen()),
        NetworkCommand::LiftQuarantine(it) => if_so(holds(network, &it.scope)),
        NetworkCommand::AddPeerRanges(_)
        | NetworkCommand::AcceptRoute(_)
        | NetworkCommand::ReplaceRoute(_)
        | NetworkCommand::SetDnsResolution(_)
        | NetworkCommand::SetLinkOption(_) => anything(),
        NetworkCommand::AttachFirewall(it) => if_so(!attaches_fewer(network, it)),
        NetworkCommand::StopDenying(it) => {
            let peering = network.peerings().get(&it.peering_id);
            let denials = peering.map(|peering| &peering.firewall.get(it.side).denials);
            if_so(denials.is_some_and(|it| it.wanted.is_some()))
        }
        NetworkCommand::RestrictFirewall(it) => {
            let is_new = |rule: &InboundRule| !is_admitted(network, it, rule);
            if_so(it.admit.iter().any(is_new))
        }
        NetworkCommand::ChangeNetworkSubnets(it) => if_so(adds(&network.subnets, &it.change)),
        NetworkCommand::ChangePeerSubnets(it) => {
            let peering = network.peerings().get(&it.peering_id);
            let now = peering.map(|it| it.peer.subnets.as_slice());
            if_so(adds(now.unwrap_or_default(), &it.change))
        }
        // A connector ingress from the nodes is open from wherever they are said to be.
        NetworkCommand::SetNetworkNodes(it) => {
            let known = |range| network.nodes.iter().any(|it| it.contains(range));
            if_so(!it.nodes.iter().all(known))
        }
        NetworkCommand::SetNetworkIpv6Ranges(it) => if_so(ipv6::adds(network, it)),
        NetworkCommand::SetTenure(it) => if_so(lengthens(network, it)),
    }
}

/// A live connection with the account makes it a known one.
fn of_account(network: &Registered, account: &Account) -> Option<Opening> {
    let mut live = network.connections.live();
    let is_known = live.any(|Connection::Peering(it)| it.peer.account.is_same(account));
    (!is_known).then_some(Opening::NewPeerAccount)
}

/// Whether all that the rule lets in is let in already, and for as long.
fn is_admitted(network: &Registered, command: &RestrictFirewall, rule: &InboundRule) -> bool {
    let Some(peering) = network.peerings().get(&command.peering_id) else {
        return false;
    };
    let as_long = |known: &InboundRule| match (
        peering.admission(known).expires_at,
        command.tenure.expires_at,
    ) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(known), Some(new)) => new <= known,
    };
    let aims_there = |known: &InboundRule| match (known.target, rule.target) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(known), Some(new)) => known.contains(&new),
    };
    let covers = |known: &InboundRule| {
        known.port == rule.port
            && known.source.contains(&rule.source)
            && aims_there(known)
            && as_long(known)
    };
    let mut admitted = peering.firewall.local.admit.iter();
    admitted.any(|known| known == rule || covers(known))
}

/// Whether the group stays on some of the interfaces that were named before, and comes to no other.
fn attaches_fewer(network: &Registered, command: &AttachFirewall) -> bool {
    let peering = network.peerings().get(&command.peering_id);
    let before = peering.and_then(|it| it.firewall.get(command.side).attachment.wanted.as_ref());
    match (before.map(|it| &it.to), &command.to) {
        (
            Some(AttachTo::Interfaces { interfaces: before }),
            AttachTo::Interfaces { interfaces },
        ) => interfaces.is_subset(before),
        (Some(before), after) => before == after,
        (None, _) => false,
    }
}

fn holds(network: &Registered, scope: &QuarantineScope) -> bool {
    network.quarantines.keys().any(|held| held.is_same(scope))
}

/// Whether route tables come in that were not served before. No subnet means the main table.
fn adds(now: &[Subnet], change: &SubnetChange) -> bool {
    if Subnet::are_all(now) {
        return false;
    }
    let is_new = |it: &Subnet| !now.contains(it);
    match change {
        SubnetChange::Add { subnets } => subnets.iter().any(is_new),
        SubnetChange::Drop { .. } => false,
        SubnetChange::Set { subnets } => {
            subnets.iter().any(is_new) || (subnets.is_empty() && !now.is_empty())
        }
    }
}

/// Whether something stays open longer than it was to.
fn lengthens(network: &Registered, command: &SetTenure) -> bool {
    let peering = network.peerings().get(&command.peering_id);
    let before = peering.and_then(|it| match &command.rule {
        None => it.tenure.expires_at,
        Some(rule) => it.admission(rule).expires_at,
    });
    match (&command.expires_at, before) {
        (None, _) | (Some(_), None) => false,
        (Some(Change::None), Some(_)) => true,
        (Some(Change::To(after)), Some(before)) => *after > before,
    }
}
