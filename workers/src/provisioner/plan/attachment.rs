//! What a side's group is attached to. A group admits only where it is attached: to how many
//! interfaces that is looked at, and on record when it matters. Attaching it is left to the owner
//! of the machines, unless the engine is asked to; then what it attaches is its own to detach, and
//! nothing else is.

use super::{
    Draft, Facts, Query,
    drift::{self, Verdict},
    later,
};
use crate::provisioner::apply::Action;
use cloud::{GroupView, InterfaceView, Source};
use domain::{
    Aim, Side,
    network::{
        AttachTo, BlockCause, DriftKind, FirewallAttachmentChosen, FirewallAttachmentSeen,
        FirewallGroupAttached, FirewallGroupDetached, InstallationEnded, LeftAlone, Outcome, Thing,
        Wanted, is_news,
    },
    text::{FirewallGroup, Interface},
};
use std::collections::{BTreeMap, BTreeSet};

/// The interfaces of the side's network, once they were looked at; the inner `None` where they may
/// not be read, or groups are not attached to any.
pub(super) fn is_seen<'a>(
    facts: &Facts<'a>,
    side: Side,
    draft: &mut Draft,
) -> Option<Option<&'a Vec<InterfaceView>>> {
    match facts.network.provider.firewall().aim {
        Aim::Attachment => {}
        Aim::Addresses => return Some(None),
    }
    let seen = facts.seen.interfaces.get(side);
    draft
        .require(seen, Query::Interfaces(side))
        .map(Option::as_ref)
}

fn shown<'a>(facts: &Facts<'a>, side: Side) -> Option<&'a Vec<InterfaceView>> {
    facts.seen.interfaces.get(side).as_ref()?.as_ref()
}

/// To how many interfaces a group is attached, where that can be told.
pub(super) fn count(facts: &Facts<'_>, side: Side, group: &FirewallGroup) -> Option<u32> {
    let all = shown(facts, side)?;
    let carry = all.iter().filter(|it| it.groups.contains(group));
    Some(u32::try_from(carry.count()).unwrap_or(u32::MAX))
}

/// To how many interfaces the group is attached is on record where a person cares for it. Until the
/// posture is enforced there is nothing to say: that it is, says both.
pub(super) fn tell(facts: &Facts<'_>, side: Side, view: &GroupView, draft: &mut Draft) {
    if !facts.peering.firewall.get(side).is_enforced() {
        return;
    }
    let seen = FirewallAttachmentSeen {
        peering_id: facts.peering.id,
        side,
        group: view.group.clone(),
        interfaces: count(facts, side, &view.group),
    };
    record(facts, seen, draft);
}

/// Of an active link: what was asked for is attached.
pub(super) fn plan(facts: &Facts<'_>, side: Side, view: &GroupView, draft: &mut Draft) {
    let firewall = facts.peering.firewall.get(side);
    if firewall.group.as_ref() != Some(&view.group) {
        // What was seen of the group is told with it.
        draft.again |= firewall.attachment.wanted.is_some();
        return;
    }
    let Some(all) = shown(facts, side) else {
        return cannot_look(facts, side, draft);
    };
    let chosen = firewall
        .attachment
        .wanted
        .as_ref()
        .map(|wanted| choose(facts, side, wanted, all, &view.group, draft))
        .unwrap_or_default();
    for interface in &chosen {
        let Some(shown) = all.iter().find(|it| it.interface == *interface) else {
            continue;
        };
        attach(facts, side, shown, &view.group, draft);
    }
    let unwanted = |interface: &Interface| !chosen.contains(interface);
    detach(facts, side, &view.group, all, unwanted, draft);
}

fn record(facts: &Facts<'_>, outcome: impl Into<Outcome>, draft: &mut Draft) {
    let outcome = outcome.into();
    if is_news(facts.network, &outcome, facts.now) {
        draft.record(outcome);
    }
}

