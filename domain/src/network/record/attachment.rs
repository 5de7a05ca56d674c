//! What may be recorded of what a side's group is attached to. Each function says whether it is
//! news.

use super::super::{
    Refusal, Registered,
    event::{
        AttachTo, FirewallAttachmentChosen, FirewallAttachmentSeen, FirewallGroupAttached,
        FirewallGroupDetached,
    },
    peering::{BlockCount, flickers},
};
use super::{active, standing};
use chrono::{DateTime, Utc};

/// A choice is said once; what cannot be attached whenever it changes, unless that comes and goes.
pub(super) fn chosen(
    network: &Registered,
    it: &FirewallAttachmentChosen,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "a choice of interfaces")?;
    let Some(wanted) = &peering.firewall.get(it.side).attachment.wanted else {
        return Ok(false);
    };
    let is_once = matches!(
        wanted.to,
        AttachTo::Tag {
            followed: false,
            ..
        }
    );
    if is_once && wanted.chosen.is_none() {
        return Ok(true);
    }
    let is_fixed = !is_once || wanted.chosen.as_ref() == Some(&it.interfaces);
    Ok(is_fixed
        && wanted.left_alone != it.left_alone
        && !comes_and_goes(network, wanted.changes, now))
}

pub(super) fn attached(network: &Registered, it: &FirewallGroupAttached) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "an attached firewall group")?;
    let firewall = peering.firewall.get(it.side);
    let is_known = firewall.attachment.made.contains_key(&it.interface);
    Ok(firewall.group.as_ref() == Some(&it.group) && !is_known)
}

pub(super) fn detached(network: &Registered, it: &FirewallGroupDetached) -> Result<bool, Refusal> {
    let peering = standing(network, it.peering_id, "a detached firewall group")?;
    let firewall = peering.firewall.get(it.side);
    let is_known = firewall.attachment.made.contains_key(&it.interface);
    Ok(firewall.group.as_ref() == Some(&it.group) && is_known)
}

/// From none to some and back is news, unless it comes and goes; the exact number is, when a person
/// has asked for a look since it was recorded.
pub(super) fn seen(
    network: &Registered,
    it: &FirewallAttachmentSeen,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    let peering = active(
        network,
        it.peering_id,
        "what a firewall group is attached to",
    )?;
    let firewall = peering.firewall.get(it.side);
    if firewall.group.as_ref() != Some(&it.group) {
        return Ok(false);
    }
    let attachment = &firewall.attachment;
    let Some(known) = attachment.seen else {
        return Ok(it.interfaces.is_some());
    };
    if attachment.differs(it.interfaces) {
        return Ok(!comes_and_goes(network, attachment.changes, now));
    }
    let is_asked_for = network.drift_check.is_some_and(|asked| asked > known.at);
    Ok(is_asked_for && known.interfaces != it.interfaces)
}

fn comes_and_goes(network: &Registered, changes: Option<BlockCount>, now: DateTime<Utc>) -> bool {
    changes.is_some_and(|it| flickers(it.times, it.last, network.drift_check, now))
}
