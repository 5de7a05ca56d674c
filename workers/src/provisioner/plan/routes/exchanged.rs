//! Routes where the two halves exchange them by themselves: nothing is put in place and nothing can
//! be withheld. That an accepted destination is sent is proven by the half's own list.

use super::super::{Draft, Facts, Missing, options};
use crate::provisioner::sides;
use cloud::LinkView;
use domain::{
    Provider, Range, Side,
    network::{LinkOption, RoutesEnforced, Routing, Where},
};
use ipnet::IpNet;
use std::collections::BTreeSet;

pub(super) fn plan(facts: &Facts<'_>, side: Side, local: &LinkView, draft: &mut Draft) {
    let accepted = facts.peering.routes.get(side);
    if accepted.is_empty() || !facts.network.wants_routes(facts.peering, side) {
        return;
    }
    let Some(view) = options::any_view(facts, side, local, draft) else {
        return;
    };
    let Some((_, end)) = view.end(&sides::network(facts.network, facts.peering, side)) else {
        return;
    };
    let others = facts.seen.network.get(side.other()).iter().flatten();
    let others: Vec<&IpNet> = others.flat_map(|it| &it.ranges).collect();
    let is_sent = |to: &&Range| {
        let to = to.net();
        let has = |part: &IpNet| end.imports.iter().any(|range| range.contains(part));
        let mut parts = others.iter().filter(|it| to.contains(**it));
        has(&to)
            || is_of_subnets(facts.network.provider)
                && end.imports.iter().any(|range| to.contains(range))
                && parts.all(|part| has(part))
    };
    if let Some(missing) = accepted.keys().find(|to| !is_sent(to)) {
        not_exchanged(facts, side, *missing, draft);
        return;
    }
    let at = BTreeSet::from([Where::Exchange]);
    let destinations: BTreeSet<Range> = accepted.keys().copied().collect();
    let known = facts.peering.routes_in_place.get(side).as_ref();
    if known.is_none_or(|it| (&it.at, &it.destinations) != (&at, &destinations)) {
        draft.record(RoutesEnforced {
            peering_id: facts.peering.id,
            side,
            at: at.into_iter().collect(),
            destinations: destinations.into_iter().collect(),
            idle: Vec::new(),
        });
    }
}

/// Whether a network's ranges are those of its subnets: what lies between them is nowhere, and a
/// destination is sent once all of it is that the other network has.
const fn is_of_subnets(provider: Provider) -> bool {
    match provider {
        Provider::Gcp => true,
        Provider::Aws | Provider::Azure => false,
    }
}

/// The other network does not have the destination, or its half does not tell it.
fn not_exchanged(facts: &Facts<'_>, side: Side, to: Range, draft: &mut Draft) {
    let id = facts.peering.id;
    let switch = |side: Side, option: LinkOption| {
        let option = option.as_str().replace('_', "-");
        format!("peerage peering option {id} --side {side} {option} on")
    };
    let other = side.other();
    let mut remedy = vec![format!(
        "check that {} has {to}; what is not its own is not exchanged by itself",
        sides::network(facts.network, facts.peering, other)
    )];
    if let Routing::Exchanged {
        import: Some(import),
        export: Some(export),
    } = Routing::of(facts.network.provider)
    {
        remedy.extend([switch(other, export), switch(side, import)]);
    } else {
        remedy.push(switch(side, LinkOption::AddressSpaceSync));
    }
    let message =
        format!("{to} is not among the routes that the {other} side gives the {side} side");
    draft.missing(facts, Missing::Exchange(side), message, remedy);
}