/// Which interfaces are meant; what of them is left alone is put on record. What the engine has
/// attached the group to already is meant whatever has become of it since.
fn choose(
    facts: &Facts<'_>,
    side: Side,
    wanted: &Wanted,
    all: &[InterfaceView],
    group: &FirewallGroup,
    draft: &mut Draft,
) -> BTreeSet<Interface> {
    let tagged = |key: &str, value: &str| {
        let has_it = |it: &&InterfaceView| it.tags.get(key).is_some_and(|it| it == value);
        let found = all.iter().filter(has_it);
        found
            .map(|it| it.interface.clone())
            .collect::<BTreeSet<_>>()
    };
    let (meant, once) = match &wanted.to {
        AttachTo::Interfaces { interfaces } => (interfaces.clone(), false),
        AttachTo::Tag {
            key,
            value,
            followed,
        } => match &wanted.chosen {
            Some(chosen) => (chosen.clone(), true),
            None => (tagged(key.as_str(), value.as_str()), !followed),
        },
    };
    let made = &facts.peering.firewall.get(side).attachment.made;
    let most = facts.limits.get(side).groups_of_interface;
    let left_alone: BTreeMap<_, _> = meant
        .iter()
        .filter_map(|interface| {
            let shown = all.iter().find(|it| it.interface == *interface);
            let why = match shown {
                None => LeftAlone::NotThere,
                Some(shown) if shown.groups.contains(group) || made.contains_key(interface) => {
                    return None;
                }
                Some(shown) => match &shown.managed_by {
                    Some(by) => LeftAlone::Managed { by: by.clone() },
                    None if shown.groups.len() >= most => LeftAlone::NoRoom { most },
                    None => return None,
                },
            };
            Some((interface.clone(), why))
        })
        .collect();
    let came_to = FirewallAttachmentChosen {
        peering_id: facts.peering.id,
        side,
        interfaces: if once { meant.clone() } else { BTreeSet::new() },
        left_alone: left_alone.clone(),
    };
    record(facts, came_to, draft);
    meant
        .into_iter()
        .filter(|it| !left_alone.contains_key(it))
        .collect()
}

fn thing(interface: &Interface) -> Thing {
    Thing::Attachment {
        interface: interface.clone(),
    }
}

/// One interface that is meant. Where somebody else has attached the group, it is not ours.
fn attach(
    facts: &Facts<'_>,
    side: Side,
    shown: &InterfaceView,
    group: &FirewallGroup,
    draft: &mut Draft,
) {
    let interface = &shown.interface;
    let made = facts.peering.has_on_record(side, &thing(interface));
    if shown.groups.contains(group) {
        if !made && facts.peering.intends(side, &thing(interface)) {
            draft.record(attached(facts, side, group, interface));
        }
        return;
    }
    let kind = DriftKind::GroupDetached {
        side,
        interface: interface.clone(),
    };
    if facts.peering.accepted_drift.contains_key(&kind)
        || made && drift::classify(facts, kind, draft) != Verdict::Repair
    {
        return;
    }
    let (interface, group) = (interface.clone(), group.clone());
    let made = thing(&interface);
    let action = Action::AttachGroup {
        side,
        interface,
        group,
    };
    draft.install(facts, side, made, action);
}

fn attached(
    facts: &Facts<'_>,
    side: Side,
    group: &FirewallGroup,
    interface: &Interface,
) -> FirewallGroupAttached {
    FirewallGroupAttached {
        peering_id: facts.peering.id,
        side,
        group: group.clone(),
        interface: interface.clone(),
    }
}

/// What the engine has attached the group to, as far as that goes: it is detached, and put on
/// record as detached once it is.
fn detach(
    facts: &Facts<'_>,
    side: Side,
    group: &FirewallGroup,
    all: &[InterfaceView],
    goes: impl Fn(&Interface) -> bool,
    draft: &mut Draft,
) {
    let peering_id = facts.peering.id;
    let Some((_, ours)) = facts.peering.attached_by_us(side) else {
        return;
    };
    let mut over = Vec::new();
    for interface in ours.into_iter().filter(goes) {
        let carries = all
            .iter()
            .find(|it| it.interface == interface && it.groups.contains(group));
        let made = facts.peering.has_on_record(side, &thing(&interface));
        match carries {
            Some(shown) if shown.groups.len() == 1 => the_only_one(facts, side, shown, draft),
            Some(_) => {
                if !made {
                    draft.record(attached(facts, side, group, &interface));
                }
                let group = group.clone();
                draft.act(
                    facts,
                    Action::DetachGroup {
                        side,
                        interface,
                        group,
                    },
                );
            }
            None if made => draft.record(FirewallGroupDetached {
                peering_id,
                side,
                group: group.clone(),
                interface,
            }),
            // What was about to be attached may still show.
            None => {
                let thing = thing(&interface);
                let since = facts.peering.intents.get(side).since(&thing);
                let hides = |since| facts.seen_at < later(since, facts.settings.visibility_window);
                if since.is_some_and(hides) {
                    draft.polls = true;
                } else {
                    over.push(thing);
                }
            }
        }
    }
    if !over.is_empty() {
        draft.record(InstallationEnded {
            peering_id,
            side,
            things: over,
        });
    }
}

