//! What lets somebody in, and what keeps them out.

use super::words::{count, list, side};
use domain::network::{
    DenialEnforced, DenialMade, DenialRemoved, DenialRequested, ExposedBy,
    FirewallAttachmentChosen, FirewallAttachmentSeen, FirewallExposed,
};

pub(super) fn chosen(it: &FirewallAttachmentChosen) -> String {
    format!(
        "chose {} on {} for the firewall group; {} left alone",
        count(it.interfaces.len(), "interface", "interfaces"),
        side(it.side),
        it.left_alone.len()
    )
}

pub(super) fn seen(it: &FirewallAttachmentSeen) -> String {
    let (group, of) = (&it.group, side(it.side));
    match it.interfaces {
        Some(on) => {
            let on = count(on as usize, "interface", "interfaces");
            format!("saw group {group} of {of} on {on}")
        }
        None => format!("cannot tell which interfaces group {group} of {of} is on"),
    }
}

pub(super) fn to_deny(it: &DenialRequested) -> String {
    let of = side(it.side);
    format!("asked to deny in front of {} of {of}", list(&it.subnets))
}

pub(super) fn denied(it: &DenialMade) -> String {
    let (denial, of) = (&it.denial, side(it.side));
    format!("{} denies {} to {of}", denial.list, denial.denies)
}

pub(super) fn no_longer_denied(it: &DenialRemoved) -> String {
    let (denial, of) = (&it.denial, side(it.side));
    format!("{} no longer denies {} to {of}", denial.list, denial.denies)
}

pub(super) fn keeps_out(it: &DenialEnforced) -> String {
    let of = side(it.side);
    let keep = if it.lists.len() == 1 { "keeps" } else { "keep" };
    format!(
        "{} {keep} out of {of} what is to be denied",
        list(&it.lists)
    )
}

pub(super) fn exposed(it: &FirewallExposed) -> String {
    let (on, exposure) = (side(it.side), &it.exposure);
    if exposure.cannot_tell {
        return format!(
            "cannot tell what {} in {} admits on {on}",
            exposure.rule_id, exposure.group
        );
    }
    match exposure.what {
        ExposedBy::Rule => format!(
            "exposed on {on}: rule {} admits {}",
            exposure.rule_id, exposure.admits
        ),
        ExposedBy::Default => format!(
            "exposed on {on} by default: {} admits {}",
            exposure.group, exposure.admits
        ),
    }
}
