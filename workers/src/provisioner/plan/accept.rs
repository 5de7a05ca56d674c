//! From a link that waits for its accepter to an active one: accepted by the engine, or by the
//! peer's owner, against the clock.
//!
//! AWS warns of peering phishing: a request is accepted only when both sides' views of it are the
//! one on record.

use super::{Draft, Facts, Missing, Query, adoption, firewall, halves, later, pair, states};
use crate::provisioner::{apply::Action, sides};
use chrono::{DateTime, TimeDelta, Utc};
use cloud::{LinkEnd, LinkState, LinkView};
use domain::{
    Side,
    network::{
        AcceptedBy, BlockCause, Consent, Evidence, Half, PeeringAccepted, PeeringActivated,
        PeeringExpired, PeeringExpiryNear,
    },
    text::Link,
};
use ipnet::IpNet;

/// How long before the end of a request its owner is told.
const WARNING: TimeDelta = TimeDelta::hours(24);

/// The link is on record and nobody has accepted it, as far as the log knows.
pub(super) fn plan(
    facts: &Facts<'_>,
    link: &Link,
    expires_at: Option<DateTime<Utc>>,
    warned: bool,
    draft: &mut Draft,
) {
    let is_over = |at: Option<DateTime<Utc>>| at.is_some_and(|at| facts.now >= at);
    if (expires_at.is_none() || is_over(expires_at)) && is_taken_back(facts) {
        if halves::take_back(facts, link, draft) {
            draft.record(PeeringExpired {
                peering_id: facts.peering.id,
                link: link.clone(),
            });
        }
        return;
    }
    let Some(view) = states::on_record(facts, link, draft) else {
        return;
    };
    // The cloud's own clock counts where it tells of one: nobody knows how old a link is that was
    // adopted.
    let expires_at = expires_at.into_iter().chain(view.expires_at).min();
    if facts.peering.made_the_link()
        && states::ending(view).is_none()
        && let Some(views) = &facts.seen.links.local
    {
        let (ours, others): (Vec<_>, Vec<_>) = views
            .iter()
            .partition(|view| view.link == *link || pair::is_ours(facts, view));
        let live: Vec<_> = ours
            .into_iter()
            .filter(|view| view.state.is_live())
            .collect();
        if pair::stands_in_the_way(facts, &live, &others, draft) {
            return;
        }
    }
    match view.state {
        LinkState::Pending => pending(facts, view, expires_at, warned, draft),
        // Taken back by us because its time was over.
        LinkState::Deleted if is_over(expires_at) && facts.peering.made_the_link() => {
            draft.record(PeeringExpired {
                peering_id: facts.peering.id,
                link: link.clone(),
            });
        }
        LinkState::Deleting if is_over(expires_at) && facts.peering.made_the_link() => {
            draft.polls = true
        }
        LinkState::Initiating
        | LinkState::Provisioning
        | LinkState::Active
        | LinkState::Disconnected
        | LinkState::Rejected
        | LinkState::Expired
        | LinkState::Failed
        | LinkState::Deleting
        | LinkState::Deleted
        | LinkState::Unknown(_) => progress(facts, view, draft),
    }
}

fn pending(
    facts: &Facts<'_>,
    view: &LinkView,
    expires_at: Option<DateTime<Utc>>,
    warned: bool,
    draft: &mut Draft,
) {
    if clock(facts, view, expires_at, warned, draft) {
        return;
    }
    adoption::see_asked_side(facts, view, draft);
    let is_ours = adoption::asked_side(facts, view) == Some(Side::Local);
    match facts.peering.terms.consent {
        // The peer has asked: whoever keeps the peer's side has no say in it any more.
        Consent::Delegated | Consent::Owner if is_ours => accept_at_home(facts, view, draft),
        Consent::Delegated => accept(facts, view, draft),
        Consent::Owner => {
            if facts.network.provider.admits_by_default() {
                firewall::plan(facts, Side::Local, draft);
            }
            draft.polls = true;
        }
    }
}

