//! What goes with a range that a network at either end no longer has: all of the peering's that
//! needs it, in the append that takes the range away.

use super::{
    event::{
        ConnectorIngressRevoked, FirewallRestricted, IngressEnd, NetworkEvent, RouteWithdrawn,
    },
    peering::{Ingress, Peering},
};
use crate::{range::Range, side::Side};

/// What a peering keeps.
pub(super) struct Kept<R, S, I> {
    /// Whether this side still sends to this destination.
    pub(super) route: R,
    /// Whether the private network still admits these addresses. A group has none that are known,
    /// and stays.
    pub(super) source: S,
    /// Whether this ingress stays open.
    pub(super) ingress: I,
}

/// Closes what is not kept: routes, then sources, then ingress.
pub(super) fn close<R, S, I>(peering: &Peering, kept: &Kept<R, S, I>) -> Vec<NetworkEvent>
where
    R: Fn(Side, Range) -> bool,
    S: Fn(Range) -> bool,
    I: Fn(&Ingress) -> bool,
{
    let peering_id = peering.id;
    let mut events: Vec<NetworkEvent> = Vec::new();
    for side in Side::BOTH {
        let routes = peering.routes.get(side).keys().copied();
        let gone = routes.filter(|destination| !(kept.route)(side, *destination));
        events.extend(gone.map(|destination| {
            let withdrawn = RouteWithdrawn {
                peering_id,
                side,
                destination,
                replaced_by: None,
            };
            NetworkEvent::from(withdrawn)
        }));
    }
    let admitted = &peering.firewall.local.admit;
    let mut admit = admitted.clone();
    admit.retain(|rule| rule.source.range().is_none_or(&kept.source));
    if admit != *admitted {
        let restricted = FirewallRestricted {
            peering_id,
            side: Side::Local,
            admit: admit.into_iter().collect(),
            tenure: Default::default(),
        };
        events.push(restricted.into());
    }
    let ingress = peering.ingress.iter();
    let gone = ingress.filter(|(_, it)| !(kept.ingress)(it));
    events.extend(gone.map(|(ingress_id, _)| {
        let revoked = ConnectorIngressRevoked {
            peering_id,
            ingress_id: *ingress_id,
            because: IngressEnd::Revoked,
        };
        NetworkEvent::from(revoked)
    }));
    events
}
