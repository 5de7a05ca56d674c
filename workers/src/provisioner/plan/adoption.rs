//! Adoption: before anything is added to an adopted link, what it has is written down. That is
//! never removed.

use super::{Draft, Facts, Query, routes};
use crate::provisioner::sides;
use cloud::LinkView;
use domain::{
    Side,
    network::{FoundOption, FoundRoute, LinkAccepterSeen, LinkOption, Origin, PeeringSurveyed},
    text::Link,
};

/// Puts on record which side was asked for a link that somebody else made. It may be either.
pub(super) fn see_asked_side(facts: &Facts<'_>, view: &LinkView, draft: &mut Draft) {
    if facts.peering.asked_side().is_none()
        && let Some(accepter) = asked_side(facts, view)
    {
        draft.record(LinkAccepterSeen {
            peering_id: facts.peering.id,
            link: view.link.clone(),
            accepter,
        });
    }
}

/// The side that this link asks; `None` if it is another link than the one on record.
pub(super) fn asked_side(facts: &Facts<'_>, view: &LinkView) -> Option<Side> {
    let asked = &view.second.network;
    Side::BOTH
        .into_iter()
        .find(|side| asked.is_same(&sides::network(facts.network, facts.peering, *side)))
}

/// Whether what the link has is on record, or the link was not adopted.
pub(super) fn is_surveyed(
    facts: &Facts<'_>,
    link: &Link,
    local: &LinkView,
    draft: &mut Draft,
) -> bool {
    let Origin::Adopted { found: None } = facts.peering.origin else {
        return true;
    };
    let (mut found, mut names, mut options) = (Vec::new(), Vec::new(), Vec::new());
    for side in facts.peering.kept_sides() {
        let view = super::options::any_view(facts, side, local, draft);
        let end =
            view.and_then(|view| view.end(&sides::network(facts.network, facts.peering, side)));
        for option in LinkOption::of(facts.network.provider) {
            if end.is_none_or(|(_, end)| end.option(option) != Some(true)) {
                continue;
            }
            match option {
                LinkOption::DnsResolution => names.push(side),
                LinkOption::ExportCustomRoutes
                | LinkOption::ImportCustomRoutes
                | LinkOption::DualStack
                | LinkOption::ForwardedTraffic
                | LinkOption::GatewayTransit
                | LinkOption::RemoteGateways
                | LinkOption::AddressSpaceSync
                | LinkOption::VirtualNetworkAccess
                | LinkOption::MultipathResilience => options.push(FoundOption { side, option }),
            }
        }
        let Some(tables) = draft.require(facts.seen.tables.get(side), Query::Tables(side)) else {
            continue;
        };
        for (table, route) in tables
            .iter()
            .flat_map(|table| table.routes.iter().map(move |route| (table, route)))
        {
            if let Some(destination) = routes::over(link, route) {
                found.push(FoundRoute {
                    side,
                    route_table: table.table.clone(),
                    destination,
                });
            }
        }
    }
    if draft.needs.is_empty() {
        draft.record(PeeringSurveyed {
            peering_id: facts.peering.id,
            routes: found,
            names,
            options,
        });
        draft.again = true;
    }
    false
}
