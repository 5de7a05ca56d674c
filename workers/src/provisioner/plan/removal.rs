//! Removal: what the engine made is taken back, in the reverse order of its making, each stage seen
//! to be done before the next.
//!
//! ```text
//!   rules and routes of the local side ─▶ of the remote side ─▶ options ─▶ the link ─▶ the groups ─▶ PeeringRemoved
//! ```
//!
//! It is removed once both halves of the link are seen to be gone. Where one stays that is somebody
//! else's, or a link that was adopted, the peering is abandoned, and what stays is named.
//!
//! Routes go before the link, so that none is left leading nowhere; once the link is gone the
//! tables are looked at once more. A side whose cloud refuses the engine holds up the link and is
//! named in the block; abandoning the peering is the way out. A link that was adopted is never
//! removed, nor are the routes that it had. A group that holds rules of somebody else's stays, and
//! the removal is blocked: they are named, and nothing of the peering is open meanwhile.

use super::{
    Draft, Facts, Missing, Query, attachment, denial, firewall, halves, later, options, pair,
    routes, states,
};
use crate::provisioner::{apply::Action, sides};
use cloud::{GroupView, LinkState, LinkView};
use domain::{
    Range, Side,
    network::{
        BlockCause, FirewallGroupRemoved, FirewallRuleRevoked, InstallationEnded, Leftover,
        LinkOption, LinkOptionApplied, LinkRemoved, LinkTrace, PeeringAbandoned, PeeringInitiated,
        PeeringRemoved, RemovalCause, RouteInstalled, RouteRemoved, Thing,
    },
    text::{Link, Reason, RouteTable},
};

