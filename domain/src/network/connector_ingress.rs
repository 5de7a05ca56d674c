//! `AllowConnectorIngress` and `RevokeConnectorIngress`: the declared exception to the rule that
//! the private network reaches nothing behind a peer.
//!
//! KurrentDB's connectors (24.10 and later) call out from the clusters' nodes. Each target is
//! opened by itself: where it is, its port, from where, why, and until when. What cannot be closed
//! by itself later is not opened: where the provider's rules are not aimed at a target, a port has
//! one target for each source.

use super::{
    IngressNotApart, Refusal, Registered,
    command::{AllowConnectorIngress, IngressSource, RevokeConnectorIngress},
    event::{
        ConnectorIngressAllowed, ConnectorIngressRevoked, InboundRule, IngressEnd, NetworkEvent,
    },
    ipv6, nodes,
    peering::Ingress,
    tenure,
};
use crate::{
    ids::Ids,
    place::{Aim, Places},
    range::{Family, Range},
    side::Side,
};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

pub(super) fn allow(
    network: &Registered,
    command: &AllowConnectorIngress,
    places: &Places,
    now: DateTime<Utc>,
    ids: Ids,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let AllowConnectorIngress {
        peering_id,
        target,
        port,
        reason,
        expires_at,
        from,
        no_expiry,
    } = command;
    let peering = network.standing(*peering_id)?;
    if *port == 0 {
        return Err(Refusal::PortZero);
    }
    if !peering
        .peer
        .ranges
        .iter()
        .any(|range| range.contains(target))
    {
        return Err(Refusal::IngressTargetOutsidePeer {
            target: *target,
            ranges: peering.peer.ranges.clone(),
        });
    }
    ipv6::has_family(network, peering, Side::Local, *target)?;
    let longest = network.policy.tenure.longest_admission;
    tenure::check_end(longest, *expires_at, now)?;
    let says_both = *no_expiry && expires_at.is_some();
    let says_neither = !no_expiry && expires_at.is_none();
    if says_both || says_neither {
        return Err(Refusal::IngressEndUnclear);
    }
    let aimed = match network.provider.firewall().aim {
        Aim::Attachment => None,
        Aim::Addresses => Some(*target),
    };
    let rule = |source: Range| InboundRule {
        source: source.into(),
        port: *port,
        target: aimed,
    };
    let mut rules = sources(network, target.family(), from.as_ref())?
        .into_iter()
        .map(rule);
    let first = rules.next().ok_or(Refusal::NodesNotOnRecord)?;
    let opened = Ingress {
        target: *target,
        rule: first,
        also: rules.collect(),
        reason: reason.clone(),
        allowed_at: now,
        expires_at: *expires_at,
    };
    let is_over = |ingress: &Ingress| ingress.expires_at.is_some_and(|at| at <= now);
    let (over, open): (Vec<_>, Vec<_>) = peering.ingress.iter().partition(|(_, it)| is_over(it));
    let is_of_target = |it: &Ingress| it.target == *target;
    let does_all = |it: &Ingress| is_of_target(it) && it.admits_all_of(&opened);
    if let Some((id, _)) = open.iter().find(|(_, it)| does_all(it)) {
        return Err(Refusal::IngressAlreadyAllowed { ingress_id: **id });
    }
    let not_apart = |it: &Ingress| !is_of_target(it) && it.shares_a_rule(&opened);
    match network.provider.firewall().aim {
        Aim::Attachment => {
            if let Some((id, other)) = open.iter().find(|(_, it)| not_apart(it)) {
                return Err(Refusal::IngressNotApart(IngressNotApart {
                    ingress_id: **id,
                    target: other.target,
                    port: *port,
                }));
            }
        }
        Aim::Addresses => {}
    }
    // One that is over and that nobody has closed yet makes room in the same append.
    let same = over
        .into_iter()
        .filter(|(_, it)| is_of_target(it) && it.shares_a_rule(&opened));
    let same: Vec<_> = same.map(|(id, _)| *id).collect();
    let stay = peering.ingress.iter().filter(|(id, _)| !same.contains(id));
    let rules: BTreeSet<_> = stay
        .flat_map(|(_, it)| it.rules())
        .chain(opened.rules())
        .collect();
    let most = network.quotas(places, peering, Side::Remote).rules;
    let given = ipv6::most_of_a_family(rules.iter().map(|rule| rule.source));
    if given > most {
        return Err(Refusal::TooManyRules { given, most });
    }
    let allowed = ConnectorIngressAllowed {
        peering_id: *peering_id,
        ingress_id: ids.ingress(*peering_id),
        target: opened.target,
        rule: opened.rule,
        also: opened.also,
        reason: opened.reason,
        allowed_at: opened.allowed_at,
        expires_at: opened.expires_at,
    };
    let over = same.into_iter().map(|ingress_id| {
        ConnectorIngressRevoked {
            peering_id: *peering_id,
            ingress_id,
            because: IngressEnd::Expired,
        }
        .into()
    });
    Ok(over.chain([allowed.into()]).collect())
}

/// From where it is open: the nodes, where a command names nothing else. What comes to a target has
/// addresses of its family.
fn sources(
    network: &Registered,
    family: Family,
    from: Option<&IngressSource>,
) -> Result<Vec<Range>, Refusal> {
    let mut own = network.ranges();
    own.retain(|range| range.family() == family);
    match from {
        None | Some(IngressSource::Nodes) => {
            let nodes = network.nodes.iter().copied();
            Ok(nodes.filter(|it| it.family() == family).collect())
        }
        Some(IngressSource::Ranges(ranges)) => nodes::checked(&own, ranges),
    }
}

pub(super) fn revoke(
    network: &Registered,
    command: &RevokeConnectorIngress,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let RevokeConnectorIngress {
        peering_id,
        ingress_id,
    } = *command;
    let peering = network.standing(peering_id)?;
    if !peering.ingress.contains_key(&ingress_id) {
        return Err(Refusal::IngressUnknown {
            peering_id,
            ingress_id,
        });
    }
    Ok(vec![
        ConnectorIngressRevoked {
            peering_id,
            ingress_id,
            because: IngressEnd::Revoked,
        }
        .into(),
    ])
}
