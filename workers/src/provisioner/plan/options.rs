//! Options of the link: what is switched on each side's half, and what one needs of the other side.
//!
//! An option is set by its own side, once the link is active. Name resolution (AWS) needs networks
//! that answer for their names and give their machines some; what another option needs of the other
//! side is on there first, and off there last.

use super::{
    Draft, Facts, Query,
    drift::{self, Verdict},
    exposure, left_open,
};
use crate::provisioner::{apply::Action, sides};
use cloud::LinkView;
use domain::{
    Side,
    network::{BlockCause, DriftKind, LinkOption, LinkOptionApplied, Needs, Thing},
};

pub(super) fn plan(facts: &Facts<'_>, side: Side, view: &LinkView, draft: &mut Draft) {
    for option in LinkOption::of(facts.network.provider) {
        plan_one(facts, side, option, view, draft);
    }
}

fn plan_one(facts: &Facts<'_>, side: Side, option: LinkOption, view: &LinkView, draft: &mut Draft) {
    let on_record = facts.peering.option(side, option);
    let local = view;
    if option.is_upkeep() && !on_record.wanted {
        return not_kept_up(facts, side, option, local, draft);
    }
    let Some(view) = own_view(facts, side, option, local, draft) else {
        return;
    };
    let Some((role, end)) = view.end(&sides::network(facts.network, facts.peering, side)) else {
        return;
    };
    let shown = end.option(option).unwrap_or_default();
    if shown == on_record.wanted {
        let in_effect = end.effect(option).filter(|_| shown);
        let is_told_otherwise = in_effect.is_some() && on_record.in_effect != in_effect;
        if on_record.applied != shown || is_told_otherwise {
            draft.record(LinkOptionApplied {
                peering_id: facts.peering.id,
                side,
                option,
                enabled: shown,
                in_effect,
            });
        }
        return;
    }
    let nobody_asked = !on_record.wanted && !on_record.applied;
    if nobody_asked && !facts.peering.made_the_link() {
        return;
    }
    let has_drifted = on_record.applied == on_record.wanted;
    let kind = DriftKind::option_flipped(side, option);
    if has_drifted && drift::classify(facts, kind, draft) == Verdict::Leave {
        return;
    }
    if on_record.wanted {
        if !is_possible(facts, side, option, local, draft) {
            return;
        }
    } else if is_still_needed(facts, side, option, local, draft) {
        return;
    }
    let action = Action::SetOption {
        side,
        link: view.link.clone(),
        end: role,
        option,
        enabled: on_record.wanted,
    };
    if on_record.wanted {
        draft.install(facts, side, Thing::Option { option }, action);
    } else {
        draft.act(facts, action);
    }
}

/// What a half would need done that nobody asked for is told: it may be why addresses of the other
/// network are not reached.
fn not_kept_up(
    facts: &Facts<'_>,
    side: Side,
    option: LinkOption,
    local: &LinkView,
    draft: &mut Draft,
) {
    let Some(view) = any_view(facts, side, local, draft) else {
        return;
    };
    let end = view.end(&sides::network(facts.network, facts.peering, side));
    if end.is_some_and(|(_, end)| end.option(option) == Some(false)) {
        drift::report(facts, DriftKind::option_flipped(side, option), draft);
    }
}

/// The link as this side shows it: an end's options are told in its own account. The remote side is
/// not asked for what nobody wanted.
pub(super) fn own_view<'a>(
    facts: &Facts<'a>,
    side: Side,
    option: LinkOption,
    local: &'a LinkView,
    draft: &mut Draft,
) -> Option<&'a LinkView> {
    let on_record = facts.peering.option(side, option);
    if side == Side::Remote && !on_record.wanted && !on_record.applied {
        return None;
    }
    any_view(facts, side, local, draft)
}

/// The same, whether or not anything was asked for.
pub(super) fn any_view<'a>(
    facts: &Facts<'a>,
    side: Side,
    local: &'a LinkView,
    draft: &mut Draft,
) -> Option<&'a LinkView> {
    match side {
        Side::Local => Some(local),
        Side::Remote => {
            let views = draft.require(&facts.seen.links.remote, Query::Links(Side::Remote))?;
            views.iter().find(|view| view.link == local.link)
        }
    }
}

