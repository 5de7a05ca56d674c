//! What may be recorded of a link, state by state. Each function says whether it is news.

use super::{
    super::{
        AccepterMismatch, Refusal, Registered,
        event::{AcceptedBy, Consent, PeeringAbandoned, PeeringAccepted, PeeringRemoved},
        peering::{Ending, Life, LinkTrace, Origin, Peering, RemovalCause},
    },
    out_of_order,
};
use crate::{side::Side, text::Link};
use chrono::{DateTime, Utc};

/// Whether the recorded link is the reported one; another link is never taken for it.
fn same_link(peering: &Peering, recorded: &Link, reported: &Link) -> Result<(), Refusal> {
    if recorded == reported {
        return Ok(());
    }
    Err(Refusal::LinkMismatch {
        peering_id: peering.id,
        recorded: recorded.to_string(),
        reported: reported.to_string(),
    })
}

pub(super) fn initiation_started(peering: &Peering, reported: u32) -> Result<bool, Refusal> {
    match peering.life {
        Life::Requested if reported == 1 => Ok(true),
        Life::Initiating { attempt, .. } if reported == attempt => Ok(false),
        Life::Initiating { attempt, .. } | Life::InitiationRefused { attempt }
            if attempt.checked_add(1) == Some(reported) =>
        {
            Ok(true)
        }
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Abandoning { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "an attempt to initiate it")),
    }
}

pub(super) fn initiation_refused(peering: &Peering, reported: u32) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Initiating { attempt, .. } if reported == *attempt => Ok(true),
        Life::InitiationRefused { attempt } if reported == *attempt => Ok(false),
        Life::Removing {
            trace: LinkTrace::Perhaps { attempt, .. },
        }
        | Life::Abandoning {
            trace: LinkTrace::Perhaps { attempt, .. },
        } if reported == *attempt => Ok(true),
        // The answer to the last attempt is on record: what is left in doubt is an earlier one, or
        // none.
        Life::Removing {
            trace: LinkTrace::Perhaps { attempt, .. },
        }
        | Life::Abandoning {
            trace: LinkTrace::Perhaps { attempt, .. },
        } if reported > *attempt => Ok(false),
        Life::Removing {
            trace: LinkTrace::Never,
        }
        | Life::Abandoning {
            trace: LinkTrace::Never,
        } => Ok(false),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Abandoning { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "a refused attempt")),
    }
}

/// A link that is over is no new one, and one of another peering none of this one's.
pub(super) fn initiated(
    network: &Registered,
    peering: &Peering,
    reported: &Link,
) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Initiating { .. }
        | Life::Removing {
            trace: LinkTrace::Perhaps { .. },
        }
        | Life::Abandoning {
            trace: LinkTrace::Perhaps { .. },
        } => match network.holder_of(reported) {
            Some(peering_id) => Err(Refusal::LinkOnRecord {
                link: reported.to_string(),
                peering_id,
            }),
            None => Ok(true),
        },
        Life::AwaitingAcceptance { link, .. }
        | Life::Provisioning { link }
        | Life::Active { link }
        | Life::Removing {
            trace: LinkTrace::Seen(link) | LinkTrace::Gone(link),
        }
        | Life::Abandoning {
            trace: LinkTrace::Seen(link) | LinkTrace::Gone(link),
        } => same_link(peering, link, reported).map(|()| false),
        Life::Requested
        | Life::InitiationRefused { .. }
        | Life::Removing { .. }
        | Life::Abandoning { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "an initiated link")),
    }
}

pub(super) fn expiry_near(peering: &Peering, reported: &Link) -> Result<bool, Refusal> {
    match &peering.life {
        Life::AwaitingAcceptance { link, warned, .. } => {
            same_link(peering, link, reported).map(|()| !*warned)
        }
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::Provisioning { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Abandoning { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "the last day of a request")),
    }
}

