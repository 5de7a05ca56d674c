//! `WithdrawRoute` and `ReplaceRoute`: takes a destination range off the link, or puts another in
//! its place.

use super::{
    Refusal, Registered,
    accept_route::{check_neighbours, check_reach},
    command::{ReplaceRoute, WithdrawRoute},
    event::{NetworkEvent, RouteAccepted, RouteWithdrawn},
};

pub(super) fn withdraw(
    network: &Registered,
    command: &WithdrawRoute,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let WithdrawRoute {
        peering_id,
        side,
        destination,
    } = *command;
    let peering = network.standing(peering_id)?;
    if !peering.routes.get(side).contains_key(&destination) {
        if peering.ever_accepted.get(side).contains_key(&destination) {
            return Ok(Vec::new());
        }
        return Err(Refusal::RouteNotAccepted {
            peering_id,
            side,
            destination,
        });
    }
    Ok(vec![
        RouteWithdrawn {
            peering_id,
            side,
            destination,
            replaced_by: None,
        }
        .into(),
    ])
}

/// Both in one append, the new one first: there is no moment in the log at which neither is wanted.
pub(super) fn replace(
    network: &Registered,
    command: &ReplaceRoute,
) -> Result<Vec<NetworkEvent>, Refusal> {
    let ReplaceRoute {
        peering_id,
        side,
        from,
        to,
    } = *command;
    let peering = network.standing(peering_id)?;
    let routes = peering.routes.get(side);
    if from == to {
        return Err(Refusal::RouteReplacedByItself { destination: to });
    }
    if !routes.contains_key(&from) {
        if peering.ever_accepted.get(side).contains_key(&from) && routes.contains_key(&to) {
            return Ok(Vec::new());
        }
        return Err(Refusal::RouteNotAccepted {
            peering_id,
            side,
            destination: from,
        });
    }
    check_reach(network, peering, side, to)?;
    check_neighbours(network, peering, side, to)?;
    let accepted = (!routes.contains_key(&to)).then(|| {
        RouteAccepted {
            peering_id,
            side,
            destination: to,
        }
        .into()
    });
    let withdrawn = RouteWithdrawn {
        peering_id,
        side,
        destination: from,
        replaced_by: Some(to),
    }
    .into();
    Ok(accepted.into_iter().chain([withdrawn]).collect())
}
