//! Denials of a side: what was asked for, what the engine made, and what was seen.

use super::{
    super::event::{
        Denial, DenialEnforced, DenialMade, DenialRemoved, DenialRequested, Denied, DeniedSubnet,
        Thing,
    },
    Peering,
};
use crate::{
    side::Side,
    text::{AccessList, Subnet},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Denials of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denials {
    /// The subnets in front of which the engine shall deny; `None` if it shall not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<DenialWanted>,
    /// The entries that the engine has made and that were seen.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub made: BTreeSet<Denial>,
    /// What was seen to be kept out; `None` if nobody has seen that of what is wanted now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforced: Option<DenialSeen>,
}

/// Before which subnets the engine shall deny.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DenialWanted {
    /// The subnets.
    pub subnets: BTreeSet<Subnet>,
    /// When that was said.
    pub since: DateTime<Utc>,
}

/// What was seen to be kept out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DenialSeen {
    /// By these lists.
    pub lists: BTreeSet<AccessList>,
    /// What they keep out.
    pub denies: BTreeSet<Denied>,
    /// The subnets that they stand before; none if it is not on record where those are.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub subnets: BTreeSet<DeniedSubnet>,
    /// Since when that is known.
    pub since: DateTime<Utc>,
}

impl Denials {
    /// Whether what is asked for was seen to be so: it is kept out, or nothing of ours is left.
    pub(super) fn are_in_place(&self) -> bool {
        match &self.wanted {
            None => self.made.is_empty(),
            Some(_) => self.enforced.is_some(),
        }
    }

    /// Whether there is nothing to say of them.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Peering {
    pub(in crate::network) fn denial_requested(
        &mut self,
        event: &DenialRequested,
        at: DateTime<Utc>,
    ) {
        self.forget_drift(|drift| drift.is_about_denial(event.side));
        let denials = &mut self.firewall.get_mut(event.side).denials;
        denials.enforced = None;
        denials.wanted = Some(DenialWanted {
            subnets: event.subnets.clone(),
            since: at,
        });
    }

    pub(in crate::network) fn denial_withdrawn(&mut self, side: Side) {
        self.forget_drift(|drift| drift.is_about_denial(side));
        let denials = &mut self.firewall.get_mut(side).denials;
        denials.wanted = None;
        denials.enforced = None;
    }

    pub(in crate::network) fn denial_made(&mut self, event: &DenialMade) {
        self.denial_is_over(event.side, &event.denial);
        let denials = &mut self.firewall.get_mut(event.side).denials;
        denials.made.insert(event.denial.clone());
    }

    pub(in crate::network) fn denial_removed(&mut self, event: &DenialRemoved) {
        self.denial_is_over(event.side, &event.denial);
        let denials = &mut self.firewall.get_mut(event.side).denials;
        denials.made.remove(&event.denial);
        denials.enforced = None;
    }

    pub(in crate::network) fn denial_enforced(
        &mut self,
        event: &DenialEnforced,
        at: DateTime<Utc>,
    ) {
        let denials = &mut self.firewall.get_mut(event.side).denials;
        if denials.wanted.is_some() {
            denials.enforced = Some(DenialSeen {
                lists: event.lists.clone(),
                denies: event.denies.clone(),
                subnets: event.subnets.clone(),
                since: at,
            });
        }
    }

    pub(in crate::network) fn denial_lapsed(&mut self, side: Side) {
        self.firewall.get_mut(side).denials.enforced = None;
    }

    fn denial_is_over(&mut self, side: Side, denial: &Denial) {
        let denial = denial.clone();
        self.intent_is_over(side, &Thing::Denial { denial });
    }

    /// The entries that the engine has made on this side, or was about to make.
    pub fn own_denials(&self, side: Side) -> BTreeSet<Denial> {
        let intents = self.intents.get(side).iter();
        let intended = intents.filter_map(|(thing, _)| match thing {
            Thing::Denial { denial } => Some(denial),
            Thing::Route { .. }
            | Thing::Group
            | Thing::Rule { .. }
            | Thing::Attachment { .. }
            | Thing::Option { .. } => None,
        });
        let made = self.firewall.get(side).denials.made.iter();
        made.chain(intended).cloned().collect()
    }
}
