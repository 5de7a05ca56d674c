//! What is open, and when somebody last said that it is still needed.

use super::{
    super::event::{OpeningConfirmed, Reviewed},
    Peering,
};
use chrono::{DateTime, Utc};

impl Peering {
    /// Everything that is open by somebody's decision.
    pub fn openings(&self) -> impl Iterator<Item = Reviewed> {
        let admit = self.firewall.local.admit.iter();
        let admissions = admit.map(|rule| Reviewed::Admission { rule: *rule });
        let ingress = self.ingress.keys();
        let ingress = ingress.map(|id| Reviewed::Ingress { ingress_id: *id });
        std::iter::once(Reviewed::Peering)
            .chain(admissions)
            .chain(ingress)
    }

    /// Whether this is open by somebody's decision.
    pub fn is_open(&self, opening: &Reviewed) -> bool {
        match opening {
            Reviewed::Peering => true,
            Reviewed::Admission { rule } => self.firewall.local.admit.contains(rule),
            Reviewed::Ingress { ingress_id } => self.ingress.contains_key(ingress_id),
        }
    }

    pub(in crate::network) fn opening_confirmed(
        &mut self,
        event: &OpeningConfirmed,
        at: DateTime<Utc>,
    ) {
        if self.is_open(&event.opening) {
            self.confirmed.insert(event.opening, at);
        }
    }

    /// What is opened again later was not confirmed.
    pub(super) fn forget_confirmations(&mut self) {
        let mut confirmed = std::mem::take(&mut self.confirmed);
        confirmed.retain(|opening, _| self.is_open(opening));
        self.confirmed = confirmed;
    }
}
