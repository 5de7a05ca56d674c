//! What one side must have, and what has been seen of it.

use super::super::event::{Exposure, FoundRoute, InboundRule};
use crate::{
    range::Range,
    text::{FirewallGroup, FirewallRule, Reason, RouteTable},
};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// A route of one side: asked for, and where it has been seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    pub installed: BTreeSet<RouteTable>,
    /// Route tables that send the destination elsewhere, and where.
    pub conflicts: BTreeMap<RouteTable, String>,
}

/// A route of one side that shall go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Withdrawn {
    /// Where it still stands, as far as the log knows.
    pub installed: BTreeSet<RouteTable>,
    /// The destination that takes its place, and must be in first.
    pub replaced_by: Option<Range>,
}

/// The firewall of one side: what it must admit, and what has been seen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Firewall {
    pub admit: BTreeSet<InboundRule>,
    pub group: Option<FirewallGroup>,
    pub rules: BTreeMap<InboundRule, FirewallRule>,
    /// Whether the group was seen to hold exactly `admit`.
    pub enforced: bool,
    /// Somebody else's rules that let the private network in.
    pub exposures: BTreeMap<FirewallRule, Exposure>,
    /// How often such a rule went from this group, by what it admits: made again it has another id.
    pub cleared: BTreeMap<(FirewallGroup, String), u32>,
    /// Whether a group of the engine's was there and is gone.
    pub had_group: bool,
}

impl Firewall {
    /// Takes this group for the side's own. Another group than before holds none of the rules that
    /// were seen in that one.
    pub(super) fn hold(&mut self, group: &FirewallGroup) {
        if self.group.as_ref() != Some(group) {
            self.forget_group();
            self.group = Some(group.clone());
        }
    }

    /// A rule of somebody else's that let the private network in is gone.
    pub(super) fn clear(&mut self, rule: &FirewallRule) {
        if let Some(exposure) = self.exposures.remove(rule) {
            let times = self
                .cleared
                .entry((exposure.group, exposure.admits))
                .or_default();
            *times = times.saturating_add(1);
        }
    }

    /// The group is gone, and what was in it.
    pub(super) fn forget_group(&mut self) {
        self.group = None;
        self.rules.clear();
        self.enforced = false;
    }

    /// The rule is not there, so a posture that wants it is not kept.
    pub(super) fn forget_rule(&mut self, rule: &InboundRule) {
        self.rules.remove(rule);
        self.enforced &= !self.admit.contains(rule);
    }

    pub(super) fn admit(&mut self, admit: BTreeSet<InboundRule>) {
        self.enforced &= self.admit == admit;
        self.admit = admit;
    }
}

/// The declared exception that lets the private network reach a target behind the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingress {
    pub target: Range,
    pub rule: InboundRule,
    pub reason: Reason,
    pub allowed_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Whether the other side resolves this one's names to private addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DnsResolution {
    pub wanted: bool,
    /// What was last seen to be so.
    pub applied: bool,
    /// Whether it was so over an adopted link before the engine was; then it is never set back.
    pub found: bool,
}

/// How a peering came to be on record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The engine makes the link.
    #[default]
    Requested,
    /// Somebody else made it, and it is never removed.
    Adopted {
        /// The routes over it that were there before; `None` until somebody has looked.
        found: Option<BTreeSet<FoundRoute>>,
    },
}

/// What has been found otherwise than it was left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// How often it was put right within a day of the time before.
    pub count: u32,
    pub last: Option<DateTime<Utc>>,
}
