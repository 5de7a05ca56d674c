//! What a review looks at: for each opening the event that opened it, and the one that confirmed it
//! last.

use crate::decision::Decision;
use domain::network::{NetworkEvent, Reviewed};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The decisions on one peering's openings.
#[derive(Clone, Debug, Default)]
pub struct Review {
    opened: BTreeMap<Reviewed, Arc<Decision>>,
    confirmed: BTreeMap<Reviewed, Arc<Decision>>,
}

impl Review {
    /// The types of the events that it is made of.
    pub const TYPES: [&'static str; 5] = [
        "PeeringRequested",
        "PeeringAdopted",
        "FirewallRestricted",
        "ConnectorIngressAllowed",
        "OpeningConfirmed",
    ];

    /// The next event of the peering's, with what is on record of its decision. What an event of
    /// another type says is nothing here.
    pub fn follow(&mut self, event: &NetworkEvent, decision: Decision) {
        let decision = Arc::new(decision);
        if let NetworkEvent::PeeringRequested(_) | NetworkEvent::PeeringAdopted(_) = event {
            self.opened.insert(Reviewed::Peering, decision);
        } else if let NetworkEvent::FirewallRestricted(it) = event {
            if it.side == domain::Side::Local {
                let admit: BTreeSet<_> = it.admit.iter().copied().collect();
                self.opened.retain(|opening, _| match opening {
                    Reviewed::Admission { rule } => admit.contains(rule),
                    Reviewed::Peering | Reviewed::Ingress { .. } => true,
                });
                for rule in admit {
                    let opening = Reviewed::Admission { rule };
                    // What was open stays open by the word of whoever opened it.
                    self.opened
                        .entry(opening)
                        .or_insert_with(|| Arc::clone(&decision));
                }
            }
        } else if let NetworkEvent::ConnectorIngressAllowed(it) = event {
            let ingress_id = it.ingress_id;
            self.opened
                .insert(Reviewed::Ingress { ingress_id }, decision);
        } else if let NetworkEvent::OpeningConfirmed(it) = event {
            self.confirmed.insert(it.opening, decision);
        }
    }

    /// The event that opened it, as far as that was followed.
    pub fn opened(&self, opening: &Reviewed) -> Option<&Decision> {
        self.opened.get(opening).map(|it| &**it)
    }

    /// The event that confirmed it last, if that came after it was opened.
    pub fn confirmed(&self, opening: &Reviewed) -> Option<&Decision> {
        let confirmed = self.confirmed.get(opening)?;
        let opened = self.opened.get(opening);
        opened
            .is_none_or(|it| it.position < confirmed.position)
            .then_some(&**confirmed)
    }
}