/// Nobody but the peer's owner can have accepted it, or the engine in that owner's name.
pub(super) fn accepted(peering: &Peering, it: &PeeringAccepted) -> Result<bool, Refusal> {
    if let Some(evidence) = &it.evidence {
        let (on_record, shown) = (&peering.peer.account, &evidence.account);
        if on_record != shown {
            let (on_record, shown) = (on_record.to_string(), shown.to_string());
            return Err(Refusal::AccepterMismatch(AccepterMismatch {
                peering_id: peering.id,
                on_record,
                shown,
            }));
        }
        if evidence.accepted_by != AcceptedBy::Owner && peering.terms.consent == Consent::Owner {
            return Err(out_of_order(
                peering,
                "an acceptance that was not the engine's to give",
            ));
        }
    }
    match &peering.life {
        Life::AwaitingAcceptance { link, .. } => same_link(peering, link, &it.link).map(|()| true),
        Life::Provisioning { link } | Life::Active { link } => {
            same_link(peering, link, &it.link).map(|()| false)
        }
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::Removing { .. }
        | Life::Abandoning { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "an accepted link")),
    }
}

pub(super) fn activated(peering: &Peering, reported: &Link) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Provisioning { link } => same_link(peering, link, reported).map(|()| true),
        Life::Active { link } => same_link(peering, link, reported).map(|()| false),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Removing { .. }
        | Life::Abandoning { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "an active link")),
    }
}

/// Whether its request allows a second one, and it is worth making.
pub(super) fn is_asked_for_again(peering: &Peering, now: DateTime<Utc>) -> bool {
    let is_in_time = peering.terms.deadline.is_none_or(|deadline| deadline > now);
    matches!(peering.life, Life::AwaitingAcceptance { .. }) && peering.terms.renew && is_in_time
}

/// An attempt that nobody has answered may have made a link, and an active link may have things on
/// it: such a peering does not end by itself, it is removed.
pub(super) fn ended(
    peering: &Peering,
    reported: Option<&Link>,
    how: &'static str,
) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Ended(ending) if ending.as_str() == how => Ok(false),
        Life::Ended(_) => Err(out_of_order(peering, "another ending")),
        Life::Removing { .. } | Life::Abandoning { .. } => {
            Err(out_of_order(peering, "an ending by itself"))
        }
        Life::Requested | Life::Initiating { .. } | Life::InitiationRefused { .. } => {
            match reported {
                Some(link) if how == "expired" && peering.past_links.contains(link) => Ok(false),
                None if peering.trace() == LinkTrace::Never => Ok(true),
                None => Err(out_of_order(peering, "an end while a link may exist")),
                Some(_) => Err(out_of_order(peering, "the end of a link")),
            }
        }
        Life::Active { link }
            if reported == Some(link) && peering.leftovers_on_sides().next().is_some() =>
        {
            Err(out_of_order(peering, "an end with things left on its link"))
        }
        // What is rejected or expires is one object, and goes whole.
        Life::AwaitingAcceptance { .. } | Life::Provisioning { .. } | Life::Active { .. }
            if how != "failed" && has_a_half(peering) =>
        {
            Err(out_of_order(peering, "an end with a half still in place"))
        }
        Life::AwaitingAcceptance { link, .. }
        | Life::Provisioning { link }
        | Life::Active { link } => match reported {
            Some(reported) => same_link(peering, link, reported).map(|()| true),
            None => Err(out_of_order(peering, "an end without its link")),
        },
    }
}

fn has_a_half(peering: &Peering) -> bool {
    let mut halves = Side::BOTH.map(|side| peering.halves.get(side)).into_iter();
    halves.any(|half| half.may_stand())
}

pub(super) fn deadline_passed(
    peering: &Peering,
    deadline: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. } => {
            if peering.terms.deadline != Some(deadline) {
                Err(out_of_order(peering, "another deadline"))
            } else if now < deadline {
                Err(out_of_order(peering, "a deadline that is still to come"))
            } else {
                Ok(true)
            }
        }
        Life::Removing { .. } if removal_is_for_a_deadline(peering) => Ok(false),
        Life::Removing { .. } | Life::Abandoning { .. } | Life::Active { .. } | Life::Ended(_) => {
            Err(out_of_order(peering, "a deadline that passed"))
        }
    }
}

fn removal_is_for_a_deadline(peering: &Peering) -> bool {
    let cause = peering.removal.as_ref().map(|it| &it.cause);
    matches!(cause, Some(RemovalCause::Deadline { .. }))
}

