//! What an event takes away without saying it: it names an ingress by its id alone, or what a side
//! admits from then on. Whoever reads it, or looks for the range, wants to know what that was.

use domain::{
    Range,
    network::{InboundRule, NetworkEvent, Peering, Reviewed},
};
use serde::{Deserialize, Serialize};

/// What stands in the state before an event, and not in the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsaid {
    /// The ingress's target behind the peer; `None` of what is no ingress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Range>,
    /// The ingress's rules, or those that a side no longer admits.
    pub rules: Vec<InboundRule>,
}

impl Unsaid {
    /// Of an event that is about this peering, as it was before.
    pub fn of(event: &NetworkEvent, before: &Peering) -> Option<Self> {
        let ingress = if let NetworkEvent::ConnectorIngressRevoked(it) = event {
            it.ingress_id
        } else if let NetworkEvent::OpeningConfirmed(it) = event
            && let Reviewed::Ingress { ingress_id } = it.opening
        {
            ingress_id
        } else if let NetworkEvent::FirewallRestricted(it) = event {
            let admitted = before.firewall.get(it.side).admit.iter();
            let gone = admitted.filter(|rule| !it.admit.contains(rule));
            let rules: Vec<_> = gone.copied().collect();
            let target = None;
            return (!rules.is_empty()).then_some(Self { target, rules });
        } else {
            return None;
        };
        let ingress = before.ingress.get(&ingress)?;
        Some(Self {
            target: Some(ingress.target),
            rules: ingress.rules().collect(),
        })
    }
}
