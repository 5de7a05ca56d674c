//! What may be recorded of things that the engine is about to make. Each function says what of it
//! is news.
//!
//! The intent is the gate of everything that opens: it is appended to the record as that is at this
//! moment, so what was revoked, removed, frozen or put in quarantine meanwhile is not opened.

use super::{
    super::{
        Refusal, Registered,
        event::{InstallationEnded, InstallationStarted, RouteFound, Thing, Where},
        peering::{Origin, Peering},
    },
    active, linked, linked_or_ending, out_of_order,
};
use crate::side::Side;

/// Only things that are wanted now, and of those the ones that are not on record yet.
pub(super) fn started(
    network: &Registered,
    it: &InstallationStarted,
) -> Result<Option<InstallationStarted>, Refusal> {
    let is_of_firewall = |it: &Thing| matches!(it, Thing::Group | Thing::Rule { .. });
    let peering = if it.things.iter().all(is_of_firewall) {
        linked(network, it.peering_id, "something to install")?
    } else {
        active(network, it.peering_id, "something to install")?
    };
    if network.is_frozen() {
        return Err(out_of_order(
            peering,
            "an opening while its network is frozen",
        ));
    }
    if network.is_quarantined(peering) {
        return Err(out_of_order(peering, "an opening in quarantine"));
    }
    if matches!(peering.origin, Origin::Adopted { found: None }) {
        return Err(out_of_order(peering, "an installation before the survey"));
    }
    for thing in &it.things {
        is_wanted(network, peering, it.side, thing)?;
    }
    let things: Vec<_> = it
        .things
        .iter()
        .filter(|thing| !peering.is_ours(it.side, thing))
        .cloned()
        .collect();
    Ok((!things.is_empty()).then(|| InstallationStarted {
        things,
        ..it.clone()
    }))
}

fn is_wanted(
    network: &Registered,
    peering: &Peering,
    side: Side,
    thing: &Thing,
) -> Result<(), Refusal> {
    match thing {
        Thing::Route { destination, .. } => {
            if !peering.routes.get(side).contains_key(destination) {
                return Err(Refusal::RouteNotAccepted {
                    peering_id: peering.id,
                    side,
                    destination: *destination,
                });
            }
            if peering.suspended.get(side).is_some() {
                return Err(out_of_order(peering, "a route of a side that is suspended"));
            }
            Ok(())
        }
        Thing::Group => Ok(()),
        Thing::Rule {
            source,
            port,
            target,
        } => {
            let admit = &peering.firewall.get(side).admit;
            if admit
                .iter()
                .any(|rule| (rule.source, rule.port, rule.target) == (*source, *port, *target))
            {
                Ok(())
            } else {
                Err(out_of_order(peering, "a rule that is not admitted"))
            }
        }
        Thing::Attachment { interface } => {
            let wanted = peering.firewall.get(side).attachment.wanted.as_ref();
            if wanted.is_some_and(|it| it.may_be(interface)) {
                Ok(())
            } else {
                Err(out_of_order(peering, "an attachment that nobody asked for"))
            }
        }
        Thing::Denial { denial } => {
            // Whoever planned it on an older record does not know the one that is there.
            let own = peering.own_denials(side);
            let mut same = own
                .iter()
                .filter(|it| (&it.list, it.denies) == (&denial.list, denial.denies));
            if same.any(|it| it.number != denial.number) {
                return Err(out_of_order(peering, "a denial that has another number"));
            }
            let is_asked_for = peering.firewall.get(side).denials.wanted.is_some();
            if is_asked_for && network.denied(peering, side).contains(&denial.denies) {
                Ok(())
            } else {
                Err(out_of_order(peering, "a denial that nobody asked for"))
            }
        }
        Thing::Option { option } => {
            if peering.option(side, *option).wanted {
                Ok(())
            } else {
                Err(out_of_order(peering, "an option that nobody asked for"))
            }
        }
    }
}

/// Of these, the ones that were about to be made.
pub(super) fn ended(
    network: &Registered,
    it: &InstallationEnded,
) -> Result<Option<InstallationEnded>, Refusal> {
    let peering = linked_or_ending(network, it.peering_id, "the end of an installation")?;
    let things: Vec<_> = it
        .things
        .iter()
        .filter(|thing| peering.intends(it.side, thing))
        .cloned()
        .collect();
    Ok((!things.is_empty()).then(|| InstallationEnded {
        things,
        ..it.clone()
    }))
}

pub(super) fn route_found(network: &Registered, it: &RouteFound) -> Result<bool, Refusal> {
    let peering = active(network, it.peering_id, "a route that was found")?;
    let route = peering.routes.get(it.side).get(&it.destination);
    let route = route.ok_or(Refusal::RouteNotAccepted {
        peering_id: it.peering_id,
        side: it.side,
        destination: it.destination,
    })?;
    match &it.at {
        Where::Table(table) => Ok(!route.installed.contains_key(table)
            && !peering.owns_route(it.side, table, it.destination)),
        Where::Exchange => Ok(false),
    }
}
