//! The link: found or made, never taken from somebody else, and never two; then its tag, and its
//! end at the cloud.

use super::{Draft, Facts, Query, accept, drift, halves, later, pair, preflight, states};
use crate::provisioner::apply::Action;
use chrono::{DateTime, Utc};
use cloud::{LinkState, LinkView};
use domain::{
    Side,
    network::{DriftKind, Life, PeeringInitiated, PeeringInitiationStarted},
};

/// Where the search for a link stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Attempt {
    /// Nothing has been asked of the cloud.
    First,
    /// The cloud has answered the last attempt with an error.
    After { refused: u32 },
    /// This attempt may have made a link.
    Open {
        attempt: u32,
        started_at: DateTime<Utc>,
    },
}

/// Finds our link, or plans to make one.
pub(super) fn find_or_create(facts: &Facts<'_>, attempt: Attempt, draft: &mut Draft) {
    let Some(views) = draft.require(&facts.seen.links.local, Query::Links(Side::Local)) else {
        return;
    };
    let (ours, others): (Vec<_>, Vec<_>) =
        views.iter().partition(|view| pair::is_ours(facts, view));
    let live: Vec<_> = ours
        .iter()
        .copied()
        .filter(|view| view.state.is_live())
        .collect();
    if let Attempt::Open {
        attempt,
        started_at,
    } = attempt
    {
        let open = facts.seen_at < later(started_at, facts.settings.visibility_window);
        if open
            && !halves::form(facts).is_two_objects()
            && ours.is_empty()
            && others
                .iter()
                .any(|view| view.state.is_live() && pair::could_become_ours(facts, view))
        {
            draft.polls = true;
            return;
        }
        if pair::stands_in_the_way(facts, &live, &others, draft) {
            return;
        }
        let ended = || {
            ours.iter()
                .copied()
                .find(|view| states::ending(view).is_some())
        };
        match live.first().copied().or_else(ended) {
            Some(view) if view.state == LinkState::Deleting => draft.polls = true,
            Some(view) => found(facts, view, draft),
            // However long ago that attempt began: nothing has come of it.
            None if facts.memory.put_off == Some(attempt) => {
                draft.act(facts, Action::CreateLink { attempt });
            }
            None if open => draft.polls = true,
            None => begin(facts, attempt.saturating_add(1), CallsFor::ALink, draft),
        }
        return;
    }
    if !halves::way_is_free(facts, draft) || pair::stands_in_the_way(facts, &live, &others, draft) {
        return;
    }
    let next = match attempt {
        Attempt::First => 1,
        Attempt::After { refused }
        | Attempt::Open {
            attempt: refused, ..
        } => refused.saturating_add(1),
    };
    if halves::form(facts).is_two_objects()
        && matches!(attempt, Attempt::First)
        && pair::is_named_like_ours(facts, &live, draft)
    {
        return;
    }
    // A link of ours that the log knows nothing of: the log was restored from an older copy. It
    // becomes an attempt's.
    let wanted = if live.is_empty() {
        CallsFor::ALink
    } else {
        CallsFor::NoLink
    };
    begin(facts, next, wanted, draft);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallsFor {
    ALink,
    NoLink,
}

/// The first write of an attempt comes after everything that can be known beforehand.
fn begin(facts: &Facts<'_>, attempt: u32, wanted: CallsFor, draft: &mut Draft) {
    if wanted == CallsFor::ALink && !preflight::passes(facts, draft) {
        return;
    }
    draft.intent = Some(PeeringInitiationStarted {
        peering_id: facts.peering.id,
        attempt,
        started_at: facts.now,
    });
    if wanted == CallsFor::ALink {
        halves::begin(facts, draft);
        draft.actions.push(Action::CreateLink { attempt });
    }
}

/// Our link is there: everything that its state says is put on record, in order.
fn found(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    draft.record(PeeringInitiated {
        peering_id: facts.peering.id,
        link: view.link.clone(),
        expires_at: view.expires_at.or_else(|| configured_end(facts)),
    });
    halves::is_seen(facts, Side::Local, &view.link, draft);
    accept::progress(facts, view, draft);
}

/// Until when the request waits, where the cloud does not tell and the configuration does.
fn configured_end(facts: &Facts<'_>) -> Option<DateTime<Utc>> {
    let window = facts.limits.local.acceptance_window?;
    if let Life::Initiating { started_at, .. } = facts.peering.life {
        Some(started_at + window)
    } else {
        None
    }
}

/// The tag says whose the link is; without it a person cannot tell, and neither could an engine
/// with an older log.
pub(super) fn tag(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    if !facts.peering.made_the_link() || pair::has_our_tag(facts, view.owner) {
        return;
    }
    if drift::classify(facts, DriftKind::LinkTagMissing, draft) == drift::Verdict::Repair {
        draft.act(
            facts,
            Action::TagLink {
                link: view.link.clone(),
            },
        );
    }
}

/// The end of the link as it was found first: one that goes from deleting to deleted has ended
/// once.
pub(super) fn ended(facts: &Facts<'_>, view: &LinkView) -> DriftKind {
    let known = facts
        .peering
        .drift
        .keys()
        .chain(facts.peering.accepted_drift.keys())
        .find(|it| matches!(it, DriftKind::LinkEnded { .. }));
    known.cloned().unwrap_or_else(|| DriftKind::LinkEnded {
        state: view.state.as_str().to_owned(),
    })
}
