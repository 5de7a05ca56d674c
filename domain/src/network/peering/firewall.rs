//! The firewall of each side: what it must admit, what was seen of it, and what of somebody else's
//! lets the private network in.

use super::{
    super::event::{
        Exposure, FirewallEnforced, FirewallExposed, FirewallRestricted, FirewallRuleAuthorized,
        InboundRule,
    },
    FIGHT_WINDOW, Peering,
    attachment::Attachment,
    denial::Denials,
};
use crate::{
    pairs,
    side::Side,
    text::{FirewallGroup, FirewallRule},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How often within a day the engine revokes one rule that somebody makes again, before that is for
/// a person.
pub const REVOCATIONS: u32 = 3;

/// The firewall of one side: what it must admit, and what has been seen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firewall {
    /// All that the side must admit from the link.
    pub admit: BTreeSet<InboundRule>,
    /// When that was said last; a peering begins with both sides closed.
    pub restricted_at: DateTime<Utc>,
    /// The engine's own group, once it was seen.
    pub group: Option<FirewallGroup>,
    /// The rules that were seen in that group, and their ids at the cloud.
    #[serde(with = "pairs")]
    pub rules: BTreeMap<InboundRule, FirewallRule>,
    /// Since when the group is known to hold exactly `admit`; `None` if it is not.
    pub enforced_at: Option<DateTime<Utc>>,
    /// Somebody else's rules that let the private network in.
    pub exposures: BTreeMap<FirewallRule, Exposed>,
    /// How often such a rule went from this group, each time within a day of the time before, by
    /// what it admits: made again it has another id.
    #[serde(with = "pairs")]
    pub cleared: BTreeMap<(FirewallGroup, String), u32>,
    /// When such a rule last went.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub cleared_at: BTreeMap<(FirewallGroup, String), DateTime<Utc>>,
    /// Since when the group is known to hold nothing; `None` if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
    /// Whether a group of the engine's was there and is gone.
    pub had_group: bool,
    /// What the group is attached to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub attachment: Attachment,
    /// What the lists in front of subnets are to keep out.
    #[serde(default, skip_serializing_if = "Denials::is_empty")]
    pub denials: Denials,
}

fn is_default(attachment: &Attachment) -> bool {
    *attachment == Attachment::default()
}

/// A rule of somebody else's that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposed {
    /// The rule and its group.
    pub exposure: Exposure,
    /// When it was first seen.
    pub since: DateTime<Utc>,
}

impl Firewall {
    pub(super) fn closed(at: DateTime<Utc>) -> Self {
        Self {
            restricted_at: at,
            ..Self::default()
        }
    }

    /// Whether the group was seen to hold exactly what it must admit.
    pub fn is_enforced(&self) -> bool {
        self.enforced_at.is_some()
    }

    /// Takes this group for the side's own. Another group than before holds none of the rules that
    /// were seen in that one.
    pub(in crate::network) fn hold(&mut self, group: &FirewallGroup) {
        if self.group.as_ref() != Some(group) {
            self.forget_group();
            self.group = Some(group.clone());
        }
    }

    /// Somebody else's rules that are known to let the other side in.
    pub fn known_exposures(&self) -> impl Iterator<Item = &Exposed> {
        self.exposures
            .values()
            .filter(|it| !it.exposure.cannot_tell)
    }

    pub(in crate::network) fn group_removed(&mut self) {
        self.forget_group();
        self.had_group = true;
    }

    pub(in crate::network) fn authorized(&mut self, event: &FirewallRuleAuthorized) {
        self.rules.insert(event.rule, event.rule_id.clone());
        self.closed_at = None;
    }

    pub(in crate::network) fn enforced(&mut self, event: &FirewallEnforced, at: DateTime<Utc>) {
        self.hold(&event.group);
        self.enforced_at = (self.admit == event.admit.iter().copied().collect()).then_some(at);
        self.closed_at = event.admit.is_empty().then_some(at);
        if event.attached.is_some() {
            self.attachment.was_seen(event.attached, at);
        }
    }

    pub(in crate::network) fn exposed(&mut self, event: &FirewallExposed, at: DateTime<Utc>) {
        self.exposures
            .entry(event.exposure.rule_id.clone())
            .and_modify(|known| known.exposure = event.exposure.clone())
            .or_insert_with(|| Exposed {
                exposure: event.exposure.clone(),
                since: at,
            });
    }

    /// A rule of somebody else's that let the private network in is gone.
    pub(in crate::network) fn exposure_cleared(&mut self, rule: &FirewallRule, at: DateTime<Utc>) {
        if let Some(Exposed { exposure, .. }) = self.exposures.remove(rule) {
            let lately = |last: &DateTime<Utc>| at - *last < FIGHT_WINDOW;
            self.cleared_at.retain(|_, last| lately(last));
            self.cleared
                .retain(|rule, _| self.cleared_at.contains_key(rule));
            let rule = (exposure.group, exposure.admits);
            let times = self.cleared.entry(rule.clone()).or_default();
            *times = times.saturating_add(1);
            self.cleared_at.insert(rule, at);
        }
    }

    /// How often a rule that admits this went from this group lately, and when it last did.
    pub fn went(
        &self,
        group: &FirewallGroup,
        admits: &str,
        now: DateTime<Utc>,
    ) -> Option<(u32, DateTime<Utc>)> {
        let rule = (group.clone(), admits.to_owned());
        let last = *self.cleared_at.get(&rule)?;
        let times = self.cleared.get(&rule).copied().unwrap_or_default();
        (now - last < FIGHT_WINDOW).then_some((times, last))
    }

    /// The group is gone, and what was in it.
    pub(super) fn forget_group(&mut self) {
        self.group = None;
        self.rules.clear();
        self.enforced_at = None;
        self.closed_at = None;
        self.attachment.forget_group();
    }

    /// The rule is not there, so a posture that wants it is not kept.
    pub(in crate::network) fn forget_rule(&mut self, rule: &InboundRule) {
        self.rules.remove(rule);
        if self.admit.contains(rule) {
            self.enforced_at = None;
        }
    }

    pub(super) fn admit(&mut self, admit: BTreeSet<InboundRule>, at: DateTime<Utc>) {
        if self.admit != admit {
            self.enforced_at = None;
        }
        self.admit = admit;
        self.restricted_at = at;
    }
}

impl Peering {
    /// The remote side admits what was declared one by one, and nothing beside that.
    pub(in crate::network) fn restrict(&mut self, event: &FirewallRestricted, at: DateTime<Utc>) {
        match event.side {
            Side::Local => {
                self.forget_drift(|drift| drift.is_about_firewall(Side::Local));
                let before = self.firewall.local.admit.clone();
                self.firewall
                    .local
                    .admit(event.admit.iter().copied().collect(), at);
                self.admissions_follow(event, &before);
                self.forget_confirmations();
            }
            Side::Remote => self.admit_ingress(at),
        }
    }
}
