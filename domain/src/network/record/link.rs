//! What may be recorded of a link, state by state. Each function says whether it is news.

use super::{
    super::{
        Refusal,
        peering::{Life, LinkTrace, Origin, Peering, RemovalCause},
    },
    out_of_order,
};
use crate::text::Link;
use chrono::{DateTime, Utc};

/// Whether the recorded link is the reported one; another link is never taken for it.
fn same_link(peering: &Peering, recorded: &Link, reported: &Link) -> Result<(), Refusal> {
    if recorded == reported {
        return Ok(());
    }
    Err(Refusal::LinkMismatch { peering_id: peering.id, recorded: recorded.to_string(), reported: reported.to_string() })
}

pub(super) fn initiation_started(peering: &Peering, reported: u32) -> Result<bool, Refusal> {
    match peering.life {
        Life::Requested if reported == 1 => Ok(true),
        Life::Initiating { attempt, .. } if reported == attempt => Ok(false),
        Life::Initiating { attempt, .. } | Life::InitiationRefused { attempt } if attempt.checked_add(1) == Some(reported) => Ok(true),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::Initiated { .. }
        | Life::Accepted { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "an attempt to initiate it")),
    }
}

pub(super) fn initiation_refused(peering: &Peering, reported: u32) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Initiating { attempt, .. } if reported == *attempt => Ok(true),
        Life::InitiationRefused { attempt } if reported == *attempt => Ok(false),
        Life::Removing { trace: LinkTrace::Perhaps { attempt, .. }, .. } if reported == *attempt => Ok(true),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::Initiated { .. }
        | Life::Accepted { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "a refused attempt")),
    }
}

pub(super) fn initiated(peering: &Peering, reported: &Link) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Initiating { .. } | Life::Removing { trace: LinkTrace::Perhaps { .. }, .. } => Ok(true),
        Life::Initiated { link, .. }
        | Life::Accepted { link }
        | Life::Active { link }
        | Life::Removing { trace: LinkTrace::Seen(link), .. } => same_link(peering, link, reported).map(|()| false),
        Life::Requested | Life::InitiationRefused { .. } | Life::Removing { .. } | Life::Ended(_) => {
            Err(out_of_order(peering, "an initiated link"))
        }
    }
}

pub(super) fn expiry_near(peering: &Peering, reported: &Link) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Initiated { link, warned, .. } => same_link(peering, link, reported).map(|()| !*warned),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::Accepted { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "the last day of a request")),
    }
}

pub(super) fn accepted(peering: &Peering, reported: &Link) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Initiated { link, .. } => same_link(peering, link, reported).map(|()| true),
        Life::Accepted { link } | Life::Active { link } => same_link(peering, link, reported).map(|()| false),
        Life::Requested | Life::Initiating { .. } | Life::InitiationRefused { .. } | Life::Removing { .. } | Life::Ended(_) => {
            Err(out_of_order(peering, "an accepted link"))
        }
    }
}

pub(super) fn activated(peering: &Peering, reported: &Link) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Accepted { link } => same_link(peering, link, reported).map(|()| true),
        Life::Active { link } => same_link(peering, link, reported).map(|()| false),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::Initiated { .. }
        | Life::Removing { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "an active link")),
    }
}

pub(super) fn ended(peering: &Peering, reported: Option<&Link>, how: &'static str) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Ended(ending) if ending.as_str() == how => Ok(false),
        Life::Ended(_) => Err(out_of_order(peering, "another ending")),
        Life::Removing { .. } => Err(out_of_order(peering, "an ending by itself")),
        Life::Requested | Life::Initiating { .. } | Life::InitiationRefused { .. } => match reported {
            None => Ok(true),
            Some(_) => Err(out_of_order(peering, "the end of a link")),
        },
        Life::Initiated { link, .. } | Life::Accepted { link } | Life::Active { link } => match reported {
            Some(reported) => same_link(peering, link, reported).map(|()| true),
            None => Err(out_of_order(peering, "an end without its link")),
        },
    }
}

pub(super) fn deadline_passed(peering: &Peering, deadline: DateTime<Utc>) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Requested | Life::Initiating { .. } | Life::InitiationRefused { .. } | Life::Initiated { .. } | Life::Accepted { .. } => {
            if peering.terms.deadline == Some(deadline) {
                Ok(true)
            } else {
                Err(out_of_order(peering, "another deadline"))
            }
        }
        Life::Removing { because: RemovalCause::Deadline { .. }, .. } => Ok(false),
        Life::Removing { .. } | Life::Active { .. } | Life::Ended(_) => Err(out_of_order(peering, "a deadline that passed")),
    }
}

pub(super) fn surveyed(peering: &Peering) -> Result<bool, Refusal> {
    match &peering.origin {
        Origin::Adopted { found } if peering.life.is_live() => Ok(found.is_none()),
        Origin::Adopted { .. } | Origin::Requested => Err(out_of_order(peering, "a survey")),
    }
}

pub(super) fn link_removed(peering: &Peering, reported: &Link) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Removing { trace: LinkTrace::Seen(link), .. } => same_link(peering, link, reported).map(|()| true),
        Life::Removing { trace: LinkTrace::Gone(link), .. } => same_link(peering, link, reported).map(|()| false),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::Initiated { .. }
        | Life::Accepted { .. }
        | Life::Active { .. }
        | Life::Removing { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "a removed link")),
    }
}

/// A link that the engine made must be gone first; one that it adopted stays.
pub(super) fn removed(peering: &Peering) -> Result<bool, Refusal> {
    match &peering.life {
        Life::Removing { trace: LinkTrace::Seen(_), .. } if peering.made_the_link() => {
            Err(out_of_order(peering, "a removal with its link"))
        }
        Life::Removing { .. } => Ok(true),
        Life::Ended(ending) if ending.as_str() == "removed" => Ok(false),
        Life::Requested
        | Life::Initiating { .. }
        | Life::InitiationRefused { .. }
        | Life::Initiated { .. }
        | Life::Accepted { .. }
        | Life::Active { .. }
        | Life::Ended(_) => Err(out_of_order(peering, "a removal")),
    }
}