/// A request that nobody accepts is warned of, and ends when its time is over: by the cloud itself,
/// or by taking it back. Where it waits for ever there is no clock. Says whether it is over.
fn clock(
    facts: &Facts<'_>,
    view: &LinkView,
    expires_at: Option<DateTime<Utc>>,
    warned: bool,
    draft: &mut Draft,
) -> bool {
    let Some(expires_at) = expires_at else {
        return false;
    };
    let near = expires_at - WARNING;
    if facts.now < near {
        draft.due_at(near);
    } else if !warned {
        draft.record(PeeringExpiryNear {
            peering_id: facts.peering.id,
            link: view.link.clone(),
            expires_at,
        });
    }
    if facts.now < expires_at {
        draft.due_at(expires_at);
        return false;
    }
    if facts.seen_at < later(expires_at, facts.settings.visibility_window)
        || !facts.peering.made_the_link()
    {
        draft.polls = true;
    } else {
        draft.act(
            facts,
            Action::DeleteLink {
                side: Side::Local,
                link: view.link.clone(),
            },
        );
    }
    true
}

/// Whether the request is being taken back half by half: then ours need not be shown any more.
fn is_taken_back(facts: &Facts<'_>) -> bool {
    match facts.peering.halves.local {
        Half::Removing(_) | Half::Gone => true,
        Half::Unknown | Half::Making(_) | Half::Made { .. } => false,
    }
}

/// Accepts, once the remote side shows the very link that was asked for.
fn accept(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    if halves::form(facts).is_two_objects() && facts.peering.made_the_link() {
        if !differs(facts, view, draft) {
            halves::make_other(facts, &view.link, draft);
        }
        return;
    }
    let Some(remote) = draft.require(&facts.seen.links.remote, Query::Links(Side::Remote)) else {
        return;
    };
    let Some(theirs) = remote.iter().find(|theirs| theirs.link == view.link) else {
        let message = format!(
            "the remote side does not show {}, which waits for it",
            view.link
        );
        let remedy = vec![format!(
            "check that Peerage's identity for account {} is the peer's owner",
            facts.peering.peer.account
        )];
        draft.missing(facts, Missing::Link(Side::Remote), message, remedy);
        return;
    };
    if [view, theirs]
        .into_iter()
        .any(|view| differs(facts, view, draft))
    {
        return;
    }
    if theirs.state == LinkState::Pending {
        draft.act(
            facts,
            Action::AcceptLink {
                side: Side::Remote,
                link: view.link.clone(),
            },
        );
    } else {
        draft.polls = true;
    }
}

/// Accepts what the peer has asked for, with the private network's own identity, once its own view
/// is the record's. Nobody has to look at the peer's side for that.
fn accept_at_home(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    if !differs(facts, view, draft) {
        draft.act(
            facts,
            Action::AcceptLink {
                side: Side::Local,
                link: view.link.clone(),
            },
        );
    }
}

/// What follows from the state of a link that is on record as initiated.
pub(super) fn progress(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    match &view.state {
        LinkState::Initiating => draft.polls = true,
        LinkState::Pending => draft.again = true,
        // A half that the cloud is still making has not met any other.
        LinkState::Provisioning if halves::form(facts).is_two_objects() => draft.polls = true,
        LinkState::Provisioning => {
            if !differs(facts, view, draft) {
                draft.record(accepted(facts, view));
                draft.polls = true;
            }
        }
        LinkState::Active => {
            if !differs(facts, view, draft) {
                draft.record(accepted(facts, view));
                halves::is_seen(facts, Side::Remote, &view.link, draft);
                draft.record(PeeringActivated {
                    peering_id: facts.peering.id,
                    link: view.link.clone(),
                });
                draft.again = true;
            }
        }
        LinkState::Rejected | LinkState::Expired | LinkState::Failed => {
            draft.records.extend(states::ended(facts, view))
        }
        LinkState::Disconnected | LinkState::Deleting | LinkState::Deleted => {
            states::deleted(facts, view, draft)
        }
        LinkState::Unknown(_) => states::unknown(facts, view, draft),
    }
}