pub(super) fn plan(facts: &Facts<'_>, trace: &LinkTrace, draft: &mut Draft) {
    let link = match trace {
        LinkTrace::Never => None,
        LinkTrace::Perhaps { started_at, .. } => {
            if find(facts, *started_at, draft) {
                return;
            }
            halves::never_came(facts, draft);
            if !draft.records.is_empty() {
                draft.again = true;
                return;
            }
            None
        }
        LinkTrace::Seen(link) | LinkTrace::Gone(link) => Some(link),
    };
    let stages: [fn(&Facts<'_>, &Link, &LinkTrace, &mut Draft); 6] =
        [local, remote, switched, end, groups, late];
    if let Some(link) = link {
        for stage in stages {
            stage(facts, link, trace, draft);
            if draft.is_busy() || draft.block.is_some() || !draft.records.is_empty() {
                // Records change what is on record: plan again on that.
                draft.again = !draft.records.is_empty();
                return;
            }
        }
    }
    let (stays, left_behind) = match trace {
        // Of the engine's making it would have been taken down.
        LinkTrace::Seen(_) => (true, Vec::new()),
        LinkTrace::Gone(link) => (false, others_routes(facts, link, draft)),
        LinkTrace::Never | LinkTrace::Perhaps { .. } => (false, Vec::new()),
    };
    if !draft.needs.is_empty() {
        return;
    }
    // What somebody else has of the link stays: that is no removal.
    if stays || facts.peering.has_others_half() {
        draft.record(PeeringAbandoned {
            peering_id: facts.peering.id,
            reason: reason(facts),
            left_behind: facts.peering.leftovers(),
            not_observed: Vec::new(),
        });
    } else {
        draft.record(PeeringRemoved {
            peering_id: facts.peering.id,
            left_behind,
        });
    }
    draft.again = true;
}

/// Routes of other owners over the link that is gone, on the sides that had routes of the engine's.
fn others_routes(facts: &Facts<'_>, link: &Link, draft: &mut Draft) -> Vec<Leftover> {
    let mut left = Vec::new();
    for side in facts.peering.kept_sides() {
        if facts.peering.ever_accepted.get(side).is_empty() {
            continue;
        }
        if let Some(tables) = draft.require(facts.seen.tables.get(side), Query::Tables(side)) {
            left.extend(routes::of_others(facts, side, link, tables));
        }
    }
    left
}

/// Why the peering is taken back, in a reader's words.
fn reason(facts: &Facts<'_>) -> Reason {
    match facts.peering.removal.as_ref().map(|it| &it.cause) {
        Some(RemovalCause::Command { reason }) => reason.clone(),
        Some(RemovalCause::Expiry { .. }) => plain("its end has come"),
        Some(RemovalCause::Deadline { .. }) | None => plain("its deadline passed"),
    }
}

fn plain(words: &str) -> Reason {
    words.parse().expect("a few plain words are a reason")
}

/// An attempt may have made a link: it is looked for until it shows, or until it no longer could.
/// Says whether the search goes on.
pub(super) fn find(
    facts: &Facts<'_>,
    started_at: chrono::DateTime<chrono::Utc>,
    draft: &mut Draft,
) -> bool {
    let Some(views) = draft.require(&facts.seen.links.local, Query::Links(Side::Local)) else {
        return true;
    };
    let ours = || views.iter().filter(|view| pair::is_ours(facts, view));
    if let Some(view) = ours()
        .find(|view| view.state.is_live())
        .or_else(|| ours().next())
    {
        let (peering_id, link) = (facts.peering.id, view.link.clone());
        draft.record(PeeringInitiated {
            peering_id,
            link,
            expires_at: view.expires_at,
        });
        halves::is_seen(facts, Side::Local, &view.link, draft);
        draft.again = true;
        return true;
    }
    let open = facts.seen_at < later(started_at, facts.settings.visibility_window);
    draft.polls = open;
    open
}

fn local(facts: &Facts<'_>, link: &Link, _: &LinkTrace, draft: &mut Draft) {
    side(facts, Side::Local, link, draft);
}

fn remote(facts: &Facts<'_>, link: &Link, _: &LinkTrace, draft: &mut Draft) {
    if facts.peering.is_ours_to_keep(Side::Remote) {
        side(facts, Side::Remote, link, draft);
    }
}

/// The rules and the routes of one side.
pub(super) fn side(facts: &Facts<'_>, side: Side, link: &Link, draft: &mut Draft) {
    rules(facts, side, draft);
    all_routes(facts, side, link, draft);
}

fn rules(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    if !firewall::may_have_group(facts, side) {
        return;
    }
    let Some(view) = group(facts, side, draft) else {
        return;
    };
    let known = firewall::known_of(facts, side, view);
    firewall::record_rules(facts, side, view, &known, draft);
    for shown in view
        .rules
        .iter()
        .filter(|shown| firewall::own(facts, side, &known, shown).is_some())
    {
        draft.act(
            facts,
            Action::RevokeRule {
                side,
                group: view.group.clone(),
                id: shown.id.clone(),
            },
        );
    }
    for (rule, rule_id) in known
        .rules
        .iter()
        .filter(|(_, id)| !view.rules.iter().any(|shown| shown.id == **id))
    {
        draft.record(FirewallRuleRevoked {
            peering_id: facts.peering.id,
            side,
            rule: *rule,
            rule_id: rule_id.clone(),
        });
    }
}

/// The group that the engine made on this side, if it is shown. One without any trace of ever
/// having been there is not looked for.
fn group<'a>(facts: &Facts<'a>, side: Side, draft: &mut Draft) -> Option<&'a GroupView> {
    let groups = draft.require(facts.seen.groups.get(side), Query::Groups(side))?;
    groups
        .iter()
        .find(|group| firewall::is_ours(facts, side, group))
}

