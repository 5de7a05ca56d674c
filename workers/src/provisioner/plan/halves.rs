//! The halves of a link where each side has an object of its own: each is on record before it is
//! made or removed, in the provider's order, one side at a time.
//!
//! A read shows a side's own half alone, and what that says of the other one. So a half that is its
//! owner's, where nobody lets the engine look, is known by ours for as long as that is there.

use super::{Draft, Facts, Missing, Query, later};
use crate::provisioner::{apply::Action, block, sides};
use cloud::{
    HalfState, LinkForm, LinkState, LinkView, OperationState, instructions::azure::remove_half,
};
use domain::{
    Side,
    network::{
        BlockCause, Consent, DriftKind, Half, HalfChange, HalfChangeStarted, HalfMade,
        HalfOperationFailed, HalfRemoved, Life, LinkRemoved, PeeringInitiationRefused,
    },
    text::{CloudOperation, Link},
};

/// What links are made of where this network is.
pub(super) fn form(facts: &Facts<'_>) -> LinkForm {
    LinkForm::of(facts.network.provider)
}

fn start(facts: &Facts<'_>, side: Side, change: HalfChange, link: &Link) -> HalfChangeStarted {
    HalfChangeStarted::new(facts.peering.id, side, change, link.clone(), facts.now)
}

/// Whether an operation is under way that a half waits for. One that has ended with an error of its
/// own has changed nothing: that is on record, and a person is told.
pub(super) fn is_under_way(facts: &Facts<'_>, draft: &mut Draft) -> bool {
    // Who gives a peering up waits for nothing.
    if matches!(facts.peering.life, Life::Abandoning { .. } | Life::Ended(_)) {
        return false;
    }
    let mut waits = false;
    for side in Side::BOTH {
        let Some(operation) = facts.peering.halves.get(side).operation() else {
            continue;
        };
        let seen = facts.seen.operations.get(side);
        let Some(state) = draft.require(seen, Query::Operation(side)) else {
            waits = true;
            continue;
        };
        match state {
            OperationState::Running => {
                draft.polls = true;
                waits = true;
            }
            OperationState::Done => {}
            OperationState::Failed {
                kind,
                about,
                message,
            } => {
                let cause = block::cause_of(kind, *about, facts.network.provider);
                has_failed(facts, side, operation, (cause, message), draft);
                waits = true;
            }
        }
    }
    waits
}

fn has_failed(
    facts: &Facts<'_>,
    side: Side,
    operation: &CloudOperation,
    (cause, message): (Option<BlockCause>, &String),
    draft: &mut Draft,
) {
    draft.record(HalfOperationFailed {
        peering_id: facts.peering.id,
        side,
        operation: operation.clone(),
        message: message.clone(),
    });
    if let Life::Initiating { attempt, .. } = facts.peering.life
        && side == Side::Local
    {
        draft.record(PeeringInitiationRefused {
            peering_id: facts.peering.id,
            attempt,
            cause,
        });
    }
}

/// Whether nothing is left of an earlier link that keeps another from being made: a half that has
/// lost its own. One that an ended peering of this network has on record is removed, on a side that
/// the engine keeps; one of somebody else's stays, and a person is told.
pub(super) fn way_is_free(facts: &Facts<'_>, draft: &mut Draft) -> bool {
    let LinkForm::TwoObjects { removed, .. } = form(facts) else {
        return true;
    };
    let mut is_free = true;
    for side in removed {
        if facts.peering.is_ours_to_keep(side) {
            is_free &= side_is_free(facts, side, draft);
        }
    }
    is_free
}

fn side_is_free(facts: &Facts<'_>, side: Side, draft: &mut Draft) -> bool {
    let Some(views) = draft.require(facts.seen.links.get(side), Query::Links(side)) else {
        return false;
    };
    let left = |link: &Link| facts.network.has_left_half(side, link);
    if let Half::Removing(request) = facts.peering.halves.get(side)
        && !views.iter().any(|it| it.link == request.link)
    {
        record_gone(facts, side, draft);
        draft.again = true;
        return false;
    }
    let ends = Side::BOTH.map(|side| sides::network(facts.network, facts.peering, side));
    let joins = |it: &&LinkView| ends.iter().all(|end| it.end(end).is_some());
    let mut stale = views.iter().filter(joins).filter(|it| match it.state {
        LinkState::Disconnected => true,
        LinkState::Deleting => left(&it.link),
        LinkState::Initiating
        | LinkState::Pending
        | LinkState::Provisioning
        | LinkState::Active
        | LinkState::Rejected
        | LinkState::Expired
        | LinkState::Failed
        | LinkState::Deleted
        | LinkState::Unknown(_) => false,
    });
    let Some(view) = stale.next() else {
        return true;
    };
    if view.state == LinkState::Deleting {
        draft.polls = true;
    } else if left(&view.link) {
        let (link, action) = (&view.link, view.link.clone());
        let action = Action::DeleteLink { side, link: action };
        change(facts, side, HalfChange::Remove, action, link, draft);
    } else {
        strangers_half(facts, side, view, draft);
    }
    false
}

