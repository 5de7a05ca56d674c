//! The link: found or made, accepted, active; never taken from somebody else, and never two.

use super::{Draft, Facts, later};
use crate::{
    cloud::{LinkEnd, LinkState, LinkView},
    provisioner::{apply::Action, place},
};
use chrono::{DateTime, Utc};
use domain::{
    Side,
    network::{
        BlockCause, Outcome, PeeringAccepted, PeeringActivated, PeeringExpired, PeeringFailed, PeeringInitiated, PeeringInitiationStarted,
        PeeringRejected,
    },
    text::Link,
};

/// Where the search for a link stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Attempt {
    /// Nothing has been asked of the cloud.
    First,
    /// The cloud has answered the last attempt with an error.
    After { refused: u32 },
    /// This attempt may have made a link.
    Open { attempt: u32, started_at: DateTime<Utc> },
}

/// Finds our link, or plans to make one.
pub(super) fn seek(facts: &Facts<'_>, attempt: Attempt, draft: &mut Draft) {
    let Some(views) = &facts.seen.links.local else {
        draft.again = true;
        return;
    };
    let (ours, others): (Vec<_>, Vec<_>) = views.iter().partition(|view| is_ours(facts, view));
    let live: Vec<_> = ours.iter().copied().filter(|view| view.state.is_live()).collect();
    if let Attempt::Open { attempt, started_at } = attempt {
        let open = facts.now < later(started_at, facts.settings.visibility_window);
        if open && ours.is_empty() && others.iter().any(|view| view.state.is_live() && could_become_ours(facts, view)) {
            draft.polls = true;
            return;
        }
        if stands_in_the_way(facts, &live, &others, draft) {
            return;
        }
        let ended = || ours.iter().copied().find(|view| ending(view).is_some());
        match live.first().copied().or_else(ended) {
            Some(view) if view.state == LinkState::Deleting => draft.polls = true,
            Some(view) => found(facts, view, draft),
            None if open => draft.polls = true,
            None => begin(facts, attempt.saturating_add(1), CallsFor::ALink, draft),
        }
        return;
    }
    if stands_in_the_way(facts, &live, &others, draft) {
        return;
    }
    let next = match attempt {
        Attempt::First => 1,
        Attempt::After { refused } | Attempt::Open { attempt: refused, .. } => refused.saturating_add(1),
    };
    // A link of ours that the log knows nothing of: the log was restored from an older copy. It becomes an attempt's.
    let wanted = if live.is_empty() { CallsFor::ALink } else { CallsFor::NoLink };
    begin(facts, next, wanted, draft);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallsFor {
    ALink,
    NoLink,
}

fn begin(facts: &Facts<'_>, attempt: u32, wanted: CallsFor, draft: &mut Draft) {
    draft.intent = Some(PeeringInitiationStarted { peering_id: facts.peering.id, attempt, started_at: facts.now });
    if wanted == CallsFor::ALink {
        draft.actions.push(Action::CreateLink { attempt });
    }
}

fn is_ours(facts: &Facts<'_>, view: &LinkView) -> bool {
    view.owner == Some(facts.peering.id) && joins_as_asked(facts, view)
}

/// Whether this is a link from our network to the peer's.
fn joins_as_asked(facts: &Facts<'_>, view: &LinkView) -> bool {
    let end = |side| place::network(facts.network, facts.peering, side);
    view.requester.network == end(Side::Local) && view.accepter.network == end(Side::Remote)
}

/// Whether this may be the link just asked for, whose tag is not shown yet.
fn could_become_ours(facts: &Facts<'_>, view: &LinkView) -> bool {
    view.owner.is_none() && joins_as_asked(facts, view)
}

/// A stranger's live link for the pair, or a second one of ours.
fn stands_in_the_way(facts: &Facts<'_>, live: &[&LinkView], others: &[&LinkView], draft: &mut Draft) -> bool {
    let strangers: Vec<_> = others.iter().copied().filter(|view| view.state.is_live()).collect();
    let in_the_way = if !strangers.is_empty() {
        strangers
    } else if live.len() > 1 {
        live.to_vec()
    } else {
        return false;
    };
    let ids = in_the_way.iter().map(|view| view.link.to_string()).collect::<Vec<_>>().join(", ");
    let message = format!("the two networks are joined already, by {ids}; there can be one link for a pair");
    let remedy = vec![format!("delete {ids}, or leave one and let the others go; nothing is deleted that is not on record as ours")];
    draft.block(facts, BlockCause::Conflict, Side::Local, message, remedy);
    true
}

/// Our link is there: everything that its state says is put on record, in order.
fn found(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    let peering_id = facts.peering.id;
    draft.record(Outcome::Initiated(PeeringInitiated { peering_id, link: view.link.clone(), expires_at: view.expires_at }));
    progress(facts, view, draft);
}

/// What follows from the state of a link that is on record as initiated.
fn progress(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    let (peering_id, link) = (facts.peering.id, view.link.clone());
    match &view.state {
        LinkState::Initiating => draft.polls = true,
        LinkState::Pending => draft.again = true,
        LinkState::Provisioning => {
            draft.record(Outcome::Accepted(PeeringAccepted { peering_id, link }));
            draft.polls = true;
        }
        LinkState::Active => {
            draft.record(Outcome::Accepted(PeeringAccepted { peering_id, link: link.clone() }));
            draft.record(Outcome::Activated(PeeringActivated { peering_id, link }));
            draft.again = true;
        }
        LinkState::Rejected | LinkState::Expired | LinkState::Failed => draft.records.extend(ended(facts, view)),
        LinkState::Deleting | LinkState::Deleted => deleted(facts, view, draft),
        LinkState::Unknown(_) => unknown(facts, view, draft),
    }
}

/// The link is on record: accept it, once the remote side shows the very link that was asked for.
pub(super) fn accept(facts: &Facts<'_>, link: &Link, draft: &mut Draft) {
    let Some(view) = on_record(facts, link, draft) else { return };
    if let Some(views) = &facts.seen.links.local {
        let (ours, others): (Vec<_>, Vec<_>) = views.iter().partition(|view| is_ours(facts, view));
        let live: Vec<_> = ours.into_iter().filter(|view| view.state.is_live()).collect();
        if stands_in_the_way(facts, &live, &others, draft) {
            return;
        }
    }
    if view.state != LinkState::Pending {
        progress(facts, view, draft);
        return;
    }
    let Some(remote) = &facts.seen.links.remote else {
        draft.again = true;
        return;
    };
    let Some(theirs) = remote.iter().find(|view| view.link == *link) else {
        let message = format!("the remote side does not show {link}, which waits for it");
        let remedy = vec![format!("check that Peerage's identity for account {} is the peer's owner", facts.peering.peer.account)];
        draft.missing(facts, Side::Remote, message, remedy);
        return;
    };
    match [view, theirs].into_iter().find_map(|view| mismatch(facts, view)) {
        Some(what) => {
            let message = format!("{link} is not the link on record: {what}; it is not accepted");
            let remedy = vec!["compare the networks on record with those at the cloud, and request a peering that names them".to_owned()];
            draft.block(facts, BlockCause::Conflict, Side::Remote, message, remedy);
        }
        None if theirs.state == LinkState::Pending => draft.act(facts, Action::AcceptLink { link: link.clone() }),
        None => draft.polls = true,
    }
}

/// What differs between a link and the record; ranges that the cloud does not tell yet are no difference on the accepter's end.
fn mismatch(facts: &Facts<'_>, view: &LinkView) -> Option<String> {
    let wanted = place::link(facts.network, facts.peering);
    let compared = [("requester", &wanted.requester, &view.requester), ("accepter", &wanted.accepter, &view.accepter)];
    compared.into_iter().find_map(|(end, wanted, shown)| difference(wanted, shown).map(|what| format!("its {end} is {what}")))
}

fn difference(wanted: &LinkEnd, shown: &LinkEnd) -> Option<String> {
    if wanted.network != shown.network {
        return Some(format!("{}, not {}", shown.network, wanted.network));
    }
    let sorted = |end: &LinkEnd| {
        let mut ranges = end.ranges.clone();
        ranges.sort();
        ranges
    };
    if shown.ranges.is_empty() || sorted(wanted) == sorted(shown) {
        return None;
    }
    Some(format!("a network with {:?}, not {:?}", shown.ranges, wanted.ranges))
}

/// The link is accepted: wait for the cloud.
pub(super) fn wait(facts: &Facts<'_>, link: &Link, draft: &mut Draft) {
    let Some(view) = on_record(facts, link, draft) else { return };
    let peering_id = facts.peering.id;
    match &view.state {
        // Older states are reads that lag behind.
        LinkState::Initiating | LinkState::Pending | LinkState::Provisioning => draft.polls = true,
        LinkState::Active => {
            draft.record(Outcome::Activated(PeeringActivated { peering_id, link: link.clone() }));
            draft.again = true;
        }
        LinkState::Rejected | LinkState::Expired | LinkState::Failed => draft.records.extend(ended(facts, view)),
        LinkState::Deleting | LinkState::Deleted => deleted(facts, view, draft),
        LinkState::Unknown(_) => unknown(facts, view, draft),
    }
}

/// Whether the active link is still shown as active; if not, what follows from that.
pub(super) fn is_active(facts: &Facts<'_>, link: &Link, draft: &mut Draft) -> bool {
    let Some(view) = on_record(facts, link, draft) else { return false };
    match &view.state {
        LinkState::Active => return true,
        LinkState::Initiating | LinkState::Pending | LinkState::Provisioning => draft.polls = true,
        LinkState::Failed => draft.records.extend(ended(facts, view)),
        LinkState::Rejected | LinkState::Expired | LinkState::Deleting | LinkState::Deleted => deleted(facts, view, draft),
        LinkState::Unknown(_) => unknown(facts, view, draft),
    }
    false
}

fn on_record<'a>(facts: &Facts<'a>, link: &Link, draft: &mut Draft) -> Option<&'a LinkView> {
    let Some(views) = &facts.seen.links.local else {
        draft.again = true;
        return None;
    };
    let view = views.iter().find(|view| view.link == *link);
    if view.is_none() {
        let message = format!("the cloud no longer shows {link}");
        draft.missing(facts, Side::Local, message, gone());
    }
    view
}