fn all_routes(facts: &Facts<'_>, side: Side, link: &Link, draft: &mut Draft) {
    let on_record: Vec<(Range, &RouteTable)> = {
        let kept = facts.peering.routes.get(side).iter();
        let kept = kept.flat_map(|(range, it)| it.installed.keys().map(|table| (*range, table)));
        let going = facts.peering.withdrawn.get(side).iter();
        let going = going.flat_map(|(range, it)| it.installed.keys().map(|table| (*range, table)));
        kept.chain(going).collect()
    };
    let is_intended = |(thing, _)| matches!(thing, &Thing::Route { .. });
    if on_record.is_empty() && !facts.peering.intents.get(side).iter().any(is_intended) {
        return;
    }
    let Some(tables) = draft.require(facts.seen.tables.get(side), Query::Tables(side)) else {
        return;
    };
    let peering_id = facts.peering.id;
    for table in tables {
        for destination in table
            .routes
            .iter()
            .filter_map(|route| routes::over(link, route))
            .filter(|range| facts.peering.owns_route(side, &table.table, *range))
        {
            let thing = routes::thing(&table.table, destination);
            if !facts.peering.has_on_record(side, &thing) {
                draft.record(RouteInstalled {
                    peering_id,
                    side,
                    destination,
                    route_table: table.table.clone(),
                });
            }
            draft.act(
                facts,
                Action::RemoveRoute {
                    side,
                    table: table.table.clone(),
                    destination,
                },
            );
        }
    }
    for (destination, table) in on_record {
        if !routes::shows(tables, table, link, destination) {
            draft.record(RouteRemoved {
                peering_id,
                side,
                destination,
                route_table: table.clone(),
            });
        }
    }
}

/// The options that the engine set are set back, while the link can still be asked; what others
/// need of one goes before it. Where each side has an object that the engine made, they go with it.
fn switched(facts: &Facts<'_>, link: &Link, trace: &LinkTrace, draft: &mut Draft) {
    let goes_with_the_link = halves::form(facts).is_two_objects() && facts.peering.made_the_link();
    if matches!(trace, LinkTrace::Gone(_)) || goes_with_the_link {
        return;
    }
    let set_back = LinkOption::of(facts.network.provider).filter(|it| !it.is_upkeep());
    for option in set_back.collect::<Vec<_>>().into_iter().rev() {
        let ours = |side: &Side| facts.peering.is_ours(*side, &Thing::Option { option });
        for side in facts.peering.kept_sides().filter(ours) {
            switch_off(facts, side, option, link, draft);
        }
    }
}

fn switch_off(facts: &Facts<'_>, side: Side, option: LinkOption, link: &Link, draft: &mut Draft) {
    let Some(view) = shown(facts, link, draft)
        .and_then(|local| options::own_view(facts, side, option, local, draft))
    else {
        return;
    };
    let Some((role, end)) = view.end(&sides::network(facts.network, facts.peering, side)) else {
        return;
    };
    let enabled = end.option(option).unwrap_or_default();
    if view.state != LinkState::Active || !enabled {
        draft.record(LinkOptionApplied {
            peering_id: facts.peering.id,
            side,
            option,
            enabled: false,
            in_effect: None,
        });
    } else if !options::is_still_needed(facts, side, option, view, draft) {
        draft.act(
            facts,
            Action::SetOption {
                side,
                link: link.clone(),
                end: role,
                option,
                enabled: false,
            },
        );
    }
}

fn shown<'a>(facts: &Facts<'a>, link: &Link, draft: &mut Draft) -> Option<&'a LinkView> {
    let views = draft.require(&facts.seen.links.local, Query::Links(Side::Local))?;
    views.iter().find(|view| view.link == *link)
}