fn strangers_half(facts: &Facts<'_>, side: Side, view: &LinkView, draft: &mut Draft) {
    let own = sides::network(facts.network, facts.peering, side);
    let message = format!(
        "{} of {own} has lost its other half, and stands in the way of another link; Peerage did not make it",
        view.link
    );
    let remedy = vec![remove_half(&own.network, &view.link)];
    draft.block(facts, BlockCause::Conflict, side, message, remedy);
}

/// The first half is about to be made: that is on record by itself, beside the attempt.
pub(super) fn begin(facts: &Facts<'_>, draft: &mut Draft) {
    if let Some(name) = sides::half_name(facts.network, facts.peering) {
        draft
            .halves
            .push(start(facts, Side::Local, HalfChange::Make, &name));
    }
}

/// This side's half is seen in place; whose it is follows from what is on record.
pub(super) fn is_seen(facts: &Facts<'_>, side: Side, link: &Link, draft: &mut Draft) {
    if !form(facts).is_two_objects() {
        return;
    }
    let is_news = match facts.peering.halves.get(side) {
        Half::Unknown | Half::Making(_) | Half::Gone => true,
        Half::Made { .. } | Half::Removing(_) => false,
    };
    if is_news {
        let is_ours = side == Side::Local && facts.peering.made_the_link()
            || facts.peering.halves.get(side).own_name() == Some(link);
        draft.record(HalfMade {
            peering_id: facts.peering.id,
            side,
            link: is_ours.then(|| link.clone()),
        });
    }
}

/// Makes the peer's half, in its owner's place.
pub(super) fn make_other(facts: &Facts<'_>, link: &Link, draft: &mut Draft) {
    let side = Side::Remote;
    let Some(views) = draft.require(&facts.seen.links.remote, Query::Links(side)) else {
        return;
    };
    match views.iter().find(|view| view.state.is_live()) {
        // It waits for the cloud; or its owner has made one under another name.
        Some(view) if view.link == *link || view.state != LinkState::Disconnected => {
            draft.polls = true;
        }
        Some(view) => {
            let message = format!(
                "{} at the peer has lost its other half, and stands in the way of another one",
                view.link
            );
            let remedy = vec![format!("delete {} in the peer's network", view.link)];
            draft.block(facts, BlockCause::Conflict, side, message, remedy);
        }
        None => change(
            facts,
            side,
            HalfChange::Make,
            Action::AcceptLink {
                side,
                link: link.clone(),
            },
            link,
            draft,
        ),
    }
}

/// A change of a half, which is on record before it is made. One that was begun is gone on with,
/// under the name that its request has.
fn change(
    facts: &Facts<'_>,
    side: Side,
    change: HalfChange,
    action: Action,
    link: &Link,
    draft: &mut Draft,
) {
    if draft.waits_for(facts, &action) {
        return;
    }
    let is_begun = match (facts.peering.halves.get(side), change) {
        (Half::Making(_), HalfChange::Make) | (Half::Removing(_), HalfChange::Remove) => true,
        (Half::Unknown | Half::Making(_) | Half::Made { .. } | Half::Gone, HalfChange::Remove)
        | (Half::Unknown | Half::Made { .. } | Half::Removing(_) | Half::Gone, HalfChange::Make) => {
            false
        }
    };
    if !is_begun {
        draft.halves.push(start(facts, side, change, link));
    }
    draft.actions.push(action);
}

/// Takes back what the engine has made of the link, one half after the other. Says whether all of
/// it is seen to be gone.
pub(super) fn take_back(facts: &Facts<'_>, link: &Link, draft: &mut Draft) -> bool {
    let LinkForm::TwoObjects { removed, .. } = form(facts) else {
        return true;
    };
    others(facts, link, draft);
    if !draft.records.is_empty() {
        return false;
    }
    removed
        .into_iter()
        .all(|side| take_back_one(facts, side, link, draft))
}

