//! Connector ingress: the declared exceptions, and their end.

use super::{Draft, Facts};
use domain::network::{ConnectorIngressRevoked, IngressEnd, Outcome};

/// An ingress whose time is over ends on record, whatever the link is doing, and whatever can be
/// seen of it.
pub(super) fn expire(facts: &Facts<'_>, draft: &mut Draft) {
    if !facts.peering.life.is_live() {
        return;
    }
    for (ingress_id, ingress) in &facts.peering.ingress {
        match ingress.expires_at {
            Some(at) if at <= facts.now => {
                let (peering_id, because) = (facts.peering.id, IngressEnd::Expired);
                draft.record(Outcome::IngressExpired(ConnectorIngressRevoked {
                    peering_id,
                    ingress_id: *ingress_id,
                    because,
                }));
                draft.again = true;
            }
            Some(at) => draft.due_at(at),
            None => {}
        }
    }
}