/// The link itself, if the engine made it.
pub(super) fn end(facts: &Facts<'_>, link: &Link, trace: &LinkTrace, draft: &mut Draft) {
    if matches!(trace, LinkTrace::Gone(_)) || !facts.peering.made_the_link() {
        return;
    }
    if halves::form(facts).is_two_objects() {
        return halves::end(facts, link, draft);
    }
    let Some(view) = shown(facts, link, draft) else {
        if draft.needs.is_empty() {
            unseen(facts, link, draft);
        }
        return;
    };
    if another_stands(facts, link, draft) {
        return;
    }
    match &view.state {
        LinkState::Pending | LinkState::Active | LinkState::Disconnected => {
            let (side, link) = (Side::Local, link.clone());
            draft.act(facts, Action::DeleteLink { side, link })
        }
        // A link that the cloud is working on cannot be deleted.
        LinkState::Initiating | LinkState::Provisioning | LinkState::Deleting => draft.polls = true,
        LinkState::Rejected | LinkState::Expired | LinkState::Failed | LinkState::Deleted => {
            draft.record(LinkRemoved {
                peering_id: facts.peering.id,
                link: link.clone(),
            });
        }
        LinkState::Unknown(_) => states::unknown(facts, view, draft),
    }
}

/// Only the link on record is removed. Another live one with this peering's tag is for a person,
/// who is told of it.
fn another_stands(facts: &Facts<'_>, link: &Link, draft: &mut Draft) -> bool {
    let views = facts.seen.links.local.iter().flatten();
    let mut others = views
        .filter(|view| view.link != *link && view.state.is_live() && pair::is_ours(facts, view));
    let Some(other) = others.next() else {
        return false;
    };
    let message = format!(
        "{} carries this peering's tag too, and is not the link on record, {link}",
        other.link
    );
    let remedy = vec![format!(
        "delete {}, or take the tag off it if somebody else uses it",
        other.link
    )];
    draft.block(facts, BlockCause::Conflict, Side::Local, message, remedy);
    true
}

/// A link that is no longer shown is over once it could not be hidden any more (AWS shows a deleted
/// link for two hours).
fn unseen(facts: &Facts<'_>, link: &Link, draft: &mut Draft) {
    if facts.has_been_missing_for_long(Missing::Link(Side::Local)) {
        draft.record(LinkRemoved {
            peering_id: facts.peering.id,
            link: link.clone(),
        });
    } else {
        draft.missing.insert(Missing::Link(Side::Local));
    }
}

/// The groups, now that nothing comes over the link.
fn groups(facts: &Facts<'_>, _: &Link, _: &LinkTrace, draft: &mut Draft) {
    for side in facts.peering.kept_sides() {
        denial::take_back(facts, side, draft);
        own_group(facts, side, draft);
    }
}

/// The group of one side.
pub(super) fn own_group(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    if !firewall::may_have_group(facts, side) {
        return;
    }
    {
        let view = group(facts, side, draft);
        if !draft.needs.is_empty() {
            return;
        }
        match (view, &facts.peering.firewall.get(side).group) {
            (Some(view), _) => {
                let known = firewall::known_of(facts, side, view);
                let others = firewall::others(facts, side, view, &known);
                if !others.is_empty() {
                    return firewall::stays(facts, side, view, &others, draft);
                }
                if !attachment::take_back(facts, side, view, draft) {
                    return;
                }
                let group = view.group.clone();
                draft.act(facts, Action::DeleteGroup { side, group });
            }
            (None, Some(group)) => {
                draft.record(FirewallGroupRemoved {
                    peering_id: facts.peering.id,
                    side,
                    group: group.clone(),
                });
            }
            (None, None) => {}
        }
    }
}

/// What was about to be made and was never seen is waited for, for as long as a cloud hides what
/// exists: when it shows, it goes like all the rest. Nothing else waits for it.
fn late(facts: &Facts<'_>, _: &Link, _: &LinkTrace, draft: &mut Draft) {
    for side in facts.peering.kept_sides() {
        let (waits, over): (Vec<_>, Vec<_>) =
            facts
                .peering
                .intents
                .get(side)
                .iter()
                .partition(|(_, since)| {
                    facts.seen_at < later(*since, facts.settings.visibility_window)
                });
        draft.polls |= !waits.is_empty();
        if !over.is_empty() {
            draft.record(InstallationEnded {
                peering_id: facts.peering.id,
                side,
                things: over.into_iter().map(|(thing, _)| thing.clone()).collect(),
            });
        }
    }
}