fn ending(view: &LinkView) -> Option<&LinkState> {
    match &view.state {
        LinkState::Rejected | LinkState::Expired | LinkState::Failed => Some(&view.state),
        LinkState::Initiating
        | LinkState::Pending
        | LinkState::Provisioning
        | LinkState::Active
        | LinkState::Deleting
        | LinkState::Deleted
        | LinkState::Unknown(_) => None,
    }
}

fn ended(facts: &Facts<'_>, view: &LinkView) -> Option<Outcome> {
    let (peering_id, link) = (facts.peering.id, view.link.clone());
    Some(match ending(view)? {
        LinkState::Rejected => Outcome::Rejected(PeeringRejected { peering_id, link }),
        LinkState::Expired => Outcome::Expired(PeeringExpired { peering_id, link }),
        LinkState::Failed
        | LinkState::Initiating
        | LinkState::Pending
        | LinkState::Provisioning
        | LinkState::Active
        | LinkState::Deleting
        | LinkState::Deleted
        | LinkState::Unknown(_) => {
            let message = view.message.clone().unwrap_or_else(|| "the cloud gives no reason".to_owned());
            Outcome::Failed(PeeringFailed { peering_id, link: Some(link), message })
        }
    })
}

fn deleted(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    let message = format!("{} has been ended at the cloud ({:?})", view.link, view.state);
    draft.block(facts, BlockCause::NotFound, Side::Local, message, gone());
}

fn unknown(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    let message = format!("the cloud shows {} as {:?}, which no rule covers", view.link, view.state);
    let remedy = vec!["look at the link in the provider's console; Peerage waits until it shows a known state".to_owned()];
    draft.block(facts, BlockCause::Unexpected, Side::Local, message, remedy);
}

fn gone() -> Vec<String> {
    vec!["find out who removed the link; it is not made again without a new request".to_owned()]
}