/// Of a link that was adopted, once.
pub(super) fn asked_side_seen(peering: &Peering, link: &Link) -> Result<bool, Refusal> {
    if !peering.life.is_live() {
        return Err(out_of_order(peering, "a link that waits for somebody"));
    }
    if peering.asked_side().is_some() {
        return Ok(false);
    }
    if let Some(recorded) = peering.life.link() {
        same_link(peering, recorded, link)?;
    }
    Ok(true)
}

pub(super) fn surveyed(peering: &Peering) -> Result<bool, Refusal> {
    match &peering.origin {
        Origin::Adopted { found } if peering.life.is_live() => Ok(found.is_none()),
        Origin::Adopted { .. } | Origin::Requested => Err(out_of_order(peering, "a survey")),
    }
}

pub(super) fn link_removed(peering: &Peering, reported: &Link) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Removing {
            trace: LinkTrace::Seen(link),
        }
        | Life::Abandoning {
            trace: LinkTrace::Seen(link),
        } => same_link(peering, link, reported).map(|()| true),
        Life::Removing {
            trace: LinkTrace::Gone(link),
        }
        | Life::Abandoning {
            trace: LinkTrace::Gone(link),
        } => same_link(peering, link, reported).map(|()| false),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Abandoning { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "a removed link")),
    }
}

/// Both halves of the link must be gone first, and so must everything else of the engine's making,
/// unless it is named as left behind. Where a link stays, as one does that was adopted, that is no
/// removal: it is [`abandoned`].
pub(super) fn removed(
    peering: &Peering,
    it: &PeeringRemoved,
) -> Result<Option<PeeringRemoved>, Refusal> {
    match &peering.life {
        Life::Removing {
            trace: LinkTrace::Seen(_),
            ..
        } => return Err(out_of_order(peering, "a removal with its link")),
        Life::Removing { .. } => {}
        Life::Ended(Ending::Removed { .. }) => return Ok(None),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. }
        | Life::Active { .. }
        | Life::Abandoning { .. }
        | Life::Ended(_) => return Err(out_of_order(peering, "a removal")),
    }
    if Side::BOTH
        .into_iter()
        .any(|side| peering.halves.get(side).may_stand())
    {
        return Err(out_of_order(peering, "a removal with a half of its link"));
    }
    if peering
        .leftovers_on_sides()
        .any(|remnant| !it.left_behind.contains(&remnant))
    {
        return Err(out_of_order(
            peering,
            "a removal with things still in place",
        ));
    }
    Ok(Some(it.clone()))
}

/// Whether the link stands, or a half of it, and is not the engine's to remove.
fn keeps_others(peering: &Peering, trace: &LinkTrace) -> bool {
    let is_adopted = matches!(trace, LinkTrace::Seen(_)) && !peering.made_the_link();
    is_adopted || peering.has_others_half()
}

/// It ends for the reason that it was asked for. Everything on record is named, beside what the
/// worker saw.
pub(super) fn abandoned(
    peering: &Peering,
    it: &PeeringAbandoned,
) -> Result<Option<PeeringAbandoned>, Refusal> {
    match &peering.life {
        Life::Abandoning { .. } => {}
        // Everything of the engine's making is gone, and what is somebody else's of the link stays.
        Life::Removing { trace }
            if keeps_others(peering, trace) && peering.leftovers_on_sides().next().is_none() => {}
        Life::Ended(Ending::Abandoned { .. }) => return Ok(None),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::AwaitingAcceptance { .. }
        | Life::Provisioning { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Ended(_) => return Err(out_of_order(peering, "an abandonment")),
    }
    let reason = match peering.removal.as_ref().map(|it| &it.cause) {
        Some(RemovalCause::Command { reason }) => reason.clone(),
        Some(RemovalCause::Deadline { .. } | RemovalCause::Expiry { .. }) | None => {
            it.reason.clone()
        }
    };
    let mut left_behind = peering.leftovers();
    let seen = it.left_behind.iter();
    left_behind.extend(
        seen.filter(|it| !peering.leftovers().contains(it))
            .cloned()
            .collect::<Vec<_>>(),
    );
    Ok(Some(PeeringAbandoned {
        peering_id: peering.id,
        reason,
        left_behind,
        not_observed: it.not_observed.clone(),
    }))
}