/// An interface keeps at least one group.
fn the_only_one(facts: &Facts<'_>, side: Side, shown: &InterfaceView, draft: &mut Draft) {
    let interface = &shown.interface;
    let message = format!(
        "Peerage's group is the only one left of {interface}, and an interface has at least one"
    );
    let remedy = vec![format!(
        "attach a group of your own to {interface}; Peerage then takes its own away"
    )];
    draft.block(facts, BlockCause::InUse, side, message, remedy);
}

/// To attach a group, the interfaces must be seen.
fn cannot_look(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    let wanted = &facts.peering.firewall.get(side).attachment.wanted;
    if wanted.is_none() || facts.network.provider.firewall().aim != Aim::Attachment {
        return;
    }
    let message = format!(
        "Peerage may not read the network interfaces of the {side} side, and so attaches its group to none"
    );
    let remedy = vec![format!(
        "allow it to read them, as the policy says that `peerage peering show {}` prints",
        facts.peering.id
    )];
    draft.block(facts, BlockCause::PermissionDenied, side, message, remedy);
}

/// What is not to be attached any more, as far as the log knows of it; it waits for nothing else.
pub(super) fn close_alone(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    let is_wanted = facts.peering.firewall.get(side).attachment.wanted.is_some();
    let Some((group, ours)) = facts.peering.attached_by_us(side) else {
        return;
    };
    if is_wanted || ours.is_empty() {
        return;
    }
    if let Some(Some(all)) = is_seen(facts, side, draft) {
        detach(facts, side, group, all, |_| true, draft);
    }
}

/// Before the group goes: it is detached from what the engine has attached it to, and who else uses
/// it is named. Says whether nothing does any more, as far as that can be told.
pub(super) fn take_back(
    facts: &Facts<'_>,
    side: Side,
    view: &GroupView,
    draft: &mut Draft,
) -> bool {
    let Some(seen) = is_seen(facts, side, draft) else {
        return false;
    };
    if let Some(all) = seen {
        let before = (draft.actions.len(), draft.records.len());
        detach(facts, side, &view.group, all, |_| true, draft);
        if (draft.actions.len(), draft.records.len()) != before || draft.polls {
            return false;
        }
    }
    let users = users(
        facts,
        side,
        &view.group,
        seen.map_or(&[][..], Vec::as_slice),
    );
    if users.is_empty() {
        return true;
    }
    let (group, users) = (&view.group, users.join(", "));
    let message = format!("{group} is still used, and is not deleted: {users}");
    let remedy = vec![
        format!("take {group} away from {users}; the removal goes on then"),
        format!(
            "or end it on record, leaving behind what stands: peerage peering abandon {} --reason '…'",
            facts.peering.id
        ),
    ];
    draft.block(facts, BlockCause::InUse, side, message, remedy);
    false
}

/// The interfaces that carry a group, and the rules of other groups that name it.
fn users(
    facts: &Facts<'_>,
    side: Side,
    group: &FirewallGroup,
    all: &[InterfaceView],
) -> Vec<String> {
    let carry = all.iter().filter(|it| it.groups.contains(group));
    let interfaces = carry.map(|it| match &it.managed_by {
        Some(service) => format!("{} (of {service})", it.interface),
        None => it.interface.to_string(),
    });
    let groups = facts.seen.groups.get(side).iter().flatten();
    let rules = groups.filter(|it| it.group != *group).flat_map(|other| {
        let names_it = |source: &Source| matches!(source, Source::Group { group: named, .. } if named == group.as_str());
        let rules = other.rules.iter().filter(move |it| names_it(&it.admits.source));
        rules.map(move |it| format!("{} in {} ({})", it.id, other.group, other.name))
    });
    interfaces.chain(rules).collect()
}