fn accepted(facts: &Facts<'_>, view: &LinkView) -> PeeringAccepted {
    let accepted_by = match facts.peering.terms.consent {
        Consent::Delegated if facts.memory.accepted.as_ref() == Some(&view.link) => {
            AcceptedBy::Engine
        }
        Consent::Delegated => AcceptedBy::EngineOrOwner,
        Consent::Owner => AcceptedBy::Owner,
    };
    let evidence = Evidence {
        accepted_by,
        account: view.second.network.at.account.clone(),
        seen_at: facts.now,
        seen_from: Side::Local,
        shown: view.state.as_str().to_owned(),
    };
    // Who accepted a link that was adopted nobody here has seen.
    let evidence = facts.peering.made_the_link().then_some(evidence);
    PeeringAccepted {
        peering_id: facts.peering.id,
        link: view.link.clone(),
        evidence,
    }
}

/// The link is accepted; the cloud is working on it.
pub(super) fn wait(facts: &Facts<'_>, link: &Link, draft: &mut Draft) {
    let Some(view) = states::on_record(facts, link, draft) else {
        return;
    };
    match &view.state {
        // Older states are reads that lag behind.
        LinkState::Initiating | LinkState::Pending | LinkState::Provisioning => draft.polls = true,
        LinkState::Active => {
            halves::is_seen(facts, Side::Remote, link, draft);
            draft.record(PeeringActivated {
                peering_id: facts.peering.id,
                link: link.clone(),
            });
            draft.again = true;
        }
        LinkState::Rejected | LinkState::Expired | LinkState::Failed => {
            draft.records.extend(states::ended(facts, view))
        }
        LinkState::Disconnected | LinkState::Deleting | LinkState::Deleted => {
            states::deleted(facts, view, draft)
        }
        LinkState::Unknown(_) => states::unknown(facts, view, draft),
    }
}

/// Whether a link is another than the one on record; then a person must look.
fn differs(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) -> bool {
    let Some(what) = mismatch(facts, view) else {
        return false;
    };
    let message = format!(
        "{} is not the link on record: {what}; it is not accepted",
        view.link
    );
    let remedy = vec!["compare the networks on record with those at the cloud, and request a peering that names them".to_owned()];
    draft.block(facts, BlockCause::Conflict, Side::Remote, message, remedy);
    true
}

/// What differs between a link and the record. An adopted link may have been asked for from either
/// end.
fn mismatch(facts: &Facts<'_>, view: &LinkView) -> Option<String> {
    let wanted = sides::link(facts.network, facts.peering);
    let reversed =
        !facts.peering.made_the_link() && view.first.network.is_same(&wanted.second.network);
    let ends = if reversed {
        (&wanted.second, &wanted.first)
    } else {
        (&wanted.first, &wanted.second)
    };
    end_mismatch("requester", ends.0, &view.first)
        .or_else(|| end_mismatch("accepter", ends.1, &view.second))
}

/// Ranges that the cloud does not tell yet are no difference, nor those of a family of which it
/// tells none; what it does tell must hold every range on record.
fn end_mismatch(end: &str, wanted: &LinkEnd, shown: &LinkEnd) -> Option<String> {
    if !shown.network.is_same(&wanted.network) {
        return Some(format!(
            "its {end} is {}, not {}",
            shown.network, wanted.network
        ));
    }
    let is_told = |range: &&IpNet| {
        let mut shown = shown.ranges.iter();
        shown.any(|it| it.addr().is_ipv6() == range.addr().is_ipv6())
    };
    let missing = wanted
        .ranges
        .iter()
        .filter(is_told)
        .find(|range| !shown.ranges.iter().any(|shown| shown.contains(*range)))?;
    let told = shown
        .ranges
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    (!shown.ranges.is_empty()).then(|| format!("its {end} has {told}, and not {missing}"))
}