/// The same for one side.
pub(super) fn take_back_one(facts: &Facts<'_>, side: Side, link: &Link, draft: &mut Draft) -> bool {
    let half = facts.peering.halves.get(side);
    if half.own_name().is_none() {
        return true;
    }
    let Some(views) = draft.require(facts.seen.links.get(side), Query::Links(side)) else {
        return false;
    };
    let network = sides::network(facts.network, facts.peering, side);
    if let Some(view) = views.iter().find(|view| view.link == *link) {
        match view.half(side, &network).map(|it| it.state) {
            Some(HalfState::Pending) if view.state == LinkState::Provisioning => draft.polls = true,
            Some(HalfState::Deleting) => draft.polls = true,
            Some(HalfState::Pending | HalfState::Connected | HalfState::Disconnected) => {
                let action = Action::DeleteLink {
                    side,
                    link: link.clone(),
                };
                change(facts, side, HalfChange::Remove, action, link, draft);
            }
            Some(HalfState::Absent | HalfState::Failed) | None => {
                super::states::unknown(facts, view, draft);
            }
        }
        return false;
    }
    if is_gone(facts, side) {
        record_gone(facts, side, draft);
    } else if let Half::Making(_) = half {
        draft.polls = true;
    } else {
        draft.missing.insert(Missing::Link(side));
    }
    false
}

/// Whether a half that is not shown is not there: one that was never seen may be hidden for a
/// while, and so may one that nobody has removed.
fn is_gone(facts: &Facts<'_>, side: Side) -> bool {
    match facts.peering.halves.get(side) {
        Half::Unknown | Half::Gone | Half::Removing(_) => true,
        Half::Making(request) => {
            facts.seen_at >= later(request.since, facts.settings.visibility_window)
        }
        Half::Made { .. } => facts.has_been_missing_for_long(Missing::Link(side)),
    }
}

fn record_gone(facts: &Facts<'_>, side: Side, draft: &mut Draft) {
    let half = facts.peering.halves.get(side);
    if half.may_stand() {
        draft.record(HalfRemoved {
            peering_id: facts.peering.id,
            side,
            link: half.own_name().cloned(),
        });
    }
}

/// An attempt made nothing: neither will its half come any more.
pub(super) fn never_came(facts: &Facts<'_>, draft: &mut Draft) {
    record_gone(facts, Side::Local, draft);
}

/// What ours says of a half that is not the engine's: on record before ours is removed, for nothing
/// says it after that.
fn others(facts: &Facts<'_>, link: &Link, draft: &mut Draft) {
    let half = facts.peering.halves.get(Side::Remote);
    if half.own_name().is_some() || !facts.peering.halves.get(Side::Local).may_stand() {
        return;
    }
    // The engine has removed the one that it made in its owner's place: ours may have been looked
    // at before that.
    if *half == Half::Gone && facts.peering.terms.consent == Consent::Delegated {
        return;
    }
    let Some(views) = draft.require(&facts.seen.links.local, Query::Links(Side::Local)) else {
        return;
    };
    let Some(view) = views.iter().find(|view| view.link == *link) else {
        return;
    };
    match view.state {
        LinkState::Active => is_seen(facts, Side::Remote, link, draft),
        LinkState::Pending | LinkState::Disconnected => record_gone(facts, Side::Remote, draft),
        LinkState::Initiating
        | LinkState::Provisioning
        | LinkState::Rejected
        | LinkState::Expired
        | LinkState::Failed
        | LinkState::Deleting
        | LinkState::Deleted
        | LinkState::Unknown(_) => {}
    }
}

/// The end of the link in a removal: once all that the engine has made of it is gone.
pub(super) fn end(facts: &Facts<'_>, link: &Link, draft: &mut Draft) {
    if take_back(facts, link, draft) {
        draft.record(LinkRemoved {
            peering_id: facts.peering.id,
            link: link.clone(),
        });
    }
}

/// Puts on record what stands of the halves on this side and what does not, and changes nothing.
pub(super) fn look(facts: &Facts<'_>, side: Side, link: &Link, draft: &mut Draft) {
    if side == Side::Local {
        others(facts, link, draft);
    }
    if facts.peering.halves.get(side).own_name().is_none() {
        return;
    }
    let Some(views) = draft.require(facts.seen.links.get(side), Query::Links(side)) else {
        return;
    };
    if !views.iter().any(|view| view.link == *link) && is_gone(facts, side) {
        record_gone(facts, side, draft);
    }
}

/// An active link has lost its other half, by somebody's hand. It is not made again: whoever has
/// removed it did not want it.
pub(super) fn is_cut_off(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    super::drift::report(
        facts,
        DriftKind::LinkEnded {
            state: LinkState::Disconnected.as_str().to_owned(),
        },
        draft,
    );
    record_gone(facts, Side::Remote, draft);
    let message = format!(
        "the peer's half of {} is gone: somebody has removed it there",
        view.link
    );
    let remedy = super::states::gone(facts);
    draft.block(facts, BlockCause::LinkEnded, Side::Remote, message, remedy);
}
