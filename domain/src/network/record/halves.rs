//! What may be recorded of the halves of a link.

use super::{
    super::{
        Refusal, Registered,
        event::{
            HalfChange, HalfChangeStarted, HalfMade, HalfOperationFailed, HalfOperationStarted,
            HalfRemoved,
        },
        peering::{Half, Life, Peering},
    },
    out_of_order,
};
use crate::text::Link;

/// A half is made while the link is, and removed once it is to go, or its time is over.
pub(super) fn change_started(
    network: &Registered,
    it: &HalfChangeStarted,
) -> Result<bool, Refusal> {
    let peering = network.live(it.peering_id)?;
    same_name(peering, &it.link)?;
    let half = peering.halves.get(it.side);
    if it.change == HalfChange::Remove && clears_the_way(network, peering, it) {
        let is_known = half
            .request()
            .is_some_and(|known| known.id == it.request_id);
        return Ok(!is_known);
    }
    let is_in_time = match it.change {
        HalfChange::Make => matches!(
            peering.life,
            Life::Initiating { .. } | Life::AwaitingAcceptance { .. } | Life::Provisioning { .. }
        ),
        HalfChange::Remove => matches!(
            peering.life,
            Life::AwaitingAcceptance { .. } | Life::Removing { .. } | Life::Abandoning { .. }
        ),
    };
    if !is_in_time {
        return Err(out_of_order(peering, "a change of its halves"));
    }
    if half
        .request()
        .is_some_and(|known| known.id == it.request_id)
    {
        return Ok(false);
    }
    match (half, it.change) {
        (Half::Making(_) | Half::Made { .. }, HalfChange::Make)
            if peering.life.link().is_some() =>
        {
            Ok(false)
        }
        (Half::Unknown | Half::Gone | Half::Making(_), HalfChange::Make) => Ok(true),
        (Half::Removing(_) | Half::Gone, HalfChange::Remove) => Ok(false),
        (Half::Made { link: Some(_) } | Half::Making(_), HalfChange::Remove) => Ok(true),
        (Half::Unknown | Half::Made { .. } | Half::Removing(_), _) => Err(out_of_order(
            peering,
            "a change of a half of somebody else's",
        )),
    }
}

/// Whether this is about a half that a peering which has ended left there: it goes before the first
/// half of another link is made.
fn clears_the_way(network: &Registered, peering: &Peering, it: &HalfChangeStarted) -> bool {
    let is_before = matches!(
        peering.life,
        Life::Requested | Life::InitiationRefused { .. }
    );
    let is_making = matches!(peering.halves.get(it.side), Half::Making(_));
    is_before && !is_making && network.has_left_half(it.side, &it.link)
}

/// The engine's halves have the name that the link has on record, once it has one.
fn same_name(peering: &Peering, reported: &Link) -> Result<(), Refusal> {
    match peering.life.link() {
        Some(recorded) if recorded != reported => Err(Refusal::LinkMismatch {
            peering_id: peering.id,
            recorded: recorded.to_string(),
            reported: reported.to_string(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// Only for the request that is on record: an answer to an earlier one says nothing of this.
pub(super) fn operation_started(
    network: &Registered,
    it: &HalfOperationStarted,
) -> Result<bool, Refusal> {
    let peering = network.live(it.peering_id)?;
    match peering.halves.get(it.side).request() {
        Some(request) if request.id == it.request_id => {
            Ok(request.operation.as_ref() != Some(&it.operation))
        }
        Some(_) | None => Err(out_of_order(peering, "an operation that was not asked for")),
    }
}

/// An operation that is not on record any more has ended already.
pub(super) fn operation_failed(
    network: &Registered,
    it: &HalfOperationFailed,
) -> Result<bool, Refusal> {
    let peering = network.live(it.peering_id)?;
    let request = peering.halves.get(it.side).request();
    Ok(request.is_some_and(|request| request.operation.as_ref() == Some(&it.operation)))
}

pub(super) fn made(network: &Registered, it: &HalfMade) -> Result<bool, Refusal> {
    let peering = network.live(it.peering_id)?;
    if let Some(link) = &it.link {
        same_name(peering, link)?;
    }
    if peering.life.link().is_none() {
        return Err(out_of_order(
            peering,
            "a half of a link that nobody has seen",
        ));
    }
    Ok(match peering.halves.get(it.side) {
        Half::Made { link } => link.is_none() && it.link.is_some(),
        Half::Removing(_) => false,
        Half::Unknown | Half::Making(_) | Half::Gone => true,
    })
}

pub(super) fn removed(network: &Registered, it: &HalfRemoved) -> Result<bool, Refusal> {
    let peering = network.live(it.peering_id)?;
    if let Some(link) = &it.link {
        same_name(peering, link)?;
    }
    Ok(peering.halves.get(it.side).may_stand())
}
