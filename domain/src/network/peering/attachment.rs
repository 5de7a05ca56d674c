//! What a side's group is attached to: what was asked for, what the engine did, and what was seen.

use super::{
    super::event::{
        AttachTo, FirewallAttachmentChosen, FirewallAttachmentRequested, FirewallAttachmentSeen,
        FirewallGroupAttached, FirewallGroupDetached, LeftAlone, Thing,
    },
    Peering,
    block::{BlockCount, REPETITION},
};
use crate::text::{FirewallGroup, Interface};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a side's group is attached to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// What the engine shall attach it to; `None` if it shall not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Wanted>,
    /// The interfaces to which the engine has attached it, and since when.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub made: BTreeMap<Interface, DateTime<Utc>>,
    /// To how many interfaces it was seen to be attached; `None` if nobody has looked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// How often what was seen has changed lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<BlockCount>,
}

/// What the engine shall attach the group to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Which interfaces.
    pub to: AttachTo,
    /// When that was said.
    pub since: DateTime<Utc>,
    /// The interfaces that had the tag when somebody looked first, where they are chosen once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<BTreeSet<Interface>>,
    /// Those to which it cannot be attached.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_alone: BTreeMap<Interface, LeftAlone>,
    /// How often that has changed lately.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<BlockCount>,
}

/// To how many interfaces the group was seen to be attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// How many; `None` where that cannot be told.
    pub interfaces: Option<u32>,
    /// When that was recorded.
    pub at: DateTime<Utc>,
}

impl Wanted {
    /// Whether this interface may be among those that are meant: of a tag that is followed, the
    /// record does not say.
    pub fn may_be(&self, interface: &Interface) -> bool {
        match &self.to {
            AttachTo::Interfaces { interfaces } => interfaces.contains(interface),
            AttachTo::Tag { followed: true, .. } => true,
            AttachTo::Tag {
                followed: false, ..
            } => self
                .chosen
                .as_ref()
                .is_some_and(|chosen| chosen.contains(interface)),
        }
    }
}

/// How many, in the kinds that a person cares for: none, some, or not to be told.
fn kind(interfaces: Option<u32>) -> Option<bool> {
    interfaces.map(|count| count > 0)
}

impl Attachment {
    /// To how many interfaces the group was last seen to be attached, where that could be told.
    pub fn count(&self) -> Option<u32> {
        self.seen.and_then(|seen| seen.interfaces)
    }

    /// Whether this is something else than what was seen before, for a person.
    pub fn differs(&self, interfaces: Option<u32>) -> bool {
        let known = self.seen.and_then(|seen| seen.interfaces);
        kind(known) != kind(interfaces)
    }

    /// The group is gone, and with it what it was attached to.
    pub(super) fn forget_group(&mut self) {
        self.made.clear();
        self.seen = None;
    }

    pub(super) fn was_seen(&mut self, interfaces: Option<u32>, at: DateTime<Utc>) {
        if self.seen.is_some() && self.differs(interfaces) {
            count(&mut self.changes, at);
        }
        self.seen = Some(Seen { interfaces, at });
    }
}

fn count(changes: &mut Option<BlockCount>, at: DateTime<Utc>) {
    let changes = changes.get_or_insert(BlockCount { times: 0, last: at });
    if at - changes.last >= REPETITION {
        changes.times = 0;
    }
    changes.times = changes.times.saturating_add(1);
    changes.last = at;
}

impl Peering {
    pub(in crate::network) fn attachment_requested(
        &mut self,
        event: &FirewallAttachmentRequested,
        at: DateTime<Utc>,
    ) {
        self.forget_drift(|drift| drift.is_about_attachment(event.side));
        let attachment = &mut self.firewall.get_mut(event.side).attachment;
        attachment.wanted = Some(Wanted {
            to: event.to.clone(),
            since: at,
            chosen: None,
            left_alone: BTreeMap::new(),
            changes: None,
        });
    }

    pub(in crate::network) fn attachment_withdrawn(&mut self, side: crate::Side) {
        self.forget_drift(|drift| drift.is_about_attachment(side));
        self.firewall.get_mut(side).attachment.wanted = None;
    }

    pub(in crate::network) fn attachment_chosen(
        &mut self,
        event: &FirewallAttachmentChosen,
        at: DateTime<Utc>,
    ) {
        let attachment = &mut self.firewall.get_mut(event.side).attachment;
        if let Some(wanted) = &mut attachment.wanted {
            if let AttachTo::Tag {
                followed: false, ..
            } = wanted.to
            {
                wanted.chosen = Some(event.interfaces.clone());
            }
            wanted.left_alone = event.left_alone.clone();
            count(&mut wanted.changes, at);
        }
    }

    pub(in crate::network) fn group_attached(
        &mut self,
        event: &FirewallGroupAttached,
        at: DateTime<Utc>,
    ) {
        self.attachment_is_over(event.side, &event.interface);
        let firewall = self.firewall.get_mut(event.side);
        if firewall.group.as_ref() == Some(&event.group) {
            let made = &mut firewall.attachment.made;
            made.entry(event.interface.clone()).or_insert(at);
        }
    }

    pub(in crate::network) fn group_detached(&mut self, event: &FirewallGroupDetached) {
        self.attachment_is_over(event.side, &event.interface);
        let firewall = self.firewall.get_mut(event.side);
        firewall.attachment.made.remove(&event.interface);
    }

    fn attachment_is_over(&mut self, side: crate::Side, interface: &Interface) {
        let interface = interface.clone();
        self.intent_is_over(side, &Thing::Attachment { interface });
    }

    pub(in crate::network) fn attachment_seen(
        &mut self,
        event: &FirewallAttachmentSeen,
        at: DateTime<Utc>,
    ) {
        let firewall = self.firewall.get_mut(event.side);
        if firewall.group.as_ref() == Some(&event.group) {
            firewall.attachment.was_seen(event.interfaces, at);
        }
    }

    /// The side's group, and the interfaces to which the engine has attached it or was about to.
    pub fn attached_by_us(
        &self,
        side: crate::Side,
    ) -> Option<(&FirewallGroup, BTreeSet<Interface>)> {
        let firewall = self.firewall.get(side);
        let intents = self.intents.get(side).iter();
        let intended = intents.filter_map(|(thing, _)| match thing {
            Thing::Attachment { interface } => Some(interface),
            Thing::Route { .. }
            | Thing::Group
            | Thing::Rule { .. }
            | Thing::Denial { .. }
            | Thing::Option { .. } => None,
        });
        let made = firewall.attachment.made.keys();
        let all = made.chain(intended).cloned().collect();
        Some((firewall.group.as_ref()?, all))
    }
}
