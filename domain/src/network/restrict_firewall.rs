//! `RestrictFirewall`: replaces what one side's firewall admits from the link.
//!
//! The local side may admit the peer's clients. The remote side admits nothing: what the private
//! network may reach in a peer is a connector ingress, declared one by one with a reason.

use super::{
    NothingAdmittedAnew, Refusal, Registered, SourceGroupUnsupported,
    command::RestrictFirewall,
    event::{FirewallRestricted, InboundRule, NetworkEvent},
    ipv6, tenure,
};
use crate::{place::Places, range::Range, side::Side, source::AdmittedSource};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// The most rules of one side, whatever an account's quota: what one event may have to hold.
const RULES: usize = 1000;

/// The most rules of the private network's group: the quota of its account.
fn most_rules(network: &Registered, places: &Places) -> usize {
    network
        .quotas_at(places, &network.account, &network.region)
        .rules
        .min(RULES)
}

pub(super) fn decide(
    network: &Registered,
    command: &RestrictFirewall,
    places: &Places,
    now: DateTime<Utc>,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let RestrictFirewall {
        peering_id,
        side,
        admit,
        tenure,
    } = command;
    let peering = network.standing(*peering_id)?;
    let admit: BTreeSet<InboundRule> = admit.iter().copied().collect();
    if *side == Side::Remote && !admit.is_empty() {
        return Err(Refusal::RemoteInboundDenied {
            peering_id: *peering_id,
        });
    }
    let most = most_rules(network, places);
    let given = ipv6::most_of_a_family(admit.iter().map(|rule| rule.source));
    if given > most {
        return Err(Refusal::TooManyRules { given, most });
    }
    if admit.iter().any(|rule| rule.port == 0) {
        return Err(Refusal::PortZero);
    }
    if let Some(group) = admit.iter().find_map(|rule| rule.source.group())
        && !peering
            .peer
            .lends_groups_to(network.provider, &network.region)
    {
        return Err(Refusal::SourceGroupUnsupported(SourceGroupUnsupported {
            from: AdmittedSource::Group(group),
            own: format!("{} {}", network.provider, network.region),
            peer: format!("{} {}", peering.peer.provider, peering.peer.region),
        }));
    }
    let ranges = || admit.iter().filter_map(|rule| rule.source.range());
    let is_of_peer = |range: &Range| peering.peer.ranges.iter().any(|own| own.contains(range));
    let outside = ranges().find(|range| !is_of_peer(range));
    if let Some(from) = outside {
        return Err(Refusal::SourceOutsidePeer {
            from,
            ranges: peering.peer.ranges.clone(),
        });
    }
    for range in ranges() {
        ipv6::has_family(network, peering, Side::Local, range)?;
    }
    let opens = *side == Side::Local
        && admit
            .difference(&peering.firewall.local.admit)
            .next()
            .is_some();
    if !opens && !tenure.is_empty() {
        return Err(Refusal::NothingAdmittedAnew(NothingAdmittedAnew {
            peering_id: *peering_id,
        }));
    }
    // What the remote side admits beside that was declared one by one, and is revoked one by one.
    if *side == Side::Remote || peering.firewall.local.admit == admit {
        return Ok(Vec::new());
    }
    // What is admitted already keeps its end; a policy asks it of what comes.
    if opens {
        tenure::check_end(
            network.policy.tenure.longest_admission,
            tenure.expires_at,
            now,
        )?;
    }
    let event = FirewallRestricted {
        peering_id: *peering_id,
        side: *side,
        admit: admit.into_iter().collect(),
        tenure: tenure.clone(),
    };
    Ok(vec![event.into()])
}
