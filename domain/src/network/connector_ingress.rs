//! `AllowConnectorIngress` and `RevokeConnectorIngress`: the declared exception to the rule that
//! the private network reaches nothing behind a peer.
//!
//! KurrentDB's connectors (24.10 and later) call out from the clusters' nodes. Each target is
//! opened by itself: where it is, its port, why, and until when.

use super::{
    Refusal, Registered,
    command::{AllowConnectorIngress, RevokeConnectorIngress},
    event::{
        ConnectorIngressAllowed, ConnectorIngressRevoked, InboundRule, IngressEnd, NetworkEvent,
    },
    peering::Ingress,
    restrict_firewall::RULES,
    tenure,
};
use crate::ids::Ids;
use chrono::{DateTime, Utc};

pub(super) fn allow(
    network: &Registered,
    command: &AllowConnectorIngress,
    now: DateTime<Utc>,
    ids: Ids,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let AllowConnectorIngress {
        peering_id,
        target,
        port,
        reason,
        expires_at,
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
    let longest = network.policy.tenure.longest_admission;
    tenure::check_end(longest, *expires_at, now)?;
    let same = peering
        .ingress
        .iter()
        .find(|(_, it)| it.target == *target && it.rule.port == *port);
    let is_over = |ingress: &Ingress| ingress.expires_at.is_some_and(|at| at <= now);
    if let Some((id, _)) = same.filter(|(_, ingress)| !is_over(ingress)) {
        return Err(Refusal::IngressAlreadyAllowed { ingress_id: *id });
    }
    if same.is_none() && peering.ingress.len() >= RULES {
        return Err(Refusal::TooManyRules {
            given: peering.ingress.len() + 1,
            most: RULES,
        });
    }
    let allowed = ConnectorIngressAllowed {
        peering_id: *peering_id,
        ingress_id: ids.ingress(*peering_id),
        target: *target,
        rule: InboundRule {
            source: network.range.into(),
            port: *port,
        },
        reason: reason.clone(),
        allowed_at: now,
        expires_at: *expires_at,
    };
    // One that is over and that nobody has closed yet makes room in the same append.
    let over = same.map(|(id, _)| {
        ConnectorIngressRevoked {
            peering_id: *peering_id,
            ingress_id: *id,
            because: IngressEnd::Expired,
        }
        .into()
    });
    Ok(over.into_iter().chain([allowed.into()]).collect())
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
