//! Owners and ends: of the peering itself, and of each source that the private network admits.

use super::{
    super::event::{
        AdmissionExpired, AtEnd, FirewallRestricted, InboundRule, PeeringTenureEnded,
        PeeringTenureSet, Tenure,
    },
    Peering, RemovalCause,
};
use crate::side::Side;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

impl Peering {
    /// Who answers for an admitted source, and when it ends.
    pub fn admission(&self, rule: &InboundRule) -> Tenure {
        self.admissions.get(rule).cloned().unwrap_or_default()
    }

    pub(in crate::network) fn tenure_set(&mut self, event: &PeeringTenureSet) {
        match event.rule {
            None => {
                self.tenure = event.tenure.clone();
                self.tenure_ended = None;
            }
            Some(rule) if self.firewall.local.admit.contains(&rule) => {
                self.say_of_admission(rule, &event.tenure);
            }
            Some(_) => {}
        }
    }

    fn say_of_admission(&mut self, rule: InboundRule, tenure: &Tenure) {
        if tenure.is_empty() {
            self.admissions.remove(&rule);
        } else {
            self.admissions.insert(rule, tenure.clone());
        }
    }

    /// What is admitted anew has what the event says; what was admitted before keeps what it had.
    pub(super) fn admissions_follow(
        &mut self,
        event: &FirewallRestricted,
        before: &BTreeSet<InboundRule>,
    ) {
        let admit: BTreeSet<_> = event.admit.iter().copied().collect();
        self.admissions.retain(|rule, _| admit.contains(rule));
        for rule in admit.difference(before) {
            self.say_of_admission(*rule, &event.tenure);
        }
    }

    pub(in crate::network) fn admission_expired(
        &mut self,
        event: &AdmissionExpired,
        at: DateTime<Utc>,
    ) {
        let mut admit = self.firewall.local.admit.clone();
        if admit.remove(&event.rule) {
            self.admissions.remove(&event.rule);
            self.forget_drift(|drift| drift.is_about_firewall(Side::Local));
            self.firewall.local.admit(admit, at);
            self.forget_confirmations();
        }
    }

    pub(in crate::network) fn tenure_over(
        &mut self,
        event: &PeeringTenureEnded,
        at: DateTime<Utc>,
    ) {
        match event.at_end {
            AtEnd::Remove => {
                let passed = event.expires_at;
                self.remove(RemovalCause::Expiry { passed }, at);
            }
            AtEnd::Report => self.tenure_ended = Some(event.expires_at),
        }
    }
}