/// Whether the option is on at this side, as far as that can be seen.
fn is_on(
    facts: &Facts<'_>,
    side: Side,
    option: LinkOption,
    local: &LinkView,
    draft: &mut Draft,
) -> Option<bool> {
    let view = any_view(facts, side, local, draft)?;
    let (_, end) = view.end(&sides::network(facts.network, facts.peering, side))?;
    Some(end.option(option).unwrap_or_default())
}

/// Whether what the option needs is so, as far as the engine can look.
fn is_possible(
    facts: &Facts<'_>,
    side: Side,
    option: LinkOption,
    local: &LinkView,
    draft: &mut Draft,
) -> bool {
    if option == LinkOption::DnsResolution {
        return can_resolve(facts, draft);
    }
    if option == LinkOption::VirtualNetworkAccess && !may_open(facts, draft) {
        return false;
    }
    let other = side.other();
    match option.needs() {
        // What the owner of the other side has done, the cloud says.
        Needs::Before(needed) if facts.peering.is_ours_to_keep(other) => {
            match is_on(facts, other, needed, local, draft) {
                Some(true) => true,
                Some(false) => {
                    draft.polls = true;
                    false
                }
                None => false,
            }
        }
        Needs::Nothing | Needs::ForEffect(_) | Needs::Before(_) => true,
    }
}

/// Whether something of the other side still needs the option, which therefore stays on.
pub(super) fn is_still_needed(
    facts: &Facts<'_>,
    side: Side,
    option: LinkOption,
    local: &LinkView,
    draft: &mut Draft,
) -> bool {
    let other = side.other();
    if !facts.peering.is_ours_to_keep(other) {
        return false;
    }
    let needs_it = |it: &LinkOption| it.needs() == Needs::Before(option);
    let mut needing = LinkOption::of(option.provider()).filter(needs_it);
    needing.any(|by| match is_on(facts, other, by, local, draft) {
        Some(is_on) => {
            draft.polls |= is_on;
            is_on
        }
        None => true,
    })
}

/// Whether a half may be opened: on each side that the engine keeps, its firewall was seen to be as
/// it should, and nobody else's rule lets the other side in, unless the request accepted that. What
/// a half opens, Azure says in two ways; so neither is opened before both networks are closed.
fn may_open(facts: &Facts<'_>, draft: &mut Draft) -> bool {
    let mut may = true;
    for side in facts.peering.kept_sides() {
        may &= is_closed(facts, side, draft);
    }
    may
}

fn is_closed(facts: &Facts<'_>, side: Side, draft: &mut Draft) -> bool {
    if !left_open::is_in_force(facts, side, draft) {
        return false;
    }
    // What is open is on record before anything is opened.
    let Some(open) = exposure::open(facts, side, draft) else {
        return false;
    };
    if open.is_empty() || facts.peering.terms.accept_open.is_some() {
        return true;
    }
    let rules: Vec<_> = open
        .iter()
        .map(|it| format!("{} of {}", it.rule.text, it.group.name))
        .collect();
    let message = format!(
        "the halves stay closed: at {}, the other side would be let in by {}",
        sides::network(facts.network, facts.peering, side),
        rules.join("; ")
    );
    let remedy = vec![
        format!(
            "deny {} there before every rule that allows, or remove what lets it in",
            sides::network(facts.network, facts.peering, side.other())
        ),
        "give every subnet with an interface a network security group".to_owned(),
    ];
    draft.block(facts, BlockCause::OptionPrecondition, side, message, remedy);
    false
}

/// Whether the networks that can be looked at meet what name resolution needs.
fn can_resolve(facts: &Facts<'_>, draft: &mut Draft) -> bool {
    let mut possible = true;
    for side in facts.peering.kept_sides() {
        let Some(support) = draft.require(facts.seen.dns.get(side), Query::Dns(side)) else {
            possible = false;
            continue;
        };
        if support.resolution && support.hostnames {
            continue;
        }
        possible = false;
        let network = sides::network(facts.network, facts.peering, side);
        let lacks = if support.resolution {
            "hostnames"
        } else {
            "support"
        };
        let message =
            format!("{network} has DNS {lacks} switched off; names cannot resolve over the link");
        let command = |option: &str| {
            format!(
                "aws ec2 modify-vpc-attribute --region {} --vpc-id {} --enable-dns-{option}",
                network.at.region, network.network
            )
        };
        draft.block(
            facts,
            BlockCause::DnsPrecondition,
            side,
            message,
            vec![command("support"), command("hostnames")],
        );
    }
    possible
}
